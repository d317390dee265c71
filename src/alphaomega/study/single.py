"""One fit on all rows, for `alphaomega fit`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..datasets import DataError
from ..fitting import path
from .comparison import candidate, solution_at, step_of
from .model_file import Model, penalty_data
from .progress import Progress, silent
from .run import setting_of
from .strengths import target_scale
from .understanding import Options, Reading
from .unpenalised import null_predictor

PENALTIES = ("L1", "L2", "elastic-net")


@dataclass(frozen=True)
class Request:
    """Which model: a penalty by name, and alpha: "cv", "1se" or a number written out."""

    penalty: str = "L1"
    alpha: str = "cv"
    l1_ratio: float = 0.5

    def __post_init__(self) -> None:
        if self.penalty.lower() not in (name.lower() for name in PENALTIES):
            raise DataError(f"--penalty {self.penalty!r} is unknown; choose one of {', '.join(PENALTIES)}")
        if not 0 <= self.l1_ratio <= 1:
            raise DataError(f"--l1-ratio must lie between 0 and 1, got {self.l1_ratio:g}")
        if self.alpha not in ("cv", "1se") and not self.number >= 0:
            raise DataError(f"--alpha must be cv, 1se or a number >= 0, got {self.alpha!r}")

    @property
    def number(self) -> float:
        """alpha as a finite number; NaN where it is a word."""
        try:
            value = float(self.alpha)
        except ValueError:
            return float("nan")
        return value if np.isfinite(value) else float("nan")

    @property
    def name(self) -> str:
        """The penalty as a study calls it."""
        return {"l1": "L1", "l2": "L2", "elastic-net": "elastic net"}[self.penalty.lower()]


def fit_single(reading: Reading, options: Options, request: Request, progress: Progress = silent) -> tuple[Model, str]:
    """The model and one line that says what was fitted."""
    understanding, rows = reading.understanding, np.arange(len(reading.y))
    tuned = request.alpha in ("cv", "1se")
    setting, encoder = setting_of(reading, options if tuned else replace(options, folds=2), rows, rows[:1])
    step = step_of(setting, null_predictor(setting), request.name, request.l1_ratio)
    if tuned:
        cv = candidate(setting, step, lambda share: progress(step.label, share)).cross_validation
        fitted, index = cv.path, cv.index_min if request.alpha == "cv" else cv.index_1se
        how = f"chosen by {options.folds}-fold cross-validation" + (
            " and the 1-SE rule" if request.alpha == "1se" else ""
        )
    else:
        fitted = path(setting.X, setting.y, penalty=step.penalty, alphas=[request.number], **setting.arguments())
        index, how = 0, "as given"
    solution = solution_at(fitted, index)
    rule = {"cv": "min", "1se": "1se"}.get(request.alpha, "given")
    model = Model(
        target=understanding.target,
        family=understanding.family,
        penalty=penalty_data(request.name, request.l1_ratio, rule, target_scale(setting.loss, setting.train)),
        alpha=solution.alpha,
        coef=np.asarray(solution.coef),
        intercept=np.asarray(solution.intercept),
        feature_names=setting.names,
        classes=tuple(np.unique(reading.y).tolist()) if setting.loss.classifies else (),
        offset=options.offset,
        exposure=options.exposure,
        encoder=encoder,
    )
    told = (
        f"{understanding.target} ({understanding.family}) on {len(reading.y):,} rows: {request.name} with alpha = "
        f"{solution.alpha:.4g} ({how}) keeps {solution.n_nonzero} of {len(setting.names)} features, with a relative "
        f"gap of {solution.gap:.0e}"
    )
    return model, told
