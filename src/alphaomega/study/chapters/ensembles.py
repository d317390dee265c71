"""Many models on different samples of the rows, against the single one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...diagnostics.uniqueness import linear_predictor
from ...estimators import Classifier, Regressor
from ...model_selection import Ensemble
from ...plotting import interval_figure
from ...results import Solution
from ..comparison import errors
from ..numbers import counted, number
from ..results import Curve, Errors
from .base import NOTHING, Cell, Chapter, Grid, Material, Picture

MENU = "Ensemble"
TITLE = "One model or many"
N_MODELS, FEWER_MODELS = 100, 50  # fewer for curved losses
SHOWN = 20
MOST_CELLS = 2e6
LEVEL = 0.9
Floats = NDArray[np.float64]


def chapter(material: Material) -> Chapter:
    """An ensemble of the recommended penalty, at its alpha, compared with the single model on the test rows."""
    study = material.study
    chosen = study.chosen
    if chosen is None:
        raise ValueError("no fit was finished that an ensemble could be made of")
    curve = study.curve(chosen.name)
    assert curve is not None
    sample, note = material.sample(MOST_CELLS)
    team = _team(material, curve, chosen.alpha)
    team.fit(sample.X, sample.y, offset=sample.study.train.offset)
    material.told(0.9)
    solution = Solution(chosen.alpha, team.coef_, team.intercept_, 0.0)
    together, single = errors(study.loss, study.test, solution), _single(team, material)
    rows = (_row("single model", single, np.nan), _row(f"ensemble of {_size(material)}", together, team.oob_error_))
    head = ("model", f"test {study.error_name}", "± standard error", "out-of-bag error", "wrong")
    errors_grid = Grid("Test errors", head, rows, "Out of bag: each row is predicted by the members that left it out.")
    lead = (
        f"{chosen.label} fitted to {_size(material)} bootstrap samples of the training rows, all at alpha "
        f"{number(chosen.alpha, 3)}; their mean decides. Averaging removes variance, and keeps the bias."
    )
    sentences = (_verdict(material, team, single, together), _frequencies(team))
    notes = tuple(text for text in (note, INTERVALS) if text)
    moved = _moved(team)
    tables = (errors_grid, _coefficients(moved, team, material))
    return Chapter("ensemble", MENU, TITLE, lead, sentences, tables, (_picture(moved, chosen.name, material),), notes)


INTERVALS = (
    "The intervals show how far coefficients move from sample to sample. Penalised coefficients are biased towards "
    "zero, so these are no confidence intervals."
)


def _team(material: Material, curve: Curve, alpha: float) -> Ensemble:
    study = material.study
    penalty = curve.path.penalty
    model: Any
    if study.loss.classifies:
        model = Classifier(alpha=alpha, penalty=penalty)
    else:
        model = Regressor(loss=study.loss, penalty=penalty, alpha=alpha)
    return Ensemble(model, _size(material), seed=study.seed)


def _size(material: Material) -> int:
    return FEWER_MODELS if material.curved else N_MODELS


def _single(team: Ensemble, material: Material) -> Errors:
    path = team.single_.path_
    at = path.at(team.alpha_)
    return errors(material.study.loss, material.study.test, at)


def _row(name: str, found: Errors, out_of_bag: float) -> tuple[Cell, ...]:
    wrong: Cell = NOTHING if np.isnan(found.misclassified) else f"{found.misclassified:.1%}"
    return (name, found.deviance, found.deviance_standard_error, NOTHING if np.isnan(out_of_bag) else out_of_bag, wrong)


def _verdict(material: Material, team: Ensemble, single: Errors, together: Errors) -> str:
    """The difference of the two errors row by row, against its standard error."""
    loss, test = material.study.loss, material.study.test
    solution = Solution(team.alpha_, team.coef_, team.intercept_, 0.0)
    difference = loss.deviance(test.y, linear_predictor(test, solution)) - loss.deviance(
        test.y, linear_predictor(test, team.single_.path_.at(team.alpha_))
    )
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    change = (together.deviance - single.deviance) / single.deviance if single.deviance > 0 else 0.0
    if abs(difference.mean()) <= error:
        return f"The ensemble does as well as the single model: its test error differs by {change:+.1%}, within noise."
    word = "lowers" if difference.mean() < 0 else "raises"
    return f"The ensemble {word} the test error by {abs(change):.1%}."


def _frequencies(team: Ensemble) -> str:
    share = team.selection_frequency_
    always, never = int((share == 1).sum()), int((share == 0).sum())
    rest = len(share) - always - never
    return (
        f"Of {counted(len(share), 'feature')} {always:,} are in every member, {never:,} in none; {rest:,} come and go."
    )


@dataclass(frozen=True, eq=False)
class Moved:
    """Coefficients per standard deviation, (p,) each, for several classes of that where each is largest."""

    single: Floats
    mean: Floats
    lower: Floats
    upper: Floats
    many: bool


def _moved(team: Ensemble) -> Moved:
    scale = team.path_.scale
    parts = [np.atleast_2d(coef) * scale for coef in (team.single_.coef_, team.coef_, *team.interval(LEVEL))]
    strongest = abs(parts[1]).argmax(0)
    single, mean, lower, upper = (part[strongest, np.arange(part.shape[1])] for part in parts)
    return Moved(single, mean, lower, upper, many=len(parts[1]) > 1)


def _coefficients(moved: Moved, team: Ensemble, material: Material) -> Grid:
    """The features that matter most."""
    rows: list[tuple[Cell, ...]] = []
    for j in np.argsort(-abs(moved.mean), kind="stable")[:SHOWN]:
        numbers = [float(part[j]) for part in (moved.single, moved.mean, moved.lower, moved.upper)]
        rows.append((material.names[j], *numbers, f"{team.selection_frequency_[j]:.0%}"))
    title = "Coefficients per standard deviation"
    title += ", of the class where each is largest" if moved.many else ""
    head = ("feature", "single", "mean", "5 % of members below", "5 % above", "used by")
    return Grid(title, head, tuple(rows), f"The {len(rows)} strongest features.", 3)


def _picture(moved: Moved, name: str, material: Material) -> Picture:
    """Where 90 % of the members' coefficients lie, and the single model's on it."""
    apart = int(((moved.lower > 0) | (moved.upper < 0)).sum())
    caption = (
        f"Bars hold {LEVEL:.0%} of the members' coefficients, the tick is their mean, the mark the single model, "
        f"hollow where it is exactly zero. {apart:,} of {len(moved.mean):,} bars keep clear of zero."
    )
    figure = interval_figure(
        {name: (moved.mean, moved.lower, moved.upper)}, {name: moved.single}, material.names,
        title="How far coefficients move from sample to sample",
    )  # fmt: skip
    alt = f"Horizontal bars of each feature's coefficients over the members of the ensemble. {caption}"
    return Picture(figure, caption, alt)
