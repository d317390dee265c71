"""Where to cut: drop the weakest feature, refit, and again."""

from __future__ import annotations

from typing import Any

import scipy.sparse

from ...estimators import OLS, Classifier, Regressor
from ...model_selection import IterativeDropout
from ...penalties import L2
from ...plotting import dropout_figure
from .base import Cell, Chapter, Grid, Material, Picture

MENU = "Dropout"
TITLE = "Where to cut: iterative dropout"
FEW = 30  # features that are dropped one by one
SHARE = 0.25  # of those left, that are dropped at once where there are more
HALVES = 8
NAMED = 12
LARGEST = 2e6  # numbers in the table; beyond it the fits are too many
ROWS_PER_COLUMN = 5  # that least squares is given


def chapter(material: Material) -> Chapter:
    """The held-out error of every stage, the cut, how stable it is, and what it costs beside the L1 penalty."""
    X = material.X.toarray() if scipy.sparse.issparse(material.X) else material.X
    n, p = X.shape
    if p < 2:
        raise ValueError("one feature leaves nothing to choose from")
    if n * p > LARGEST:
        raise ValueError(f"{n:,} rows by {p:,} columns take too many fits; the L1 penalty cuts in one")
    if material.study.train.offset is not None:
        raise ValueError("iterative dropout refits without the offset that this target needs")
    small = p <= FEW
    found = IterativeDropout(
        _estimator(material),
        step=1 if small else SHARE,
        folds=min(material.study.folds, 5),
        n_resamples=HALVES if small else 0,
        seed=material.study.seed,
    ).fit(X, material.y)
    return Chapter(
        "dropout",
        MENU,
        TITLE,
        "Fit, drop the feature of the smallest coefficient per standard deviation, refit, until one is left. The whole "
        "elimination is repeated in every fold, so that held-out rows choose nothing.",
        sentences=(found.choice_, _kept(material, found)),
        tables=(_stages(found), _costs(found)),
        pictures=(_picture(found),),
    )


def _estimator(material: Material) -> Any:
    """Least squares where rows are plenty, else ridge at the study's strength."""
    study = material.study
    n, p = study.train.X.shape
    if study.loss.name == "squared" and n >= ROWS_PER_COLUMN * p:
        return OLS()
    alpha = next((fit.alpha for fit in study.fits if fit.name == "L2" and fit.rule == "min"), 0.1)
    if study.loss.classifies:
        return Classifier(penalty=L2(), alpha=alpha)
    return Regressor(study.loss, L2(), alpha=alpha)


def _kept(material: Material, found: IterativeDropout) -> str:
    kept = found.get_support(indices=True)
    names = ", ".join(material.names[j] for j in kept[:NAMED])
    return f"Kept: {names}{' ...' if len(kept) > NAMED else '.'}"


def _stages(found: IterativeDropout) -> Grid:
    frame = found.to_frame()
    rows: list[tuple[Cell, ...]] = [
        (int(left), float(error), float(standard_error), "cut" if chosen else "")
        for left, error, standard_error, chosen in frame.iter_rows()
    ]
    return Grid("Stages", ("features left", "held-out error", "standard error", "chosen"), tuple(rows))


def _costs(found: IterativeDropout) -> Grid:
    rows: list[tuple[Cell, ...]] = [tuple(row) for row in found.costs().iter_rows()]
    head = ("cut", "features", "held-out error", "standard error", "seconds")
    caption = "The L1 penalty cuts at once; dropping one by one refits at every stage and in every fold."
    return Grid("What the cut costs", head, tuple(rows), caption, 3)


def _picture(found: IterativeDropout) -> Picture:
    return Picture(
        dropout_figure(found),
        f"The error is smallest with {found.n_min_} features; {found.n_1se_} are within one standard error of it.",
        "Curve of held-out error against features left, with the cut marked",
    )
