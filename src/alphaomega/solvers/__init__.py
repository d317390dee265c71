"""Solvers: a Problem and a grid in, a RawPath out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..designs import Standardized
from ..problem import Control, Grid, NullModel, Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RawPath:
    """What a solver returns: coefficients (m, p) or (m, p, K) in the columns' units, intercepts, certificates."""

    alphas: Floats
    coef: Floats
    intercept: Floats
    gap: Floats
    n_nonzero: NDArray[np.intp]
    reads: float
    null_loss: float
    scale: Floats
    center: Floats
    certificate: str = "duality gap"
    message: str = ""
    supports: list[NDArray[np.intp]] | None = field(default=None, repr=False)

    def support(self, k: int) -> NDArray[np.intp]:
        """Features with a non-zero coefficient at the k-th alpha."""
        if self.supports is not None:
            return self.supports[k]
        return np.flatnonzero(self.coef[k] if self.coef.ndim == 2 else self.coef[k].any(1))


def solve_path(problem: Problem, grid: Grid, control: Control) -> RawPath:
    """Solve the problem at every alpha of the grid."""
    from . import proximal
    from .certificate import certify

    start = problem.design.reads
    mean, scale = problem.design.moments(problem.weights)
    scale = np.where(scale > 0, scale, 1.0)
    center = mean if problem.intercept else np.zeros_like(mean)
    if not problem.standardize:
        scale = np.ones_like(mean)
    work = replace(problem, design=Standardized(problem.design, center, scale))
    null = NullModel.of(problem)
    share = problem.weights / problem.total
    gradient = work.design.rmatvec((share * problem.loss.gradient(problem.y, null.eta).T).T)
    alphas = grid.alphas
    if alphas is None:
        from .grid import alpha_max, default_ratio

        top = alpha_max(work, gradient)
        alphas = top * np.geomspace(1, grid.ratio or default_ratio(work), grid.n_alphas)
    shape = problem.coef_shape
    state = proximal.State(np.zeros(shape), null.intercept, 1e-3)
    rows = []
    for alpha in alphas:
        state, violation = proximal.solve(work, float(alpha), state, control)
        gap = violation if work.terms is None else certify(work, state.coef, float(alpha), null).gap
        coef = (state.coef.T / scale).T
        rows.append((coef, state.intercept - center @ coef, gap))
    coefs, intercepts, gaps = (np.array(column) for column in zip(*rows))
    nonzero = coefs != 0 if coefs.ndim == 2 else (coefs != 0).any(2)
    return RawPath(
        alphas, coefs, intercepts, gaps, nonzero.sum(1), problem.design.reads - start, null.loss, scale, center
    )


def solve_folds(
    problem: Problem, folds: NDArray[np.intp], grid: Grid, control: Control
) -> tuple[RawPath, list[RawPath]]:
    """The path on all rows and the path without each fold, on the same alphas."""
    full = solve_path(problem, grid, control)
    fixed = Grid(full.alphas)
    parts = []
    for fold in range(int(folds.max()) + 1):
        weights = np.where(folds == fold, 0.0, problem.weights)
        parts.append(solve_path(replace(problem, weights=weights), fixed, control))
    return full, parts
