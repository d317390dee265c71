"""Inference in an estimator's summary: which is valid for which fit, and what each column promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference import (
    DebiasedInference,
    GLMInference,
    OLSInference,
    RidgeInference,
    SelectiveInference,
    debiased,
    glm,
    ols,
    ridge,
    selective,
)
from ..inference.robust import CLASSICAL, ROBUST
from ..losses import Multinomial, Squared
from ..penalties import L1, L2
from ..results import Path

Inference = OLSInference | GLMInference | RidgeInference | SelectiveInference | DebiasedInference
UNPENALISED = (CLASSICAL, *ROBUST)
NAMES = (*UNPENALISED, "selective", "debiased", "ridge")
SAME = 1e-3  # relative: two fits of the same coefficients to their tolerances
NO_P_VALUES = (
    "No standard errors or p-values: penalised coefficients are shrunk on purpose, and alpha was chosen with the same "
    'rows, so the formulas of least squares do not hold here. Valid ones: summary(inference="debiased", "selective" '
    '(lasso) or "ridge", data=(X, y)); ao.OLS has those of an unpenalised fit.'
)
LABELS = {"standard_error": "standard error", "largest_bias": "largest bias"}
OWN = {SelectiveInference: "least squares", DebiasedInference: "debiased"}


@dataclass(frozen=True, eq=False)
class Fit:
    """What an estimator found: the path, alpha, whether cross-validation chose it, coefficients, intercept or not."""

    path: Path
    alpha: float
    cross_validated: bool
    coef: NDArray[np.float64]
    intercept: bool

    @property
    def kind(self) -> str:
        """The fit in words, for messages."""
        return f"a fit with the penalty {type(self.path.penalty).__name__} at alpha = {self.alpha:.4g}"


def inference_for(fit: Fit, name: str, data: Sequence[Any] | None, level: float) -> Inference:
    """The inference called `name` for this fit, from data = (X, y), (X, y, weights) or (X, y, weights, offset).

    Raises
    ------
    ValueError
        If the name is unknown, the data are missing, or it would not be valid for this fit.
    """
    if name not in NAMES:
        raise ValueError(f"inference must be one of {', '.join(NAMES)}, or a table of ao.inference, got {name!r}")
    _check_valid(fit, name)
    if data is None or not 2 <= len(data) <= 4:
        raise ValueError(
            f"inference={name!r} needs the rows of the fit, which the estimator does not keep: pass data=(X, y), "
            "(X, y, weights) or (X, y, weights, offset)"
        )
    X, y, weights, offset = [*data, None, None][:4]
    matrix = X if fit.path.encoder is None else fit.path.encoder.transform(X)
    rows: dict[str, Any] = {"weights": weights, "level": level, "intercept": fit.intercept}
    if name in UNPENALISED:
        rows |= {"offset": offset, "covariance": name}
        return ols(matrix, y, **rows) if isinstance(fit.path.loss, Squared) else glm(matrix, y, fit.path.loss, **rows)
    response = y if offset is None else np.asarray(y, dtype=float) - np.asarray(offset, dtype=float)
    make: dict[str, Callable[[], Inference]] = {
        "selective": lambda: selective(matrix, response, fit.alpha, standardize=fit.path.standardized, **rows),
        "ridge": lambda: ridge(matrix, response, fit.alpha, standardize=fit.path.standardized, **rows),
        "debiased": lambda: debiased(matrix, response, **rows),
    }
    return make[name]()


def _check_valid(fit: Fit, name: str) -> None:
    """Refuse what does not hold for this fit, and say what does."""
    penalty, squared = fit.path.penalty, isinstance(fit.path.loss, Squared)
    if name in UNPENALISED:
        if fit.alpha > 0:
            raise ValueError(
                f"inference={name!r} is refused for {fit.kind}: standard errors and p-values of an unpenalised fit "
                "do not hold for shrunken coefficients, nor for columns that the same rows selected; use "
                "inference='debiased', 'selective' (lasso) or 'ridge', or fit with alpha = 0"
            )
        if isinstance(fit.path.loss, Multinomial):
            raise ValueError(
                "for more than two classes use ao.inference.glm, whose table compares classes with the first"
            )
        return
    if not squared:
        raise ValueError(
            f"inference={name!r} is for the squared loss; ao.posterior(..., loss='logistic') is for two classes"
        )
    if name == "selective" and not (_plain(penalty, L1) and fit.alpha > 0):
        raise ValueError(
            "inference='selective' is for the lasso (L1 with equal weights, no bounds, alpha > 0), this is "
            f"{fit.kind}; use inference='debiased'"
        )
    if name == "ridge" and not (_plain(penalty, L2) and fit.alpha > 0):
        raise ValueError(
            "inference='ridge' is for ridge regression (L2 with equal weights, no bounds, alpha > 0), this is "
            f"{fit.kind}; use inference='debiased'"
        )


def _plain(penalty: Any, kind: type) -> bool:
    return isinstance(penalty, kind) and bool(np.all(np.asarray(penalty.weights) == 1))  # type: ignore[attr-defined]


def columns_of(fit: Fit, table: Inference) -> dict[str, NDArray[np.float64]]:
    """The table's columns, one entry per coefficient of the fit, the intercept first; blank where it says nothing.

    Raises
    ------
    ValueError
        If the table is not valid for this fit, or was made from other rows or at another alpha.
    """
    if isinstance(table, (OLSInference, GLMInference)):
        _check_valid(fit, table.covariance)
    size, start = fit.coef.size + fit.intercept, int(fit.intercept)
    if isinstance(table, (SelectiveInference, DebiasedInference)):
        places = start + np.asarray(table.indices)
    else:
        places = np.arange(size if len(table.names) == size else fit.coef.size) + size - len(table.names)
    _check_same(fit, table)
    columns = {}
    for name, values in table.columns().items():
        if name in ("name", "class") or (name == "coef" and type(table) not in OWN):
            continue
        label = OWN[type(table)] if name == "coef" else LABELS.get(name, name)
        if name in ("lower", "upper"):
            label = f"{table.level:.0%} {name}"
        columns[label] = np.full(size, np.nan)
        columns[label][places] = values
    return columns


def _check_same(fit: Fit, table: Inference) -> None:
    """Refuse a table of another fit."""
    if isinstance(table, DebiasedInference):
        if table.indices.max(initial=-1) < fit.coef.size:
            return
        raise ValueError(f"the table speaks of {len(table.names)} columns, the fit of {fit.coef.size}; pass the same X")
    if isinstance(table, SelectiveInference):
        if not (_plain(fit.path.penalty, L1) and np.array_equal(table.indices, np.flatnonzero(fit.coef))):
            raise ValueError(
                f"the table is for what the lasso selects at alpha = {table.alpha:.4g}, which is not what this fit "
                f"selected; make it at alpha={fit.alpha:.6g} with standardize={fit.path.standardized}"
            )
        return
    own = table.coef[-fit.coef.size :]
    if len(own) != fit.coef.size or not np.allclose(
        own, fit.coef, rtol=SAME, atol=SAME * abs(fit.coef).max(initial=0.0)
    ):
        raise ValueError(
            "the table's coefficients are not those of this fit; make it from the same X, y, weights and alpha"
        )


def notes(fit: Fit, table: Inference, columns: Sequence[str]) -> tuple[str, ...]:
    """What each column promises."""
    told = [f"{', '.join(columns)}: {table.guarantee}."]
    if fit.alpha > 0:
        told.insert(0, "coefficient: the penalised fit, shrunk on purpose; it carries no guarantee of its own.")
    if fit.cross_validated and isinstance(table, (SelectiveInference, RidgeInference)):
        told.append(
            f"alpha = {fit.alpha:.4g} was chosen by cross-validation on the same rows, which this guarantee does not "
            "cover; choose it on other rows, or use inference='debiased'."
        )
    return tuple(told)
