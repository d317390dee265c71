"""The textbook's table of L1 against L2, every row measured on this data."""

from __future__ import annotations

from ...diagnostics import SummaryTable, summary_table
from .base import Chapter, Grid, Material

MENU = "L1 or L2"
TITLE = "The textbook's table, measured"
MOST_CELLS = 1e6
VERDICTS = {True: "holds", False: "does not hold here", None: "makes no difference here"}


def chapter(material: Material) -> Chapter:
    """Every claim about L1 and L2 with what was measured here and on a matching simulation."""
    sample, note = material.sample(MOST_CELLS)
    study = material.study
    found = summary_table(
        sample.X, sample.y, study.loss, sample.study.train.offset, folds=study.folds, seed=study.seed,
        n_resamples=15 if material.curved else 40, progress=material.told,
    )  # fmt: skip
    lead = (
        "What is commonly said of L1 and L2, and what they do on these rows, each at its best alpha. Beside it the "
        "same on simulated data of this size with few features that matter (in the line on all features: where all do)."
    )
    return Chapter("summary-table", MENU, TITLE, lead, _sentences(found), (_grid(found),), (), (note,) if note else ())


def _grid(found: SummaryTable) -> Grid:
    rows = tuple(
        (line.aspect, line.textbook, line.l1, line.l2, line.simulated_l1, line.simulated_l2, VERDICTS[line.holds])
        for line in found.lines
    )
    head = ("aspect", "what is said", "L1 here", "L2 here", "L1, simulated", "L2, simulated", "verdict")
    return Grid("L1 against L2", head, rows)


def _sentences(found: SummaryTable) -> tuple[str, ...]:
    failed = found.failures()
    holds = sum(line.holds is True for line in found.lines)
    first = f"{holds} of {len(found.lines)} claims hold on this data."
    return (first, *(f"Not here. {sentence[0].upper()}{sentence[1:]}." for sentence in failed))
