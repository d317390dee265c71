"""One proximal step on one parameter, in place: compiled for weights in main memory, array operations elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..designs.base import slices
from ..penalties import Penalty
from ..team import Team
from .metric import Metric
from .weights import Layout

SPLIT = 1 << 18  # entries below which a second thread costs more than it saves
PIECES = 4  # of the work, for each thread
SAMPLE, GUESS = 192, 1e-2  # rows from which the first guess of a column's level is made, and how well
DENSE = 0.25  # share of columns up to which copying those that still move is cheaper than passing over all
LEVEL = {torch.float32: 1e-5, torch.float64: 1e-13}  # relative error of a column's level
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-8}  # Newton's last relative move m; what is left is <= 3/2 m^2


def is_sharded(tensor: Tensor) -> bool:
    """Whether the tensor's entries are dealt out to several processes."""
    sharding = sys.modules.get("torch.distributed.tensor")  # slow to import, and without it nothing is sharded
    return sharding is not None and isinstance(tensor, sharding.DTensor)


def whole(tensor: Tensor) -> Tensor:
    """The tensor itself, gathered from all processes where it is sharded; differentiable."""
    return tensor.full_tensor() if is_sharded(tensor) else tensor  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Simple:
    """l1 |w_j| + quadratic/2 w_j^2 with one factor each, and `row_weights` ||w_u|| for each row, or None."""

    l1: float
    quadratic: float
    row_weights: NDArray[np.float64] | None

    @classmethod
    def of(cls, penalty: Penalty, rows: int) -> Simple | None:
        """The penalty in this form; None where it has more to it."""
        try:
            terms = penalty.terms((rows,))
        except ValueError:  # factors of the weight's full shape
            return None
        if (
            terms is None
            or terms.bounded
            or np.ptp(terms.l1) != 0
            or np.ptp(terms.quadratic) != 0
            or terms.excluded.any()
        ):
            return None
        weights = terms.group_weights
        if (
            terms.groups is not None
            and weights is not None
            and not (len(weights) == rows and np.array_equal(terms.groups, np.arange(rows)))
        ):
            return None
        return cls(float(terms.l1[0]), float(terms.quadratic[0]), weights)


@dataclass(frozen=True)
class Step:
    """w <- prox of `penalty` at w, in a metric; not where `skip` (of a gradient scaler) is non-zero."""

    penalty: Penalty
    layout: Layout
    rows: int

    @cached_property
    def simple(self) -> Simple | None:
        """The penalty in its simple form, None where it has none."""
        return Simple.of(self.penalty, self.rows)

    def __call__(self, w: Tensor, metric: Metric, skip: Tensor | None = None) -> None:
        """Take the step on `w`, a detached parameter."""
        if is_sharded(w):
            self._sharded(w, metric, skip)
        elif self._compilable(w, metric):
            assert self.simple is not None
            self._compiled(w, metric, self.simple)
        else:
            self._arrays(w, metric, skip)

    def _arrays(self, w: Tensor, metric: Metric, skip: Tensor | None) -> None:
        step = metric.step()
        elementwise = self.simple is not None and self.simple.row_weights is None
        seen = w if elementwise else self.layout.read(w)
        if isinstance(step, Tensor) and step.ndim and not elementwise:
            step = self.layout.read(step)
        new = self.penalty.prox(seen, step)
        if skip is not None:
            new = torch.where(skip.to(new.device) > 0, seen, new)
        if elementwise:
            w.copy_(new)
        else:
            self.layout.write(w, new)

    def _sharded(self, w: Tensor, metric: Metric, skip: Tensor | None) -> None:
        """Entry by entry on each process where the penalty allows; else on the gathered weight."""
        moment = metric.moment
        if self.simple is not None and self.simple.row_weights is None:
            local = None if moment is None else moment.to_local()  # type: ignore[attr-defined]
            self(w.to_local(), replace(metric, moment=local), skip)  # type: ignore[attr-defined]
            return
        from torch.distributed.tensor import DTensor, Replicate

        full = whole(w).clone()
        self(full, metric if moment is None else replace(metric, moment=whole(moment)), skip)
        mesh, placements = w.device_mesh, w.placements  # type: ignore[attr-defined]
        w.copy_(
            DTensor.from_local(full, mesh, [Replicate()] * mesh.ndim, run_check=False).redistribute(
                placements=placements
            )
        )

    def _compilable(self, w: Tensor, metric: Metric) -> bool:
        moment = metric.moment
        return (
            self.simple is not None
            and moment is not None
            and w.device.type == moment.device.type == "cpu"
            and w.dtype == moment.dtype
            and w.dtype in TOLERANCE
            and w.is_contiguous()
            and moment.is_contiguous()
        )

    def _compiled(self, w: Tensor, metric: Metric, simple: Simple) -> None:
        from . import kernels

        assert metric.moment is not None
        number = w.numpy().dtype.type
        scale, root, eps = float(metric.scale), number(metric.root), number(metric.eps)
        threshold, shrink = number(scale * simple.l1), number(scale * simple.quadratic)
        flat, moment = w.view(-1).numpy(), metric.moment.view(-1).numpy()
        if simple.row_weights is None:
            if shrink > 0:
                _spread(
                    lambda part: kernels.elastic(flat[part], moment[part], root, eps, threshold, shrink),
                    len(flat),
                    len(flat),
                )
            elif threshold > 0:
                _spread(
                    lambda part: kernels.soft_threshold(flat[part], moment[part], root, eps, threshold),
                    len(flat),
                    len(flat),
                )
            return
        if threshold > 0:
            kernels.soft_threshold(flat, moment, root, eps, threshold)
        weights = (scale * simple.row_weights).astype(number)
        tolerance = number(TOLERANCE[w.dtype])
        measure = (root, eps, shrink)
        if self.layout.order == (1, 0):
            shrink_columns(w.numpy(), metric.moment.numpy(), measure, weights, LEVEL[w.dtype])
            return
        stored = self.layout.order == tuple(range(w.ndim)) and not self.layout.split
        seen = (w if stored else self.layout.read(w).contiguous()).reshape(self.rows, -1)
        seconds = (metric.moment if stored else self.layout.read(metric.moment).contiguous()).reshape(self.rows, -1)
        rows, second = seen.numpy(), seconds.numpy()
        _spread(
            lambda part: kernels.group_rows(rows[part], second[part], measure, weights[part], tolerance),
            self.rows,
            len(flat),
        )
        if not stored:
            self.layout.write(w, seen)


def shrink_columns(
    w: NDArray, moment: NDArray, measure: tuple[float, float, float], weights: NDArray, tolerance: float
) -> None:
    """`kernels.group_rows` for the columns of w, in passes over rows: first over a few of them, for a good guess."""
    from . import kernels

    every = max(1, len(w) // SAMPLE)
    share = np.sqrt(-(-len(w) // every) / len(w)).astype(w.dtype)
    few = w[:: 4 * every]
    radius = np.sqrt(np.einsum("ij,ij->j", few, few) * (len(w) / len(few)))
    guess = weights / np.where(radius > 0, radius, np.sqrt(np.mean(radius**2)) or 1).astype(w.dtype)
    if every > 1:
        level = _levels(w, moment, measure, weights * share, guess, GUESS, every)
        guess = np.where(np.isfinite(level), level, guess)
    level = _levels(w, moment, measure, weights, guess, tolerance)
    _spread(lambda part: kernels.scale_columns(w[part], moment[part], measure, level), len(w), w.size)


def _levels(
    w: NDArray,
    moment: NDArray,
    measure: tuple[float, float, float],
    weights: NDArray,
    guess: NDArray,
    tolerance: float,
    every: int = 1,
) -> NDArray:
    """The level of each column, to a relative `tolerance`; columns that need more passes go on alone."""
    from . import kernels

    level, columns, block = guess.copy(), np.arange(len(guess)), every * kernels.CHUNK

    def sums_of(chunks: slice) -> NDArray:
        rows = slice(chunks.start * block, chunks.stop * block)
        return kernels.column_sums(w[rows], moment[rows], measure, now, every)

    for _ in range(kernels.NEWTON_LIMIT):
        now = level[columns]
        sums = _spread(sums_of, -(-len(w) // block), w.size // every)
        moving = kernels.column_levels(np.concatenate(sums).sum(0), weights[columns], now, tolerance)
        level[columns] = now
        if not moving.any():
            break
        if moving.mean() <= DENSE:
            columns, w, moment = columns[moving], w[:, moving], moment[:, moving]
    return level


_teams: dict[int, Team] = {}
os.register_at_fork(after_in_child=_teams.clear)  # threads do not survive a fork


def _spread(work: Callable[[slice], Any], length: int, entries: int) -> list[Any]:
    """Run `work` on slices of range(length), over as many threads as torch uses (kernels release the lock).

    In more pieces than there are threads: torch's own still spin on the cores for a while, and keep others waiting.
    """
    threads = min(torch.get_num_threads(), length, 1 + entries // SPLIT)
    if threads == 1:
        return [work(slice(0, length))]
    if threads not in _teams:
        _teams[threads] = Team(threads)
    return _teams[threads].map(work, slices(length, min(length, PIECES * threads)))
