"""Objective, dual and null loss written out from their definitions, sharing no line with the library's solvers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp, softmax, xlogy

import alphaomega as ao
from alphaomega.losses import find

DELTA = 1.345


def loss_value(loss: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    if loss == "squared":
        return (y - eta) ** 2 / 2
    if loss == "huber":
        size = abs(y - eta)
        return np.where(size <= DELTA, size**2 / 2, DELTA * size - DELTA**2 / 2)
    if loss == "logistic":
        return np.logaddexp(0, eta) - y * eta
    if loss == "poisson":
        return np.exp(eta) - y * eta + xlogy(y, y) - y
    if loss == "multinomial":
        return logsumexp(eta, axis=1) - (y * eta).sum(1)
    return find(loss).value(y, eta)  # of a loss not written out here: its own law tests vouch for it


def residual(loss: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """minus d loss / d eta."""
    if loss == "squared":
        return y - eta
    if loss == "huber":
        return np.clip(y - eta, -DELTA, DELTA)
    if loss == "logistic":
        return y - expit(eta)
    if loss == "poisson":
        return y - np.exp(eta)
    if loss == "multinomial":
        return y - softmax(eta, axis=1)
    return -find(loss).gradient(y, eta)


def conjugate(loss: str, y: np.ndarray, force: np.ndarray) -> np.ndarray:
    """sup over eta of -force . eta - loss(y, eta)."""
    if loss in ("squared", "huber"):
        assert loss == "squared" or (abs(force) <= DELTA * (1 + 1e-12)).all()
        return force**2 / 2 - force * y
    if loss not in ("logistic", "multinomial", "poisson"):
        return find(loss).conjugate(y, -force)
    mean = y - force
    assert mean.min() >= -1e-13
    mean = np.maximum(mean, 0)
    if loss == "poisson":
        return xlogy(mean, mean) - mean - xlogy(y, y) + y
    if loss == "logistic":
        return xlogy(mean, mean) + xlogy(1 - mean, np.maximum(1 - mean, 0))
    return xlogy(mean, mean).sum(1)


def numeric_target(loss: str, y: np.ndarray) -> np.ndarray:
    if loss == "logistic":
        return (y == np.max(y) if y.dtype.kind != "U" else y == sorted(set(y))[1]).astype(float)
    if loss == "multinomial":
        return (y[:, None] == np.unique(y)).astype(float)
    return find(loss).target(y).values


@dataclass(frozen=True, eq=False)
class Objective:
    """J + alpha * Omega on dense data; coefficients (p,) or (p, K)."""

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
        target = numeric_target(loss, np.asarray(y))
        shift = np.zeros(n) if offset is None else offset
        s = np.ones(n) if weights is None else weights
        X = np.asarray(X, dtype=np.float64)
        return cls(X, target, loss, penalty, s / s.sum(), shift if target.ndim == 1 else shift[:, None], intercept)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.X.shape[1], *self.y.shape[1:])

    def eta(self, coef: np.ndarray, intercept: np.ndarray) -> np.ndarray:
        """The linear predictor, on centred columns: means far from zero would cost its last digits."""
        center = self.weights @ self.X
        return (self.X - center) @ coef + (intercept + center @ coef) + self.offset

    def primal(self, coef: np.ndarray, intercept: np.ndarray, alpha: float) -> float:
        eta = self.eta(coef, intercept)
        return float(self.weights @ loss_value(self.loss, self.y, eta)) + alpha * float(self.penalty.value(coef))

    def null_loss(self) -> float:
        zero = np.zeros(self.shape)
        start = np.zeros(self.y.shape[1:])
        if self.loss == "huber" and self.intercept:  # far from most of y its loss has no curvature to go by
            rest = self.y - self.offset
            order = np.argsort(rest)
            start = rest[order][np.searchsorted(np.cumsum(self.weights[order]), 0.5)]
        eta = self._refit(self.eta(zero, start), np.array([], dtype=int))
        return float(self.weights @ loss_value(self.loss, self.y, eta))

    def _refit(self, eta: np.ndarray, free: np.ndarray) -> np.ndarray:
        """eta after Newton on the intercept and the `free` coefficients alone: nothing unpenalised pulls any more."""
        columns = np.hstack([np.ones((len(eta), int(self.intercept))), self.X[:, free]])
        norms = np.linalg.norm(columns, axis=0)
        columns = columns / np.where(norms > 0, norms, 1)
        if not columns.shape[1]:
            return eta
        value = self.weights @ loss_value(self.loss, self.y, eta)
        for _ in range(200):
            force = residual(self.loss, self.y, eta)
            pull = columns.T @ (self.weights * force.T).T
            step = np.linalg.lstsq(self._hessian(columns, eta), pull.ravel(), rcond=1e-13)[0].reshape(pull.shape)
            if not abs(step).max() > 1e-15 * (1 + abs(eta).max()) * np.sqrt(len(eta)):
                break
            size = 1.0
            while size > 1e-10:
                trial = eta + size * (columns @ step)
                trial_value = self.weights @ loss_value(self.loss, self.y, trial)
                terms = abs(self.y * trial).reshape(len(trial), -1).sum(1)  # the value is a small sum of these
                if np.isfinite(trial_value) and trial_value <= value + 1e-15 * (abs(value) + self.weights @ terms):
                    break
                size /= 2
            else:
                break
            eta, value = trial, trial_value
        return eta

    def _hessian(self, columns: np.ndarray, eta: np.ndarray) -> np.ndarray:
        m = columns.shape[1]
        if eta.ndim == 2:
            mean = softmax(eta, axis=1)
            local = mean[:, :, None] * (np.eye(mean.shape[1]) - mean[:, None, :])
            return np.einsum("i,ia,ikl,ib->akbl", self.weights, columns, local, columns).reshape(m * mean.shape[1], -1)
        curvature = {
            "squared": lambda: np.ones_like(eta),
            "huber": lambda: np.maximum(abs(self.y - eta) <= DELTA, 1e-3),  # any positive number leads downhill
            "logistic": lambda: expit(eta) * expit(-eta),
            "poisson": lambda: np.exp(eta),
        }.get(self.loss, lambda: find(self.loss).curvature(self.y, eta))()
        return columns.T @ ((self.weights * curvature)[:, None] * columns)

    def dual(self, coef: np.ndarray, intercept: np.ndarray, alpha: float) -> float:
        """The dual objective at the residuals of (coef, intercept), shrunk until they are feasible; at least zero.

        Without any force the dual is zero: neither a loss nor a penalty is negative. Nothing but rounding may pull at a
        coordinate that nothing penalises and that is inside its bounds.
        """
        terms = self.penalty.terms(self.shape) * alpha
        inside = (terms.lower < coef.ravel()) & (coef.ravel() < terms.upper)
        boxed = np.isfinite(terms.lower) & np.isfinite(terms.upper)  # whatever pulls there, the dual is finite
        free = (terms.free & inside & ~boxed).reshape(self.X.shape[1], -1).all(1)
        etas = [self.eta(coef, intercept)]
        if terms.groups is None and not terms.bounded and not terms.l1.any():
            etas.append(self._newton(coef, intercept, terms.quadratic))
        return max(self._dual_at(self._refit(eta, np.flatnonzero(free)), terms, free) for eta in etas)

    def _newton(self, coef: np.ndarray, intercept: np.ndarray, ridge: np.ndarray) -> np.ndarray:
        """eta after Newton on everything: the dual at coef itself pays lambda_max / alpha times for its rounding."""
        columns = np.hstack([np.ones((len(self.X), int(self.intercept))), self.X])
        norms = np.linalg.norm(columns, axis=0)
        norms[norms == 0] = 1
        columns = columns / norms
        w = np.vstack([np.atleast_2d(intercept)[: int(self.intercept)], coef.reshape(len(coef), -1)]) * norms[:, None]
        q = np.vstack([np.zeros((int(self.intercept), w.shape[1])), ridge.reshape(len(coef), -1)]) / norms[:, None] ** 2
        eta = self.eta(coef, intercept)
        for _ in range(3):
            pull = columns.T @ (self.weights * residual(self.loss, self.y, eta).T).T
            hessian = self._hessian(columns, eta) + np.diag(q.ravel())
            step = np.linalg.lstsq(hessian, (pull.reshape(w.shape) - q * w).ravel(), rcond=1e-15)[0].reshape(w.shape)
            w, eta = w + step, eta + columns @ step.reshape(pull.shape)
        return eta

    def _dual_at(self, eta: np.ndarray, terms, free: np.ndarray) -> float:
        """The dual objective at the forces of eta."""
        force = residual(self.loss, self.y, eta)
        center = self.weights @ self.X if self.intercept else 0.0  # the forces sum to zero, but for rounding
        slope = ((self.X - center).T @ (self.weights * force.T).T).ravel()
        slope[np.repeat(free, slope.size // len(free))] = 0.0
        held = terms.free & (abs(slope) <= self._rounding(center))  # beside a copy of theirs that is inside its bounds
        slope[held] = 0.0
        factor = self._feasible(terms, slope)
        y = self.y
        if self.intercept and self.loss in ("squared", "huber"):
            y = y - self.weights @ y  # the forces sum to zero, but for rounding, which a large mean would multiply
        share = self.weights * (conjugate(self.loss, y, factor * force) + self._tilt(factor * force))
        return max(0.0, -float(share.sum()) - float(penalty_conjugate(terms, factor * slope)))

    def _rounding(self, center: np.ndarray | float) -> np.ndarray:
        """How far rounding of y moves the correlation of each coordinate."""
        size = abs(self.X - center).T @ self.weights * abs(self.y).max()
        return 1e-13 * np.repeat(size, np.prod(self.y.shape[1:], dtype=int))

    def _tilt(self, force: np.ndarray) -> np.ndarray:
        product = force * self.offset
        return product if product.ndim == 1 else product.sum(1)

    @staticmethod
    def _feasible(terms, slope: np.ndarray) -> float:
        if np.isfinite(penalty_conjugate(terms, slope)):
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(54):  # to the last digit
            middle = (low + high) / 2
            low, high = (middle, high) if np.isfinite(penalty_conjugate(terms, middle * slope)) else (low, middle)
        return low

    def violation(self, coef: np.ndarray, intercept: np.ndarray, alpha: float) -> float:
        """|w - prox(w - g, alpha)| with the gradient g, and the intercept's slope, over the largest slope at zero."""
        null = self._refit(self.eta(np.zeros(self.shape), np.zeros(self.y.shape[1:])), np.array([], dtype=int))
        size = abs(self._slope(null)).max()
        eta = self.eta(coef, intercept)
        move = coef - self.penalty.prox(coef - self._slope(eta), alpha)
        tilt = self.weights @ residual(self.loss, self.y, eta) if self.intercept else 0.0
        return float(max(abs(move).max(), np.max(abs(tilt))) / size)

    def _slope(self, eta: np.ndarray) -> np.ndarray:
        """dJ/dw."""
        center = self.weights @ self.X if self.intercept else 0.0
        return -(self.X - center).T @ (self.weights * residual(self.loss, self.y, eta).T).T

    def gap(self, coef: np.ndarray, intercept: np.ndarray, alpha: float) -> float:
        """(primal - dual) / null loss, not clipped at zero."""
        return (self.primal(coef, intercept, alpha) - self.dual(coef, intercept, alpha)) / self.null_loss()


def penalty_conjugate(terms, slope: np.ndarray) -> float:
    """sup over v of slope . v - Omega(v), inf where it is unbounded; groups may only carry signs and a common ridge."""
    excluded = terms.excluded
    blocked = ((slope > 0) & (terms.upper == 0)) | ((slope < 0) & (terms.lower == 0)) | excluded
    slope = np.where(blocked, 0.0, slope)
    l1, ridge = np.where(excluded, 0.0, terms.l1), np.where(excluded, 1.0, terms.quadratic)
    excess = np.maximum(abs(slope) - l1, 0.0)
    if terms.groups is not None:
        norm = np.sqrt(np.bincount(terms.groups, excess**2))
        over = np.maximum(norm - np.where(np.isinf(terms.group_weights), 0, terms.group_weights), 0.0)
        assert np.ptp(ridge) == 0
        if ridge[0] == 0:
            return np.inf if over.any() else 0.0
        return float((over**2).sum()) / (2 * ridge[0])
    edge = np.where(slope > 0, terms.upper, -terms.lower)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.minimum(np.where(excess == 0, 0.0, excess / ridge), edge)
    if np.isinf(size).any():
        return np.inf
    return float((size * excess - ridge * size**2 / 2).sum())
