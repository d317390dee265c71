"""Training and test errors of many solutions from one read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...designs import Design
from ...losses import Loss
from ...results import Solution
from ..comparison import ROUNDING, Both
from ..results import Errors

Floats = NDArray[np.float64]
NUMBERS = 4e6  # linear predictors that are held at once


def errors_of_all(
    design: Design, y: Floats, training: Floats, offset: Floats | None, loss: Loss, solutions: Sequence[Solution]
) -> list[Both]:
    """The errors of every solution on the rows that train (one in `training`) and on those that test (zero)."""
    coefs = np.array([np.atleast_2d(solution.coef) for solution in solutions])
    intercepts = np.array([np.atleast_1d(solution.intercept) for solution in solutions])
    work = partial(_sums, loss=loss, coefs=coefs, intercepts=intercepts)
    sums = design.sum_over_rows(work, y, training, *([] if offset is None else [offset]))
    counts = int(training.sum()), int(len(training) - training.sum())
    return [(_errors(own[0], counts[0], loss.classifies), _errors(own[1], counts[1], loss.classifies)) for own in sums]


def _sums(
    rows: Design,
    y: Floats,
    training: Floats,
    offset: Floats | None = None,
    *,
    loss: Loss,
    coefs: Floats,
    intercepts: Floats,
) -> Floats:
    """Sums of deviances, of their squares and of wrong classes over training and test rows, (solutions, 2, 3)."""
    count, outputs, p = coefs.shape
    n = len(training)
    parts = np.stack([training, 1 - training])
    truth = y if y.ndim == 1 else y.argmax(1)
    sums = np.zeros((count, 2, 3))
    step = max(1, int(NUMBERS / (max(n, 1) * outputs)))
    for start in range(0, count, step):
        chosen = slice(start, start + step)
        eta = rows.matvec(np.ascontiguousarray(coefs[chosen].reshape(-1, p).T)).reshape(n, -1, outputs)
        eta += intercepts[chosen]
        if offset is not None:
            eta += offset[:, None, None]
        for place in range(eta.shape[1]):
            own = eta[:, place].reshape(y.shape)
            deviance = loss.deviance(y, own)
            wrong = loss.predict(own) != truth if loss.classifies else np.zeros(n)
            sums[start + place] = parts @ np.column_stack([deviance, deviance**2, wrong])
    return sums


def _errors(sums: Floats, n: int, classifies: bool) -> Errors:
    """Means and their standard errors from sums over n rows."""
    mean, square, wrong = (sums / n).tolist()
    spread = np.sqrt(max(square - mean**2, 0.0) / max(n - 1, 1))
    spread = 0.0 if spread <= ROUNDING * mean else float(spread)
    if not classifies:
        return Errors(mean, spread)
    return Errors(mean, spread, wrong, float(np.sqrt(wrong * (1 - wrong) / max(n - 1, 1))))
