"""Which features are significant: the inference that holds without a penalty, and after one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...inference import covariance_test, debiased, glm, lar, ols
from ...inference.ols import NotIdentified
from ...inference.wald import Wald
from ...losses import Squared
from .base import Cell, Chapter, Grid, Material

MENU = "Significance"
TITLE = "Which features are significant"
LEAD = (
    "Without a penalty, each coefficient has a standard error and a p-value. After a penalty these formulas do not "
    "hold: coefficients are shrunk, and the same rows chose the features. What holds instead is shown beside them."
)
SMALL = 0.05
MOST_DEBIASED = 300  # features; each costs a lasso of its own
ROWS = 12
STEPS = 10
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Named:
    """One column of p-values, with its name and the coefficients they speak of."""

    name: str
    labels: tuple[str, ...]
    p: Floats

    @property
    def counts(self) -> tuple[int, int]:
        """How many lie below 0.05: each by itself, and after Holm's correction for their number."""
        order = np.sort(self.p)
        small = order * np.arange(len(order), 0, -1) < SMALL
        return int((self.p < SMALL).sum()), int(np.argmin(small)) if not small.all() else len(order)


def chapter(material: Material) -> Chapter:
    """p-values without a penalty, debiased ones, and those along least angle regression."""
    squared, (n, p) = isinstance(material.study.loss, Squared), material.X.shape
    found: list[_Named] = []
    notes: list[str] = []
    try:
        with material.part(0.0, 0.2):
            found += _unpenalised(material)
    except NotIdentified as reason:
        notes.append(f"No p-values without a penalty: {str(reason).rstrip('.')}.")
    if squared and p <= MOST_DEBIASED:
        with material.part(0.2, 0.9) as told:
            table = debiased(material.X, _response(material), progress=told)
        found.append(_Named("debiased", material.names, table.p))
    if not found:
        raise NotIdentified(
            "; ".join(notes) or f"{p:,} features take long; ao.inference.debiased(X, y, features=[...]) does some"
        )
    grids = [_grid(found)]
    if squared and n > p + 1:
        grids.append(_steps(material))
    return Chapter(
        "significance",
        MENU,
        TITLE,
        LEAD,
        (*_sentences(found), *_naive(material)),
        tables=tuple(grids),
        notes=tuple(notes),
    )


def _response(material: Material) -> Floats:
    offset = material.study.train.offset
    return material.y if offset is None else material.y - offset


def _unpenalised(material: Material) -> list[_Named]:
    loss, offset = material.study.loss, material.study.train.offset
    if isinstance(loss, Squared):
        tables: dict[str, Wald] = {
            "least squares": ols(material.X, material.y, offset=offset),
            "robust (HC3)": ols(material.X, material.y, offset=offset, covariance="HC3"),
        }
    else:
        kinds = {"no penalty": "classical", "robust (HC1)": "HC1"}
        tables = {
            name: glm(material.X, material.y, loss, offset=offset, covariance=kind) for name, kind in kinds.items()
        }
    return [_named(name, table, material) for name, table in tables.items()]


def _named(name: str, table: Wald, material: Material) -> _Named:
    """The p-values without the intercepts, which nobody asks about."""
    p, size = len(material.names), len(material.names) + 1
    blocks = len(table.names) // size
    classes = getattr(table, "classes", None)
    labels = [
        material.names[j] if classes is None else f"{material.names[j]} ({classes[k * size]})"
        for k in range(blocks)
        for j in range(p)
    ]
    return _Named(name, tuple(labels), table.p.reshape(blocks, size)[:, 1:].ravel())


def _sentences(found: list[_Named]) -> tuple[str, ...]:
    told = []
    for each in found:
        alone, holm = each.counts
        told.append(
            f"{each.name}: {alone} of {len(each.p)} have p < {SMALL}, {holm} after Holm's correction for their number."
        )
    return tuple(told)


def _naive(material: Material) -> tuple[str, ...]:
    """How many of the lasso's features least squares on them alone would call significant."""
    fit = next((fit for fit in material.study.fits if fit.name == "L1" and fit.rule == "min"), None)
    if fit is None or not isinstance(material.study.loss, Squared):
        return ()
    kept = np.flatnonzero(fit.coef_standardized)
    if not 0 < len(kept) < min(material.X.shape[0] - 1, material.X.shape[1]):
        return ()
    try:
        naive = ols(material.X[:, kept], _response(material)).p[1:]
    except NotIdentified:
        return ()
    return (
        f"Least squares on the {len(kept)} features that L1 kept would call {int((naive < SMALL).sum())} significant; "
        "those p-values do not hold, as the same rows chose the features.",
    )


def _grid(found: list[_Named]) -> Grid:
    """The smallest p-values, one line per coefficient."""
    first = found[0]
    columns = [each for each in found if each.labels == first.labels]
    order = np.argsort(first.p, kind="stable")[:ROWS]
    rows: list[tuple[Cell, ...]] = [(first.labels[j], *(float(each.p[j]) for each in columns)) for j in order]
    caption = "p-values of a zero coefficient given all other features; smallest first, not corrected for their number."
    return Grid("p-values", ("feature", *(each.name for each in columns)), tuple(rows), caption, digits=3)


def _steps(material: Material) -> Grid:
    """Least angle regression: each feature in the order in which it joins, exact and by the covariance test."""
    scale = np.where(material.study.scale > 0, material.study.scale, 1.0)
    dense = material.X if isinstance(material.X, np.ndarray) else material.X.toarray()
    steps = min(STEPS, dense.shape[1])
    exact = lar(dense / scale, _response(material), steps)
    older = covariance_test(dense / scale, _response(material), steps)
    rows: list[tuple[Cell, ...]] = [
        (material.names[j], float(p), float(other)) for j, p, other in zip(exact.indices, exact.p, older.p)
    ]
    caption = (
        "In the order in which least angle regression adds them. Exact: given the features and signs so far, "
        "one-sided. The covariance test is older, and only asymptotic."
    )
    return Grid("Along least angle regression", ("feature", "p, exact", "p, covariance test"), tuple(rows), caption, 3)
