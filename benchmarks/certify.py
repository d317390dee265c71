"""The duality gap of L1 solutions, recomputed from X, y and the coefficients alone: one function for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, xlog1py, xlogy

from .problems import Problem

Array = np.ndarray
NEWTON_STEPS = 100


@dataclass(frozen=True)
class Loss:
    """loss(y, eta) and what a duality gap needs of it; `conjugate(y, force)` is sup over eta of -force eta - loss."""

    value: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    curvature: Callable[[Array], Array]
    conjugate: Callable[[Array, Array], Array]


def _poisson_conjugate(y: Array, force: Array) -> Array:
    mean = np.maximum(y - force, 0)
    return xlogy(mean, mean) - mean - xlogy(y, y) + y


LOSSES = {
    "squared": Loss(
        lambda y, eta: (y - eta) ** 2 / 2,
        lambda eta: eta,
        np.ones_like,
        lambda y, force: force**2 / 2 - force * y,
    ),
    "logistic": Loss(
        lambda y, eta: np.logaddexp(0, eta) - y * eta,
        expit,
        lambda eta: expit(eta) * expit(-eta),
        lambda y, force: xlogy(y - force, y - force) + xlog1py(1 - y + force, force - y),
    ),
    "poisson": Loss(
        lambda y, eta: np.exp(eta) - y * eta + xlogy(y, y) - y,
        np.exp,
        np.exp,
        _poisson_conjugate,
    ),
}


def _with_best_intercepts(loss: Loss, y: Array, eta: Array) -> Array:
    """eta (n, m) shifted, column by column, to where the forces sum to zero: Newton from the intercepts given."""
    for _ in range(NEWTON_STEPS):
        step = (y - loss.mean(eta)).mean(0) / loss.curvature(eta).mean(0)
        eta = eta + step
        if np.max(abs(step)) <= 1e-14:
            break
    return eta


def null_predictor(loss: str, problem: Problem) -> Array:
    """eta of the intercept-only model, (n, 1)."""
    base = np.zeros((len(problem.y), 1)) if problem.offset is None else problem.offset[:, None]
    y = problem.y[:, None]
    start = np.log(y.sum() / np.exp(base).sum()) if loss == "poisson" else 0.0
    return _with_best_intercepts(LOSSES[loss], y, base + start)


def grid(loss: str, problem: Problem, count: int = 100) -> Array:
    """Geometric from the smallest alpha with all coefficients zero down to the problem's ratio times it."""
    force = problem.y[:, None] - LOSSES[loss].mean(null_predictor(loss, problem))
    top = abs(problem.X.T @ force).max() / len(problem.y)
    return top * np.geomspace(1, problem.ratio, count)


def gaps(loss: str, problem: Problem, alphas: Array, coef: Array, intercept: Array) -> Array:
    """(m,) of (primal - dual) / loss of the intercept-only model, for coef (m, p), with the best intercepts for it."""
    found, y, n = LOSSES[loss], problem.y[:, None], len(problem.y)
    null = float(found.value(y, null_predictor(loss, problem)).mean())
    base = np.zeros((n, 1)) if problem.offset is None else problem.offset[:, None]
    result = np.empty(len(alphas))
    for part in np.array_split(np.arange(len(alphas)), max(1, n * len(alphas) // 10**7)):  # a few hundred MB at most
        eta = _with_best_intercepts(found, y, problem.X @ coef[part].T + intercept[part] + base)
        primal = found.value(y, eta).mean(0) + alphas[part] * abs(coef[part]).sum(1)
        force = y - found.mean(eta)
        pull = abs(problem.X.T @ force).max(0) / n
        force = force * np.minimum(1, alphas[part] / np.maximum(pull, 1e-300))
        dual = -(found.conjugate(y, force) + force * base).mean(0)
        result[part] = (primal - dual) / null
    return result
