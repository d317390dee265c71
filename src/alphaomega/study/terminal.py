"""A study as it is told on a terminal of any width."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from .numbers import counted, number
from .results import Column, Fit, NetworkFit, Study, Understanding

Rows = tuple[Fit | NetworkFit, ...]
ROUNDING = 1e-15  # gaps below are exact solutions
SHOWN = 6  # names listed before "... and so many more"


def show_understanding(understanding: Understanding, console: Console) -> None:
    """What was understood, one line a thing."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for name, words in _understood(understanding):
        grid.add_row(name, escape(words))
    console.print(Text(f"What the data are: {understanding.source}", style="bold cyan"))
    console.print(Padding(grid, (0, 0, 1, 2)))


def _understood(found: Understanding) -> Iterable[tuple[str, str]]:
    yield "size", f"{found.n_rows:,} rows, {found.n_columns:,} columns"
    yield "target", f"{found.target} ({found.target_reason})"
    yield "family", f"{found.family} ({found.family_reason})"
    if found.classes:
        shares = zip(found.classes, found.class_counts)
        yield "classes", _cut([f"{label} ({count:,})" for label, count in shares])
    if found.offset:
        yield "offset", found.offset
    if found.text:
        yield "text", f"{found.text}, as a bag of words"
    else:
        kinds = {"numeric": found.n_numeric, "categorical": len(found.categorical)}
        yield "features", ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    if found.categorical:
        yield "categories", _cut([f"{column.name} ({column.count})" for column in found.categorical])
    for remark, columns in _by_remark(found.missing):
        cells = sum(column.count for column in columns)
        listed = _cut([f"{column.name} ({column.count:,})" for column in columns])
        yield "missing", f"{cells:,} cells filled by {remark}: {listed}"
    for remark, columns in _by_remark(found.left_out):
        yield "left out", f"{_cut([column.name for column in columns])}: {remark}"
    for note in found.notes:
        yield "note", note


def _by_remark(columns: tuple[Column, ...]) -> Iterable[tuple[str, list[Column]]]:
    groups: dict[str, list[Column]] = {}
    for column in columns:
        groups.setdefault(column.remark, []).append(column)
    return groups.items()


def _cut(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def show_study(study: Study, console: Console) -> None:
    """The comparison, its notes and the recommendation."""
    rows = f"{len(study.train.y):,} training and {len(study.test.y):,} test rows"
    title = f"Comparison: {rows}, {counted(len(study.feature_names), 'feature')}, {study.folds} folds"
    console.print(Text(title, style="bold cyan"))
    console.print(Padding(_comparison(study, console), (0, 0, 0, 1)))
    for note in _notes(study):
        console.print(Padding(Text(note, style="dim"), (0, 0, 0, 2)))
    if study.recommendation:
        console.print()
        console.print(Text("Recommendation", style="bold cyan"))
        for sentence in study.recommendation:
            console.print(Padding(Text(sentence), (0, 0, 0, 2)))


def _comparison(study: Study, console: Console) -> RenderableType:
    """One table where it fits, else errors above and properties below."""
    rows: Rows = (study.baseline, *study.fits, *study.networks)
    columns = _columns(study, rows)
    whole = _grid(study, rows, columns)
    if Measurement.get(console, console.options, whole).maximum < console.width:
        return whole
    properties = ("alpha", "||w||_1", "||w||_2", "unique", "gap", "seconds")
    first = [column for column in columns if column[0] not in properties]
    second = [column for column in columns if column[0] in properties]
    return Group(_grid(study, rows, first), _grid(study, rows, second))


def _grid(study: Study, rows: Rows, columns: list[tuple[str, list[str]]]) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    grid.add_column("penalty", no_wrap=True)
    for name, _ in columns:
        grid.add_column(escape(name), justify="right", vertical="bottom", no_wrap=True)
    for k, fit in enumerate(rows):
        style = "bold green" if fit is study.chosen else "dim" if fit is study.baseline else ""
        last = fit is study.fits[-1] if study.fits else False
        grid.add_row(
            fit.label, *(cells[k] for _, cells in columns), style=style, end_section=last and bool(study.networks)
        )
    return grid


def _columns(study: Study, rows: Rows) -> list[tuple[str, list[str]]]:
    """Every column of the comparison: its head and its cells."""
    columns = [
        ("train\nerror", [number(fit.train.deviance) for fit in rows]),
        (
            "test\nerror",
            [f"{number(fit.test.deviance)} ± {number(fit.test.deviance_standard_error, 2)}" for fit in rows],
        ),
    ]
    if study.loss.classifies:
        columns += [
            ("train\nwrong", [f"{fit.train.misclassified:.1%}" for fit in rows]),
            (
                "test\nwrong",
                [f"{fit.test.misclassified:.1%} ± {fit.test.misclassified_standard_error:.1%}" for fit in rows],
            ),
        ]
    else:
        columns += [("test ex-\nplained", [f"{study.explained(fit):.1%}" for fit in rows])]
    return [
        *columns,
        ("non-\nzero", [f"{fit.n_nonzero:,}" for fit in rows]),
        ("alpha", [number(fit.alpha, 3) for fit in rows]),
        ("||w||_1", [number(fit.l1_norm, 3) for fit in rows]),
        ("||w||_2", [number(fit.l2_norm, 3) for fit in rows]),
        ("unique", ["yes" if fit.unique else "no" for fit in rows]),
        ("gap", [_gap(fit.gap) for fit in rows]),
        ("seconds", [f"{fit.seconds:.2f}" for fit in rows]),
    ]


def _gap(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0e}" if value >= ROUNDING else "0"


def _notes(study: Study) -> Iterable[str]:
    yield (
        f"error: {study.error_name}, ± its standard error. Coefficients are measured per standard deviation of their "
        "column. gap: how far, at most, a fit is from its optimum, relative to the mean-only model's loss."
    )
    for labels, note in study.remarks():
        yield f"{labels}: {note}."
    for fit in study.fits:
        if not fit.unique and fit.note != fit.unique_reason:
            yield f"{fit.label}: not unique ({fit.unique_reason})."
    nets = [fit for fit in study.fits if not math.isnan(fit.l1_ratio)]
    if nets:
        yield f"elastic net: l1_ratio {nets[0].l1_ratio:g}, chosen by cross-validation."
    yield from study.network_notes
    yield from study.warnings
    if study.interrupted:
        yield "Stopped before the end: only what was finished is shown."
