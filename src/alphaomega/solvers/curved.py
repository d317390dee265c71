"""Lanes for curved losses: proximal Newton on the working set, with Grams kept while they contract."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray

from ..designs.base import Block
from ..losses import Loss
from ..penalties import Terms
from ..problem import NullModel
from .costs import worth_keeping
from .dual import balanced, cancels, dual_loss, violation
from .lanes import Coordinates, Lane, Points, Sample, inverse_of, omega_of, quadratic_for, reference_of
from .screening import Slopes
from .trajectory import State, Trajectory

Floats = NDArray[np.float64]

MAX_NEWTON, POLISH_STEPS = 200, 4
SMALLEST_STEP, ARMIJO = 1e-10, 1e-4
MODEL_SWEEPS = 100  # a model that needs more is nearly singular, and its loss has no minimum nearby
PATIENCE = 4  # steps with new Grams that no longer lower the objective: it is flat, or at its rounding
ROUNDING = 1e-15  # of the sum of all forces
NOISE = 1e-14  # share of the objective by which rounding may seem to raise it
LONGEST = 1e100  # a longer move comes from a curvature that has vanished, and is none
CANCELS = 1e3  # times what is left of eta: it has been so far out that its last digits are gone
LARGE = 2e6  # numbers of a block whose products are worth more than one thread


class CurvedLane(Lane):
    """Any smooth convex loss, K linear predictors.

    At each step the loss is replaced by its quadratic model on the coordinates that are non-zero or violate
    stationarity (`chosen`), with the intercepts eliminated; the exact quadratic solver gives the direction, a line
    search the step.
    """

    whole_block = True

    def __init__(self, sample: Sample, terms: Terms, block: Block, null: NullModel, norms: Floats) -> None:
        self.sample, self.terms, self.block = sample, terms, block
        self.n_outputs = 1 if sample.y.ndim == 1 else sample.y.shape[1]
        self.norms = np.repeat(norms, self.n_outputs)
        self.coordinates = np.empty(0, dtype=np.intp)
        self.working_terms = terms.subset(self.coordinates)
        self.v = np.empty(0)
        self.intercept = np.atleast_1d(null.intercept).astype(float)  # from zero, Huber's loss may be flat
        self.eta = self._shape(null.eta).copy()
        self.losses, self.omega, self.farthest = self._losses(self.eta), 0.0, 0.0
        self.chosen = np.empty(0, dtype=np.intp)
        self.working = quadratic_for(terms, MODEL_SWEEPS)
        self.weights = np.empty((0, 0, 0))
        self.tilt = np.empty((0, self.n_outputs))
        self.cautious = False
        self.trajectory = Trajectory()
        self.majorized = type(sample.loss).majorizer is not Loss.majorizer  # its curvature may vanish

    def grow(self, coordinates: Coordinates, places: Coordinates) -> None:
        self.coordinates = np.append(self.coordinates, coordinates)
        self.v = np.append(self.v, np.zeros(len(coordinates)))
        self.working_terms = self.terms.subset(self.coordinates)

    def start_from(self, points: Points) -> None:
        self.trajectory = Trajectory()
        self.v = np.zeros(len(self.coordinates))
        self.v[self.places(points.coordinates)] = points.v[0]
        self.intercept = points.intercept[0].copy()
        self._renew()

    def _renew(self) -> None:
        """eta as it follows from the coefficients."""
        self.eta = self._shape(self.sample.base) + self._predictor(self.v) + self.intercept
        self.losses, self.farthest = self._losses(self.eta), float(abs(self.eta).max())

    def solve(self, alphas: Floats, tolerance: float) -> Points:
        sample = self.sample
        v, intercept = np.empty((len(alphas), len(self.coordinates))), np.empty((len(alphas), self.n_outputs))
        forces, objective = np.empty((len(alphas), self.n_outputs, len(self.eta))), np.empty(len(alphas))
        for k, alpha in enumerate(alphas):
            self._jump(float(alpha))
            self._minimise(float(alpha), tolerance)
            self.trajectory.add(State(float(alpha), self.v, self.intercept, self.eta))
            v[k], intercept[k] = self.v, self.intercept
            forces[k] = -self._shape(sample.loss.gradient(sample.y, self._flat(self.eta))).T
            objective[k] = self._objective()
        columns = forces.reshape(-1, len(self.eta)).T
        return Points(alphas, self.coordinates, v, intercept, columns, objective, np.zeros((2, len(alphas))))

    def _jump(self, alpha: float) -> None:
        """Begin where the last two solutions point to, if that is better than the last."""
        if (found := self.trajectory.ahead(alpha)) is None:
            return
        state, short = found
        v = state.v.clip(self.working_terms.lower, self.working_terms.upper)
        eta = state.eta - self._predictor(short + state.v - v) if short.any() or (v != state.v).any() else state.eta
        losses, terms = self._losses(eta), self.working_terms * alpha
        gain = float(self.sample.share @ (losses - self.losses)) + omega_of(terms, v) - omega_of(terms, self.v)
        if gain < 0:
            self.v, self.intercept, self.eta, self.losses = v, state.intercept, eta, losses

    def _minimise(self, alpha: float, tolerance: float) -> None:
        terms = self.working_terms * alpha
        self.omega = omega_of(terms, self.v)
        last, keep, stalled, objective, reference = np.inf, True, 0, np.inf, 0.0
        for _ in range(MAX_NEWTON):
            gradient = self._gradient()
            with self._product_threads():
                slope = self.block.rmatvec(gradient).ravel()
            intercept_slope = gradient.sum(0) if self.sample.intercept else np.zeros(self.n_outputs)
            reference = max(reference, float(np.max(abs(slope), initial=0.0)), 1e-300)
            distance = violation(terms, slope, self.v)
            worst = max(float(distance.max(initial=0.0)), float(abs(intercept_slope).max(initial=0.0)))
            goal = max(tolerance * reference_of(terms, reference), ROUNDING * float(abs(gradient).sum()))
            lower = self._objective()
            stalled = 0 if keep or objective - lower > NOISE * abs(lower) else stalled + 1
            objective = lower
            if worst <= goal or stalled >= PATIENCE:
                break
            wanted = (distance > 0) | (self.v != 0)
            shape = (len(self.eta), self.block.size, self.n_outputs)
            keep = keep and worth_keeping(worst / last, worst / goal, int(wanted.sum()), shape)
            last = worst
            self._choose(wanted, terms, keep)
            size = self._step(terms, slope, intercept_slope, worst)
            if size == 0 and not keep and self.cautious:
                break
            flat = self.majorized and self._objective() >= objective - NOISE * abs(objective)
            self.cautious = (size < 1 or flat) and not self.cautious
            keep = size == 1 and not self.cautious
        if self.sample.intercept:
            self._polish_intercept()

    def _objective(self) -> float:
        return float(self.sample.share @ self.losses) + self.omega

    def gaps(self, points: Points, slopes: Slopes, scale: Floats, conjugate: Floats) -> Floats:
        assert points.forces is not None
        sample, k = self.sample, self.n_outputs
        dual = np.full(len(scale), np.inf)
        terms = slopes.terms(self.terms)
        norms = self.norms if slopes.coordinates is None else self.norms[slopes.coordinates]
        for place, alpha in enumerate(points.alphas):
            force = points.forces[:, place * k : (place + 1) * k]
            size = float(sample.share @ abs(force).max(1))
            if sample.intercept and not cancels(force, sample.share):
                continue
            if balanced(terms * float(alpha), slopes.values[:, place], size * norms):
                scaled = self._flat(scale[place] * force)
                dual[place] = dual_loss(sample.loss, sample.y, sample.share, scaled, sample.base)
        return points.objective + dual + conjugate

    def _shape(self, values: Floats) -> Floats:
        """(n, K), whatever K."""
        return values.reshape(len(values), self.n_outputs)

    def _flat(self, values: Floats) -> Floats:
        """In y's shape."""
        return values.reshape(self.sample.y.shape)

    def _predictor(self, v: Floats) -> Floats:
        """Z v, (n, K)."""
        table = v.reshape(self.block.size, self.n_outputs)
        places = np.flatnonzero(table.any(1))
        with self._product_threads():
            return self.block.matvec(table[places], places)

    def _product_threads(self) -> AbstractContextManager:
        """All threads where a product with the block is large."""
        return self.all_threads() if len(self.eta) * self.block.size > LARGE else nullcontext()

    def _gradient(self) -> Floats:
        """share * loss', (n, K)."""
        slope = self.sample.loss.gradient(self.sample.y, self._flat(self.eta))
        return self._shape(slope) * self.sample.share[:, None]

    def _losses(self, eta: Floats) -> Floats:
        """The loss of each row. Objectives are compared row by row: sums of many rows differ by their rounding."""
        return self.sample.loss.value(self.sample.y, self._flat(eta))

    def _choose(self, wanted: NDArray[np.bool_], terms: Terms, keep: bool) -> None:
        """Bring the quadratic model to the wanted coordinates (whole groups), with fresh or kept curvature weights."""
        if terms.groups is not None:
            wanted = np.isin(terms.groups, terms.groups[wanted])
        held = np.zeros(len(self.v), dtype=bool)
        held[self.chosen] = True
        if keep and self.chosen.size and not (wanted & ~held).sum() > max(20, 0.5 * len(self.chosen)):
            fresh = np.flatnonzero(wanted & ~held)
        else:
            self._reweigh()
            self.chosen = np.empty(0, dtype=np.intp)
            self.working = quadratic_for(terms, MODEL_SWEEPS)
            fresh = np.flatnonzero(wanted)
        if fresh.size:
            everything = np.append(self.chosen, fresh)
            with self.all_threads():
                cross = self._weighted_gram(everything, fresh)
            self.chosen = everything
            if self.sample.intercept:
                tilt = self._tilt(everything)
                cross -= tilt @ self.total_inverse @ tilt[len(everything) - len(fresh) :].T
            self.working.grow(cross, np.zeros(len(fresh)))

    def _reweigh(self) -> None:
        """Curvature weights at the present eta: (K, K, n)."""
        self.weights = np.ascontiguousarray(np.moveaxis(self._curvature(), 0, -1))
        self.total = self.weights.sum(-1)
        self.total_inverse = inverse_of(self.total)
        self.tilt = np.empty((0, self.n_outputs))

    def _curvature(self) -> Floats:
        """share * loss'' at the present eta, or the majorizer where a step overshot, (n, K, K)."""
        sample = self.sample
        second = sample.loss.majorizer if self.cautious else sample.loss.curvature
        curvature = second(sample.y, self._flat(self.eta)).reshape(-1, self.n_outputs, self.n_outputs)
        return curvature * sample.share[:, None, None]

    def _weighted_gram(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> Floats:
        """The Hessian of the data term between coordinates (feature, output) of the working set."""
        k = self.n_outputs
        if k == 1:
            return self.block.gram(self.weights[0, 0], left, right)
        result = np.zeros((len(left), len(right)))
        for a in range(k):
            rows = np.flatnonzero(left % k == a)
            for b in range(k):
                columns = np.flatnonzero(right % k == b)
                if rows.size and columns.size:
                    part = self.block.gram(self.weights[a, b], left[rows] // k, right[columns] // k)
                    result[np.ix_(rows, columns)] = part
        return result

    def _tilt(self, coordinates: NDArray[np.intp]) -> Floats:
        """The Hessian between coordinates and intercepts, (coordinates, K)."""
        k = self.n_outputs
        if len(self.tilt) < len(self.v):  # new weights, or a block that grew
            self.tilt = self.block.rmatvec(np.moveaxis(self.weights, -1, 0).reshape(-1, k * k)).reshape(-1, k)
        return self.tilt[coordinates]

    def _step(self, terms: Terms, slope: Floats, intercept_slope: Floats, worst: float) -> float:
        """Solve the quadratic model and move along it; returns the step taken, 0 when none decreases the objective."""
        chosen = self.chosen
        part = terms.subset(chosen)
        v = self.v[chosen]
        pull = -slope[chosen]
        if self.sample.intercept:
            tilt = self._tilt(chosen)
            pull = pull + tilt @ (self.total_inverse @ intercept_slope)
        growth = self._growth() if not part.quadratic.any() else 1.0
        self.working.model_at(v, pull / growth)
        self.working.solve(part * (1 / growth), max(1e-3 * worst, 1e-15 * float(np.max(abs(slope), initial=0.0))))
        move = np.zeros_like(self.v)
        move[chosen] = self.working.v[: len(chosen)] - v
        if not (abs(move) <= LONGEST).all():
            return 0.0
        move_intercept = np.zeros(self.n_outputs)
        if self.sample.intercept:
            move_intercept = -self.total_inverse @ (intercept_slope / growth + tilt.T @ move[chosen])
        return self._search(terms, move, move_intercept, float(slope @ move + intercept_slope @ move_intercept))

    def _growth(self) -> float:
        """How much the curvature has grown since the Gram was made: the part of it that one factor can mend."""
        if self.cautious:
            return 1.0
        now = np.trace(self._curvature().sum(0))
        return float(now / np.trace(self.total)) if now > 0 else 1.0

    def _search(self, terms: Terms, move: Floats, move_intercept: Floats, linear: float) -> float:
        """Backtrack along the direction until the objective falls enough."""
        direction = self._predictor(move) + move_intercept
        model = linear + omega_of(terms, self.v + move) - self.omega
        noise = NOISE * (abs(float(self.sample.share @ self.losses)) + self.omega)
        size = 1.0
        while size >= SMALLEST_STEP:
            trial = self.eta + size * direction
            v = self.v + size * move
            losses, omega = self._losses(trial), omega_of(terms, v)
            change = float(self.sample.share @ (losses - self.losses)) + omega - self.omega
            if np.isfinite(change) and change <= ARMIJO * size * model + noise:
                self.v, self.eta, self.losses, self.omega = v, trial, losses, omega
                self.intercept = self.intercept + size * move_intercept
                self.farthest = max(self.farthest, reach := float(abs(trial).max()))
                if self.farthest > CANCELS * (1 + reach):
                    self._renew()
                return size
            size /= 2
        return 0.0

    def _polish_intercept(self) -> None:
        """Newton on the intercepts alone, from next to their optimum: forces that cancel are dual feasible."""
        sample = self.sample
        for _ in range(POLISH_STEPS):
            slope = self._gradient().sum(0)
            curvature = sample.loss.curvature(sample.y, self._flat(self.eta)).reshape(-1, self.n_outputs**2)
            total = (sample.share @ curvature).reshape(self.n_outputs, self.n_outputs)
            step = inverse_of(total) @ slope
            self.intercept, self.eta = self.intercept - step, self.eta - step
            if np.max(abs(step)) <= 1e-15 * (1 + np.max(abs(self.intercept))):
                break
        self.losses = self._losses(self.eta)
