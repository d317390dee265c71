"""The tables of the report: what was understood, the comparison, the certificates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..plotting.theme import MARK, color_of
from ..study.numbers import counted
from .words import FAMILIES, listed, percent, significant

if TYPE_CHECKING:
    from ..study.results import Column, Fit, NetworkFit, Study

MOST_LISTED = 40
CHART_WIDTH = 160.0


@dataclass(frozen=True)
class Fact:
    """One thing that was understood: a term, its value, and the details that unfold below it."""

    term: str
    value: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tile:
    """One number of the recommendation."""

    term: str
    value: str
    remark: str


@dataclass(frozen=True)
class Chart:
    """Pixels of one row's errors on the axis that all rows share; `beyond` when the test error lies off it."""

    train: float
    test: float
    low: float
    high: float
    beyond: bool
    color: str


@dataclass(frozen=True)
class Row:
    """A fit as a row of the comparison."""

    label: str
    fit: Fit | NetworkFit
    chart: Chart
    chosen: bool
    baseline: bool
    network: bool


@dataclass(frozen=True)
class Certificate:
    """The largest gap on one path."""

    name: str
    n_alphas: int
    largest_gap: float
    kind: str
    reads: float


def facts(study: Study) -> list[Fact]:
    """What was understood about the data, a line each."""
    told = study.understanding
    found = [
        Fact(
            "Rows", f"{told.n_rows:,}: {len(study.train.y):,} to train on, {len(study.test.y):,} held out for the test"
        ),
        Fact("Target", told.target, (told.target_reason,) if told.target_reason else ()),
        Fact("Kind", FAMILIES.get(told.family, told.family), (told.family_reason,) if told.family_reason else ()),
        Fact("Columns", f"{told.n_columns:,} read; {counted(told.n_features, 'feature')} fitted"),
    ]
    if told.classes:
        counts = [f"{name} ({count:,})" for name, count in zip(told.classes, told.class_counts)]
        found.append(Fact("Classes", listed(counts, 6), tuple(counts) if len(counts) > 6 else ()))
    if told.offset:
        found.append(Fact("Offset", told.offset))
    if told.text:
        found.append(Fact("Text", f"{told.text}, read as a bag of words"))
    for term, columns in (("Categorical", told.categorical), ("Missing", told.missing), ("Left out", told.left_out)):
        if columns:
            found.append(Fact(term, _columns_line(columns), tuple(_column(column) for column in columns[:MOST_LISTED])))
    found += [Fact("Note", note) for note in told.notes]
    return found


def _columns_line(columns: tuple[Column, ...]) -> str:
    return f"{len(columns):,}: {listed([column.name for column in columns], 4)}"


def _column(column: Column) -> str:
    count = f" ({column.count:,})" if column.count else ""
    return f"{column.name}{count}: {column.remark}" if column.remark else f"{column.name}{count}"


def tiles(study: Study) -> list[Tile]:
    """The chosen fit in four numbers."""
    fit = study.chosen
    if fit is None:
        return []
    found = [
        Tile("Recommended", fit.label, f"alpha = {significant(fit.alpha, 3)}"),
        _error_tile(study, fit),
        Tile("Features used", f"{fit.n_nonzero:,}", f"of {len(study.feature_names):,}"),
    ]
    if not math.isnan(fit.test.misclassified):
        remark = f"of test rows; the null model {percent(study.baseline.test.misclassified)}"
        found.insert(2, Tile("Wrong class", percent(fit.test.misclassified), remark))
    return found


def _error_tile(study: Study, fit: Fit) -> Tile:
    """The test error, its root in the target's units for numbers, with what it explains."""
    error, spread, share = fit.test.deviance, fit.test.deviance_standard_error, study.explained(fit)
    explained = f"explains {percent(share)}" if share >= 0 else f"{percent(-share)} above the mean alone"
    if study.loss.constant_curvature and error > 0:
        root, spread = error**0.5, spread / (2 * error**0.5)
        return Tile("Test error (root mean square)", significant(root), f"± {significant(spread, 2)}; {explained}")
    return Tile(f"Test {study.error_name}", significant(error), f"± {significant(spread, 2)}; {explained}")


def comparison(study: Study) -> list[Row]:
    """The baseline and every fit, each with its errors on one shared axis."""
    fits: list[Fit | NetworkFit] = [study.baseline, *study.fits, *study.networks]
    errors = [value for fit in fits for value in (fit.train.deviance, fit.test.deviance) if math.isfinite(value)]
    null = max(study.baseline.test.deviance, study.baseline.train.deviance)
    low, high = min(errors), null + study.baseline.test.deviance_standard_error
    high = high if high > low else low + 1.0
    names = {"none": "unpenalised"}
    return [
        Row(
            label=names.get(fit.label, fit.label),
            fit=fit,
            chart=_chart(fit, low, high),
            chosen=fit is study.chosen,
            baseline=fit is study.baseline,
            network=fit in study.networks,
        )
        for fit in fits
    ]


def _chart(fit: Fit | NetworkFit, low: float, high: float) -> Chart:
    room = 8.0

    def at(value: float) -> float:
        share = (value - low) / (high - low) if math.isfinite(value) else 1.0
        return round(room + min(max(share, 0.0), 1.0) * (CHART_WIDTH - 2 * room), 1)

    test, error = fit.test.deviance, fit.test.deviance_standard_error
    error = error if math.isfinite(error) else 0.0
    color = color_of(fit.name) if fit.n_nonzero or fit.rule else MARK
    beyond = not test <= high * (1 + 1e-9)
    return Chart(at(fit.train.deviance), at(test), at(test - error), at(test + error), beyond, color)


def uniqueness(study: Study) -> list[tuple[str, str]]:
    """Why each solution is or is not the only one, fits with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for fit in study.fits:
        if fit.note and fit.note == fit.unique_reason:
            continue  # said among the remarks already
        word = "unique" if fit.unique else "not unique"
        reasons.setdefault(f"{word}: {fit.unique_reason}", []).append(fit.label)
    return [(listed(labels, 9), reason) for reason, labels in reasons.items()]


def certificates(study: Study) -> list[Certificate]:
    """The largest gap of every path."""
    paths = [(curve.name, curve.path) for curve in study.curves]
    return [
        Certificate(name, len(path.alphas), float(np.max(path.gap)), path.certificate, path.reads)
        for name, path in paths
    ]
