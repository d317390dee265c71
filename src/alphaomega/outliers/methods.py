"""The methods whose sensitivity is compared: each from (X, y) to coefficients, its strength chosen beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.sparse
from scipy.optimize import linprog

from .. import solvers
from ..arguments import Data
from ..designs import Dense
from ..fitting import cross_validate
from ..losses import Huber
from ..penalties import L1, L2, Penalty
from ..problem import Control, Grid
from .fitters import Affine, Unpenalised
from .trimmed import Floats, least_squares

Fit = Callable[[Floats, Floats], Affine]
EFFICIENT = 1.345  # noise standard deviations at which Huber's loss keeps 95 % efficiency
RATE = 0.025  # of clean rows that the hard threshold flags


def methods(data: Data, X: Floats, y: Floats, seed: int | None) -> tuple[dict[str, Fit], float]:
    """The methods by name, and the noise standard deviation that a robust fit leaves."""
    clean = Unpenalised.of(data, intercept=True)
    noise = clean.start("robust", seed)[1]
    if not noise > 0:
        raise ValueError("half of the rows or more are fitted exactly, so there is no noise to measure distances by")
    limit = clean.hard_at_rate(RATE, "robust", seed)
    chosen = {
        name: cross_validate(X, y, penalty=penalty, standardize=True, folds=min(10, len(y) // 2)).alpha_min
        for name, penalty in (("ridge", L2()), ("lasso", L1()))
    }

    def penalised(penalty: Penalty, alpha: float, loss: Huber | None = None) -> Fit:
        def fit(X: Floats, y: Floats) -> Affine:
            own = replace(data, design=Dense(X), target=replace(data.target, values=y), weights=np.ones(len(y)))
            own = own if loss is None else replace(own, loss=loss)
            problem = own.problem(penalty, standardize=True, intercept=True)
            raw = solvers.solve_path(problem, Grid(np.array([alpha])), Control(1e-9))
            return Affine(raw.coef[0], float(raw.intercept[0]), float(raw.gap[0]))

        return fit

    def hard(X: Floats, y: Floats) -> Affine:
        own = replace(data, design=Dense(X), target=replace(data.target, values=y), weights=np.ones(len(y)))
        fitter = Unpenalised.of(own, intercept=True)
        return fitter.hard(fitter.start("robust", seed)[0], limit)[0]

    found: dict[str, Fit] = {
        "OLS": ordinary,
        "ridge": penalised(L2(), chosen["ridge"]),
        "lasso": penalised(L1(), chosen["lasso"]),
        "Huber": penalised(L2(), 0.0, Huber(EFFICIENT * noise)),
        "absolute": absolute,
        "IPOD": hard,
    }
    return found, noise


def ordinary(X: Floats, y: Floats) -> Affine:
    """Least squares."""
    center = X.mean(0)
    coef = least_squares(X - center, y - y.mean())
    return Affine(coef, float(y.mean() - center @ coef))


def absolute(X: Floats, y: Floats) -> Affine:
    """min sum |y_i - x_i'w - b|, as a linear programme.

    References
    ----------
    R. Koenker and G. Bassett (1978), Regression quantiles, Econometrica 46.
    """
    n, p = X.shape
    center, size = X.mean(0), np.where(X.std(0) > 0, X.std(0), 1.0)
    identity = scipy.sparse.eye_array(n)
    table = scipy.sparse.hstack([np.column_stack([(X - center) / size, np.ones(n)]), identity, -identity], format="csc")
    cost = np.r_[np.zeros(p + 1), np.ones(2 * n)]
    bounds = [(None, None)] * (p + 1) + [(0, None)] * (2 * n)
    found = linprog(cost, A_eq=table, b_eq=y, bounds=bounds, method="highs")
    coef = found.x[:p] / size
    return Affine(coef, float(found.x[p] - center @ coef))
