"""Which rows are held out together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .designs import Design
from .losses import Target

Floats = NDArray[np.float64]
SAME = 1e-9  # rows whose random projections agree to this share of the largest count as identical
MOSTLY_REPEATS = 5  # rows per distinct row beyond which the data is a table of cells, and rows are drawn singly


def draw_folds(
    design: Design, target: Target, weights: Floats, offset: Floats | None, spec: tuple[int, int | None]
) -> NDArray[np.intp]:
    """The fold 0..F-1 of each row for spec = (F, seed): random, of equal weight, stratified by class.

    Identical rows (in X, y and offset) share a fold, and the draw depends on the rows' contents and not on their order.
    So a row of weight k and a row repeated k times are the same data for cross-validation too, and no copy of a
    held-out row is trained on; there are at most as many folds as distinct rows. Where rows repeat more than five times
    on average, each is drawn singly. The only row
    of a class is in every training part and never held out: its fold is -1.
    """
    count, seed = spec
    rng = np.random.default_rng(seed)
    codes = _class_codes(target)
    ids = np.zeros(len(weights), dtype=np.intp)
    alive = np.flatnonzero(weights > 0)
    labels = _distinct(design, target, offset, weights)[alive]
    distinct = int(labels.max()) + 1
    if len(alive) > MOSTLY_REPEATS * distinct:
        labels, distinct = np.arange(len(alive)), len(alive)
    share = np.bincount(labels, weights[alive], distinct)
    stratum = np.zeros(distinct)
    stratum[labels] = codes[alive]
    heaviest_first = -np.round(share / share.max(), 9)
    order = np.lexsort((rng.permutation(distinct), heaviest_first, stratum))
    alone = _alone_in_class(stratum) if target.classes is not None else np.zeros(distinct, dtype=bool)
    order = order[~alone[order]]
    fold = np.full(distinct, -1, dtype=np.intp)
    fold[order] = np.arange(len(order)) % max(1, min(count, len(order)))
    ids[alive] = fold[labels]
    return ids


def _alone_in_class(stratum: Floats) -> NDArray[np.bool_]:
    _, position, size = np.unique(stratum, return_inverse=True, return_counts=True)
    return size[position] == 1


def _class_codes(target: Target) -> NDArray:
    if target.classes is None:
        return np.zeros(len(target.values))
    return target.values if target.values.ndim == 1 else target.values.argmax(1)


def _distinct(design: Design, target: Target, offset: Floats | None, weights: Floats) -> NDArray[np.intp]:
    """One label for each distinct row of positive weight, by order of a random projection; other rows share label 0."""
    rng = np.random.default_rng(0)
    norms = design.column_norms(weights)
    projection = design.matvec(rng.standard_normal(design.shape[1]) / np.where(norms > 0, norms, 1.0))
    for column in (target.values if target.classes is None else None, offset):
        factor = rng.standard_normal()
        if column is not None:
            norm = np.sqrt(weights @ column**2)
            projection = projection + factor * column / (norm or 1.0)
    alive = np.flatnonzero(weights > 0)
    codes = _class_codes(target)
    order = alive[np.lexsort((projection[alive], codes[alive]))]
    step = np.diff(projection[order]) > SAME * np.max(abs(projection[order]))
    labels = np.zeros(len(weights), dtype=np.intp)
    labels[order] = np.concatenate([[0], np.cumsum(step | (np.diff(codes[order]) != 0))])
    return labels
