"""Certificates: how far a point can be from the optimum, from the point alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..penalties import Terms
from ..problem import NullModel, Problem, best_intercept

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


@dataclass(frozen=True)
class Certificate:
    """What is known of a point: primal and dual objective, and their distance over the null loss."""

    primal: float
    dual: float
    null_loss: float

    @property
    def gap(self) -> float:
        """(primal - dual) / loss of the intercept-only model."""
        return max(self.primal - self.dual, 0.0) / self.null_loss if self.null_loss > 0 else 0.0


def certify(problem: Problem, coef: Floats, alpha: float, null: NullModel) -> Certificate:
    """The duality gap of `coef` (p,) or (p, K), with the best intercept for it, recomputed from X.

    `coef` is in the units of the columns; with `problem.standardize` the design must be standardised already.
    """
    terms = problem.terms
    assert terms is not None
    terms = terms * alpha
    design = problem.design
    eta = problem.base_eta() + design.matvec(coef)
    eta = eta + best_intercept(problem, eta)
    flat = coef.ravel()
    primal = problem.data_term(eta) + alpha * float(problem.penalty.value(coef))
    force = -problem.loss.gradient(problem.y, eta)
    force = _orthogonal_to_free(problem, terms, force, eta)
    slope = design.rmatvec(((problem.weights / problem.total) * force.T).T).ravel()
    factor = dual_scale(terms, slope)
    dual = dual_value(problem, terms, factor * force, factor * slope)
    del flat
    return Certificate(primal, dual, null.loss)


def dual_value(problem: Problem, terms: Terms, force: Floats, slope: Floats) -> float:
    """The dual objective at per-sample forces, whose correlations with X are `slope`."""
    share = problem.weights / problem.total
    conjugate = problem.loss.conjugate(problem.y, -force)
    base = problem.base_eta()
    tilt = force * base
    tilt = tilt if tilt.ndim == 1 else tilt.sum(1)
    weighted = np.where(share > 0, share * (conjugate + tilt), 0.0)
    return -float(weighted.sum()) - penalty_conjugate(terms, slope)


def _orthogonal_to_free(problem: Problem, terms: Terms, force: Floats, eta: Floats) -> Floats:
    """Remove from `force` what the intercept and the unpenalised columns could still fit (rounding, at an optimum)."""
    shape = (problem.design.shape[1], problem.n_outputs)
    unbounded = np.isinf(terms.lower) & np.isinf(terms.upper)
    free = np.flatnonzero((terms.free & unbounded).reshape(shape).all(1))
    columns = [np.ones((len(force), 1))] if problem.intercept else []
    if free.size:
        columns.append(problem.design.take(free))
    if not columns:
        return force
    root = np.sqrt(problem.weights)
    basis = np.hstack(columns)
    norms = np.sqrt((root**2) @ basis**2)
    basis = basis / np.where(norms > 0, norms, 1.0)
    weighted = (root * force.T).T
    fit = np.linalg.lstsq(root[:, None] * basis, weighted, rcond=1e-12)[0]
    return force - basis @ fit
