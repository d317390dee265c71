"""One fit on all rows, for `alphaomega fit`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import losses
from ..datasets import DataError
from ..fitting import cross_validate, path
from ..frames import Encoder
from ..penalties import L1, L2, ElasticNet, Penalty
from .comparison import solution_at
from .model_file import Model
from .run import encoded, feature_names
from .target import FAMILIES
from .understanding import Options, Reading

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
    def omega(self) -> Penalty:
        """The penalty."""
        kinds = {"l1": L1(), "l2": L2(), "elastic-net": ElasticNet(self.l1_ratio)}
        return kinds[self.penalty.lower()]


def fit_single(reading: Reading, options: Options, request: Request) -> tuple[Model, str]:
    """The model and one line that says what was fitted."""
    understanding = reading.understanding
    loss = losses.find(FAMILIES[understanding.family])
    X, encoder = encoded(reading, np.arange(len(reading.y)))
    arguments: dict[str, Any] = {
        "loss": loss,
        "penalty": request.omega,
        "offset": reading.offset,
        "standardize": True,
        "impute": encoder.impute if isinstance(encoder, Encoder) else None,
    }
    if request.alpha in ("cv", "1se"):
        cv = cross_validate(X, reading.y, folds=options.folds, seed=options.seed, **arguments)
        fitted, index = cv.path, cv.index_min if request.alpha == "cv" else cv.index_1se
        how = f"chosen by {options.folds}-fold cross-validation" + (
            " and the 1-SE rule" if request.alpha == "1se" else ""
        )
    else:
        fitted, index, how = path(X, reading.y, alphas=[request.number], **arguments), 0, "as given"
    solution = solution_at(fitted, index)
    names = feature_names(encoder, fitted.coef.shape[-1])[0]
    rule = {"cv": "min", "1se": "1se"}.get(request.alpha, "given")
    l1_ratio = request.l1_ratio if request.penalty.lower() == "elastic-net" else None
    model = Model(
        target=understanding.target,
        family=understanding.family,
        penalty={"name": request.penalty, "l1_ratio": l1_ratio, "rule": rule},
        alpha=solution.alpha,
        coef=np.asarray(solution.coef),
        intercept=np.asarray(solution.intercept),
        feature_names=names,
        classes=tuple(np.unique(reading.y).tolist()) if loss.classifies else (),
        offset=options.offset,
        exposure=options.exposure,
        encoder=encoder,
    )
    told = (
        f"{understanding.target} ({understanding.family}) on {len(reading.y):,} rows: {request.penalty} with alpha = "
        f"{solution.alpha:.4g} ({how}) keeps {solution.n_nonzero} of {len(names)} features, with a relative gap of "
        f"{solution.gap:.0e}"
    )
    return model, told
