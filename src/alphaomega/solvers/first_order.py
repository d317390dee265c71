"""Paths for penalties that have a prox but no terms: warm-started proximal gradient, certified by stationarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..coefficients import Coefficients
from ..designs import Standardized
from ..problem import Control, Grid, NullModel, Problem
from . import proximal
from .grid import default_ratio
from .raw import RawPath

Floats = NDArray[np.float64]


def solve(
    problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control
) -> tuple[RawPath, list[RawPath]]:
    """The path on all rows, and without each fold."""
    count = 0 if folds is None else int(folds.max()) + 1
    left_out = [replace(problem, weights=np.where(folds == fold, 0.0, problem.weights)) for fold in range(count)]
    paths = solve_many([problem, *left_out], grid, control)
    return paths[0], paths[1:]


def solve_many(problems: Sequence[Problem], grid: Grid, control: Control) -> list[RawPath]:
    """The path of each problem, on the grid of the first."""
    paths: list[RawPath] = []
    for number, problem in enumerate(problems):
        paths.append(_path(problem, Grid(paths[0].alphas) if paths else grid, control))
        control.tell((number + 1) / len(problems))
    return paths


def _path(problem: Problem, grid: Grid, control: Control) -> RawPath:
    start = problem.design.reads
    mean, deviation = problem.design.moments(problem.weights)
    center = mean if problem.intercept else np.zeros_like(mean)
    scale = np.where(deviation > 0, deviation, 1.0) if problem.standardize else np.ones_like(mean)
    work = replace(problem, design=Standardized(problem.design, center, scale))
    null = NullModel.of(problem)
    share = problem.weights / problem.total
    gradient = work.design.rmatvec((share * problem.loss.gradient(problem.y, null.eta).T).T)
    alphas = grid.alphas
    if alphas is None:
        top = float(np.max(abs(gradient), initial=0.0)) or 1.0
        alphas = top * np.geomspace(1, grid.ratio or default_ratio(work), grid.n_alphas)
    state = proximal.State(np.zeros(problem.coef_shape), null.intercept, 1e-3)
    coefs, intercepts, violations = [], [], []
    for alpha in alphas:
        state, violation = proximal.solve(work, float(alpha), state, control)
        coef = (state.coef.T / scale).T
        coefs.append(coef)
        intercepts.append(state.intercept - center @ coef)
        violations.append(violation)
    late = [alpha for alpha, violation in zip(alphas, violations) if violation > control.tol]
    message = (
        f"{len(late)} of {len(alphas)} fits stopped short of tol={control.tol:g}, all at alpha <= {max(late):g}; their "
        "coefficients are approximate. Give the penalty `terms` for the exact solver, raise tol=, or use larger alphas."
        if late
        else ""
    )
    return RawPath(
        np.asarray(alphas, dtype=float), Coefficients.of(np.array(coefs)), np.array(intercepts), np.array(violations),
        problem.design.reads - start, null.loss, scale, center, "stationarity", message,
    )  # fmt: skip
