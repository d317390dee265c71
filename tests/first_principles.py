"""Objective, dual and null loss written out from their definitions, sharing no line with the library's solvers.

All of it is computed in numpy's long double: where it has 64 bits, what float64 loses is seen to be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

import alphaomega as ao
from alphaomega.penalties import Terms
from long_newton import LONG, SUMMED, Smooth, hessian_root, solved, spanned
from loss_formulas import DELTA, conjugate, curvature_root, loss_value, numeric_target, residual

ENOUGH, NEARBY = 200, 30  # Newton steps: from afar, and from coefficients that are next to the best


@dataclass(frozen=True, eq=False)
class Objective:
    """J + alpha * Omega on dense data, rows without weight left out; coefficients (p,) or (p, K)."""

    X: np.ndarray
    y: np.ndarray
    loss: str
    penalty: ao.Penalty
    weights: np.ndarray
    offset: np.ndarray
    intercept: bool = True

    @classmethod
    def of(cls, X, y, loss, penalty, *, weights=None, offset=None, intercept=True) -> Objective:
        n = len(y)
        target = numeric_target(loss, np.asarray(y)).astype(LONG)
        shift = np.zeros(n, dtype=LONG) if offset is None else np.asarray(offset, dtype=LONG)
        s = np.ones(n, dtype=LONG) if weights is None else np.asarray(weights, dtype=LONG)
        alive = s > 0
        X, shift = np.asarray(X, dtype=LONG)[alive], shift if target.ndim == 1 else shift[:, None]
        return cls(X, target[alive], loss, penalty, s[alive] / s.sum(), shift[alive], intercept)

    def in_double(self) -> Objective:
        """The same in float64: faster, and what scipy takes."""
        arrays = {name: getattr(self, name).astype(float) for name in ("X", "y", "weights", "offset")}
        return replace(self, **arrays)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.X.shape[1], *self.y.shape[1:])

    @property
    def center(self) -> np.ndarray:
        """What is taken off the columns: means far from zero would cost the last digits of sums."""
        return self.weights @ self.X if self.intercept else np.zeros(self.X.shape[1], dtype=self.X.dtype)

    def eta(self, coef: np.ndarray, intercept: np.ndarray) -> np.ndarray:
        """The linear predictor."""
        center = self.center
        return (self.X - center) @ coef + (intercept + center @ coef) + self.offset

    def primal(self, coef: np.ndarray, intercept: np.ndarray, alpha: float) -> float:
        eta = self.eta(coef, intercept)
        terms = self.penalty.terms(self.shape)
        omega = self.penalty.value(coef.astype(float)) if terms is None else penalty_value(terms, coef.ravel())
        return self.weights @ loss_value(self.loss, self.y, eta) + alpha * omega

    def null_loss(self) -> float:
        zero = np.zeros(self.shape)
        start = np.zeros(self.y.shape[1:])
        if self.loss == "huber" and self.intercept:  # far from most of y its loss has no curvature to go by
            rest = self.y - self.offset
            order = np.argsort(rest)
            start = rest[order][np.searchsorted(np.cumsum(self.weights[order]), 0.5)]
        eta = self._refit(self.eta(zero, start), np.array([], dtype=int))
        return float(self.weights @ loss_value(self.loss, self.y, eta))

    def _span(self, free: np.ndarray) -> np.ndarray:
        """A basis of the intercept's column and the `free` ones."""
        return spanned(np.hstack([np.ones((len(self.X), int(self.intercept))), self.X[:, free]]), self.weights)

    def _refit(self, eta: np.ndarray, free: np.ndarray) -> np.ndarray:
        """eta after Newton on the intercept and the `free` coefficients alone: nothing unpenalised pulls any more."""
        return self._along(self._span(free), eta)

    def _along(self, span: np.ndarray, eta: np.ndarray) -> np.ndarray:
        u = np.zeros((span.shape[1], *self.y.shape[1:]), dtype=LONG)
        every = np.ones(u.size, dtype=bool)
        smooth = Smooth(self.loss, self.y, self.weights, span, Terms.zero(u.size), every)
        *_, last = [eta, *smooth.predictors(u, eta, ENOUGH)]
        return last

    def _hessian(self, columns: np.ndarray, eta: np.ndarray) -> np.ndarray:
        root = hessian_root(self.loss, self.y, self.weights, columns, eta)
        return root.T @ root

    def distance(self, coef: np.ndarray, intercept: np.ndarray, alpha: float, enough: float = 0.0) -> float:
        """Primal minus dual: how much better any other point could be; no dual is sought once it is `enough`."""
        primal = self.primal(coef, intercept, alpha)
        return primal - self.dual(coef, intercept, alpha, primal - enough)

    def dual(self, coef: np.ndarray, intercept: np.ndarray, alpha: float, wanted: float = np.inf) -> float:
        """The best dual objective found from (coef, intercept), or the first that reaches `wanted`; at least zero.

        Dual points are forces, shrunk until they are feasible. Without any force the dual is zero: neither a loss nor
        a penalty is negative. Nothing but rounding may pull at a coordinate that nothing penalises and that is inside
        its bounds.
        """
        return self._best(coef, intercept, alpha, wanted)[0]

    def dual_between(self, left: tuple, right: tuple, alpha: float) -> float:
        """The dual objective at a mixture of the best forces found for two fits (coef, intercept, alpha) beside alpha.

        What is feasible at either alpha is so, mixed, between them: penalties are convex.
        """
        share = (LONG(alpha) - LONG(right[2])) / (LONG(left[2]) - LONG(right[2]))
        force = share * self._best(*left)[1] + (1 - share) * self._best(*right)[1]
        return self._dual_of(force, long_terms(self.penalty.terms(self.shape), alpha))[0]

    def _best(self, coef: np.ndarray, intercept: np.ndarray, alpha: float, wanted: float = np.inf) -> tuple:
        """The value of `dual`, and the forces there."""
        terms = long_terms(self.penalty.terms(self.shape), alpha)
        inside = (terms.lower < coef.ravel()) & (coef.ravel() < terms.upper)
        boxed = np.isfinite(terms.lower) & np.isfinite(terms.upper)  # whatever pulls there, the dual is finite
        free = (terms.free & inside & ~boxed).reshape(self.X.shape[1], -1).all(1)
        span, best = self._span(np.flatnonzero(free)), (LONG(0), np.zeros_like(self.y))
        for eta in self._predictors(coef, intercept, terms, inside):
            found = self._dual_of(self._balanced(self._along(span, eta), span), terms)
            best = found if found[0] > best[0] else best
            if best[0] >= wanted:
                break
        return best

    def _predictors(self, coef: np.ndarray, intercept: np.ndarray, terms: Terms, inside: np.ndarray) -> Iterator:
        """eta itself, and after Newton where Omega is smooth: the last digits of coef may be the first of forces."""
        eta = self.eta(coef, intercept)
        yield eta
        v = coef.ravel()
        moving = inside & ((v != 0) | (terms.l1 == 0)) & ~terms.excluded
        if terms.groups is not None:
            alive = np.zeros(len(terms.group_weights), dtype=bool)
            alive[terms.groups[v != 0]] = True
            moving &= (alive | (terms.group_weights == 0))[terms.groups]
        u, outputs = coef.astype(LONG), v.size // len(coef)
        columns = self.X - self.center
        if self.intercept:
            columns = np.hstack([np.ones((len(self.X), 1)), columns])
            u = np.concatenate([np.reshape(intercept, (1, *coef.shape[1:])).astype(LONG), u])
            terms, moving = with_free(terms, outputs), np.concatenate([np.ones(outputs, dtype=bool), moving])
        yield from Smooth(self.loss, self.y, self.weights, columns, terms, moving).predictors(u, eta, NEARBY)

    def _dual_of(self, force: np.ndarray, terms: Terms) -> tuple:
        """The dual objective at forces, shrunk until they are feasible, and what they are then."""
        size = SUMMED * np.sqrt((self.weights @ force**2).sum())
        if self.intercept and (abs(self.weights @ force) > size).any():
            return LONG(0), 0 * force
        slope = ((self.X - self.center).T @ (self.weights * force.T).T).ravel()
        rounding = size * np.repeat(np.sqrt(self.weights @ self.X**2), slope.size // self.X.shape[1])
        slope[terms.free & (abs(slope) <= rounding)] = 0
        factor = self._feasible(terms, slope)
        y = self.y
        if self.intercept and self.loss in ("squared", "huber"):
            y = y - self.weights @ y  # the forces sum to zero, but for rounding, which a large mean would multiply
        share = self.weights * (conjugate(self.loss, y, factor * force) + self._tilt(factor * force))
        return -share.sum() - penalty_conjugate(terms, factor * slope), factor * force

    def _balanced(self, eta: np.ndarray, span: np.ndarray) -> np.ndarray:
        """The forces of eta, less what the rounding of eta leaves of them along the span."""
        force = residual(self.loss, self.y, eta)
        if not span.shape[1]:
            return force
        root = curvature_root(self.loss, self.y, eta)
        rows = hessian_root(self.loss, self.y, self.weights, span, eta)
        for _ in range(3):
            pull = span.T @ (self.weights * force.T).T
            if not pull.any():
                break
            unit = abs(pull).max()
            step = solved(rows, (pull / unit).ravel().astype(float))[0]
            move = (span @ step.reshape(pull.shape)).reshape(len(eta), -1)
            force = force - unit * np.einsum("ikl,iml,im->ik", root, root, move).reshape(eta.shape)
        return np.clip(force, -DELTA, DELTA) if self.loss == "huber" else force

    def _tilt(self, force: np.ndarray) -> np.ndarray:
        product = force * self.offset
        return product if product.ndim == 1 else product.sum(1)

    @staticmethod
    def _feasible(terms: Terms, slope: np.ndarray) -> float:
        if np.isfinite(penalty_conjugate(terms, slope)):
            return LONG(1)
        low, high = LONG(0), LONG(1)
        for _ in range(65):  # to the last digit
            middle = (low + high) / 2
            low, high = (middle, high) if np.isfinite(penalty_conjugate(terms, middle * slope)) else (low, middle)
        return low

    def violation(self, coef: np.ndarray, intercept: np.ndarray, alpha: float) -> float:
        """|w - prox(w - g, alpha)| with the gradient g, and the intercept's slope, over the largest slope at zero."""
        null = self._refit(self.eta(np.zeros(self.shape), np.zeros(self.y.shape[1:])), np.array([], dtype=int))
        size = abs(self._slope(null)).max()
        eta = self.eta(coef, intercept)
        move = coef - self.penalty.prox((coef - self._slope(eta)).astype(float), alpha)
        tilt = self.weights @ residual(self.loss, self.y, eta) if self.intercept else 0.0
        return float(max(abs(move).max(), np.max(abs(tilt))) / size)

    def _slope(self, eta: np.ndarray) -> np.ndarray:
        """dJ/dw."""
        return -(self.X - self.center).T @ (self.weights * residual(self.loss, self.y, eta).T).T

    def gap(self, coef: np.ndarray, intercept: np.ndarray, alpha: float) -> float:
        """(primal - dual) / null loss, the dual at the forces of this very point."""
        return float((self.primal(coef, intercept, alpha) - self.dual(coef, intercept, alpha, 0.0)) / self.null_loss())


def long_terms(terms: Terms, alpha: float) -> Terms:
    """alpha * Omega in long double."""
    weights = None if terms.group_weights is None else terms.group_weights.astype(LONG)
    arrays = {name: getattr(terms, name).astype(LONG) for name in ("l1", "quadratic", "lower", "upper")}
    return replace(terms, **arrays, group_weights=weights) * LONG(alpha)


def with_free(terms: Terms, count: int) -> Terms:
    """These terms after those of so many coordinates that nothing holds."""
    front = Terms.zero(count)
    arrays = {
        name: np.append(getattr(front, name), getattr(terms, name)) for name in ("l1", "quadratic", "lower", "upper")
    }
    if terms.groups is None:
        return Terms(**arrays)
    groups = np.append(np.full(count, len(terms.group_weights)), terms.groups)
    return Terms(**arrays, groups=groups, group_weights=np.append(terms.group_weights, 0))


def penalty_value(terms: Terms, w: np.ndarray) -> float:
    """Omega(w), inf where w is outside its bounds by more than its last digit in float64."""
    outside = w - np.clip(w, terms.lower, terms.upper)
    if (abs(outside) > 4e-16 * abs(w)).any() or w[terms.excluded].any():
        return np.inf
    used = w != 0
    value = (terms.l1[used] * abs(w[used])).sum() + (terms.quadratic[used] * w[used] ** 2).sum() / 2
    if terms.groups is not None:
        norms = group_norms(terms, w)
        value += (terms.group_weights[norms > 0] * norms[norms > 0]).sum()
    return value


def group_norms(terms: Terms, w: np.ndarray) -> np.ndarray:
    squares = np.zeros(len(terms.group_weights), dtype=LONG)
    np.add.at(squares, terms.groups, w**2)
    return np.sqrt(squares)


def penalty_conjugate(terms: Terms, slope: np.ndarray) -> float:
    """sup over v of slope . v - Omega(v), inf where it is unbounded; groups may only carry signs and a common ridge."""
    excluded = terms.excluded
    blocked = ((slope > 0) & (terms.upper == 0)) | ((slope < 0) & (terms.lower == 0)) | excluded
    slope = np.where(blocked, 0, slope)
    l1, ridge = np.where(excluded, 0, terms.l1), np.where(excluded, 1, terms.quadratic)
    excess = np.maximum(abs(slope) - l1, 0)
    if terms.groups is not None:
        over = np.maximum(
            group_norms(terms, excess) - np.where(np.isinf(terms.group_weights), 0, terms.group_weights), 0
        )
        assert np.ptp(ridge) == 0
        if ridge[0] == 0:
            return np.inf if over.any() else 0.0
        return (over**2).sum() / (2 * ridge[0])
    edge = np.where(slope > 0, terms.upper, -terms.lower)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.minimum(np.where(excess == 0, 0, excess / ridge), edge)
    if np.isinf(size).any():
        return np.inf
    return (size * excess - ridge * size**2 / 2).sum()
