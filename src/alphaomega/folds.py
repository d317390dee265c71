"""Which rows are held out together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .designs import Design
from .losses import Target

Floats = NDArray[np.float64]
SAME = 1e-12  # rows whose random projections agree to this share of the largest count as identical
FEW = 0.05  # of rows that weigh more than the lightest: then sorting all is not worth it
CHUNK = 1 << 20
MOSTLY_REPEATS = 5  # rows per distinct row beyond which the data is a table of cells, and rows are drawn singly


def draw_folds(
    design: Design,
    target: Target,
    weights: Floats,
    offset: Floats | None,
    spec: tuple[int, int | None],
    norms: Floats | None = None,
) -> NDArray[np.intp]:
    """The fold 0..F-1 of each row for spec = (F, seed): random, of equal weight, stratified by class.

    Identical rows (in X, y and offset) share a fold, and the draw depends on the rows' contents and not on their order.
    So a row of weight k and a row repeated k times are the same data for cross-validation too, and no copy of a
    held-out row is trained on; there are at most as many folds as distinct rows. Where rows repeat more than five times
    on average, each is drawn singly. The only row
    of a class is in every training part and never held out: its fold is -1. `norms` are the weighted norms of the
    columns, where they are known: one read less.
    """
    count, seed = spec
    rng = np.random.default_rng(seed)
    norms = design.column_norms(weights) if norms is None else norms
    labels = distinct_rows(design, target, offset, weights, norms)
    alive = weights > 0
    rows = int(alive.sum())
    distinct = int(labels.max()) + 1
    if rows > MOSTLY_REPEATS * distinct:
        labels[alive], distinct = np.arange(rows), rows
    mass = weights if rows == len(weights) else weights * alive
    heaviest_first: Floats = np.bincount(labels, mass, distinct).astype(float, copy=False)
    del mass
    heaviest_first /= -heaviest_first.max()
    np.round(heaviest_first, 9, out=heaviest_first)
    heavy = np.flatnonzero(heaviest_first < heaviest_first.max())
    draw = rng.permutation(distinct)
    if target.classes is None and len(heavy) <= FEW * distinct:
        weight = heaviest_first[heavy]
        del heaviest_first  # so many rows may fill the memory: no sorting, and few vectors at once
        fold = _dealt_alike(draw, heavy, weight, count)
    else:
        fold = _dealt(_stratum(target, labels, alive, distinct), heaviest_first, draw, count)
    ids = fold[labels]
    ids[~alive] = 0
    return ids


def _dealt_alike(draw: NDArray[np.intp], heavy: NDArray[np.intp], weight: Floats, count: int) -> NDArray[np.intp]:
    """`_dealt` where all rows but a few heavy ones weigh the same: the draw is the place. Works in `draw`."""
    order = np.lexsort((draw[heavy], weight))
    before = np.sort(draw[heavy])
    count = max(1, min(count, len(draw)))
    for start in range(0, len(draw), CHUNK):
        part = draw[start : start + CHUNK]
        part += len(heavy) - np.searchsorted(before, part)
        part %= count
    draw[heavy[order]] = np.arange(len(heavy)) % count
    return draw


def _stratum(target: Target, labels: NDArray[np.intp], alive: NDArray[np.bool_], distinct: int) -> NDArray | None:
    """The class of each distinct row; None without classes."""
    if target.classes is None:
        return None
    stratum = np.zeros(distinct)
    stratum[labels[alive]] = _class_codes(target)[alive]
    return stratum


def _dealt(stratum: NDArray | None, heaviest_first: Floats, draw: NDArray, count: int) -> NDArray[np.intp]:
    """The fold of each distinct row: dealt class by class, the heaviest first."""
    distinct = len(draw)
    order = np.lexsort((draw, heaviest_first) if stratum is None else (draw, heaviest_first, stratum))
    if stratum is not None:
        order = order[~_alone_in_class(stratum)[order]]
    fold = np.full(distinct, -1, dtype=np.intp)
    fold[order] = np.arange(len(order)) % max(1, min(count, len(order)))
    return fold


def _alone_in_class(stratum: Floats) -> NDArray[np.bool_]:
    _, position, size = np.unique(stratum, return_inverse=True, return_counts=True)
    return size[position] == 1


def _class_codes(target: Target) -> NDArray:
    return target.values if target.values.ndim == 1 else target.values.argmax(1)


def distinct_rows(
    design: Design, target: Target, offset: Floats | None, weights: Floats, norms: Floats
) -> NDArray[np.intp]:
    """One label for each distinct row of positive weight, by order of a random projection; other rows share label 0."""
    rng = np.random.default_rng(0)
    known = np.isfinite(norms) & (norms > 0)
    projection = design.matvec(rng.standard_normal(design.shape[1]) / np.where(known, norms, 1.0))
    for column in (target.values if target.classes is None else None, offset):
        factor = rng.standard_normal()
        if column is not None:
            norm = np.sqrt(np.einsum("i,i,i->", weights, column, column))
            projection += factor / (norm or 1.0) * column
    codes = None if target.classes is None else _class_codes(target)
    order = np.argsort(projection) if codes is None else np.lexsort((projection, codes))
    if not weights.all():
        order = order[weights[order] > 0]
    projection = projection[order]
    close = SAME * max(abs(projection.min()), abs(projection.max()))
    fresh = np.zeros(len(order), dtype=bool)
    for start in range(1, len(order), CHUNK):
        part = slice(start, min(start + CHUNK, len(order)))
        fresh[part] = projection[part] - projection[start - 1 : part.stop - 1] > close
    del projection
    if codes is not None:
        fresh[1:] |= np.diff(codes[order]) != 0
    labels = np.zeros(len(weights), dtype=np.intp)
    labels[order] = np.cumsum(fresh)
    return labels
