"""Pure ridge penalties: no coefficient is zero, so nothing is screened; the smaller side of X decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..coefficients import Coefficients
from ..designs import Dense, Standardized
from ..penalties import L2, Terms
from ..problem import Control, Grid, NullModel, Problem
from .grid import RIDGE_FLOOR, default_ratio
from .lanes import Sample
from .newton_cg import NewtonCG
from .raw import RawPath, shortfall

Floats = NDArray[np.float64]
Solve = Callable[[list[Problem], Grid], list[RawPath]]

LARGEST_SIDE = 3000  # a decomposition of so many rows or columns is worth it
LARGEST_NEWTON = 400  # ... and Newton with so large a Gram beats conjugate gradients
RANK = 1e-13  # eigenvalues below this share of the largest are rounding
LOST = 1e-9  # share of the null loss that the directions below RANK may be worth


def ridge_weights(problem: Problem) -> Floats | None:
    """The ridge weight of each column, inf where it is excluded; None unless Omega is such a ridge for all outputs."""
    terms = problem.terms
    assert terms is not None
    zero = terms.excluded
    if terms.groups is not None or (terms.l1[~zero] > 0).any() or terms.bounded:
        return None
    shape = (problem.design.shape[1], problem.n_outputs)
    weights = np.where(zero, np.inf, terms.quadratic).reshape(shape)
    return weights[:, 0].copy() if (weights == weights[:, :1]).all() and weights.any() else None


def by_rows(problem: Problem) -> bool:
    """Whether rows are the smaller side of X, and few enough to decompose."""
    n, p = problem.design.shape
    return n < p and n <= LARGEST_SIDE and ridge_weights(problem) is not None


def by_products(problem: Problem) -> bool:
    """Whether products with X beat a Gram of its columns."""
    weights = ridge_weights(problem)
    if weights is None or not weights.all():  # a column that nothing penalises needs the exact dual point
        return False
    side = min(problem.design.shape) * problem.n_outputs
    if problem.loss.constant_curvature:
        return side > LARGEST_SIDE
    return problem.n_outputs > 1 or side > LARGEST_NEWTON


@dataclass(frozen=True)
class Columns:
    """Centres, deviations and ridge weights of the columns on some rows; constant columns are excluded."""

    design: Standardized
    ridge: Floats
    own: Floats

    @classmethod
    def of(cls, problem: Problem, unit: bool) -> Columns:
        """One read; with `unit` the frame's columns have deviation one, whatever the penalty acts on."""
        mean, deviation = problem.design.moments(problem.weights)
        center = mean if problem.intercept else np.zeros_like(mean)
        steady = np.where(deviation > 0, deviation, 1.0)
        own = steady if problem.standardize else np.ones_like(mean)
        scale = steady if unit else np.ones_like(mean)
        weights = ridge_weights(problem)
        assert weights is not None
        ridge = weights * (own / scale) ** 2
        if problem.intercept:
            ridge = np.where(deviation > 0, ridge, np.inf)
        return cls(Standardized(problem.design, center, scale), ridge, own)

    def grid(self, problem: Problem, grid: Grid) -> Grid:
        """The alphas, where nobody gave them, as for every pure ridge."""
        if grid.alphas is not None:
            return grid
        null = NullModel.of(problem)
        share = problem.weights / problem.total
        force = (share * problem.loss.gradient(problem.y, null.eta).T).T
        pull = (self.design.rmatvec(force).T * (self.design.scale / self.own)).T
        top = float(np.max(abs(pull), initial=0.0)) / RIDGE_FLOOR if null.loss > 0 else 1.0
        return Grid((top or 1.0) * np.geomspace(1, grid.ratio or default_ratio(problem), grid.n_alphas))


def solve_by_rows(problems: list[Problem], grid: Grid, solve: Solve) -> list[RawPath]:
    """With fewer rows than columns: w = Q^(-1) X'a, so that n coordinates z with ||z||^2 = w'Qw are enough.

    With K = X Q^(-1) X' = U diag(s^2) U', the problem in z has the design U diag(s) and a unit ridge; then
    w = Q^(-1) X'U diag(1/s) z. Columns that nothing penalises stand beside it. Lanes share K unless each has its own
    standard deviations.

    References
    ----------
    T. Hastie, R. Tibshirani (2004), Efficient quadratic regularization for expression arrays, Biostatistics 5.
    """
    problem = problems[0]
    if problem.standardize and len(problems) > 1:
        first = solve_by_rows(problems[:1], grid, solve)
        fixed = Grid(first[0].alphas)
        rest = [solve_by_rows([own], fixed, solve)[0] for own in problems[1:]]
        return [replace(first[0], reads=first[0].reads + sum(path.reads for path in rest)), *rest]
    start = problem.design.reads
    columns = Columns.of(problem, unit=False)
    grid = columns.grid(problem, grid)
    free = np.flatnonzero(columns.ridge == 0)
    inverse = np.divide(1.0, columns.ridge, out=np.zeros_like(columns.ridge), where=columns.ridge > 0)
    values, vectors = scipy.linalg.eigh(columns.design.row_gram(inverse), overwrite_a=True, check_finite=False)
    keep = values > RANK * max(values[-1], 1e-300)
    if _loses(problem, grid, float(values[~keep].max(initial=0.0))):
        return solve(problems, grid)
    grid = replace(grid, start=None)  # it is one of columns, not of rows
    root, vectors = np.sqrt(values[keep]), vectors[:, keep]
    table = np.hstack([vectors * root, columns.design.take(free)]) if free.size else vectors * root
    if not table.shape[1]:
        table = np.zeros((len(table), 1))
        root, vectors = np.ones(1), table
    rank = len(root)
    design = Dense(np.asfortranarray(table))
    penalty = L2(weights=np.append(np.ones(rank), np.zeros(len(free))))
    small = [replace(own, design=design, penalty=penalty, standardize=False) for own in problems]
    paths = solve(small, grid)
    back = vectors / root
    outputs, count = problem.n_outputs, len(paths[0].alphas)
    tables = [path.coef.reshape(count, -1, outputs) for path in paths]
    duals = np.concatenate([np.einsum("nr,mrk->nmk", back, part[:, :rank]) for part in tables], axis=1)
    wide = columns.design.rmatvec(np.asfortranarray(duals.reshape(len(back), -1))).reshape(len(inverse), -1, outputs)
    result = []
    for lane, path in enumerate(paths):
        coef = np.moveaxis(wide[:, lane * count : (lane + 1) * count] * inverse[:, None, None], 1, 0).copy()
        coef[:, free] = tables[lane][:, rank:]
        shift = np.einsum("p,mpk->mk", columns.design.center, coef)
        result.append(_path(problem, columns, (path.alphas, coef, path.intercept - _squeezed(problem, shift)), path))
    reads = problem.design.reads - start
    return [replace(path, reads=reads) for path in result]


def _loses(problem: Problem, grid: Grid, dropped: float) -> bool:
    """Whether a direction of K left out as rounding may hold more than rounding, as beside columns of vast scale."""
    assert grid.alphas is not None
    null = NullModel.of(problem)
    force = (problem.weights * problem.loss.gradient(problem.y, null.eta).T) / problem.total
    smallest = grid.alphas[grid.alphas > 0].min(initial=np.inf)
    return dropped * float((force**2).sum()) / 2 > LOST * smallest * null.loss > 0


def solve_by_products(problems: list[Problem], grid: Grid, control: Control) -> list[RawPath]:
    """Newton with conjugate gradients, lane by lane."""
    problem = problems[0]
    start = problem.design.reads
    near = problem.design.near()
    paths: list[RawPath] = []
    for number, lane in enumerate(replace(own, design=near) for own in problems):
        columns = Columns.of(lane, unit=True)
        grid = columns.grid(lane, grid)
        assert grid.alphas is not None
        share = lane.weights / lane.total
        sample = Sample(lane.loss, lane.y, lane.base_eta(), share, lane.intercept)
        null = NullModel.of(lane)
        solver = NewtonCG(columns.design, sample, columns.ridge, null)
        states = []
        for alpha in grid.alphas:
            states.append(solver.solve(float(alpha), control.tol))
            control.tell((number + len(states) / len(grid.alphas)) / len(problems))
        coef = np.array([state.coef for state in states]) / columns.design.scale[:, None]
        intercept = np.array([state.intercept for state in states])
        intercept -= np.einsum("p,mpk->mk", columns.design.center, coef)
        if lane.y.ndim == 2:
            intercept -= intercept.mean(1, keepdims=True)
        gap = np.array([state.gap for state in states])
        frame = RawPath(
            grid.alphas, Coefficients.of(coef), intercept, gap, 0.0, null.loss, columns.own, columns.design.center,
            message=shortfall(gap, grid.alphas, control.tol),
        )  # fmt: skip
        paths.append(_path(lane, columns, (grid.alphas, coef, _squeezed(lane, intercept)), frame))
    reads = problem.design.reads - start
    return [replace(path, reads=reads) for path in paths]


def _path(problem: Problem, columns: Columns, fit: tuple[Floats, Floats, Floats], path: RawPath) -> RawPath:
    """A path in the columns' units, certified as `path` is."""
    alphas, coef, intercept = fit
    if problem.y.ndim == 2:
        intercept = intercept - intercept.mean(1, keepdims=True)
    return replace(
        path,
        alphas=alphas,
        table=Coefficients.of(coef if problem.y.ndim == 2 else coef[:, :, 0]),
        intercept=intercept,
        scale=columns.own,
        center=columns.design.center,
    )


def _squeezed(problem: Problem, intercept: Floats) -> Floats:
    """(m, K), or (m,) where y is a vector."""
    return intercept if problem.y.ndim == 2 else intercept[:, 0]


def pure(terms: Terms) -> bool:
    """Whether every coordinate of these terms that is not excluded has a ridge and nothing else."""
    inside = ~terms.excluded
    return bool(
        terms.groups is None
        and not (terms.l1[inside] > 0).any()
        and (terms.quadratic[inside] > 0).all()
        and not terms.bounded
    )
