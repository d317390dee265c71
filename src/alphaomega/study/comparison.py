"""The rows of the comparison: one fit each, with its errors on both parts of the rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ..diagnostics.uniqueness import l1_uniqueness, linear_predictor
from ..fitting import ConvergenceWarning, cross_validate
from ..losses import Loss
from ..penalties import L1, L2, Penalty
from ..results import CrossValidation, Path, Solution
from .results import Curve, Errors, Fit, Part
from .strengths import effort, elastic_net, ridge_alphas, target_scale

Floats = NDArray[np.float64]
RULES = ("min", "1se")
TOLERANCE = 1e-6  # of the relative gap
EDGE = "alpha is the smallest of the grid: still less of a penalty may do better"
ROUNDING = 1e-12  # a spread below this share of its mean is none
STRICT = (True, "strictly convex")
Both = tuple[Errors, Errors]


@dataclass(frozen=True, eq=False)
class Setting:
    """All that the fits of one study share.

    `X` is what is handed to the fits, the matrix of the training rows with its gaps (NaN), `y` its target as given;
    `train` and `test` are the same rows encoded, with gaps filled. Where X lies on disk it holds all rows, and
    `every_row` what the fits are told of each: a weight, which is zero for test rows, and an offset.
    """

    loss: Loss
    X: Any
    y: NDArray
    train: Part
    test: Part
    scale: Floats
    center: Floats
    names: tuple[str, ...]
    folds: int
    seed: int
    every_row: Mapping[str, NDArray] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """What every call of `path` and `cross_validate` is given."""
        impute = None if scipy.sparse.issparse(self.X) else "mean"
        return {
            "loss": self.loss,
            "offset": self.train.offset,
            "standardize": True,
            "impute": impute,
            **self.every_row,
        }


def quietly(work: Callable[[], Any]) -> Any:
    """The result of `work` without its convergence warnings: the rows say what their certificates miss."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return work()


@dataclass(frozen=True, eq=False)
class Step:
    """One cross-validated penalty of the study; `weight` is its share of the work."""

    name: str
    penalty: Penalty
    alphas: Floats | None = None
    l1_ratio: float = float("nan")
    weight: float = 3.0

    @property
    def label(self) -> str:
        """What the progress bar says."""
        return self.name if np.isnan(self.l1_ratio) else f"{self.name} {self.l1_ratio:g}"


def steps(setting: Setting, null_eta: Floats) -> list[Step]:
    """Every penalty a study cross-validates, in order; `null_eta` is the intercept-only linear predictor."""
    nets = [step_of(setting, null_eta, "elastic net", ratio) for ratio in effort(setting).l1_ratios]
    return [step_of(setting, null_eta, "L2"), step_of(setting, null_eta, "L1"), *nets]


def step_of(setting: Setting, null_eta: Floats, name: str, l1_ratio: float = float("nan")) -> Step:
    """A penalty by name: "L2", "L1" or "elastic net"."""
    if name == "L2":
        weight = 1.0 if setting.loss.constant_curvature else 3.0  # there ridge has no set of features to find
        return Step(name, L2(), ridge_alphas(setting, null_eta), weight=weight)
    if name == "L1":
        return Step(name, L1())
    return Step(name, elastic_net(l1_ratio, target_scale(setting.loss, setting.train)), l1_ratio=l1_ratio)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A cross-validated penalty and what it cost."""

    step: Step
    cross_validation: CrossValidation
    seconds: float

    @property
    def best(self) -> float:
        """The smallest mean score."""
        return float(self.cross_validation.mean[self.cross_validation.index_min])

    def index(self, rule: str) -> int:
        """The position of the alpha that a rule chooses."""
        return self.cross_validation.index_min if rule == "min" else self.cross_validation.index_1se


def candidate(setting: Setting, step: Step, told: Callable[[float], object] | None = None) -> Candidate:
    """Cross-validate one penalty; `told` is called with the share that is done."""
    start = time.perf_counter()
    result = quietly(
        lambda: cross_validate(
            setting.X,
            setting.y,
            penalty=step.penalty,
            alphas=step.alphas,
            n_alphas=effort(setting).n_alphas,
            folds=setting.folds,
            seed=setting.seed,
            progress=told or False,
            **setting.arguments(),
        )
    )
    named = replace(result, path=replace(result.path, feature_names=setting.names))
    return Candidate(step, named, time.perf_counter() - start)


def rows_of(setting: Setting, found: Candidate) -> list[Fit]:
    """The rows of a penalty: at the alpha of the smallest score and at that of the one-standard-error rule."""
    rows = []
    for rule in RULES:
        solution = solution_at(found.cross_validation.path, found.index(rule))
        unique = STRICT
        if found.step.name == "L1":
            unique = l1_uniqueness(setting.loss, setting.train, solution, setting.scale, setting.center)
        rows.append(row_at(setting, found, rule, both_errors(setting, solution), unique))
    return rows


def row_at(setting: Setting, found: Candidate, rule: str, both: Both, unique: tuple[bool, str]) -> Fit:
    """The row of a penalty under one rule, from its errors."""
    cv, index = found.cross_validation, found.index(rule)
    solution = solution_at(cv.path, index)
    return Fit(
        name=found.step.name,
        rule=rule,
        solution=solution,
        coef_standardized=solution.coef * setting.scale,
        train=both[0],
        test=both[1],
        unique=unique[0],
        unique_reason=unique[1],
        seconds=found.seconds,
        cv_error=float(cv.mean[index]),
        cv_standard_error=float(cv.standard_error[index]),
        cv_scores=cv.scores[:, index],
        l1_ratio=found.step.l1_ratio,
        note=_remark(index, cv.path),
    )


def _remark(index: int, fitted: Path) -> str:
    """What the reader must know of a fit on a path; "" where nothing."""
    short = shortfall(float(fitted.gap[index]))
    if index == len(fitted.alphas) - 1:
        short = f"{short}; {EDGE}" if short else EDGE
    return short


def shortfall(gap: float) -> str:
    """What a certificate above the tolerance means; "" below."""
    return f"approximate: the relative gap is {gap:.0e}, above {TOLERANCE:.0e}" if gap > TOLERANCE else ""


def curve_of(setting: Setting, found: Candidate) -> Curve:
    """The errors of a penalty over its whole grid."""
    fitted = found.cross_validation.path
    return curve_at(found, [both_errors(setting, solution_at(fitted, k)) for k in range(len(fitted.alphas))])


def curve_at(found: Candidate, errors: list[Both]) -> Curve:
    """The curve of a penalty from its errors at every alpha of the grid."""
    train, test = np.array([[both[0].deviance, both[1].deviance] for both in errors]).T
    return Curve(found.step.name, found.cross_validation, train, test, found.step.l1_ratio)


def both_errors(setting: Setting, solution: Solution) -> Both:
    """The errors of a solution on the training and on the test rows."""
    return errors(setting.loss, setting.train, solution), errors(setting.loss, setting.test, solution)


def solution_at(fitted: Path, index: int) -> Solution:
    """The solution at a position of the grid."""
    return Solution(float(fitted.alphas[index]), fitted.coef[index], fitted.intercept[index], float(fitted.gap[index]))


def errors(loss: Loss, part: Part, solution: Solution) -> Errors:
    """The mean error of a solution on some rows, and its standard error."""
    return errors_of(loss, part, linear_predictor(part, solution))


def errors_of(loss: Loss, part: Part, eta: Floats) -> Errors:
    """The mean error of a linear predictor (n,) or (n, K) on some rows, and its standard error."""
    deviance = loss.deviance(part.y, eta)
    n, mean = len(deviance), float(deviance.mean())
    spread = float(deviance.std(ddof=1) / np.sqrt(n))
    spread = 0.0 if spread <= ROUNDING * mean else spread
    if not loss.classifies:
        return Errors(mean, spread)
    wrong = loss.predict(eta) != (part.y if part.y.ndim == 1 else part.y.argmax(1))
    return Errors(mean, spread, float(wrong.mean()), float(wrong.std(ddof=1) / np.sqrt(n)))
