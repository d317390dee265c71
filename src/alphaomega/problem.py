"""The problem that a solver sees: design, y, loss, penalty, weights, offset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .designs import Design
from .losses import Loss
from .penalties import Penalty, Terms

Floats = NDArray[np.float64]
NEWTON_STEPS = 100
ROUNDING = 4 * np.finfo(float).eps


@dataclass(frozen=True)
class Problem:
    """min over (w, b) of sum_i s_i loss(y_i, eta_i) / sum_i s_i + alpha * Omega(w), eta = X w + b + offset.

    `y` is on the loss's own scale (`Loss.target`), shape (n,) or (n, K). `weights` (n,) are >= 0 and sum to anything
    positive; a row of weight 0 does not exist. With `standardize`, Omega sees each coefficient times the weighted
    standard deviation of its column.
    """

    design: Design
    y: Floats
    loss: Loss
    penalty: Penalty
    weights: Floats
    offset: Floats | None = None
    intercept: bool = True
    standardize: bool = False

    @property
    def n_outputs(self) -> int:
        """K: how many linear predictors a sample has."""
        return 1 if self.y.ndim == 1 else self.y.shape[1]

    @property
    def coef_shape(self) -> tuple[int, ...]:
        """(p,) or (p, K)."""
        p = self.design.shape[1]
        return (p,) if self.y.ndim == 1 else (p, self.n_outputs)

    @property
    def terms(self) -> Terms | None:
        """The penalty's terms for these coefficients, raveled feature by feature."""
        return self.penalty.terms(self.coef_shape)

    @property
    def total(self) -> float:
        """sum_i s_i."""
        return float(self.weights.sum())

    def data_term(self, eta: Floats) -> float:
        """J: the weighted mean loss."""
        return float(self.weights @ self.loss.value(self.y, eta)) / self.total

    def base_eta(self) -> Floats:
        """eta at w = 0, b = 0: the offset, in y's shape."""
        eta = np.zeros_like(self.y)
        if self.offset is not None:
            eta += self.offset if self.y.ndim == self.offset.ndim else self.offset[:, None]
        return eta


def best_intercept(problem: Problem, eta: Floats) -> Floats:
    """The shift (scalar array, or (K,)) that minimises J(eta + shift)."""
    if not problem.intercept:
        return np.zeros(eta.shape[1:])
    return _best_shift(problem, eta) if eta.ndim == 1 else _best_shifts(problem, eta)


def _best_shift(problem: Problem, eta: Floats) -> Floats:
    """One shift: Newton inside a bracket of the root of dJ/dshift, which never falls; steps at most double."""
    loss, y, share = problem.loss, problem.y, problem.weights / problem.total
    shift, low, high = 0.0, -np.inf, np.inf
    reach = np.inf if loss.constant_curvature else 1.0  # Newton from a flat place would land anywhere
    for _ in range(NEWTON_STEPS):
        slopes = loss.gradient(y, eta + shift)
        slope = float(share @ slopes)
        if abs(slope) <= ROUNDING * float(share @ abs(slopes)):
            break
        low, high = (shift, high) if slope < 0 else (low, shift)
        curvature = float(share @ loss.curvature(y, eta + shift))
        if abs(slope) > curvature * reach:
            trial, reach = shift - np.sign(slope) * reach, 2 * reach
        else:
            trial = shift - slope / curvature
        if trial == shift:
            break
        if not low < trial < high:
            trial = (low + high) / 2 if np.isfinite(high - low) else shift
        if trial == shift:
            break
        shift = trial
    return np.asarray(shift)


def _best_shifts(problem: Problem, eta: Floats) -> Floats:
    """One shift per predictor: Newton, halved while J grows."""
    loss, y, share = problem.loss, problem.y, problem.weights / problem.total
    shift = np.zeros(eta.shape[1])
    objective = share @ loss.value(y, eta)
    for _ in range(NEWTON_STEPS):
        gradient = share @ loss.gradient(y, eta + shift)
        curvature = np.tensordot(share, loss.curvature(y, eta + shift), 1)
        step = -np.linalg.pinv(curvature, hermitian=True) @ gradient
        size = 1.0
        while size > 1e-12:
            trial = shift + size * step
            value = share @ loss.value(y, eta + trial)
            if np.isfinite(value) and value <= objective + 1e-15 * abs(objective):
                break
            size /= 2
        else:
            break
        shift, objective = trial, value
        if np.max(abs(size * step)) <= 1e-15 * (1 + np.max(abs(shift))):
            break
    return shift


@dataclass(frozen=True)
class NullModel:
    """The intercept-only fit: where every path starts and what every gap is measured against.

    The loss is zero when it fits exactly: then nothing is left to explain, and every gap counts as zero.
    """

    intercept: Floats
    eta: Floats
    loss: float

    @classmethod
    def of(cls, problem: Problem) -> NullModel:
        """Fit the intercept alone; a constant target is fitted exactly, with a loss of zero and no rounding."""
        base = problem.base_eta()
        intercept = best_intercept(problem, base)
        eta = base + intercept
        alive = problem.weights > 0
        exact = problem.intercept and np.ptp(problem.y[alive]) == 0 == np.ptp(base[alive])
        return cls(intercept, eta, 0.0 if exact else problem.data_term(eta))


@dataclass(frozen=True, eq=False)
class Start:
    """Where to begin at the largest alpha: coefficients (p,) or (p, K) in the columns' units, intercept () or (K,)."""

    coef: Floats
    intercept: Floats


class NonFiniteError(ValueError):
    """X holds NaN or infinity."""

    def __init__(self, column: int, values: Floats) -> None:
        self.column = column
        rows = np.flatnonzero(~np.isfinite(values))
        what = "values too large to sum" if not rows.size else f"NaN or infinity at row {rows[0]}"
        super().__init__(
            f"X holds {what} in column {column}; fill the missing values (impute='mean') or drop those rows or that "
            "column"
        )


@dataclass(frozen=True)
class Grid:
    """Which alphas: given, or `n_alphas` spaced geometrically from alpha_max down to ratio * alpha_max.

    A solver that iterates begins at `start`; it changes the time, not the result.
    """

    alphas: Floats | None = None
    n_alphas: int = 100
    ratio: float | None = None
    start: Start | None = None


@dataclass(frozen=True)
class Control:
    """When to stop, whom to tell how much is done (a share from 0 to 1), how many threads to use."""

    tol: float = 1e-6
    report: Callable[[float], object] | None = None
    n_threads: int | None = None

    def tell(self, share: float) -> None:
        """Say that this share of the work is done."""
        if self.report is not None:
            self.report(share)

    def part(self, start: float, end: float) -> Control:
        """The control of a part of the work, between two shares of the whole."""
        return replace(self, report=lambda share: self.tell(start + share * (end - start)))
