"""What is known of each coefficient: posterior intervals under both priors beside the penalised estimates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bayes import Posterior, posterior
from ...losses import Logistic, Squared
from ...plotting import interval_figure
from ...priors import Gaussian, Laplace
from ..numbers import counted
from .base import Cell, Chapter, Grid, Material, Picture

MENU = "Certainty"
TITLE = "How sure each coefficient is"
LEAD = (
    "The L2 fit is the most probable one under a Gaussian prior of the coefficients, the L1 fit under a Laplace prior. "
    "Here is what each prior leaves to believe after seeing the training rows, its width learnt from them: between "
    "which limits each coefficient lies with probability 90 %."
)
LEVEL = 0.9
PRIORS = {"L2": Gaussian, "L1": Laplace}
MOST_FEATURES = 300  # draws of more take minutes
MOST_ROWS = {"squared": 10_000_000, "logistic": 5_000}
LIMITS = (
    "This chapter is written for numbers (squared loss) and two classes (logistic loss), and for at most "
    f"{MOST_FEATURES} features; for other targets and wider tables it is left out."
)
DRAWS = {"squared": 500, "logistic": 500}
ROWS = 12
Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats, Floats]


def chapter(material: Material) -> Chapter:
    """Both posteriors, a picture of their intervals, and what they say that the fits do not."""
    loss, (n, p) = material.study.loss, material.X.shape
    if not isinstance(loss, (Squared, Logistic)):
        raise NotImplementedError(f"a posterior exists here for numbers and for two classes, not for {loss.name}")
    if p > MOST_FEATURES or n > MOST_ROWS[loss.name]:
        raise NotImplementedError(
            f"this chapter samples at most {MOST_FEATURES} features and {MOST_ROWS[loss.name]:,} rows within a study, "
            f"and here are {p:,} and {n:,}; ao.posterior(X, y, ao.priors.Laplace()) has no such limit but takes long"
        )
    found = {}
    for position, (name, kind) in enumerate(PRIORS.items()):
        with material.part(position / 2, (position + 1) / 2):
            found[name] = _posterior(material, kind())
    scale = np.where(material.study.scale > 0, material.study.scale, 1.0)
    intervals = {name: _interval(each, scale) for name, each in found.items()}
    fits = {fit.name: fit.coef_standardized for fit in material.study.fits if fit.rule == "min" and fit.name in PRIORS}
    sentences = (*_sentences(material, found, intervals), *_zeros(fits, intervals))
    return Chapter(
        "posterior",
        MENU,
        TITLE,
        LEAD,
        sentences,
        tables=(_grid(material, intervals, fits),),
        notes=(LIMITS,),
        pictures=(
            Picture(
                interval_figure(intervals, fits, material.names, title="Posterior intervals and penalised fits"),
                "Bars hold each coefficient with probability 90 %, the tick is the posterior mean, the mark the "
                "cross-validated fit, hollow where it is exactly zero. " + sentences[0],
                "Horizontal intervals of each feature's coefficient under a Gaussian and a Laplace prior, with the L2 "
                "and L1 fits marked on them.",
            ),
        ),
    )


def _posterior(material: Material, prior: Any) -> Posterior:
    """The posterior of the training rows, the scale of the prior learnt."""
    loss, offset = material.study.loss.name, material.study.train.offset
    y = material.y
    if offset is not None:
        if loss != "squared":
            raise NotImplementedError("the posterior of classes takes no offset")
        y = y - offset
    return posterior(material.X, y, prior, standardize=True, draws=DRAWS[loss], loss=loss)


def _interval(found: Posterior, scale: Floats) -> Interval:
    """Mean and limits per standard deviation of the columns."""
    lower, upper = found.interval(LEVEL)
    return found.mean * scale, lower * scale, upper * scale


def _sure(interval: Interval) -> NDArray[np.bool_]:
    """Whether each interval excludes zero."""
    return (interval[1] > 0) | (interval[2] < 0)


def _sentences(material: Material, found: dict[str, Posterior], intervals: dict[str, Interval]) -> tuple[str, ...]:
    p = len(material.names)
    counts = [int(_sure(intervals[name]).sum()) for name in PRIORS]
    told = [
        f"With 90 % probability each, {counts[0]} of {p} coefficients have a known sign under the Gaussian prior and "
        f"{counts[1]} under the Laplace prior."
    ]
    for name, each in found.items():
        fit = next((fit for fit in material.study.fits if fit.name == name and fit.rule == "min"), None)
        if fit is not None and fit.alpha > 0 and np.isfinite(each.alpha):
            source = "The evidence" if hasattr(each, "log_evidence") else "Its learnt prior"
            told.append(
                f"{name}: {source.lower()} puts alpha at {each.alpha:.3g}, cross-validation at {fit.alpha:.3g}."
            )
    return tuple(told)


def _zeros(fits: dict[str, Floats], intervals: dict[str, Interval]) -> tuple[str, ...]:
    """What the posterior says of the coefficients that L1 set to zero."""
    if "L1" not in fits:
        return ()
    zero = fits["L1"] == 0
    if not zero.any():
        return ()
    sure = int((_sure(intervals["L1"]) & zero).sum())
    what = "none of them has" if sure == 0 else f"{sure} of them {'has' if sure == 1 else 'have'}"
    return (
        f"L1 sets {counted(int(zero.sum()), 'coefficient')} to exactly zero; {what} an interval that excludes zero. "
        "The posterior itself puts no mass on zero: a zero of the fit is its most probable value, not a certainty.",
    )


def _grid(material: Material, intervals: dict[str, Interval], fits: dict[str, Floats]) -> Grid:
    order = np.argsort(-np.max([abs(values[0]) for values in intervals.values()], axis=0), kind="stable")[:ROWS]
    head = ["feature"]
    for name in PRIORS:
        head += [f"{name} fit", f"{name} mean", f"{name} 5 %", f"{name} 95 %"]
    rows: list[tuple[Cell, ...]] = []
    for j in order:
        cells: list[Cell] = [material.names[j]]
        for name in PRIORS:
            fit = float(fits[name][j]) if name in fits else float("nan")
            cells += [fit, *(float(values[j]) for values in intervals[name])]
        rows.append(tuple(cells))
    caption = "Per standard deviation of each feature; mean and limits are the posterior's, the fit is cross-validated."
    return Grid("Posterior intervals", tuple(head), tuple(rows), caption, digits=3)
