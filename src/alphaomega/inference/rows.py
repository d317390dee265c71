"""Columns and response as least squares sees them: centred, and weighted by the root of each row's weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments import Data
from .triangle import COLLINEAR, triangle_of

Floats = NDArray[np.float64]


def centred(data: Data, columns: NDArray[np.intp], intercept: bool) -> tuple[Floats, Floats]:
    """Some columns and y, centred where there is an intercept, each row times the root of its weight.

    Columns, or a y, that are constant but for rounding become zero.
    """
    taken, response = data.design.take(columns), data.target.values
    if intercept:
        share = data.weights / data.weights.sum()
        size = np.sqrt(share @ taken**2)
        taken, response = taken - share @ taken, response - share @ response
        taken = taken - share @ taken  # means far from zero: the first pass leaves their rounding
        taken[:, np.sqrt(share @ taken**2) <= COLLINEAR * size] = 0.0
        if np.sqrt(share @ response**2) <= COLLINEAR * np.sqrt(share @ data.target.values**2):
            response = np.zeros_like(response)
    root = np.sqrt(data.weights)
    return root[:, None] * taken, root * response


def compact(data: Data, intercept: bool) -> tuple[Floats, Floats]:
    """All columns and y as `centred` gives them, in few rows: every inner product is kept."""
    p = data.design.shape[1]
    if data.design.shape[0] <= p + 1 + intercept:
        return centred(data, np.arange(p), intercept)
    triangle = triangle_of(data, intercept)
    inside = triangle[int(intercept) :, int(intercept) :]
    whole = np.sqrt((triangle[:, int(intercept) : -1] ** 2).sum(0))
    inside[:, :-1][:, np.sqrt((inside[:, :-1] ** 2).sum(0)) <= COLLINEAR * whole] = 0.0
    return inside[:, :-1], inside[:, -1]
