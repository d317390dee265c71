"""How w and b are fitted, given which rows count or how far a residual may pull: with a penalty on w or without."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from .. import solvers
from ..arguments import Data
from ..designs import Dense
from ..losses import Huber
from ..penalties import L2, Penalty, Terms
from ..penalties.base import TermsPenalty
from ..problem import Control, Grid, Problem
from .robust import STARTS, WITHIN, deviation_within, hard_limit, m_scale, proposal_2, refit_within, soft_limit
from .trimmed import SINGULAR, Flags, Floats, least_squares

TOLERANCE = 1e-11
SUBSETS, SUBSET_ROWS, FOLLOWED = 50, 3, 5  # random subsets of rows that start a penalised fit; so many are followed
STEPS = 50
CONSTANT = 1e-13


@dataclass(frozen=True, eq=False)
class Affine:
    """x'coef + intercept, in the units of the columns; `gap` certifies it where it solves a convex problem."""

    coef: Floats
    intercept: float
    gap: float = 0.0


@dataclass(frozen=True, eq=False)
class Fitter(ABC):
    """The model of the rows; a subclass says what is done about w."""

    data: Data
    intercept: bool

    @property
    def y(self) -> Floats:
        """The response (n,)."""
        return self.data.target.values

    def residual(self, fit: Affine) -> Floats:
        """y - Xw - b."""
        return np.asarray(self.y - self.data.design.matvec(fit.coef) - fit.intercept)

    @abstractmethod
    def on_rows(self, rows: Flags) -> Affine:
        """The fit of the kept rows alone."""

    @abstractmethod
    def huber(self, delta: float) -> Affine:
        """The fit with Huber's loss, which is what soft thresholds leave of the shifts."""

    @abstractmethod
    def start(self, kind: str, seed: int | None) -> tuple[list[Affine], float]:
        """Where hard thresholds start from, and the noise standard deviation there."""

    @abstractmethod
    def hard(self, starts: list[Affine], alpha: float) -> tuple[Affine, Flags]:
        """The fit and the rows it keeps at a hard threshold: the best that the starts lead to."""

    @abstractmethod
    def hard_at_rate(self, rate: float, start: str, seed: int | None) -> float:
        """The hard threshold of a false-flag rate, in the units of y; 0 where there is no noise."""

    @abstractmethod
    def soft_at_rate(self, rate: float, seed: int | None) -> float:
        """The soft threshold of a false-flag rate, in the units of y; 0 where there is no noise."""

    @abstractmethod
    def degrees(self, fit: Affine) -> int:
        """How many parameters the fit spends."""

    @abstractmethod
    def leverage(self, rows: Flags) -> Floats:
        """x_i'(X'X)^-1 x_i with X the kept rows, for every row; zero where a penalty leaves it undefined."""

    def _solve(self, problem: Problem, alpha: float) -> Affine:
        raw = solvers.solve_path(problem, Grid(np.array([alpha])), Control(TOLERANCE))
        return Affine(raw.coef[0], float(raw.intercept[0]), float(raw.gap[0]))


@dataclass(frozen=True, eq=False)
class Unpenalised(Fitter):
    """Least squares on columns brought to one size: `table` is [1, (X - center) / size], constant columns left out."""

    table: Floats
    columns: NDArray[np.intp]
    center: Floats
    size: Floats

    @classmethod
    def of(cls, data: Data, intercept: bool) -> Unpenalised:
        """Read the columns; a constant one beside an intercept, or one of zeros, gets the coefficient zero."""
        X = data.design.take(np.arange(data.design.shape[1]))
        center = X.mean(0) if intercept else np.zeros(X.shape[1])
        size = np.sqrt(((X - center) ** 2).mean(0))
        columns = np.flatnonzero(size > CONSTANT * abs(center))
        center, size = center[columns], size[columns]
        table = np.hstack([np.ones((len(X), int(intercept))), (X[:, columns] - center) / size])
        return cls(data, intercept, table, columns, center, size)

    def _affine(self, own: Floats) -> Affine:
        coef = np.zeros(self.data.design.shape[1])
        coef[self.columns] = own[int(self.intercept) :] / self.size
        return Affine(coef, float(own[0] - self.center @ coef[self.columns]) if self.intercept else 0.0)

    def _own(self, fit: Affine) -> Floats:
        coef = fit.coef[self.columns]
        return np.append([fit.intercept + self.center @ coef] if self.intercept else [], coef * self.size)

    def on_rows(self, rows: Flags) -> Affine:
        return self._affine(least_squares(self.table[rows], self.y[rows]))

    def huber(self, delta: float) -> Affine:
        data = replace(self.data, loss=Huber(delta))
        return self._solve(data.problem(L2(), standardize=False, intercept=self.intercept), 0.0)

    def start(self, kind: str, seed: int | None) -> tuple[list[Affine], float]:
        found = STARTS[kind](self.table, self.y, seed)
        return [self._affine(coef) for coef in found.coefs], found.scale

    def hard(self, starts: list[Affine], alpha: float) -> tuple[Affine, Flags]:
        coefs = np.array([self._own(start) for start in starts])
        rows = refit_within(self.table, self.y, coefs[None], np.array([alpha]))[0]
        return self.on_rows(rows), rows

    def hard_at_rate(self, rate: float, start: str, seed: int | None) -> float:
        scale = self.start(start, seed)[1]
        return hard_limit(self.table, rate, start, seed) * scale if scale > 0 else 0.0

    def soft_at_rate(self, rate: float, seed: int | None) -> float:
        scale = float(proposal_2(self.table, self.y[None], norm.isf(rate / 2))[1][0])
        return soft_limit(self.table, rate, seed) * scale if scale > 0 else 0.0

    def degrees(self, fit: Affine) -> int:
        return self.table.shape[1]

    def leverage(self, rows: Flags) -> Floats:
        inverse = np.linalg.pinv(self.table[rows], rcond=SINGULAR)
        return np.asarray(((self.table @ inverse) ** 2).sum(1))


@dataclass(frozen=True, eq=False)
class Beside(TermsPenalty):
    """Omega on the first p coefficients, strength * ||.||_1 on the others: w and the shifts penalised together."""

    penalty: Penalty
    p: int
    strength: float

    def value(self, w: Floats) -> float:
        return float(self.penalty.value(w[: self.p])) + self.strength * float(abs(w[self.p :]).sum())

    def prox(self, w: Floats, step: float) -> Floats:
        rest = w[self.p :]
        edge = step * self.strength
        return np.append(self.penalty.prox(w[: self.p], step), rest - rest.clip(-edge, edge))

    def terms(self, shape: tuple[int, ...]) -> Terms | None:
        own = self.penalty.terms((self.p,))
        if own is None:
            return None
        more = shape[0] - self.p
        zero = Terms.zero(more)
        groups, weights = own.groups, own.group_weights
        if groups is not None and weights is not None:  # each shift is a group of its own, which nothing holds together
            groups = np.append(groups, len(weights) + np.arange(more))
            weights = np.append(weights, np.zeros(more))
        return Terms(
            np.append(own.l1, np.full(more, self.strength)),
            np.append(own.quadratic, zero.quadratic),
            np.append(own.lower, zero.lower),
            np.append(own.upper, zero.upper),
            groups,
            weights,
        )


@dataclass(frozen=True, eq=False)
class Penalised(Fitter):
    """A penalty on w, at its own strength, beside the one on the shifts: also for more columns than rows."""

    penalty: Penalty

    def on_rows(self, rows: Flags) -> Affine:
        return self._on(rows, 1 / float(rows.mean()))  # the mean runs over all rows: the others add nothing to it

    def _on(self, rows: Flags, alpha: float) -> Affine:
        problem = self.data.problem(self.penalty, standardize=False, intercept=self.intercept)
        return self._solve(replace(problem, weights=rows.astype(float)), alpha)

    def huber(self, delta: float) -> Affine:
        n, p = self.data.design.shape
        if n > p or self.penalty.terms((p,)) is None:
            data = replace(self.data, loss=Huber(delta))
            return self._solve(data.problem(self.penalty, standardize=False, intercept=self.intercept), 1.0)
        table = np.asfortranarray(np.hstack([self.data.design.take(np.arange(p)), np.eye(n)]))
        data = replace(self.data, design=Dense(table))  # one more column a row, for its shift
        fit = self._solve(data.problem(Beside(self.penalty, p, delta / n), False, self.intercept), 1.0)
        return replace(fit, coef=fit.coef[:p])

    def start(self, kind: str, seed: int | None) -> tuple[list[Affine], float]:
        everything = np.ones(len(self.y), dtype=bool)
        fit = self.on_rows(everything) if kind == "ols" else self._trimmed(seed)
        residual = self.residual(fit)
        scale = m_scale(residual, self._spent(fit, everything))
        if scale == 0:
            return [fit], 0.0
        rows = abs(residual) <= WITHIN * scale
        fit = self.on_rows(rows)
        return [fit], deviation_within(self.residual(fit)[rows], self._spent(fit, rows), WITHIN)

    def _spent(self, fit: Affine, rows: Flags) -> int:
        return min(self.degrees(fit), int(rows.sum()) // 2)

    def _trimmed(self, seed: int | None) -> Affine:
        """Sparse least trimmed squares: the penalised fit of the half of the rows that it fits best.

        A. Alfons, C. Croux, S. Gelper (2013), Sparse least trimmed squares regression, Annals of Applied Statistics 7.
        """
        rng = np.random.default_rng(seed)
        n = len(self.y)
        found = []
        for _ in range(SUBSETS):
            rows = np.zeros(n, dtype=bool)
            rows[rng.choice(n, min(SUBSET_ROWS, n), replace=False)] = True
            found.append(self._concentrate(self._on(rows, 1.0), 2))
        best = sorted(found, key=lambda pair: pair[0])[:FOLLOWED]
        return min((self._concentrate(fit, STEPS) for _, fit in best), key=lambda pair: pair[0])[1]

    def _concentrate(self, fit: Affine, steps: int) -> tuple[float, Affine]:
        """Some concentration steps; the objective on the rows of the last, and its fit."""
        size, before = (len(self.y) + 2) // 2, None
        for _ in range(steps):
            rows = np.zeros(len(self.y), dtype=bool)
            rows[np.argsort(self.residual(fit) ** 2, kind="stable")[:size]] = True
            if before is not None and (rows == before).all():
                break
            fit, before = self.on_rows(rows), rows
        squares = float((self.residual(fit)[rows] ** 2).sum()) / (2 * len(self.y))
        return squares + float(self.penalty.value(fit.coef)), fit

    def hard(self, starts: list[Affine], alpha: float) -> tuple[Affine, Flags]:
        (fit,), before = starts, None
        for _ in range(STEPS):
            rows = abs(self.residual(fit)) <= alpha
            if not rows.any() or (before is not None and (rows == before).all()):
                break
            fit, before = self.on_rows(rows), rows
        return fit, rows

    def hard_at_rate(self, rate: float, start: str, seed: int | None) -> float:
        return float(norm.isf(rate / 2)) * self.start(start, seed)[1]

    def soft_at_rate(self, rate: float, seed: int | None) -> float:
        return self.hard_at_rate(rate, "robust", seed)

    def degrees(self, fit: Affine) -> int:
        return int(np.count_nonzero(fit.coef)) + self.intercept

    def leverage(self, rows: Flags) -> Floats:
        return np.zeros(len(self.y))
