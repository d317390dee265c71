"""The fits without a penalty: the mean alone, and alpha = 0, with what is wrong about it where something is."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..designs import Dense
from ..diagnostics.uniqueness import full_rank
from ..fitting import path
from ..penalties import L1, L2
from ..problem import NullModel, Problem
from ..results import Path, Solution
from .comparison import TOLERANCE, Both, Setting, both_errors, errors, quietly, shortfall, solution_at
from .results import Fit

Floats = NDArray[np.float64]
DIVERGING = 25.0  # so large an effect of one standard deviation only comes from a fit without a finite optimum
SMALL_SAMPLE = 3000  # up to so many rows the smallest exact fit is found from inner products of rows


def null_solution(setting: Setting) -> Solution:
    """The intercept-only model."""
    part, p = setting.train, setting.train.X.shape[1]
    shape = (p,) if part.y.ndim == 1 else (part.y.shape[1], p)
    return Solution(float("inf"), np.zeros(shape), _null(setting).intercept, 0.0)


def null_predictor(setting: Setting) -> Floats:
    """The linear predictor of the intercept-only model, (n,) or (n, K)."""
    return _null(setting).eta


def _null(setting: Setting) -> NullModel:
    part, n = setting.train, len(setting.train.y)
    return NullModel.of(Problem(Dense(np.zeros((n, 0))), part.y, setting.loss, L1(), np.ones(n), part.offset))


def baseline(setting: Setting) -> Fit:
    """The intercept-only model as a row."""
    null = null_solution(setting)
    return baseline_row(setting, null, both_errors(setting, null))


def baseline_row(setting: Setting, null: Solution, both: Both) -> Fit:
    """The row of the intercept-only model, from its errors."""
    return free_row(setting, null, both, (True, "every coefficient is zero"), name="mean only")


def unpenalised(setting: Setting, ridge: Path) -> Fit:
    """The fit at alpha = 0; where it is not finite or not unique, the limit of the ridge path, and the row says so."""
    start = time.perf_counter()
    unique = full_rank(setting.train, setting.scale, setting.center)
    n, p = setting.train.X.shape
    if setting.loss.constant_curvature and p >= n and n <= SMALL_SAMPLE:
        solution = smallest_exact_fit(setting)
        reason = f"{unique[1]}: the smallest of all exact fits is shown"
        row = free_row(setting, solution, both_errors(setting, solution), (False, reason))
        return replace(row, seconds=time.perf_counter() - start)
    cause = _no_finite_fit(setting, ridge)
    if not cause:
        fitted = free_fit(setting)
        solution = solution_at(fitted, 0)
        row, cause = checked(setting, fitted, free_row(setting, solution, both_errors(setting, solution), unique))
    if cause:
        solution = solution_at(ridge, len(ridge.alphas) - 1)
        row = limit_row(setting, solution, both_errors(setting, solution), cause)
    return replace(row, seconds=time.perf_counter() - start)


def free_fit(setting: Setting) -> Path:
    """The fit at alpha = 0."""
    return quietly(lambda: path(setting.X, setting.y, penalty=L2(), alphas=[0.0], **setting.arguments()))


def checked(setting: Setting, fitted: Path, row: Fit) -> tuple[Fit, str]:
    """The row of a fit at alpha = 0 with its remark, and why it is not to be shown; "" where it is."""
    cause = _diverged(setting, fitted, row)
    return (replace(row, note=shortfall(row.gap)) if setting.loss.constant_curvature else _diverging(row)), cause


def limit_row(setting: Setting, solution: Solution, both: Both, cause: str) -> Fit:
    """The end of the ridge path in place of a fit at alpha = 0 that is not finite or not the only one."""
    note = (
        f"{cause}: without a penalty there is no single finite fit, with any alpha > 0 there is; shown is L2 at "
        f"alpha = {solution.alpha:.2g}"
    )
    return replace(free_row(setting, solution, both, (False, note)), note=note)


def _diverged(setting: Setting, fitted: Path, row: Fit) -> str:
    """Why the fit that was found is not finite, as far as it shows; "" where it does not."""
    if row.train.misclassified == 0:
        return "the classes are separable"
    if fitted.message and row.gap <= TOLERANCE:  # nothing is missed but a finite optimum
        what = "some classes" if setting.loss.classifies else "rows without counts"
        return f"the features tell {what} apart perfectly"
    return ""


def _no_finite_fit(setting: Setting, ridge: Path) -> str:
    """Why there is no single finite fit at alpha = 0, as far as it can be seen beforehand; "" where it cannot."""
    n, p = setting.train.X.shape
    separated = separating_alpha(setting, ridge)
    if separated is not None:
        return f"the classes are separable (no training error from alpha = {separated:.2g} down)"
    return f"{p:,} features but {n:,} rows" if p >= n else ""


def _diverging(row: Fit) -> Fit:
    """The row, marked where a coefficient has no finite optimum."""
    if abs(row.coef_standardized).max() <= DIVERGING:
        return replace(row, note=shortfall(row.gap))
    note = (
        f"a coefficient exceeds {DIVERGING:g} per standard deviation: probably it has no finite optimum, as a "
        "feature tells some rows apart perfectly; any alpha > 0 bounds it"
    )
    return replace(row, unique=False, unique_reason=note, note=note)


def free_row(setting: Setting, solution: Solution, both: Both, unique: tuple[bool, str], name: str = "none") -> Fit:
    """A fit without a choice of alpha as a row, from its errors."""
    return Fit(
        name=name,
        rule="",
        solution=solution,
        coef_standardized=solution.coef * setting.scale,
        train=both[0],
        test=both[1],
        unique=unique[0],
        unique_reason=unique[1],
        seconds=0.0,
    )


def separating_alpha(setting: Setting, ridge: Path) -> float | None:
    """The largest alpha of the ridge path at which no training row is misclassified; None where every alpha errs.

    A plane without training errors proves the classes separable, and separable classes have no finite fit at alpha = 0.
    """
    if not setting.loss.classifies:
        return None
    last = errors(setting.loss, setting.train, solution_at(ridge, len(ridge.alphas) - 1))
    if last.misclassified > 0:
        return None
    clean = [
        alpha
        for k, alpha in enumerate(ridge.alphas)
        if errors(setting.loss, setting.train, solution_at(ridge, k)).misclassified == 0
    ]
    return float(clean[0])


def smallest_exact_fit(setting: Setting) -> Solution:
    """The least-squares fit of smallest ||w||_2 per standard deviation, where p >= n."""
    part = setting.train
    dense = part.X if isinstance(part.X, np.ndarray) else part.X.toarray()
    standard = (dense - setting.center) / setting.scale
    target = part.y if part.offset is None else part.y - part.offset
    mean = float(target.mean())
    values, vectors = np.linalg.eigh(standard @ standard.T)
    keep = values > 1e-12 * values[-1]
    dual = vectors[:, keep] @ ((vectors[:, keep].T @ (target - mean)) / values[keep])
    coef = (standard.T @ dual) / setting.scale
    residual = target - mean - standard @ (coef * setting.scale)
    null = float(((target - mean) ** 2).mean())
    gap = float((residual**2).mean()) / null
    return Solution(0.0, coef, np.asarray(mean - setting.center @ coef), gap)
