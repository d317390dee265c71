"""The arguments of every fit, checked: what holds data, the folds, the grid of alphas, the progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import losses
from .columns import separated
from .designs import Design, design_of
from .folds import draw_folds
from .frames import Encoder
from .losses import Loss, Target
from .penalties import L1, Penalty
from .problem import Grid, Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Data:
    """Checked input: the design, y on the loss's scale, weights, offset, and how to encode new rows.

    `unchecked` where entries that are not finite have still to be looked for.
    """

    design: Design
    target: Target
    loss: Loss
    weights: Floats
    offset: Floats | None
    encoder: Encoder
    norms: Floats | None = None
    unchecked: bool = False

    def problem(self, penalty: Penalty | None, standardize: bool, intercept: bool) -> Problem:
        """The problem with a penalty."""
        penalty = L1() if penalty is None else penalty
        if not isinstance(penalty, Penalty):
            raise TypeError(f"penalty must be a Penalty such as ao.L1(), got {penalty!r}")
        return Problem(
            self.design, self.target.values, self.loss, penalty, self.weights, self.offset, intercept, standardize
        )


def read_data(
    X: Any,
    y: ArrayLike | str,
    loss: str | Loss,
    weights: ArrayLike | None,
    offset: ArrayLike | None,
    impute: str | None = None,
    later: bool = False,
) -> Data:
    """Check every argument that holds data; the first fault is raised as one clear error.

    `later` leaves out the read that looks for entries of a design that are not finite; see `finite_norms`.
    """
    found = losses.find(loss)
    X, y = separated(X, y)
    encoder = Encoder.fit(X, impute, weights)
    design = design_of(encoder.transform(X))
    n, p = design.shape
    if n == 0 or p == 0:
        raise ValueError(f"X has shape ({n}, {p}); it needs at least one row and one column")
    target = found.target(y)
    if len(target.values) != n:
        raise ValueError(f"X has {n} rows but y has {len(target.values)}; they must match")
    s = np.ones(n) if weights is None else _vector(weights, n, "weights")
    if (s < 0).any():
        raise ValueError(f"weights must be >= 0, found {s[s < 0][0]:g} at row {np.flatnonzero(s < 0)[0]}")
    if not s.sum() > 0:
        raise ValueError("weights are all zero; give at least one row a positive weight")
    _check_weighted_target(target, s, found)
    shift = None if offset is None else _vector(offset, n, "offset")
    data = Data(design, target, found, s, shift, encoder, unchecked=isinstance(X, Design))  # the encoder checks others
    return data if later or not data.unchecked else replace(data, norms=finite_norms(data), unchecked=False)


def finite_norms(data: Data) -> Floats:
    """Weighted norms of the columns; one read, which tells of every entry that is not finite."""
    design, encoder, weights = data.design, data.encoder, data.weights
    with np.errstate(invalid="ignore", over="ignore"):
        norms = design.column_norms(weights)
    place = None if np.isfinite(norms).all() else design.first_not_finite()
    if place is not None:
        row, column = place
        name = f"column {column}" if encoder.names is None else f"column {encoder.names[column]!r}"
        where = f" ({design.place(row)})" if design.place(row) else ""
        raise ValueError(
            f"X holds NaN or infinity at row {row}{where}, {name}; pass impute='mean' or 'median' to fill missing "
            "numbers, or drop or replace such entries"
        )
    return norms


def _check_weighted_target(target: Target, weights: Floats, loss: Loss) -> None:
    """Rows of weight zero do not exist: what is left must still be fittable."""
    alive = weights > 0
    if target.classes is not None:
        codes = target.values[alive] if target.values.ndim == 1 else target.values[alive].argmax(1)
        if len(np.unique(codes)) < len(target.classes):
            missing = sorted(set(range(len(target.classes))) - set(codes.astype(int).tolist()))[0]
            raise ValueError(
                f"all rows of class {target.classes[missing]!r} have weight 0; drop those rows, or give them a weight"
            )
    elif isinstance(loss, losses.Poisson) and not target.values[alive].any():
        raise ValueError("loss='poisson' needs at least one positive y among the rows of positive weight")


def fold_ids(folds: int | ArrayLike, data: Data, seed: int | None) -> NDArray[np.intp]:
    """The fold 0..F-1 of each row."""
    n = data.design.shape[0]
    if np.ndim(folds) > 0:
        labels = np.asarray(folds)
        if labels.shape != (n,):
            raise ValueError(f"folds must be a number or one fold id per row, got shape {labels.shape} for {n} rows")
        ids = np.unique(labels, return_inverse=True)[1]
    else:
        count = int(folds)  # type: ignore[arg-type]
        if count < 2:
            raise ValueError(f"cross-validation needs at least 2 folds, got folds={folds!r}")
        alive = int((data.weights > 0).sum())
        if alive < count:
            raise ValueError(f"{alive} rows are too few for {count} folds; pass folds={max(2, alive)} or fewer")
        ids = draw_folds(data.design, data.target, data.weights, data.offset, (count, seed), data.norms)
    if ids.max(initial=0) < 1:
        raise ValueError("cross-validation needs at least 2 folds")
    if data.target.classes is not None:
        _check_fold_classes(ids, data)
    return ids


def _check_fold_classes(ids: NDArray[np.intp], data: Data) -> None:
    values = (
        data.target.values
        if data.target.values.ndim == 2
        else np.stack([1 - data.target.values, data.target.values], 1)
    )
    present = values * (data.weights > 0)[:, None]
    total = present.sum(0)
    for fold in range(ids.max() + 1):
        left = total - present[ids == fold].sum(0)
        if (left <= 0).any() and (total > 0).all():
            missing = data.target.classes[int(np.argmin(left))]  # type: ignore[index]
            raise ValueError(
                f"without fold {fold} the training rows hold no class {missing!r}; use fewer folds, or merge rare "
                "classes"
            )


def grid_of(alphas: ArrayLike | None, n_alphas: int, ratio: float | None) -> Grid:
    """The checked grid request."""
    if alphas is None:
        if int(n_alphas) < 1:
            raise ValueError(f"n_alphas must be at least 1, got {n_alphas}")
        if ratio is not None and not 0 < ratio <= 1:
            raise ValueError(f"alpha_min_ratio must lie in (0, 1], got {ratio}")
        return Grid(None, int(n_alphas), ratio)
    grid = np.atleast_1d(np.asarray(alphas, dtype=float))
    if grid.ndim != 1 or not grid.size:
        raise ValueError("alphas must be a non-empty one-dimensional array")
    bad = np.flatnonzero(~np.isfinite(grid) | (grid < 0))
    if bad.size:
        raise ValueError(f"alphas must be finite and >= 0, found {grid[bad[0]]:g} at position {bad[0]}")
    return Grid(np.sort(grid)[::-1].copy(), grid.size, None)


@contextmanager
def reporting(progress: bool | Callable[[float], object]) -> Iterator[Callable[[float], object] | None]:
    """What to call with the share done: the caller's own function, a bar on standard error, or nothing."""
    if callable(progress) or not progress:
        yield progress if callable(progress) else None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    with Progress(
        BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("fitting", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _vector(values: ArrayLike, n: int, name: str) -> Floats:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or len(vector) != n:
        raise ValueError(f"{name} must have shape ({n},), one number per row, got {vector.shape}")
    bad = np.flatnonzero(~np.isfinite(vector))
    if bad.size:
        raise ValueError(f"{name} holds NaN or infinity at row {bad[0]}; replace it")
    return vector


def positive(value: float, name: str) -> float:
    """The value, or an error that names the argument."""
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a finite number > 0, got {value!r}")
    return float(value)
