"""Held-out scores of cross-validation: every fold and alpha from one read of X."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .designs import Design
from .losses import Loss
from .problem import Problem
from .solvers import RawPath
from .solvers.threads import Threads

Floats = NDArray[np.float64]
NUMBERS = 4e6  # predictors that are held at once, of so many alphas as fit


def held_out_scores(problem: Problem, folds: NDArray[np.intp], paths: Sequence[RawPath]) -> Floats:
    """The mean deviance of the rows of fold f at every alpha of the f-th path, fitted without them; shape (F, m).

    One read of X, or none where the solver had what it takes.
    """
    if all(path.held_out is not None for path in paths):
        return np.array([path.held_out for path in paths])
    weights = np.bincount(folds[folds >= 0], problem.weights[folds >= 0], len(paths))
    work = partial(_sums, loss=problem.loss, fits=[_Fit.of(path) for path in paths])
    sides = [problem.y, problem.weights, folds]
    if problem.offset is not None:
        sides.append(problem.base_eta())
    with Threads(1).small():  # small products, for which threads of BLAS would go on spinning
        sums = problem.design.sum_over_rows(work, *sides)
    return sums / np.maximum(weights, 1e-300)[:, None]


class _Fit:
    """The coefficients of a path on its support: `support` (k,), `coef` (k, m, K), `intercept` (m, K)."""

    def __init__(self, support: NDArray[np.intp], coef: Floats, intercept: Floats) -> None:
        self.support, self.coef, self.intercept = support, coef, intercept

    @classmethod
    def of(cls, path: RawPath) -> _Fit:
        values = path.table.values
        intercept = path.intercept.reshape(len(values), -1)
        table = values.reshape(*values.shape[:2], intercept.shape[1])
        return cls(path.table.columns, np.ascontiguousarray(np.moveaxis(table, 1, 0)), intercept)


def _sums(
    rows: Design,
    y: Floats,
    weights: Floats,
    folds: NDArray,
    base: Floats | None = None,
    *,
    loss: Loss,
    fits: list[_Fit],
) -> Floats:
    """Weighted sums of the deviances of some rows, (F, m)."""
    sums = np.zeros((len(fits), len(fits[0].intercept)))
    for fold, fit in enumerate(fits):
        own = np.flatnonzero((folds == fold) & (weights > 0))
        if not own.size:
            continue
        part, target = rows.rows(own), y[own]
        m, outputs = fit.intercept.shape
        step = max(1, int(NUMBERS / (len(own) * outputs)))
        for start in range(0, m, step):
            chosen = slice(start, start + step)
            intercept = fit.intercept[chosen]
            eta = part.matvec(fit.coef[:, chosen].reshape(len(fit.support), intercept.size), fit.support)
            eta = eta.reshape(len(own), *intercept.shape) + intercept
            if base is not None:
                eta += base[own].reshape(len(own), 1, outputs)
            eta = eta.swapaxes(0, 1).reshape(len(intercept) * len(own), *target.shape[1:])  # alpha after alpha
            deviance = loss.deviance(np.concatenate([target] * len(intercept)), eta)
            sums[fold, chosen] = deviance.reshape(-1, len(own)) @ weights[own]
    return sums
