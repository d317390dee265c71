"""Matrices that lie somewhere else in blocks of rows: every product is one pass of a small function over the blocks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Block, Columns, Design, Floats, GramParts
from .dense import BLOCK_BYTES, SHIFT_ROWS, Dense, DenseBlock, augmented_grams, bordered, near_zero

Kernel = Callable[..., Any]


class Partitioned(Design):
    """Rows in blocks, on disk or on other machines. Each operation maps a kernel over the blocks and joins the results.

    A kernel takes a block (rows, k) of some columns, and its rows of the side arrays; it is picklable. What is held
    here are vectors of n and of p numbers, and at most `room` bytes of columns that the solvers work on.
    """

    room: float
    fills: Floats | None = None
    _last: tuple[Columns, Floats] | None = None

    @abstractmethod
    def filled(self, fills: Floats) -> Partitioned:
        """The same matrix with these numbers, one per column, in place of NaN."""

    @abstractmethod
    def _add(self, kernel: Kernel, columns: Columns | None, *sides: NDArray) -> Any:
        """The sum over all blocks of the array that the kernel gives."""

    @abstractmethod
    def _stack(self, kernel: Kernel, columns: Columns | None, tail: tuple[int, ...], *sides: NDArray) -> Floats:
        """The kernel's rows under each other, shape (n, *tail), Fortran order."""

    @abstractmethod
    def _head(self) -> NDArray:
        """Some rows, not a whole read."""

    def take(self, columns: Columns) -> Floats:
        self._count(columns)
        if self._last is not None and np.array_equal(self._last[0], columns):
            return self._last[1].copy(order="F")
        taken = self._stack(_numbers, columns, (len(columns),))
        if 16 * taken.size <= self.room:  # every fold asks for the same few columns that are constant or far from zero
            self._last = columns.copy(), taken.copy(order="F")
        return taken

    def near(self) -> Design:
        if 8 * self.shape[0] * self.shape[1] > self.room:
            return self
        return Dense(self.take(np.arange(self.shape[1])))

    def rows(self, index: NDArray[np.intp] | slice) -> Dense:
        """The design of some rows, in memory."""
        wanted = np.arange(self.shape[0])[index]
        kept, back = np.unique(wanted, return_inverse=True)
        flags = np.zeros(self.shape[0], dtype=bool)
        flags[kept] = True
        return Dense(self._pick(flags)[back])

    @abstractmethod
    def _pick(self, flags: NDArray[np.bool_]) -> Floats:
        """The flagged rows, (k, p)."""

    def gram_parts(self, labels: NDArray[np.intp], weights: Floats, extra: Floats) -> GramParts:
        self._count(None)
        head = thinned(self._head()).astype(np.float64)
        shift = head.mean(0) if len(head) else np.zeros(self.shape[1])
        count = int(labels.max(initial=0)) + 1
        if count == 1 and self.shape[0] and np.ptp(weights) == 0 and near_zero(head, shift):
            return GramParts(weights[0] * self._add(_plain, None, extra)[None], np.zeros(self.shape[1]))
        kernel = partial(_augmented, shift=np.where(np.isfinite(shift), shift, 0.0), count=count)
        return GramParts(self._add(kernel, None, labels, weights, extra), kernel.keywords["shift"])

    def sum_over_rows(self, work: Callable[..., Floats], *arrays: NDArray) -> Floats:
        self._count(None)
        return self._add(partial(_apply, work), None, *arrays)

    def block(self, center: Floats, scale: Floats) -> WorkingColumns:
        return WorkingColumns(self, center, scale)

    def _matvec(self, w: Floats, columns: Columns | None) -> Floats:
        return self._stack(partial(_matvec, w=w), columns, w.shape[1:])

    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats:
        return self._add(_rmatvec, columns, r)

    def _sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        both = self._add(_sums, None, vectors, weights)
        return both[:, : vectors.shape[1]], both[:, vectors.shape[1] :]

    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats:
        return self._add(_gram, columns) if weights is None else self._add(_gram, columns, weights)

    def _row_gram(self, weights: Floats, center: Floats) -> Floats:
        n, p = self.shape
        result = np.zeros((n, n))
        step = max(64, int(self.room) // (16 * max(n, 1)))
        for start in range(0, p, step):
            part = np.arange(start, min(start + step, p))
            result += Dense(self._stack(_numbers, part, (len(part),)))._row_gram(weights[part], center[part])
        return result


class WorkingColumns(Block):
    """Columns gathered side by side while they fit into the design's room; beyond it every product is a read."""

    def __init__(self, design: Partitioned, center: Floats, scale: Floats) -> None:
        self.design, self.center, self.scale = design, center, scale
        self.columns = np.empty(0, dtype=np.intp)
        self.held: DenseBlock | None = DenseBlock(design, center, scale)
        self.size = 0

    def append(self, columns: Columns) -> None:
        self.columns = np.append(self.columns, columns)
        self.size = len(self.columns)
        if self.held is not None and 8 * self.design.shape[0] * self.size > self.design.room:
            self.held = None
        if self.held is not None:
            self.held.append(columns)

    def matvec(self, w: Floats, places: Columns) -> Floats:
        if self.held is not None:
            return self.held.matvec(w, places)
        columns = self.columns[places]
        self.design._count(columns)
        kernel = partial(_frame_matvec, frame=self._frame(columns), w=w)
        return self.design._stack(kernel, columns, w.shape[1:])

    def rmatvec(self, r: Floats) -> Floats:
        if self.held is not None:
            return self.held.rmatvec(r)
        self.design._count(self.columns)
        return self.design._add(partial(_frame_rmatvec, frame=self._frame(self.columns)), self.columns, r)

    def gram(self, weights: Floats, left: Columns, right: Columns) -> Floats:
        if self.held is not None:
            return self.held.gram(weights, left, right)
        places = np.union1d(left, right)
        columns = self.columns[places]
        self.design._count(columns)
        sides = np.searchsorted(places, left), np.searchsorted(places, right)
        return self.design._add(partial(_frame_gram, frame=self._frame(columns), sides=sides), columns, weights)

    def _frame(self, columns: Columns) -> tuple[Floats, Floats]:
        return self.center[columns], self.scale[columns]


def thinned(rows: NDArray) -> NDArray:
    """Evenly spaced rows, as many as a shift needs; of so few all."""
    return rows[:: max(1, len(rows) // SHIFT_ROWS)]


def fill_first(kernel: Kernel, fills: Floats | None, columns: Columns | None) -> Kernel:
    """The kernel behind one that puts `fills` in place of NaN."""
    if fills is None:
        return kernel
    return partial(_filled, kernel=kernel, fills=fills if columns is None else fills[columns])


def _filled(block: NDArray, *sides: NDArray, kernel: Kernel, fills: Floats) -> Any:
    return kernel(np.where(np.isnan(block), fills, block), *sides)


def _numbers(block: NDArray) -> Floats:
    return block.astype(np.float64, copy=False)


def _matvec(block: NDArray, w: Floats) -> Floats:
    return Dense(block)._matvec(w, None)


def _rmatvec(block: NDArray, r: Floats) -> Floats:
    return Dense(block)._rmatvec(r, None)


def _sums(block: NDArray, vectors: Floats, weights: Floats) -> Floats:
    return np.hstack(Dense(block)._sums(vectors, weights))


def _gram(block: NDArray, weights: Floats | None = None) -> Floats:
    return Dense(block)._gram(None, weights)


def _augmented(block: NDArray, labels: NDArray, weights: Floats, extra: Floats, shift: Floats, count: int) -> Floats:
    return augmented_grams(block, (labels, weights, np.vstack([extra.T, np.ones(len(block))])), shift, count)


def _plain(block: NDArray, extra: Floats) -> Floats:
    return bordered(block.astype(np.float64, copy=False), np.vstack([extra.T, np.ones(len(block))]))


def _apply(work: Callable[..., Floats], block: NDArray, *arrays: NDArray) -> Floats:
    return work(Dense(block), *arrays)


def _framed(block: NDArray, frame: tuple[Floats, Floats]) -> Floats:
    return (block - frame[0]) / frame[1]


def _frame_matvec(block: NDArray, frame: tuple[Floats, Floats], w: Floats) -> Floats:
    return _framed(block, frame) @ w


def _frame_rmatvec(block: NDArray, r: Floats, frame: tuple[Floats, Floats]) -> Floats:
    return _framed(block, frame).T @ r


def _frame_gram(
    block: NDArray, weights: Floats, frame: tuple[Floats, Floats], sides: tuple[Columns, Columns]
) -> Floats:
    result = np.zeros((len(sides[0]), len(sides[1])))
    step = max(64, BLOCK_BYTES // (8 * max(block.shape[1], 1)))
    for start in range(0, len(block), step):
        rows = slice(start, start + step)
        columns = _framed(block[rows], frame)
        result += (columns[:, sides[0]] * weights[rows, None]).T @ columns[:, sides[1]]
    return result
