"""The diamond and the disc for the two strongest features of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..designs import design_of
from ..losses import Logistic, Loss
from ..plotting import Touching, touching, touching_figure
from .words import shortened, significant

if TYPE_CHECKING:
    from ..study.results import Study

NEARLY_COLLINEAR = 0.98
MOST_ROWS = 20_000


def constraint_drawing(study: Study, ranked: NDArray[np.intp]) -> tuple[go.Figure, str]:
    """The figure and its caption; a ValueError says why there is none."""
    rows = study.train
    held = np.arange(len(rows.y)) if rows.sampled is None else rows.sampled
    chosen = np.unique(np.linspace(0, len(held) - 1, min(len(held), MOST_ROWS)).astype(int))
    candidates, keep = design_of(rows.X).rows(chosen).take(ranked), held[chosen]
    pair = two_features(candidates)
    y, loss, what = _one_predictor(study, keep)
    offset = None if rows.offset is None else rows.offset[keep]
    found = touching(candidates[:, pair], y, loss, offset=offset)
    names = [study.feature_names[ranked[j]] for j in pair]
    return touching_figure(found, names=names), _caption(found, [shortened(name) for name in names], what)


def two_features(candidates: NDArray[np.float64]) -> list[int]:
    """The first two columns that vary and are not copies of each other."""
    varying = np.flatnonzero(candidates.std(0) > 0)
    for j in varying[1:]:
        if abs(np.corrcoef(candidates[:, varying[0]], candidates[:, j])[0, 1]) < NEARLY_COLLINEAR:
            return [int(varying[0]), int(j)]
    raise ValueError("it needs two features that vary and are not copies of each other")


def _one_predictor(study: Study, keep: NDArray[np.intp]) -> tuple[NDArray[np.float64], Loss, str]:
    """y and a loss with one linear predictor: for several classes, the most frequent one against the rest."""
    y = study.train.y[keep]
    if y.ndim == 1:
        return y, study.loss, ""
    k = int(y.sum(0).argmax())
    return y[:, k], Logistic(), f" for class {study.understanding.classes[k]} against the rest"


def _caption(found: Touching, names: list[str], what: str) -> str:
    l1, l2 = ([significant(value, 3) for value in w] for w in (found.l1, found.l2))
    zeros = [name for name, value in zip(names, found.l1) if value == 0]
    verdict = (
        f"The diamond touches with a corner: L1 leaves {zeros[0]} out."
        if zeros
        else "Here even the diamond touches on an edge: both features are too strong to be left out at this loss."
    )
    return (
        f"The two strongest features{what}, {names[0]} (w1) and {names[1]} (w2), per standard deviation; contours of "
        f"the real training loss. {verdict} L1: ({l1[0]}, {l1[1]}) at alpha {significant(found.alpha_l1, 3)}; "
        f"L2: ({l2[0]}, {l2[1]}) at alpha {significant(found.alpha_l2, 3)}; "
        f"both have J = {significant(found.level, 4)}."
    )
