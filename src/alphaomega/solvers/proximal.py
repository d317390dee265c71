"""Accelerated proximal gradient: any penalty with a prox, any smooth loss; quadratic forms count with the loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..penalties import Penalty, QuadraticForm
from ..penalties.algebra import split_form
from ..problem import Control, NullModel, Problem

Floats = NDArray[np.float64]
MAX_ITERATIONS = 20_000
GROWTH = 2.0


@dataclass
class State:
    """Where the solver stands: coefficients, intercept, and the step 1/lipschitz that worked last."""

    coef: Floats
    intercept: Floats
    lipschitz: float


def solve(problem: Problem, alpha: float, state: State, control: Control) -> tuple[State, float]:
    """Minimise J + alpha * Omega from `state`; returns the new state and its relative stationarity violation.

    FISTA with backtracking and function-value restart (Beck and Teboulle 2009; O'Donoghue and Candes 2015). The step is
    common to all coefficients; the intercept, whose column has unit norm, takes the same step times the ratio of norms.
    """
    null = NullModel.of(problem)
    forms, penalty = parted(problem.penalty)
    base = problem.base_eta()
    share = problem.weights / problem.total
    reference = _gradient(problem, share, null.eta)[0]
    size = max(float(np.max(abs(reference), initial=0.0)), 1e-300)
    coef, intercept, lipschitz = state.coef, state.intercept, state.lipschitz
    previous, previous_intercept, momentum = coef, intercept, 1.0
    eta = base + problem.design.matvec(coef) + intercept
    objective = problem.data_term(eta) + alpha * float(problem.penalty.value(coef))

    def bent(w: Floats) -> tuple[float, Floats]:
        """Value and gradient of alpha times the quadratic forms."""
        pulls = sum((factor * form.pull(w) for factor, form in forms), np.zeros_like(w))
        return alpha * float((w * pulls).sum()) / 2, alpha * pulls

    violation = np.inf
    for iteration in range(MAX_ITERATIONS):
        next_momentum = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        weight = (momentum - 1) / next_momentum
        point, point_intercept = (
            coef + weight * (coef - previous),
            intercept + weight * (intercept - previous_intercept),
        )
        eta = base + problem.design.matvec(point) + point_intercept
        value, (gradient, gradient_intercept) = problem.data_term(eta), _gradient(problem, share, eta)
        if forms:
            own, pull = bent(point)
            value, gradient = value + own, gradient + pull
        while True:
            step = 1 / lipschitz
            trial = penalty.prox(point - step * gradient, step * alpha)
            trial_intercept = point_intercept - step * gradient_intercept if problem.intercept else point_intercept
            move, move_intercept = trial - point, trial_intercept - point_intercept
            trial_eta = base + problem.design.matvec(trial) + trial_intercept
            trial_value = problem.data_term(trial_eta) + (bent(trial)[0] if forms else 0.0)
            square = float((move**2).sum() + (move_intercept**2).sum())
            linear = float((gradient * move).sum() + (gradient_intercept * move_intercept).sum())
            if trial_value <= value + linear + lipschitz / 2 * square + 1e-13 * abs(value):
                break
            lipschitz *= GROWTH
        trial_objective = trial_value + alpha * float(penalty.value(trial))
        if trial_objective > objective + 1e-14 * abs(objective) and momentum > 1:
            momentum, previous, previous_intercept = 1.0, coef, intercept
            continue
        previous, previous_intercept, coef, intercept = coef, intercept, trial, trial_intercept
        momentum, objective = next_momentum, trial_objective
        if iteration % 10 == 0 or square == 0:
            gradient, gradient_intercept = _gradient(problem, share, trial_eta)
            if forms:
                gradient = gradient + bent(coef)[1]
            residual = penalty.prox(coef - gradient / lipschitz, alpha / lipschitz) - coef
            worst = max(np.max(abs(residual), initial=0.0), np.max(abs(gradient_intercept), initial=0.0) / lipschitz)
            violation = float(worst * lipschitz / size)
            if violation <= control.tol * 1e-2:
                break
    return State(coef, intercept, lipschitz / GROWTH), violation


def parted(penalty: Penalty) -> tuple[list[tuple[float, QuadraticForm]], Penalty]:
    """The quadratic forms that count with the loss, and what takes the prox: a form alone takes it itself."""
    forms, rest = split_form(penalty)
    return ([], penalty) if rest is None else (forms, rest)


def _gradient(problem: Problem, share: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """Gradient of J in the coefficients and in the intercept."""
    force = (share * problem.loss.gradient(problem.y, eta).T).T
    intercept = force.sum(0) if problem.intercept else np.zeros(force.shape[1:])
    return problem.design.rmatvec(force), intercept
