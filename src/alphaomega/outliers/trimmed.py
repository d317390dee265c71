"""Least trimmed squares: a start that up to half of the rows cannot pull away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
SUBSETS = 500  # random subsets of as many rows as coefficients
KEPT = 10  # ... of which so many are followed to the end
MOST_ROWS = 1500  # the subsets of longer tables are tried on so many rows
LARGEST_TABLE = 2e7  # numbers of the table of row products; beyond it fits are made one by one
STEPS = 100
SINGULAR = 1e-10


@dataclass(frozen=True)
class Trimmed:
    """The fit on the rows of smallest residuals: coefficients (q,), those rows, their sum of squares."""

    coef: Floats
    rows: Flags
    sum_of_squares: float


def least_trimmed_squares(A: Floats, y: Floats, size: int, seed: int | None = 0) -> Trimmed:
    """min over w of the sum of the `size` smallest (y_i - a_i'w)^2, from random subsets and concentration steps.

    A concentration step fits the rows of smallest residuals, which never raises the sum. `A` (n, q) has columns of
    similar size, the intercept's among them.

    References
    ----------
    P. Rousseeuw and K. Van Driessen (2006), Computing LTS regression for large data sets, Data Mining and Knowledge
    Discovery 12.
    """
    rng = np.random.default_rng(seed)
    n, q = A.shape
    part = np.arange(n) if n <= MOST_ROWS else np.sort(rng.choice(n, MOST_ROWS, replace=False))
    few = max(q + 1, int(np.ceil(size * len(part) / n)))
    subsets = rng.random((SUBSETS, len(part))).argpartition(q - 1, axis=1)[:, :q]
    inside = np.zeros((SUBSETS, len(part)), dtype=bool)
    np.put_along_axis(inside, subsets, True, 1)
    for _ in range(3):
        candidates = fits_inside(A[part], y[part], inside)
        squares = (y[part] - candidates @ A[part].T) ** 2
        nearest = squares.argpartition(few - 1, axis=1)[:, :few]
        inside = np.zeros_like(inside)
        np.put_along_axis(inside, nearest, True, 1)
    sums = np.take_along_axis(squares, nearest, 1).sum(1)
    best = np.argsort(sums, kind="stable")[:KEPT]
    found = [_finish(A, y, coef, size) for coef in np.unique(candidates[best], axis=0)]
    return min(found, key=lambda fit: fit.sum_of_squares)


def fits_inside(A: Floats, y: Floats, inside: Flags | Floats) -> Floats:
    """Least squares (k, q) on the rows `inside` (k, n), or so weighted; `y` is (n,), or (k, n) for one a fit."""
    (n, q), k = A.shape, len(inside)
    responses = np.broadcast_to(y, (k, n))
    if n * q**2 > LARGEST_TABLE:
        roots = np.sqrt(inside)
        own = zip(roots, responses)
        return np.array([least_squares(A * root[:, None], y * root) for root, y in own])
    grams = (inside @ (A[:, :, None] * A[:, None, :]).reshape(n, -1)).reshape(-1, q, q)
    pulls = (inside * responses) @ A
    size = np.maximum(np.trace(grams, axis1=1, axis2=2), 1e-300)[:, None, None]
    grams += 1e-15 * size * np.eye(q)  # a subset may be singular, or empty
    return np.asarray(np.linalg.solve(grams, pulls[:, :, None])[:, :, 0], dtype=np.float64)


def least_squares(A: Floats, y: Floats) -> Floats:
    """The coefficients of smallest norm with the smallest sum of squares."""
    return np.asarray(np.linalg.lstsq(A, y, rcond=SINGULAR)[0], dtype=np.float64)


def _finish(A: Floats, y: Floats, coef: Floats, size: int) -> Trimmed:
    """Concentration steps until the rows stay the same."""
    before = np.zeros(len(y), dtype=bool)
    for _ in range(STEPS):
        rows = np.zeros(len(y), dtype=bool)
        rows[np.argsort((y - A @ coef) ** 2, kind="stable")[:size]] = True
        if (rows == before).all():
            break
        coef, before = least_squares(A[rows], y[rows]), rows
    return Trimmed(coef, rows, float(((y - A @ coef)[rows] ** 2).sum()))
