"""Solvers: a Problem and a grid in, a RawPath out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..problem import Control, Grid, Problem
from .raw import RawPath

__all__ = ["RawPath", "one_pass", "solve_folds", "solve_many", "solve_path"]


def one_pass(problem: Problem) -> bool:
    """Whether one read gives the whole path: it then also tells of entries that are not finite."""
    if problem.terms is None:
        return False
    from .engine import summed

    return summed(problem, 0)


def solve_path(problem: Problem, grid: Grid, control: Control) -> RawPath:
    """Solve the problem at every alpha of the grid, largest first."""
    return solve_folds(problem, None, grid, control)[0]


def solve_folds(
    problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control
) -> tuple[RawPath, list[RawPath]]:
    """The path on all rows, and the path without each fold 0..F-1, on the same alphas."""
    if problem.terms is None:
        from . import first_order, forms

        solve = forms.solve if forms.pure(problem) else first_order.solve
        return solve(problem, folds, grid, control)
    from .engine import solve as solve_exactly

    return solve_exactly(problem, folds, grid, control)


def solve_many(problems: Sequence[Problem], grid: Grid, control: Control) -> list[RawPath]:
    """The path of each problem, on the grid of the first; they differ in weights, y or offset alone.

    They share X and its reads: resamples are weights, simulated targets are ys. A row that has weight 0 in the first
    problem has it in all.
    """
    if problems[0].terms is None:
        from . import first_order, forms

        solve = forms.solve_many if forms.pure(problems[0]) else first_order.solve_many
        return solve(problems, grid, control)
    from .engine import solve_many as solve_exactly

    return solve_exactly(list(problems), grid, control)
