"""Fits that do not exist: directions along which the loss falls for ever and nothing penalises the coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .losses import Logistic, Multinomial, Poisson
from .problem import Problem
from .solvers import RawPath

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LARGE = 12.0  # predictors that vary by more (odds of 160,000 to 1) raise the question
LARGEST_PROGRAM = 1_000_000  # numbers in the linear program that answers it where no plane proves it
PROGRESS = 1e-6  # of the largest possible gain: more than rounding makes


def divergence(problem: Problem, raw: RawPath) -> str:
    """Why the last fit of a path is not finite, what follows, and the mend; empty where it is, or nobody can tell.

    References
    ----------
    A. Albert and J. A. Anderson (1984), On the existence of maximum likelihood estimates in logistic regression models,
    Biometrika 71.
    """
    if not isinstance(problem.loss, (Logistic, Multinomial, Poisson)):
        return ""
    support = raw.supports[-1]
    eta = problem.design.matvec(raw.coef[-1][support], support) + raw.intercept[-1]
    alive = problem.weights > 0
    if np.ptp(eta[alive], axis=0).max() < LARGE:
        return ""
    cone = _Cone.of(problem, at_zero=raw.alphas[-1] == 0)
    if not (cone.proven_by(eta[alive]) or cone.gains()):
        return ""
    what = "rows with zero counts" if isinstance(problem.loss, Poisson) else "the classes"
    if raw.alphas[-1] > 0:
        return (
            f"unpenalised columns separate {what}, so no alpha has a finite fit: coefficients grow without end, and "
            "those returned are where the solver stopped. Give such columns a penalty weight > 0."
        )
    positive = raw.alphas[raw.alphas > 0]
    mend = f"alphas >= {positive[-1]:.3g}" if positive.size else "alphas > 0"
    return (
        f"the columns separate {what}, so at alpha = 0 there is no finite fit: coefficients grow without end, and "
        f"those returned are where the solver stopped. Every alpha > 0 has a finite fit: use {mend}."
    )


@dataclass(frozen=True)
class _Cone:
    """Directions that nothing penalises, and the rows (of positive weight) that decide whether one gains for ever."""

    problem: Problem
    alive: Mask
    down: Mask
    up: Mask

    @classmethod
    def of(cls, problem: Problem, at_zero: bool) -> _Cone:
        terms, shape = problem.terms, problem.coef_shape
        if terms is None:
            down = up = np.full(shape, at_zero)
        else:
            free = ~terms.excluded if at_zero else terms.free
            down, up = (free & np.isinf(terms.lower)).reshape(shape), (free & np.isinf(terms.upper)).reshape(shape)
        return cls(problem, problem.weights > 0, down, up)

    def proven_by(self, eta: Floats) -> bool:
        """Whether the fit itself is such a direction: every row on its own side, every coefficient free."""
        if not (self.down.all() and self.up.all()) or isinstance(self.problem.loss, Poisson):
            return False
        y = self.problem.y[self.alive]
        if y.ndim == 1:
            return bool((np.where(y > 0, eta, -eta) > 0).all())
        own = eta[y > 0]
        return bool((own > np.where(y > 0, -np.inf, eta).max(1)).all())

    def gains(self) -> bool:
        """Whether a linear program finds a direction that no row resists and some row gains by."""
        from scipy.optimize import linprog

        movable = np.flatnonzero((self.down | self.up).reshape(len(self.down), -1).any(1))
        n, outputs = int(self.alive.sum()), self.problem.n_outputs
        if n * (len(movable) + 1) * outputs**2 > LARGEST_PROGRAM:
            return False
        block = self.problem.design.take(movable)[self.alive]
        center = block.mean(0) if self.problem.intercept else np.zeros(len(movable))
        block = block - center
        size = abs(block).max(0, initial=0.0)
        block = np.column_stack([block / np.where(size > 0, size, 1.0), np.ones(n)])
        gain, still = self._rows(block)
        free = np.ones(outputs) if self.problem.intercept else np.zeros(outputs)
        lower = np.append(-1.0 * self.down[movable].reshape(-1, outputs), -free[None], axis=0)
        upper = np.append(1.0 * self.up[movable].reshape(-1, outputs), free[None], axis=0)
        found = linprog(
            -gain.sum(0),
            A_ub=-gain,
            b_ub=np.zeros(len(gain)),
            A_eq=still if len(still) else None,
            b_eq=np.zeros(len(still)) if len(still) else None,
            bounds=np.column_stack([lower.ravel(), upper.ravel()]),
        )
        return bool(found.success and -found.fun > PROGRESS * len(gain))

    def _rows(self, block: Floats) -> tuple[Floats, Floats]:
        """The rows that may gain (>= 0 along a direction), and those that must not move (= 0)."""
        y = self.problem.y[self.alive]
        if isinstance(self.problem.loss, Poisson):
            return -block[y == 0], block[y > 0]
        if y.ndim == 1:
            return np.where(y > 0, 1.0, -1.0)[:, None] * block, np.empty((0, block.shape[1]))
        steps = [y - np.eye(y.shape[1])[k] for k in range(y.shape[1])]
        gain = np.concatenate([np.einsum("ij,ik->ijk", block, step)[y[:, k] == 0] for k, step in enumerate(steps)])
        return gain.reshape(len(gain), -1), np.empty((0, block.shape[1] * y.shape[1]))
