"""Covariances of estimates that do not take the errors' variance to be equal: the sandwich."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments import Data
from .triangle import NotIdentified, blocks

Floats = NDArray[np.float64]
CLASSICAL = "classical"
ROBUST = ("HC0", "HC1", "HC2", "HC3")
FITTED_EXACTLY = 1 - 1e-10  # leverage at which a row fits itself, whatever its y


def check_covariance(covariance: str, robust: tuple[str, ...] = ROBUST) -> None:
    """Refuse an unknown covariance."""
    if covariance not in (CLASSICAL, *robust):
        raise ValueError(f"covariance must be one of {', '.join((CLASSICAL, *robust))}, got {covariance!r}")


def least_squares_covariance(data: Data, fit: tuple[Floats, Floats], intercept: bool, covariance: str) -> Floats:
    """The sandwich of a least-squares fit (coef, R^-1), one pass over the rows.

    With u_i = R^-T x_i the rows of the orthonormal basis, h_i = u_i'u_i is the leverage, and the covariance is
    R^-1 (sum_i s_i (e_i / (1 - h_i)^d)^2 u_i u_i') R^-T, d = 0, 1/2 or 1.
    """
    coef, inverse = fit
    response = data.target.values if data.offset is None else data.target.values - data.offset
    power = {"HC2": 0.5, "HC3": 1.0}.get(covariance, 0.0)
    middle = np.zeros_like(inverse)
    for rows, part in blocks(data, intercept):
        basis, residual = part @ inverse, response[rows] - part @ coef
        if power:
            leverage = (basis**2).sum(1)
            _refuse_exact(leverage, data.weights[rows], rows.start, covariance)
            residual = residual / np.maximum(1 - leverage, 1 - FITTED_EXACTLY) ** power
        scores = np.sqrt(data.weights[rows]) * residual
        middle += (scores[:, None] * basis).T @ (scores[:, None] * basis)
    total = float(data.weights.sum())
    factor = total / (total - len(coef)) if covariance == "HC1" else 1.0
    return np.asarray(factor * inverse @ middle @ inverse.T)


def _refuse_exact(leverage: Floats, weights: Floats, start: int, covariance: str) -> None:
    exact = np.flatnonzero((leverage > FITTED_EXACTLY) & (weights > 0))
    if exact.size:
        raise NotIdentified(
            f"row {start + exact[0]} has leverage 1: the fit passes through it whatever its y, so covariance="
            f"{covariance!r} divides by zero; use covariance='HC1', or drop the column that only this row has"
        )
