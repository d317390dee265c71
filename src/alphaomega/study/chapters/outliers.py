"""Rows that do not follow the model, and how far a row could pull each method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse

from ... import outliers
from ...penalties import L1, L2
from ...plotting import outlier_figure, sensitivity_figure
from .base import Cell, Chapter, Floats, Grid, Material, Picture

MENU = "Outliers"
TITLE = "Rows that do not follow the model"
RATE = 0.025  # of clean rows that may be flagged
FEW_ROWS = 3  # rows per coefficient that least squares needs on two thirds of them
MOST_ROWS = 1000  # of a table on which methods are compared
SHOWN = 12


def chapter(material: Material) -> Chapter:
    """Mean shifts with soft and hard thresholds, and the sensitivity of six methods."""
    if material.study.loss.name != "squared":
        raise ValueError("the mean-shift model is for a numeric target with squared loss")
    X, y = _table(material)
    n, p = X.shape
    wide = n < FEW_ROWS * (p + 1)
    penalty = _strongest(material) if wide else None
    found = {}
    for share, threshold in ((0.15, "soft"), (0.4, "hard")):
        found[threshold] = outliers.mean_shift(X, y, threshold, cut=RATE, penalty=penalty)
        material.told(share)
    told = Chapter(
        "outliers",
        MENU,
        TITLE,
        "Each training row may be given a shift of its own. An L1 penalty keeps most shifts at zero (soft threshold, "
        "which is Huber's loss); a hard threshold leaves flagged rows out altogether, and starts from a robust fit.",
        sentences=_sentences(found),
        tables=(_rows(found),),
        pictures=(_picture(found["hard"]),),
        notes=(found["soft"].caution, found["hard"].caution),
    )
    if wide:
        note = (
            f"{n} rows for {p} columns: w is penalised beside the shifts, and the rate of false flags is approximate."
        )
        return replace(told, notes=(*told.notes, note))
    return _with_sensitivity(told, material, X, y)


def _table(material: Material) -> tuple[Floats, Floats]:
    """The training rows, columns per standard deviation, and y less its offset."""
    X = material.X.toarray() if scipy.sparse.issparse(material.X) else np.asarray(material.X, dtype=float)
    offset = material.study.train.offset
    y = material.study.train.y if offset is None else material.study.train.y - offset
    return (X - material.study.center) / material.study.scale, y


def _strongest(material: Material) -> L1 | L2:
    """The study's own penalty at its cross-validated strength."""
    for fit in material.study.fits:
        if fit.name == "L1" and fit.rule == "min":
            return fit.alpha * L1()  # type: ignore[return-value]
    return 1.0 * L2()  # type: ignore[return-value]


def _sentences(found: dict[str, outliers.MeanShift]) -> tuple[str, ...]:
    n = len(found["hard"].y)
    both = np.intersect1d(found["soft"].flagged, found["hard"].flagged).size
    counts = {name: len(one.flagged) for name, one in found.items()}
    expected = RATE * n
    verdict = "more than" if counts["hard"] > expected + 2 * np.sqrt(expected) else "about as many as"
    if counts["hard"] < expected - 2 * np.sqrt(expected):
        verdict = "fewer than"
    return (
        f"Hard thresholds flag {counts['hard']:,} of {n:,} training rows, soft ones {counts['soft']:,}, {both:,} of "
        f"them the same. Without any outlier {RATE:.1%} of rows, {expected:.0f}, would be flagged; "
        f"{counts['hard']:,} are {verdict} that.",
        f"The noise of the rows kept is {found['hard'].noise:.4g}, in the units of the target; a row is flagged where "
        f"it is {found['hard'].alpha:.4g} or more away.",
    )


def _rows(found: dict[str, outliers.MeanShift]) -> Grid:
    hard = found["hard"]
    flagged = np.union1d(found["soft"].flagged, hard.flagged)
    worst = flagged[np.argsort(-abs(hard.scores[flagged]), kind="stable")[:SHOWN]]
    rows: list[tuple[Cell, ...]] = [
        (
            int(row),
            float(hard.y[row]),
            float(hard.fitted[row]),
            float(hard.scores[row]),
            float(hard.leverage[row]),
            " and ".join(name for name in ("soft", "hard") if found[name].shifts[row] != 0),
        )
        for row in worst
    ]
    head = ("training row", "target", "fitted", "standard errors", "leverage", "flagged by")
    more = f"The worst {SHOWN} of {len(flagged):,}. " if len(flagged) > SHOWN else ""
    return Grid("Flagged rows", head, tuple(rows), f"{more}Rows count from 0 in the order of the training part.", 3)


def _picture(hard: outliers.MeanShift) -> Picture:
    return Picture(
        outlier_figure(hard),
        f"{len(hard.flagged):,} rows lie beyond the hard threshold. Flagged rows far to the right would have pulled a "
        "least-squares fit to themselves.",
        "Scatter plot of residual against leverage with flagged rows marked",
    )


def _with_sensitivity(told: Chapter, material: Material, X: Floats, y: Floats) -> Chapter:
    rows = np.arange(len(y))
    if len(y) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(material.study.seed).choice(len(y), MOST_ROWS, replace=False))
    pulled = outliers.sensitivity(
        X[rows], y[rows], distances=(0, 2, 5, 10, 50), shares=(0, 0.1, 0.2, 0.4), n_repeats=3, seed=material.study.seed
    )
    cells: list[tuple[Cell, ...]] = [
        (
            name,
            *(float(pulled.prediction_moved[kind, k, -1]) for kind in (0, 1)),
            *(float(pulled.contaminated[0, k, s]) for s in (0, 2, 3)),
        )
        for k, name in enumerate(pulled.methods)
    ]
    head = ("method", "y of a row 50 away", "its columns 50 away", "error, clean", "20 % of rows moved", "40 % moved")
    caption = (
        "The first two columns: how far the predictions of the other rows move. All numbers are in standard deviations "
        "of the noise."
    )
    picture = Picture(
        sensitivity_figure(pulled),
        "Above, how far predictions move as one row is pulled away; below, the error on clean rows as more are moved.",
        "Four panels of curves, one line a method",
        "What one row, and many, do to each method",
    )
    note = (f"Methods were compared on {MOST_ROWS:,} of the rows.",) if len(rows) < len(y) else ()
    return replace(
        told,
        sentences=(*told.sentences, *pulled.statements),
        tables=(*told.tables, Grid("Sensitivity", head, tuple(cells), caption, 3)),
        pictures=(*told.pictures, picture),
        notes=(*told.notes, *note),
    )
