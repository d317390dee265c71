"""The fits without a penalty: the mean alone, and alpha = 0, with what is wrong about it where something is."""

from __future__ import annotations

import time

import numpy as np

from ..designs import Dense
from ..fitting import path
from ..penalties import L1, L2
from ..problem import NullModel, Problem
from ..results import Path, Solution
from .comparison import Setting, errors, solution_at
from .results import Fit
from .uniqueness import full_rank

DIVERGING = 25.0  # so large an effect of one standard deviation only comes from a fit without a finite optimum
SMALL_SAMPLE = 3000  # up to so many rows the smallest exact fit is found from inner products of rows


def baseline(setting: Setting) -> Fit:
    """The intercept-only model."""
    part = setting.train
    n, p = part.X.shape
    problem = Problem(Dense(np.zeros((n, 0))), part.y, setting.loss, L1(), np.ones(n), part.offset)
    null = NullModel.of(problem)
    shape = (p,) if part.y.ndim == 1 else (part.y.shape[1], p)
    solution = Solution(float("inf"), np.zeros(shape), null.intercept, 0.0)
    return _unpenalised_row(setting, "mean only", solution, (True, "every coefficient is zero"), 0.0)


def unpenalised(setting: Setting, ridge: Path) -> Fit:
    """The fit at alpha = 0; where it is not finite or not unique, the limit of the ridge path, and the row says so."""
    start = time.perf_counter()
    unique = full_rank(setting.train, setting.scale, setting.center)
    n, p = setting.train.X.shape
    if setting.loss.constant_curvature and p >= n and n <= SMALL_SAMPLE:
        solution = smallest_exact_fit(setting)
        reason = f"{unique[1]}: the smallest of all exact fits is shown"
        return _unpenalised_row(setting, "none", solution, (False, reason), time.perf_counter() - start)
    separated = separating_alpha(setting, ridge)
    if separated is not None or p >= n:
        cause = f"{p} features but {n} rows"
        if separated is not None:
            cause = f"the classes are separable: no training error from alpha = {separated:.2g} down"
        note = f"{cause}; without a penalty there is no finite or no single fit"
        solution = solution_at(ridge, len(ridge.alphas) - 1)
        note += f"; shown is L2 at alpha = {solution.alpha:.2g}"
        return _unpenalised_row(setting, "none", solution, (False, note), time.perf_counter() - start, note)
    fitted = setting.listen(lambda: path(setting.X, setting.y, penalty=L2(), alphas=[0.0], **setting.arguments()))
    solution = solution_at(fitted, 0)
    seconds = time.perf_counter() - start
    note = ""
    if not setting.loss.constant_curvature and abs(solution.coef * setting.scale).max() > DIVERGING:
        note = "some coefficients grow without end: a feature separates some rows; any alpha > 0 gives a finite fit"
        unique = (False, note)
    return _unpenalised_row(setting, "none", solution, unique, seconds, note)


def _unpenalised_row(
    setting: Setting, name: str, solution: Solution, unique: tuple[bool, str], seconds: float, note: str = ""
) -> Fit:
    return Fit(
        name=name,
        rule="",
        solution=solution,
        coef_standardized=solution.coef * setting.scale,
        train=errors(setting.loss, setting.train, solution),
        test=errors(setting.loss, setting.test, solution),
        unique=unique[0],
        unique_reason=unique[1],
        seconds=seconds,
        note=note,
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
