"""model.json: one fit as plain data, which predicts the same numbers wherever it is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from .. import losses
from ..datasets import DataError, Table
from ..diagnostics.uniqueness import linear_predictor
from ..frames import Encoder
from .columns import check_finite, prepared
from .results import Part, Study
from .strengths import target_scale
from .target import FAMILIES, listed
from .text import BagOfWords

Floats = NDArray[np.float64]
FORMAT = "alphaomega-model"
VERSION = 1
KINDS: dict[Any, str] = {Encoder: "table", BagOfWords: "text"}
FIELDS = (
    "target",
    "family",
    "loss",
    "penalty",
    "alpha",
    "intercept",
    "coef",
    "feature_names",
    "classes",
    "offset",
    "exposure",
    "encoder",
)


class ModelError(ValueError):
    """A model file that cannot be used; the message says what is wrong with it and the mend."""


@dataclass(frozen=True, eq=False)
class Model:
    """One fit, able to predict.

    Attributes
    ----------
    target, family : what is predicted.
    penalty : its name, how alpha was chosen, and its factors of ||w||_1 and of 1/2 ||w||_2^2.
    alpha, coef (p,) or (K, p), intercept : the fit, in the columns' units.
    feature_names : the p columns of the matrix.
    classes : the labels in order; empty unless the family has classes.
    offset, exposure : columns that new data must hold too; "" where there are none.
    encoder : turns a table into the matrix.
    """

    target: str
    family: str
    penalty: dict[str, Any]
    alpha: float
    coef: Floats
    intercept: Floats
    feature_names: tuple[str, ...]
    encoder: Encoder | BagOfWords
    classes: tuple[Any, ...] = ()
    offset: str = ""
    exposure: str = ""

    def predict(self, table: Table) -> Any:
        """Predictions for every row of a table: a polars DataFrame of `prediction` and the probability of each class.

        Raises
        ------
        ValueError
            If a column is missing or holds what the model cannot read.
        """
        import polars

        mean = losses.find(FAMILIES[self.family]).mean(self.decision(table))
        if not self.classes:
            return polars.DataFrame({"prediction": mean})
        share = mean if mean.ndim == 2 else np.column_stack([1 - mean, mean])
        labels = [self.classes[code] for code in share.argmax(1)]
        columns = {f"probability {label}": share[:, k] for k, label in enumerate(self.classes)}
        return polars.DataFrame({"prediction": labels, **columns})

    def decision(self, table: Table) -> Floats:
        """The linear predictor X w + b + offset, (n,) or (n, K)."""
        matrix, offset = self._matrix(table), None
        if self.offset or self.exposure:
            offset = self._offset(table)
        part = Part(matrix, np.empty(0), offset)
        from ..results import Solution

        return linear_predictor(part, Solution(self.alpha, self.coef, self.intercept, 0.0))

    def _matrix(self, table: Table) -> Any:
        if isinstance(self.encoder, BagOfWords):
            return self.encoder.transform(_selected(table, (self.encoder.column,)))
        if self.encoder.columns is None:
            return _padded(table, len(self.feature_names))
        return self.encoder.transform(_checked(table, self.encoder.columns, set(self.encoder.levels)))

    def _offset(self, table: Table) -> Floats:
        from .understanding import offset_part

        names = {"--offset": self.offset, "--exposure": self.exposure}
        check_present(table, tuple(name for name in names.values() if name))
        frame = prepared(table.frame)
        return sum(offset_part(frame[name], table, argument) for argument, name in names.items() if name)  # type: ignore


def _selected(table: Table, wanted: tuple[str, ...]) -> Any:
    """Some columns, which must be there and finite."""
    if table.frame is None:
        raise DataError(f"the columns of {table.name} have no names, but the model's have; pass a table with names")
    check_present(table, wanted)
    frame = prepared(table.frame.select(wanted))
    check_finite(frame, table)
    return frame


def _checked(table: Table, wanted: tuple[str, ...], categories: set[str]) -> Any:
    """The model's columns: categories as words (numbers may be their names), the others as numbers."""
    import polars

    frame = _selected(table, wanted)
    for name in wanted:
        column = frame[name]
        if name not in categories and not column.dtype.is_numeric() and column.null_count() < len(column):
            bad = int(column.is_not_null().arg_max())
            raise DataError(
                f"column {name!r} holds {column[bad]!r} in {table.where(bad)}, but the model needs numbers there"
            )
    return frame.with_columns(
        polars.col([name for name in wanted if name in categories]).cast(polars.String),
        polars.col([name for name in wanted if name not in categories]).cast(polars.Float64),
    )


def check_present(table: Table, wanted: tuple[str, ...]) -> None:
    """A DataError that names the columns a table lacks."""
    absent = [name for name in wanted if name not in table.frame.columns]
    if absent:
        plural = "columns" if len(absent) > 1 else "column"
        raise DataError(f"{table.name} lacks the {plural} {listed(absent)}, which the model was fitted with; add it")


def _padded(table: Table, n_columns: int) -> Any:
    """A sparse matrix with the model's columns: a file need not mention the last ones where they are zero."""
    if table.matrix is None:
        raise DataError(f"the model was fitted on nameless sparse columns; {table.name} is a table with names")
    found = table.matrix.shape[1]
    if found > n_columns:
        raise DataError(f"{table.name} has {found} columns, the model {n_columns}; pass data with the same columns")
    return scipy.sparse.csr_array(
        scipy.sparse.hstack([table.matrix, scipy.sparse.csr_array((table.shape[0], n_columns - found))])
    )


def model_of(study: Study, exposure: str = "", offset: str = "") -> Model:
    """The recommended fit of a study as a model."""
    fit = study.chosen
    if fit is None:
        raise ModelError("the study was stopped before any fit was finished: there is no model to write")
    return Model(
        target=study.understanding.target,
        family=study.understanding.family,
        penalty=penalty_data(fit.name, fit.l1_ratio, fit.rule, target_scale(study.loss, study.train)),
        alpha=fit.alpha,
        coef=np.asarray(fit.solution.coef),
        intercept=np.asarray(fit.solution.intercept),
        feature_names=study.feature_names,
        classes=study.labels,
        offset=offset,
        exposure=exposure,
        encoder=study.encoder,
    )


def penalty_data(name: str, l1_ratio: float, rule: str, size: float) -> dict[str, Any]:
    """Omega in plain words: factors of ||w||_1 and of 1/2 ||w||_2^2, per standard deviation of each column."""
    l1, l2 = {"L1": (1.0, 0.0), "L2": (0.0, 1.0)}.get(name, (l1_ratio, (1 - l1_ratio) / size))
    return {"name": name, "rule": rule, "l1": l1, "l2": l2}


def write_model(model: Model, path: str | PathLike[str]) -> None:
    """Write model.json; numbers are written so that they are read back exactly."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "target": model.target,
        "family": model.family,
        "loss": FAMILIES[model.family],
        "penalty": model.penalty,
        "alpha": model.alpha,
        "intercept": model.intercept.tolist(),
        "coef": model.coef.tolist(),
        "feature_names": list(model.feature_names),
        "classes": list(model.classes),
        "offset": model.offset,
        "exposure": model.exposure,
        "encoder": {"kind": KINDS[type(model.encoder)], **model.encoder.to_dict()},
    }
    Path(path).write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_model(path: str | PathLike[str]) -> Model:
    """Read what `write_model` wrote.

    Raises
    ------
    ModelError
        If the file is missing, damaged, foreign, of an unknown version, or does not fit together.
    """
    file = Path(path)
    if not file.is_file():
        raise ModelError(f"there is no file {file}; check its spelling and folder")
    try:
        data = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{file.name} is damaged or no model file ({error}); write it anew with 'alphaomega fit'"
        ) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ModelError(f"{file.name} is JSON but no {FORMAT} file; pass the model.json that a study or fit wrote")
    if data.get("version") != VERSION:
        raise ModelError(
            f"{file.name} has version {data.get('version')!r}, this alphaomega reads version {VERSION}; "
            "upgrade alphaomega, or write the file anew"
        )
    lacking = [name for name in FIELDS if name not in data]
    if lacking:
        raise ModelError(f"{file.name} lacks {listed(lacking)}; write it anew with 'alphaomega fit'")
    try:
        return _model(data)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{file.name} does not fit together ({error}); write it anew with 'alphaomega fit'") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _model(data: dict[str, Any]) -> Model:
    coef, intercept = np.array(data["coef"], dtype=float), np.array(data["intercept"], dtype=float)
    names, classes = tuple(data["feature_names"]), tuple(data["classes"])
    if data["family"] not in FAMILIES:
        raise ValueError(f"unknown family {data['family']!r}")
    wanted = {"binomial": 2, "multinomial": max(len(classes), 2)}.get(data["family"], 0)
    if len(classes) != wanted:
        raise ValueError(f"{len(classes)} classes, but the {data['family']} family has {wanted}")
    for name in ("target", "offset", "exposure"):
        if not isinstance(data[name], str):
            raise ValueError(f"{name} is no text")
    expected = (len(names),) if data["family"] != "multinomial" else (len(classes), len(names))
    if coef.shape != expected or intercept.shape != expected[:-1]:
        raise ValueError(
            f"coef has shape {coef.shape} and intercept {intercept.shape}, expected {expected} and {expected[:-1]}"
        )
    if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
        raise ValueError("a coefficient is not finite")
    kind = {word: kind for kind, word in KINDS.items()}[data["encoder"]["kind"]]
    encoder = kind.from_dict(data["encoder"])
    if encoder.names not in (None, names):
        raise ValueError("feature_names and encoder disagree")
    if isinstance(encoder, Encoder) and encoder.impute and len(encoder.fills) != encoder.n_columns:
        raise ValueError(f"{len(encoder.fills)} values fill the gaps of {encoder.n_columns} columns")
    return Model(
        target=data["target"],
        family=data["family"],
        penalty=data["penalty"],
        alpha=float(data["alpha"]),
        coef=coef,
        intercept=intercept,
        feature_names=names,
        classes=classes,
        offset=data["offset"],
        exposure=data["exposure"],
        encoder=encoder,
    )
