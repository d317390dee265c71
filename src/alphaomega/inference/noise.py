"""The noise variance that inference after selection is given, or estimates where the rows allow it."""

from __future__ import annotations

import numpy as np

from ..arguments import Data
from .triangle import COLLINEAR, triangle_of


class NoiseNotEstimable(ValueError):
    """There are too few rows for the columns to leave residual degrees of freedom."""


def noise_variance_of(data: Data, intercept: bool, given: float | None) -> float:
    """`given` checked, or RSS / (sum of weights - rank) of least squares on all columns.

    Raises
    ------
    NoiseNotEstimable
        If least squares on all columns leaves no residual degrees of freedom, or fits without error.
    """
    if given is not None:
        if not (np.isfinite(given) and given > 0):
            raise ValueError(f"noise_variance must be a finite number > 0, got {given!r}")
        return float(given)
    p = data.design.shape[1]
    rows = int((data.weights > 0).sum())
    if rows <= p + intercept:
        raise NoiseNotEstimable(
            f"{rows} rows leave no residual degrees of freedom after {p + intercept} coefficients, so the noise "
            "variance cannot be estimated; pass noise_variance=, e.g. from repeated measurements, or from "
            "ao.inference.debiased(X, y).noise_variance, which estimates it with a scaled lasso"
        )
    triangle = triangle_of(data, intercept)
    units = np.sqrt((triangle**2).sum(0))
    scaled = triangle / np.where(units > 0, units, 1.0)
    rank = int((np.linalg.svd(scaled[:, :-1], compute_uv=False) > COLLINEAR * np.sqrt(p + 1)).sum())
    coef = np.linalg.lstsq(scaled[:, :-1], scaled[:, -1], rcond=COLLINEAR)[0]
    residual = scaled[:, -1] - scaled[:, :-1] @ coef
    df = float(data.weights.sum()) - rank
    variance = units[-1] ** 2 * float(residual @ residual) / df if df > 0 else 0.0
    if not variance > (COLLINEAR * units[-1]) ** 2:
        raise NoiseNotEstimable(
            "least squares fits y without error, so there is no noise to measure uncertainty against; check that X "
            "does not contain y, or pass noise_variance="
        )
    return variance
