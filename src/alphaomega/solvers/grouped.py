"""Exact minimisers of a quadratic plus group norms: block coordinate descent, then Newton on the active groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

from ..penalties import Terms
from ..penalties.base import subdifferential_distance
from .quadratic import DEPENDENT, Quadratic
from .sweeps import FAST, compiled

Floats = NDArray[np.float64]
MAX_ROUNDS = 500
LONGEST = 1e100  # coordinates beyond it come from a curvature that has vanished
PATIENCE = 8  # rounds without progress: rounding has been reached
FEW_SWEEPS, MANY_SWEEPS = 3, 50
SMALLEST_STEP = 1e-4


@compiled(fastmath=FAST)
def group_sweeps(gram, m, c, v, terms, pointer, members, weights, lipschitz, buffer, sweeps, tolerance):
    """Passes of block coordinate descent, a prox-gradient step per group; returns the last pass's largest change."""
    worst = 0.0
    for _ in range(sweeps):
        worst = 0.0
        for g in range(len(weights)):
            start, stop, bound = pointer[g], pointer[g + 1], lipschitz[g]
            if bound <= 0.0:
                continue
            square = 0.0
            for place in range(start, stop):
                j = members[place]
                x = v[j] + (c[j] - terms[1, j] * v[j]) / bound
                x = min(max(x, terms[2, j]), terms[3, j])
                soft = terms[0, j] / bound
                x = x - soft if x > soft else (x + soft if x < -soft else 0.0)
                buffer[place - start] = x
                square += x * x
            norm = np.sqrt(square)
            factor = 1.0 - weights[g] / (bound * norm) if norm * bound > weights[g] else 0.0
            for place in range(start, stop):
                j = members[place]
                delta = factor * buffer[place - start] - v[j] if factor > 0.0 else -v[j]
                if delta != 0.0:
                    v[j] += delta
                    row = gram[j]
                    for i in range(m):
                        c[i] -= delta * row[i]
                    worst = max(worst, abs(delta) * bound)
        if worst <= tolerance:
            break
    return worst


class GroupedQuadratic(Quadratic):
    """min 1/2 v'Gv - b'v + Omega(v) where Omega has group norms; groups enter the working set whole."""

    def follow(self, terms: Terms, alphas: Floats, tolerances: Floats) -> Floats:
        found = np.empty((len(alphas), self.size))
        for k, alpha in enumerate(alphas):
            self._reach(terms * float(alpha), float(tolerances[k]))
            found[k] = self.v[: self.size]
        return found

    def _reach(self, terms: Terms, tolerance: float) -> bool:
        """Minimise from the present v until no group violates stationarity by more than `tolerance`."""
        from .sweeps import refresh

        layout = _Layout.of(terms, self.gram)
        packed = np.array([terms.l1, terms.quadratic, terms.lower, terms.upper])
        m, sweeps, best, stalled = self.size, FEW_SWEEPS, np.inf, 0
        for _ in range(MAX_ROUNDS):
            group_sweeps(
                self.gram, m, self.c, self.v, packed, layout.pointer, layout.members, layout.weights, layout.lipschitz,
                self.work, sweeps, tolerance,
            )  # fmt: skip
            if not (abs(self.v[:m]) <= LONGEST).all():
                return False
            self._newton(terms, tolerance)
            refresh(self.gram, m, self.b, self.c, self.v, self.origin)
            violation = float(subdifferential_distance(terms, -self.c[:m], self.v[:m]).max(initial=0.0))
            if violation <= tolerance:
                return True
            improved = violation < 0.5 * best
            sweeps, stalled = (FEW_SWEEPS, 0) if improved else (MANY_SWEEPS, stalled + 1)
            if stalled >= PATIENCE:
                return False
            best = min(best, violation)
        return False

    def _newton(self, terms: Terms, tolerance: float) -> None:
        """Damped Newton on the non-zero coordinates; stops when one of them should become zero."""
        m = self.size
        for _ in range(20):
            v = self.v[:m]
            support = np.flatnonzero((v != 0) & (terms.lower < v) & (v < terms.upper))
            if not support.size:
                return
            x = v[support]
            part = _Support.of(terms, support, v)
            gradient = self.c[support] - part.slope(x)
            if np.max(abs(gradient)) <= 0.1 * tolerance:
                return
            block = self.gram[np.ix_(support, support)]
            hessian = block + part.curvature(x)
            step = _solved(hessian, gradient, bool(part.weights.any() or part.quadratic.any()))
            if step is None or not (abs(step) <= LONGEST).all():
                return
            size, moved = 1.0, block @ step
            value = part.value(x)
            while size >= SMALLEST_STEP:
                trial = x + size * step
                change = size * (step @ (-self.c[support])) + size**2 / 2 * (step @ moved) + part.value(trial) - value
                if change < 0 and not (part.crosses(x, trial)):
                    break
                size /= 2
            else:
                return
            self.v[support] = trial
            self.c[:m] -= self.gram[:m, support] @ (size * step)


def _solved(hessian: Floats, gradient: Floats, penalised: bool) -> Floats | None:
    """hessian^-1 gradient, None where it is not positive definite.

    Where nothing is penalised, without the directions that rounding alone has left: no step may go far along them.
    """
    size = np.diag(hessian)
    factor, info = dpotrf(hessian)
    if info == 0 and (penalised or (np.diag(factor) ** 2 > DEPENDENT * size).all()):
        return np.asarray(dpotrs(factor, gradient)[0])
    if penalised:
        return None
    unit = np.sqrt(np.where(size > 0, size, 1.0))
    values, vectors = np.linalg.eigh(hessian / np.outer(unit, unit))
    alive = values > DEPENDENT * values[-1]
    return np.asarray(vectors[:, alive] @ ((gradient / unit) @ vectors[:, alive] / values[alive]) / unit)


class _Layout:
    """Groups as lists of members, with a Lipschitz constant each."""

    def __init__(self, pointer: NDArray, members: NDArray, weights: Floats, lipschitz: Floats) -> None:
        self.pointer, self.members, self.weights, self.lipschitz = pointer, members, weights, lipschitz

    @classmethod
    def of(cls, terms: Terms, gram: Floats) -> _Layout:
        assert terms.groups is not None and terms.group_weights is not None
        members = np.argsort(terms.groups, kind="stable")
        pointer = np.searchsorted(terms.groups[members], np.arange(len(terms.group_weights) + 1))
        excluded = terms.excluded
        lipschitz = np.empty(len(terms.group_weights))
        for g in range(len(lipschitz)):
            group = members[pointer[g] : pointer[g + 1]]
            block = gram[np.ix_(group, group)]
            top = block[0, 0] if len(group) == 1 else np.linalg.eigvalsh(block)[-1]
            finite = terms.quadratic[group][~excluded[group]]
            lipschitz[g] = top * (1 + 1e-12) + finite.max(initial=0.0)
        return cls(pointer, members, terms.group_weights, lipschitz)


class _Support:
    """Omega near a point, as a smooth function of the non-zero coordinates."""

    def __init__(self, terms: Terms, support: NDArray[np.intp], v: Floats) -> None:
        assert terms.groups is not None and terms.group_weights is not None
        self.labels, self.places = np.unique(terms.groups[support], return_inverse=True)
        self.weights = terms.group_weights[self.labels]
        self.l1, self.quadratic = terms.l1[support], terms.quadratic[support]
        self.lower, self.upper = terms.lower[support], terms.upper[support]
        # coordinates of these groups that sit at a bound still count in the norm
        fixed = np.bincount(terms.groups, v**2, len(terms.group_weights))[self.labels]
        self.fixed = np.maximum(fixed - np.bincount(self.places, v[support] ** 2, len(self.labels)), 0.0)

    @classmethod
    def of(cls, terms: Terms, support: NDArray[np.intp], v: Floats) -> _Support:
        return cls(terms, support, v)

    def norms(self, x: Floats) -> Floats:
        return np.sqrt(np.bincount(self.places, x**2, len(self.labels)) + self.fixed)

    def value(self, x: Floats) -> float:
        return float(self.l1 @ abs(x) + self.quadratic @ x**2 / 2 + self.weights @ self.norms(x))

    def slope(self, x: Floats) -> Floats:
        return self.l1 * np.sign(x) + self.quadratic * x + (self.weights / self.norms(x))[self.places] * x

    def curvature(self, x: Floats) -> Floats:
        norms = self.norms(x)
        unit = x / norms[self.places]
        same = self.places[:, None] == self.places[None, :]
        pull = (self.weights / norms)[self.places]
        return np.diag(self.quadratic + pull) - np.where(same, pull[:, None] * np.outer(unit, unit), 0.0)

    def crosses(self, x: Floats, trial: Floats) -> bool:
        """Whether a step changes a sign that an L1 part minds, or leaves the bounds."""
        flipped = (self.l1 > 0) & (np.sign(trial) != np.sign(x))
        return bool(flipped.any() or (trial < self.lower).any() or (trial > self.upper).any())
