"""Fit, drop the weakest, refit: the stages of an elimination, in all rows and in every fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import KFold, StratifiedKFold

from .capabilities import Floats
from .weakness import Stage, Weakness


def sizes_of(weakness: Weakness, count: int, floor: int | None, step: float) -> list[int]:
    """What is left at each stage."""
    floor = weakness.usual_floor(count) if floor is None else int(floor)
    if not weakness.least <= floor <= count:
        raise ValueError(
            f"floor must lie between {weakness.least} and the {count} {weakness.name} there are, got {floor!r}"
        )
    sizes = [count]
    while sizes[-1] > floor:
        drop = int(step) * weakness.pace(count) if step >= 1 else max(1, int(step * sizes[-1]))
        sizes.append(max(floor, sizes[-1] - drop))
    return sizes


def stages(estimator: Any, X: Any, y: NDArray, weakness: Weakness, sizes: list[int]) -> Iterator[Stage]:
    """The model at each size, each refitted to what the one before kept, and from its weights where it can."""
    stage = Stage(np.arange(weakness.count(X)), clone(estimator).fit(X, y))
    for size in sizes:
        if size < len(stage.left):
            kept = np.sort(np.argsort(-weakness.strength(stage, X, y), kind="stable")[:size])
            stage = Stage(stage.left[kept], weakness.refit(stage, kept, estimator, (X, y)))
        yield stage


def held_out_errors(
    estimator: Any,
    data: tuple[Any, NDArray],
    kind: Callable[[], Weakness],
    sizes: list[int],
    dealt: tuple[int, int | None],
) -> Floats:
    """The error of every fold at every stage, (folds, stages); `dealt` says how many folds, and their seed."""
    X, y = data
    classes = is_classifier(estimator)
    rarest = int(np.unique(y, return_counts=True)[1].min()) if classes else len(y)
    count = max(2, min(int(dealt[0]), rarest, len(y) // 2))
    deal = (StratifiedKFold if classes else KFold)(count, shuffle=True, random_state=dealt[1])
    errors = []
    for train, test in deal.split(np.zeros(len(y)), y):
        weakness = kind()
        walk = stages(estimator, X[train], y[train], weakness, weakness.sizes(sizes, len(train) / len(y)))
        errors.append([weakness.error(stage.model, weakness.seen(X[test], stage.left), y[test]) for stage in walk])
    return np.array(errors)
