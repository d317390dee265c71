"""`path` and `cross_validate`: from arrays to results."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checkpoints, solvers
from .arguments import Data, finite_norms, fold_ids, grid_of, positive, read_data, reporting
from .checkpoints import Checkpoint
from .columns import separated
from .designs import design_of
from .divergence import divergence
from .frames import Encoder
from .losses import Loss
from .penalties import Penalty
from .problem import Control, Grid, NonFiniteError, Problem, Start
from .results import CrossValidation, Path, Solution
from .scoring import held_out_scores

Floats = NDArray[np.float64]


class ConvergenceWarning(UserWarning):
    """A fit missed its tolerance; the message says why, what follows and what mends it."""


def path(
    X: Any,
    y: ArrayLike | str,
    loss: str | Loss = "squared",
    penalty: Penalty | None = None,
    alphas: ArrayLike | None = None,
    n_alphas: int = 100,
    alpha_min_ratio: float | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    standardize: bool = False,
    intercept: bool = True,
    tol: float = 1e-6,
    progress: bool | Callable[[float], object] = False,
    n_threads: int | None = None,
    impute: str | None = None,
    checkpoint: str | os.PathLike | None = None,
    start: Solution | None = None,
) -> Path:
    """Fit J + alpha * Omega for a whole grid of alphas, every solution with its certificate.

    min over (w, b) of  sum_i s_i loss(y_i, x_i'w + b + offset_i) / sum_i s_i  +  alpha * Omega(w)

    Parameters
    ----------
    X : array, sparse matrix, dataframe, Dask array or dataframe, PyTorch tensor, or design of shape (n, p)
        Never modified and never copied whole. Columns of dataframes keep their names. Designs may lie on disk:
        `designs.from_parquet`, `from_npy`, `from_arrow`, `from_sql`.
    y : array of shape (n,), or the name of a column of X
        Numbers; for the logistic loss any two values (the larger is the event), for the multinomial any labels.
    loss : {"squared", "logistic", "multinomial", "poisson", "huber"} or Loss
    penalty : Penalty, default L1()
    alphas : array of shape (m,), optional
        The grid, any order; the path reports it decreasing. alpha = 0 is the unpenalised fit.
    n_alphas, alpha_min_ratio : int and float
        Without `alphas`: so many, spaced geometrically from alpha_max (the smallest alpha with all penalised
        coefficients zero; for a pure L2, 1000 times that of L1) down to the ratio times it. Default ratio 1e-4 if n > p
        else 1e-2; 1e-6 for a pure L2.
    weights : array of shape (n,), optional
        Sample weights s >= 0; an integer weight k equals the row repeated k times.
    offset : array of shape (n,), optional
        Added to the linear predictor, e.g. log(exposure); then also needed to predict.
    standardize : bool, default False
        Let Omega act on coefficients per standard deviation (1/n convention, weighted) of their column.
    intercept : bool, default True
        Whether to fit b; it is never penalised.
    tol : float, default 1e-6
        Largest relative duality gap, (primal - dual) / loss of the intercept-only model.
    progress : bool or callable, default False
        Show a progress bar with the time left on standard error, or call with the share done, from 0 to 1.
    n_threads : int, optional
        At most so many threads; default what threadpoolctl and the machine allow.
    impute : {None, "mean", "median"}
        How missing numbers of X are filled; missing categories then become a level "missing". None: they are an error.
    checkpoint : file, optional
        Keeps finished alphas, ten at a time. The same call goes on from there after a crash or a kill, and ends
        with the same result bit for bit; Ctrl-C then returns the finished part, and says so.
    start : Solution, optional
        Where to begin at the largest alpha, e.g. `earlier.at(alpha)` of a problem that is nearly this one; it saves
        time with curved losses, and changes results only within `tol`.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        On bad input; the message names the argument, row or column, and the mend.

    References
    ----------
    J. Friedman, T. Hastie, R. Tibshirani (2010), Regularization paths for generalized linear models via coordinate
    descent, J. Statistical Software 33.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> fit = ao.path(X, [2.0, 0.5, -2.0, -0.5], alphas=[0.25])
    >>> fit.coef.round(6)
    array([[1.5, 0. ]])
    >>> bool(fit.gap[0] <= 1e-6)
    True
    """
    data = read_data(X, y, loss, weights, offset, impute, later=True)
    problem = data.problem(penalty, standardize=standardize, intercept=intercept)
    if data.unchecked and not solvers.one_pass(problem):
        finite_norms(data)
    grid = replace(grid_of(alphas, n_alphas, alpha_min_ratio), start=_start(problem, start))
    kept = Checkpoint.at(checkpoint)
    with reporting(progress) as report:
        control = Control(positive(tol, "tol"), report, n_threads)
        try:
            raw, _ = checkpoints.solve(problem, None, grid, control, kept)
        except NonFiniteError:
            if data.unchecked:
                finite_norms(data)  # says where
            raise
    result = _result(problem, data, raw, control)
    if result.message:
        warnings.warn(result.message, ConvergenceWarning, stacklevel=2)
    return result


def cross_validate(
    X: Any,
    y: ArrayLike | str,
    loss: str | Loss = "squared",
    penalty: Penalty | None = None,
    alphas: ArrayLike | None = None,
    n_alphas: int = 100,
    alpha_min_ratio: float | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    standardize: bool = False,
    intercept: bool = True,
    tol: float = 1e-6,
    progress: bool | Callable[[float], object] = False,
    n_threads: int | None = None,
    folds: int | ArrayLike = 10,
    seed: int | None = 0,
    impute: str | None = None,
    checkpoint: str | os.PathLike | None = None,
) -> CrossValidation:
    """K-fold cross-validation of `path` on one grid of alphas: the full-data path and the held-out score of every fold.

    Standardisation is redone inside every fold, and so is the filling of missing entries, from the fold's training rows
    alone. Otherwise all folds share the reads of X. Scores are mean held-out deviances: squared
    error for the squared loss, unit deviance (twice the loss) for the others.

    Parameters
    ----------
    X, y, ..., n_threads, impute, checkpoint
        As for `path`.
    folds : int or array of shape (n,), default 10
        How many folds (drawn with `seed`, stratified by class; identical rows share a fold, so that a weight k equals k
        rows; the only row of a class is never held out), or the fold of each row (any labels).
    seed : int or None, default 0
        Seed of the drawn folds.

    Returns
    -------
    CrossValidation

    Raises
    ------
    ValueError
        As for `path`; also if there are fewer rows than folds, fewer than two folds, or a training part without one of
        the classes.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 5))
    >>> cv = ao.cross_validate(X, X[:, 0] + 0.1 * rng.standard_normal(60), folds=5)
    >>> cv.scores.shape, cv.alpha_1se >= cv.alpha_min
    ((5, 100), True)
    """
    X, y = separated(X, y)
    data = read_data(X, y, loss, weights, offset, impute)
    problem = data.problem(penalty, standardize=standardize, intercept=intercept)
    assignment = fold_ids(folds, data, seed)
    grid = grid_of(alphas, n_alphas, alpha_min_ratio)
    kept = Checkpoint.at(checkpoint)
    with reporting(progress) as report:
        control = Control(positive(tol, "tol"), report, n_threads)
        if data.encoder.had_missing:
            share = 1 / (int(assignment.max()) + 2)
            whole = None if kept is None else kept.all_or_nothing()
            raw, _ = checkpoints.solve(problem, None, grid, control.part(0.0, share), whole)
            rest = control.part(share, 1.0)
            fits = Imputed(X, problem, data.encoder, assignment)
            scores = fits.scores(Grid(raw.alphas), rest, whole)
        else:
            raw, parts = checkpoints.solve(problem, assignment, grid, control, kept)
            scores = held_out_scores(problem, assignment, parts)
    result = _result(problem, data, raw, control)
    if result.message:
        warnings.warn(result.message, ConvergenceWarning, stacklevel=2)
    return CrossValidation(result, scores, assignment, _fold_weights(assignment, data.weights))


def _start(problem: Problem, solution: Solution | None) -> Start | None:
    """The solution as a solver wants it."""
    if solution is None:
        return None
    coef = np.asarray(solution.coef, dtype=float).T
    if coef.shape != problem.coef_shape:
        raise ValueError(f"start has coefficients of shape {coef.T.shape}, but this problem's are {problem.coef_shape}")
    return Start(coef, np.asarray(solution.intercept, dtype=float))


def _fold_weights(ids: NDArray[np.intp], weights: Floats) -> Floats:
    return np.array([weights[ids == fold].sum() for fold in range(int(ids.max()) + 1)])


@dataclass(frozen=True)
class Imputed:
    """X with gaps: every fold fills them from its own training rows, and has its own path."""

    X: Any
    problem: Problem
    encoder: Encoder
    ids: NDArray[np.intp]

    def scores(self, grid: Grid, control: Control, checkpoint: Checkpoint | None) -> Floats:
        """Held-out scores, (F, m)."""
        scores = []
        count = int(self.ids.max()) + 1
        for fold in range(count):
            weights = np.where(self.ids == fold, 0.0, self.problem.weights)
            design = design_of(self.encoder.refit(self.X, weights).transform(self.X))
            whole = replace(self.problem, design=design)
            part = control.part(fold / count, (fold + 1) / count)
            raw, _ = checkpoints.solve(replace(whole, weights=weights), None, grid, part, checkpoint)
            scores.append(held_out_scores(whole, np.where(self.ids == fold, 0, -1), [raw])[0])
        return np.array(scores)


def _result(problem: Problem, data: Data, raw: solvers.RawPath, control: Control) -> Path:
    return Path(
        alphas=raw.alphas,
        table=raw.table,
        intercept=raw.intercept,
        gap=raw.gap,
        n_nonzero=raw.n_nonzero,
        reads=raw.reads,
        loss=problem.loss,
        penalty=problem.penalty,
        null_loss=raw.null_loss,
        scale=raw.scale,
        center=raw.center,
        standardized=problem.standardize,
        certificate=raw.certificate,
        feature_names=data.encoder.names,
        classes=data.target.classes,
        needs_offset=data.offset is not None,
        message=" ".join(filter(None, [raw.message, divergence(problem, raw)])),
        encoder=data.encoder,
        resolve=Resolver(problem, raw, control),
    )


@dataclass(frozen=True)
class Resolver:
    """Solves a path's problem at one more alpha, from the nearest larger one."""

    problem: Problem
    raw: solvers.RawPath
    control: Control

    def __call__(self, alpha: float) -> Solution:
        """The exact solution at alpha."""
        above = self.raw.alphas[self.raw.alphas > alpha]
        grid = Grid(np.append(above[-1:], alpha))
        raw = solvers.solve_path(self.problem, grid, replace(self.control, report=None))
        return Solution(alpha, raw.table.at(-1).T, raw.intercept[-1], float(raw.gap[-1]))
