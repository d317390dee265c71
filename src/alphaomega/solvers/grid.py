"""Where a path starts and how far down it goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..penalties import Terms
from ..problem import Problem

ROUNDING = 4 * np.finfo(float).eps  # a group's norm, summed in another order, must not exceed its own alpha_max
RIDGE_FLOOR = 1e-3  # a pure L2 has no finite alpha_max: start where an elastic net with this l1_ratio would


def alpha_max(terms: Terms, gradient: NDArray[np.float64]) -> float:
    """The smallest alpha at which every penalised coefficient is zero, from the gradient of J there; 0 if none is."""
    blocked = ((gradient < 0) & (terms.upper == 0)) | ((gradient > 0) & (terms.lower == 0)) | terms.excluded
    pull = np.where(blocked, 0.0, abs(gradient))
    if terms.groups is not None and terms.group_weights is not None and (terms.group_weights > 0).any():
        return _alpha_max_groups(terms, pull)
    penalised = (terms.l1 > 0) & ~terms.excluded
    return float(np.max(pull[penalised] / terms.l1[penalised], initial=0.0))


def _alpha_max_groups(terms: Terms, pull: NDArray[np.float64]) -> float:
    """Smallest alpha with ||(pull - alpha l1)_+||_g <= alpha weight_g for all groups, by bisection."""
    assert terms.groups is not None and terms.group_weights is not None
    count, weights = len(terms.group_weights), terms.group_weights
    penalised = weights > 0
    l1 = np.where(np.isinf(terms.l1), 0.0, terms.l1)
    norms = np.sqrt(np.bincount(terms.groups, pull**2, count))
    high = float(np.max(norms[penalised] / weights[penalised], initial=0.0))
    if not l1.any():
        return high * (1 + ROUNDING)
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        soft = np.maximum(pull - middle * l1, 0.0)
        inside = np.sqrt(np.bincount(terms.groups, soft**2, count))[penalised] <= middle * weights[penalised]
        low, high = (low, middle) if inside.all() else (middle, high)
    return high * (1 + ROUNDING)


def default_ratio(problem: Problem) -> float:
    """alpha_min / alpha_max when nobody says: glmnet's 1e-4 (n > p) or 1e-2; wider for a pure L2."""
    terms, (n, p) = problem.terms, problem.design.shape
    if terms is not None and not terms.l1.any() and terms.groups is None and terms.quadratic.any():
        return 1e-6
    return 1e-4 if n > p else 1e-2
