"""Minimisers by scipy's general L-BFGS-B, in other variables than the library's: slow, and good to about 1e-6."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from alphaomega.penalties import Terms
from first_principles import Objective
from loss_formulas import loss_value, residual

OPTIONS = {"maxiter": 100_000, "maxfun": 1_000_000, "ftol": 1e-18, "gtol": 1e-11, "maxcor": 50}
RESTARTS = 3  # a restart forgets a stale curvature
Slopes = tuple[float, np.ndarray, np.ndarray]


def brute_force(objective: Objective, alpha: float, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (p,) or (p, K) and intercepts; `scale` (p,) is the size of the columns."""
    objective = objective.in_double()
    terms = objective.penalty.terms(objective.shape) * alpha
    return _separable(objective, terms, scale) if terms.groups is None else _grouped(objective, terms, scale)


def _data_term(objective: Objective, columns: np.ndarray) -> Callable[[np.ndarray, np.ndarray], Slopes]:
    """J, its slope in the coefficients of these columns, and in the intercepts."""

    def evaluate(coef: np.ndarray, intercept: np.ndarray) -> Slopes:
        eta = columns @ coef + (intercept if objective.y.ndim == 2 else intercept[0]) + objective.offset
        force = (objective.weights * residual(objective.loss, objective.y, eta).T).T
        value = objective.weights @ loss_value(objective.loss, objective.y, eta)
        return float(value), -(columns.T @ force), -force.reshape(len(eta), -1).sum(0)

    return evaluate


def _minimum(value_and_slope, z: np.ndarray, bounds=None) -> np.ndarray:
    for _ in range(RESTARTS):
        z = minimize(value_and_slope, z, jac=True, method="L-BFGS-B", bounds=bounds, options=OPTIONS).x
    return z


def _separable(objective: Objective, terms: Terms, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """w = (u - v) / scale with u, v >= 0: smooth for absolute values, squares and bounds."""
    size, outputs = int(np.prod(objective.shape)), int(np.prod(objective.shape[1:]))
    scale = np.sqrt(scale**2 + terms.quadratic[::outputs])
    spread = np.repeat(scale, outputs)
    center = objective.weights @ objective.X
    data_term = _data_term(objective, (objective.X - center) / scale)
    l1, quadratic = terms.l1 / spread, terms.quadratic / spread**2

    def value_and_slope(z):
        u, v = z[:size], z[size : 2 * size]
        value, slope, tilt = data_term((u - v).reshape(objective.shape), z[2 * size :])
        slope = slope.ravel() + quadratic * (u - v)
        value += l1 @ (u + v) + quadratic @ (u - v) ** 2 / 2
        return value, np.concatenate([slope + l1, l1 - slope, tilt])

    bounds = [(0, top) for top in terms.upper * spread] + [(0, -low) for low in terms.lower * spread]
    z = _minimum(value_and_slope, np.zeros(2 * size + outputs), bounds + [(None, None)] * outputs)
    coef = ((z[:size] - z[size : 2 * size]) / spread).reshape(objective.shape)
    return coef, z[2 * size :] - center @ coef


def _grouped(objective: Objective, terms: Terms, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """w_g = r_g v_g / scale_g, since ||w_g|| is the least (r_g^2 + ||v_g||^2) / 2 of all such products."""
    assert terms.groups is not None and terms.group_weights is not None and not terms.l1.any()
    outputs, groups = int(np.prod(objective.shape[1:])), terms.groups
    count, size = len(terms.group_weights), len(groups)
    largest = np.array(terms.group_weights)  # a group too small for its strength: measured by that
    np.maximum.at(largest, groups, np.repeat(scale, outputs))
    spread = largest[groups]
    center = objective.weights @ objective.X
    data_term = _data_term(objective, (objective.X - center) / spread[::outputs])
    strength, quadratic = terms.group_weights / largest, terms.quadratic / spread**2

    def value_and_slope(z):
        r, v = z[:count], z[count : count + size]
        w = r[groups] * v
        value, slope, tilt = data_term(w.reshape(objective.shape), z[count + size :])
        slope = slope.ravel() + quadratic * w
        value += strength @ (r**2 + np.bincount(groups, v**2, count)) / 2 + quadratic @ w**2 / 2
        first = np.bincount(groups, slope * v, count) + strength * r
        return value, np.concatenate([first, slope * r[groups] + strength[groups] * v, tilt])

    z = _minimum(value_and_slope, np.random.default_rng(0).standard_normal(count + size + outputs))
    coef = (z[:count][groups] * z[count : count + size] / spread).reshape(objective.shape)
    return coef, z[count + size :] - center @ coef
