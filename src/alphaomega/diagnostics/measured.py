"""What L1 and L2 do on some data, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import solvers
from ..arguments import read_data
from ..fitting import cross_validate
from ..losses import Loss
from ..model_selection import resampling
from ..model_selection.degrees import degrees_of_freedom
from ..penalties import L1, L2
from ..problem import Control, Grid, NullModel, Problem
from ..results import CrossValidation, Solution
from .uniqueness import l1_uniqueness

Floats = NDArray[np.float64]
SPOILT = 0.05  # of the targets, to see how far a fit follows them
FAR = 10.0  # standard deviations that a spoilt target moves
N_ALPHAS = 50


@dataclass(frozen=True)
class Side:
    """One penalty at its best alpha; coefficients are per standard deviation."""

    alpha: float
    error: float
    absolute: float
    squares: float
    zeros: int
    df: float
    moved: float
    unique: bool = True
    reason: str = "strictly convex"
    overlap: float = 1.0


@dataclass(frozen=True, eq=False)
class Measured:
    """Both penalties on the same data; `better` names the one with a measurably smaller cross-validated error."""

    l1: Side
    l2: Side
    loss: Loss
    n_rows: int
    n_features: int
    constant: int
    corrupted: int
    explained: float
    better: str | None


@dataclass(frozen=True, eq=False)
class _Rows:
    """Encoded rows."""

    X: Any
    y: Floats
    offset: Floats | None


def measure(X: Any, y: ArrayLike, loss: str | Loss, offset: ArrayLike | None, spec: tuple[int, int, int]) -> Measured:
    """Fit both penalties, and measure; spec is (folds, resamples, seed)."""
    folds, n_resamples, seed = spec
    data = read_data(X, y, loss, None, offset)
    common: dict[str, Any] = {"loss": data.loss, "offset": offset, "standardize": True, "n_alphas": N_ALPHAS}
    validated = {
        name: cross_validate(X, y, penalty=penalty, folds=folds, seed=seed, **common)
        for name, penalty in (("L1", L1()), ("L2", L2()))
    }
    rows = np.random.default_rng(seed).permutation(len(data.weights))[: max(1, round(SPOILT * len(data.weights)))]
    sides = {}
    for name, cv in validated.items():
        problem = data.problem(cv.path.penalty, standardize=True, intercept=True)
        sides[name] = _side(cv, problem, _spoilt(problem, rows))
    l1 = validated["L1"]
    drawn = resampling.draw(data, "bootstrap", n_resamples, seed)
    problem = data.problem(L1(), standardize=True, intercept=True)
    paths = resampling.solve(problem, drawn, Grid(l1.path.alphas[: l1.index_min + 1]), Control())[1:]
    encoded = _Rows(data.encoder.transform(X), data.target.values, data.offset)
    scale, center = l1.path.scale, _means(problem)
    unique, reason = l1_uniqueness(data.loss, encoded, _solution(l1), scale, center)
    sides["L1"] = replace(sides["L1"], unique=unique, reason=reason, overlap=_overlap(paths))
    null = NullModel.of(problem).loss
    best = min(float(cv.mean[cv.index_min]) for cv in validated.values())
    return Measured(
        l1=sides["L1"],
        l2=sides["L2"],
        loss=data.loss,
        n_rows=len(data.weights),
        n_features=data.design.shape[1],
        constant=int((data.design.moments(data.weights)[1] == 0).sum()),
        corrupted=len(rows),
        explained=1 - best / (2 * null) if null > 0 else 0.0,
        better=_better(validated["L1"], validated["L2"]),
    )


def _solution(cv: CrossValidation) -> Solution:
    k, fitted = cv.index_min, cv.path
    return Solution(float(fitted.alphas[k]), fitted.coef[k], fitted.intercept[k], float(fitted.gap[k]))


def _means(problem: Problem) -> Floats:
    return problem.design.moments(problem.weights)[0]


def _side(cv: CrossValidation, problem: Problem, spoilt: Problem) -> Side:
    """The fit at the smallest cross-validated error, and how far it follows spoilt targets at the same alpha."""
    solution, fitted = _solution(cv), cv.path
    standard = solution.coef * fitted.scale
    grid = Grid(fitted.alphas[: cv.index_min + 1])
    moved = solvers.solve_path(spoilt, grid, Control()).coef[-1].T * fitted.scale - standard
    used = np.atleast_2d(solution.coef).any(0)
    return Side(
        alpha=solution.alpha,
        error=float(cv.mean[cv.index_min]),
        absolute=float(abs(standard).sum()),
        squares=float((standard**2).sum() / 2),
        zeros=int((~used).sum()),
        df=degrees_of_freedom(problem, solution.alpha, solution.coef.T, solution.intercept, fitted.scale),
        moved=float(np.linalg.norm(moved)) / max(float(np.linalg.norm(standard)), 1e-300) if used.any() else 0.0,
    )


def _spoilt(problem: Problem, rows: NDArray[np.intp]) -> Problem:
    """The problem with some targets moved far up; classes become the next one."""
    y = problem.y.copy()
    if problem.y.ndim == 2:
        y[rows] = np.roll(y[rows], 1, axis=1)
    elif problem.loss.classifies:
        y[rows] = 1 - y[rows]
    elif problem.loss.name == "poisson":
        y[rows] = FAR * (y[rows] + 1)
    else:
        y[rows] += FAR * y.std()
    return replace(problem, y=y)


def _overlap(paths: list[solvers.RawPath]) -> float:
    """The mean share of features that two resamples both keep, among those that either keeps."""
    kept = np.array([raw.coef[-1] != 0 if raw.coef.ndim == 2 else raw.coef[-1].any(1) for raw in paths], dtype=float)
    both = kept @ kept.T
    size = np.diag(both)
    either = size[:, None] + size - both
    pairs = np.triu_indices(len(kept), 1)
    shares = np.divide(both, either, out=np.ones_like(both), where=either > 0)[pairs]
    return float(shares.mean()) if shares.size else 1.0


def _better(l1: CrossValidation, l2: CrossValidation) -> str | None:
    """Whose error is smaller by more than a standard error of the folds' differences; None where neither's is."""
    difference = l1.scores[:, l1.index_min] - l2.scores[:, l2.index_min]
    difference = difference[np.isfinite(difference)]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    if abs(difference.mean()) <= error:
        return None
    return "L1" if difference.mean() < 0 else "L2"
