"""Curved losses with a pure ridge penalty: Newton's method with conjugate gradients, which asks X for products only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..designs import Standardized
from ..problem import NullModel
from .dual import cancels, dual_loss
from .lanes import Sample

Floats = NDArray[np.float64]

MAX_NEWTON = 100
MAX_INNER = 1000
CLOSER = 1e-6  # aim at this share of the tolerance: gaps are of second order in the coefficients
ARMIJO = 1e-4
SMALLEST_STEP = 1e-12
REACH = 1e-14  # nor below this, where a gap is rounding
FLAT = 1e-13  # curvature below this share of the diagonal's is rounding
NOISE = 1e-15  # share of the objective that rounding may add
POLISH_STEPS = 8
SETTLED = 1e-10  # at alpha = 0 a slope counts as zero below this share of the slope at the null model


@dataclass(frozen=True)
class State:
    """Coefficients (p, K) in the frame, intercepts (K,), and the relative gap there."""

    coef: Floats
    intercept: Floats
    gap: float


class NewtonCG:
    """One lane: min J + alpha/2 sum_j ridge_j ||v_j||^2 for one alpha after the other, warm-started."""

    def __init__(self, design: Standardized, sample: Sample, ridge: Floats, null: NullModel) -> None:
        self.design, self.sample, self.null = design, sample, null
        self.outputs = 1 if sample.y.ndim == 1 else sample.y.shape[1]
        self.ridge = ridge[:, None]
        self.state = State(np.zeros((len(ridge), self.outputs)), np.atleast_1d(null.intercept).astype(float), 0.0)
        self.active = np.isfinite(self.ridge)
        self.ridge = np.where(self.active, self.ridge, 0.0)
        self.reference = 0.0

    def solve(self, alpha: float, tol: float) -> State:
        """The solution at alpha: its gap far below tol if rounding lets it."""
        coef, intercept = self.state.coef, self.state.intercept
        eta = self._predictor(coef, intercept)
        near, aim = False, max(CLOSER * tol, REACH)
        for _ in range(MAX_NEWTON):
            intercept, eta = self._polish(intercept, eta)
            gradient = self._gradient(eta)
            slope = self.active * self.design.rmatvec(gradient)
            self.reference = max(self.reference, float(abs(slope).max(initial=0.0)))
            value = self._objective(eta, coef, alpha)
            gap = self._gap(eta, slope, value, alpha)
            total = slope + alpha * self.ridge * coef
            if near and gap <= aim:
                break
            near = gap <= aim  # one more step brings the coefficients as near as the gap already is
            move, move_intercept = self._direction(eta, total, gradient.sum(0), alpha)
            linear = float((total * move).sum() + gradient.sum(0) @ move_intercept)
            shift = self._predictor(move, move_intercept) - self._shape(self.sample.base)
            size = 1.0
            while size >= SMALLEST_STEP:
                trial = self._objective(eta + size * shift, coef + size * move, alpha)
                if np.isfinite(trial) and trial <= value + ARMIJO * size * linear + NOISE * abs(value):
                    break
                size /= 2
            else:
                break  # rounding: no step makes it smaller
            coef, intercept, eta = coef + size * move, intercept + size * move_intercept, eta + size * shift
        self.state = State(coef, intercept, gap)
        return self.state

    def _shape(self, values: Floats) -> Floats:
        return values.reshape(len(values), self.outputs)

    def _flat(self, values: Floats) -> Floats:
        return values.reshape(self.sample.y.shape)

    def _predictor(self, coef: Floats, intercept: Floats) -> Floats:
        return self._shape(self.sample.base) + self.design.matvec(coef) + intercept

    def _gradient(self, eta: Floats) -> Floats:
        """share * loss', (n, K)."""
        return self._shape(self.sample.loss.gradient(self.sample.y, self._flat(eta))) * self.sample.share[:, None]

    def _curvature(self, eta: Floats) -> Floats:
        """share * loss'', (n, K, K)."""
        curvature = self.sample.loss.curvature(self.sample.y, self._flat(eta))
        return curvature.reshape(-1, self.outputs, self.outputs) * self.sample.share[:, None, None]

    def _objective(self, eta: Floats, coef: Floats, alpha: float) -> float:
        data = float(self.sample.share @ self.sample.loss.value(self.sample.y, self._flat(eta)))
        return data + alpha / 2 * float((self.ridge * coef**2).sum())

    def _gap(self, eta: Floats, slope: Floats, value: float, alpha: float) -> float:
        null = self.null.loss
        if alpha == 0:  # without a force the dual is zero, and no objective is negative
            settled = abs(slope).max(initial=0.0) <= SETTLED * self.reference or null <= 0
            return 0.0 if settled else value / null
        sample = self.sample
        force = -sample.loss.gradient(sample.y, self._flat(eta))
        if sample.intercept and not cancels(self._shape(force), sample.share):
            return value / null if null > 0 else 0.0  # no forces at all are a dual point, and its dual is zero
        inverse = np.divide(1.0, alpha * self.ridge, out=np.zeros_like(self.ridge), where=self.ridge > 0)
        conjugate = float((slope**2 * inverse).sum()) / 2
        gap = value + dual_loss(sample.loss, sample.y, sample.share, force, sample.base) + conjugate
        return max(gap, 0.0) / null if null > 0 else 0.0

    def _direction(self, eta: Floats, total: Floats, tilt: Floats, alpha: float) -> tuple[Floats, Floats]:
        """Newton's direction, to a residual that shrinks with the gradient: convergence is superlinear."""
        curvature = self._curvature(eta)
        mean = np.einsum("ikk->k", curvature)
        free = float(self.sample.intercept)

        def hessian(v: Floats, b: Floats) -> tuple[Floats, Floats]:
            bent = np.einsum("ikl,il->ik", curvature, self.design.matvec(v) + b)
            return self.active * self.design.rmatvec(bent) + alpha * self.ridge * v, free * bent.sum(0)

        diagonal = np.maximum(mean + alpha * self.ridge, 1e-12), np.maximum(mean, 1e-12)
        residual = -total, -free * tilt
        scaled = residual[0] / diagonal[0], residual[1] / diagonal[1]
        product = _dot(residual, scaled)
        step = np.zeros_like(total), np.zeros(self.outputs)
        size = float(abs(total).max(initial=0.0)) / max(self.reference, 1e-300)
        goal = product * min(0.1, size**0.5) ** 2
        ahead = scaled
        for _ in range(MAX_INNER):
            if product <= goal or product == 0:
                break
            bent = hessian(*ahead)
            curve = _dot(ahead, bent)
            if curve <= FLAT * _dot(ahead, (diagonal[0] * ahead[0], diagonal[1] * ahead[1])):
                break  # nothing but rounding points there, as to where the intercepts of all classes move together
            length = product / curve
            step = step[0] + length * ahead[0], step[1] + length * ahead[1]
            residual = residual[0] - length * bent[0], residual[1] - length * bent[1]
            scaled = residual[0] / diagonal[0], residual[1] / diagonal[1]
            product, last = _dot(residual, scaled), product
            ahead = scaled[0] + product / last * ahead[0], scaled[1] + product / last * ahead[1]
        return step

    def _polish(self, intercept: Floats, eta: Floats) -> tuple[Floats, Floats]:
        """Newton on the intercepts alone, so that their forces cancel and the dual point is feasible."""
        if not self.sample.intercept:
            return intercept, eta
        for _ in range(POLISH_STEPS):
            tilt = self._gradient(eta).sum(0)
            step = np.linalg.pinv(self._curvature(eta).sum(0), rcond=1e-10, hermitian=True) @ tilt
            if np.max(abs(step)) > 1.0:  # far from a root Newton may overshoot: leave it to the line search
                break
            intercept, eta = intercept - step, eta - step
            if np.max(abs(step)) <= 1e-15 * (1 + np.max(abs(intercept))):
                break
        return intercept, eta


def _dot(left: tuple[Floats, Floats], right: tuple[Floats, Floats]) -> float:
    return float((left[0] * right[0]).sum() + left[1] @ right[1])
