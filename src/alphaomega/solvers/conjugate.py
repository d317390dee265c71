"""The penalty's side of the dual: its conjugate, and the scale that brings a slope into its domain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..penalties import Terms

Floats = NDArray[np.float64]
ROUNDING = 1e-13  # a slope on its dual bound may exceed it by so much after scaling


def penalty_conjugate(terms: Terms, slope: Floats) -> float:
    """sup over v of slope . v - Omega(v); inf where a coordinate or group breaks its dual constraint.

    Coordinates that nothing penalises count as zero: their slope must be made zero beforehand.
    """
    slope = np.where(terms.excluded | (terms.free & ~np.isfinite(terms.lower) & ~np.isfinite(terms.upper)), 0.0, slope)
    l1 = np.where(terms.excluded, 0.0, terms.l1)
    quadratic = np.where(terms.excluded, 0.0, terms.quadratic)
    soft = np.sign(slope) * np.maximum(abs(slope) - l1 * (1 + ROUNDING), 0.0)
    if terms.groups is not None and terms.group_weights is not None:
        return _group_conjugate(terms, soft, quadratic)
    soft = np.where((soft > 0) & (terms.upper == 0) | (soft < 0) & (terms.lower == 0), 0.0, soft)
    edge = np.where(soft > 0, terms.upper, terms.lower)
    with np.errstate(divide="ignore", invalid="ignore"):
        unbounded = np.where(soft == 0, 0.0, soft / quadratic)
        best = np.where(abs(unbounded) <= abs(edge), unbounded, edge)
        value = np.where(soft == 0, 0.0, best * soft - quadratic * best**2 / 2)
    value[np.isinf(best)] = np.inf
    return float(value.sum())


def _group_conjugate(terms: Terms, soft: Floats, quadratic: Floats) -> float:
    """Groups with one ridge weight each: (||soft_g|| - weight_g)_+^2 / (2 quadratic_g)."""
    assert terms.groups is not None and terms.group_weights is not None
    soft = np.where((soft > 0) & (terms.upper == 0) | (soft < 0) & (terms.lower == 0), 0.0, soft)
    count = len(terms.group_weights)
    norm = np.sqrt(np.bincount(terms.groups, soft**2, count))
    weight = np.where(np.isinf(terms.group_weights), 0.0, terms.group_weights)
    norm[np.isinf(terms.group_weights)] = 0.0
    ridge = np.full(count, np.inf)
    np.minimum.at(ridge, terms.groups, quadratic)  # the smallest ridge of a group gives an upper bound of its conjugate
    excess = np.maximum(norm - weight * (1 + ROUNDING), 0.0)
    free = weight == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where((excess == 0) | (free & (ridge == 0)), 0.0, excess**2 / (2 * ridge))
    return float(value.sum())


def dual_scale(terms: Terms, slope: Floats) -> float:
    """The largest factor in [0, 1] that brings `slope` into the domain of the penalty's conjugate."""
    hard = (terms.quadratic == 0) & ~terms.excluded & ~terms.free
    if terms.groups is not None and terms.group_weights is not None:
        return _group_scale(terms, slope, hard)
    hard &= np.where(slope > 0, np.isinf(terms.upper), np.isinf(terms.lower))
    size = abs(slope[hard])
    over = size > terms.l1[hard]
    return float((terms.l1[hard][over] / size[over]).min()) if over.any() else 1.0


def _group_scale(terms: Terms, slope: Floats, hard: NDArray[np.bool_]) -> float:
    assert terms.groups is not None and terms.group_weights is not None
    slope = np.where((slope > 0) & (terms.upper == 0) | (slope < 0) & (terms.lower == 0), 0.0, slope)
    slope = np.where(hard, slope, 0.0)
    count, l1 = len(terms.group_weights), np.where(hard, terms.l1, 0.0)

    def excess(factor: float) -> Floats:
        soft = np.maximum(factor * abs(slope) - l1, 0.0)
        return np.sqrt(np.bincount(terms.groups, soft**2, count)) - terms.group_weights  # type: ignore[arg-type]

    if not l1.any():
        norm = np.sqrt(np.bincount(terms.groups, slope**2, count))
        over = norm > terms.group_weights
        return float((terms.group_weights[over] / norm[over]).min()) if over.any() else 1.0
    if excess(1.0).max(initial=-1.0) <= 0:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle).max() <= 0 else (low, middle)
    return low
