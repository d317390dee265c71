"""Dense arrays, in C or Fortran order, float32 or float64, never copied whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .base import Block, Columns, Design, Floats, GramParts

SHIFT_ROWS = 256  # so many rows suffice for a shift that keeps sums of squares from cancelling
FEW_DEVIATIONS = 3.0
FEW_COLUMNS = 8  # a Gram's new columns are few when the old ones are so many times more
GRAM_ROWS = 2048  # fewer rows at a time leave BLAS too little to do
BLOCK_BYTES = 8 << 20  # converted or weighted blocks stay inside the cache


class Dense(Design):
    """An in-memory array as it is: no copy, no conversion of the whole.

    Parameters
    ----------
    array : array of shape (n, p)
        float32 or float64 in any order; other numeric kinds are converted once to float64.

    Examples
    --------
    >>> import numpy as np
    >>> Dense(np.eye(2)).rmatvec(np.array([1.0, 2.0]))
    array([1., 2.])
    """

    def __init__(self, array: NDArray) -> None:
        if array.ndim != 2:
            mend = "X.reshape(-1, 1) makes one column" if array.ndim == 1 else "it needs rows and columns only"
            raise ValueError(f"X must be two-dimensional, got shape {array.shape}; {mend}")
        self.array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
        self.shape = (self.array.shape[0], self.array.shape[1])

    def take(self, columns: Columns) -> Floats:
        self._count(columns)
        return np.asfortranarray(self.array[:, columns], dtype=np.float64)

    def rows(self, index: NDArray[np.intp] | slice) -> Dense:
        return Dense(self.array[index])

    def _matvec(self, w: Floats, columns: Columns | None) -> Floats:
        if columns is not None:
            return self.array[:, columns].astype(np.float64, copy=False) @ w
        if self.array.dtype == np.float64:
            return self.array @ w
        result = np.zeros((self.shape[0], *w.shape[1:]))
        for rows, columns_, block in self._blocks():
            result[rows] += block @ w[columns_]
            del block
        return result

    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats:
        if columns is not None:
            return self.array[:, columns].astype(np.float64, copy=False).T @ r
        if self.array.dtype == np.float64:
            product = np.dot if self.array.flags.forc else np.matmul  # one copies, the other keeps the GIL for a vector
            return product(r.T, self.array).T  # a block's product has each column side by side
        result = np.zeros((self.shape[1], *r.shape[1:]))
        for rows, columns_, block in self._blocks():
            result[columns_] += block.T @ r[rows]
            del block  # or two converted blocks would be held at once
        return result

    def _sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        products, squares = np.zeros((self.shape[1], vectors.shape[1])), np.zeros((self.shape[1], weights.shape[1]))
        even = weights.shape[1] == 1 and bool(np.ptp(weights) == 0)
        for rows, columns, block in self._blocks():
            products[columns] += block.T @ vectors[rows]
            if even and block.flags.f_contiguous:
                squares[columns, 0] += weights[0, 0] * np.vecdot(block.T, block.T)
            else:
                square = np.square(block, out=block if block.flags.owndata else None)  # a converted copy is ours
                squares[columns] += square.T @ weights[rows]
                del square
            del block
        return products, squares

    def gram_parts(self, labels: NDArray[np.intp], weights: Floats, extra: Floats) -> GramParts:
        self._count(None)
        n, p = self.shape
        sample = self.array[:: max(1, n // SHIFT_ROWS)].astype(np.float64)
        shift = sample.mean(0) if len(sample) else np.zeros(p)
        count, even = int(labels.max(initial=0)) + 1, bool(np.ptp(weights) == 0) if n else False
        side = np.vstack([extra.T, np.ones(n)])
        if count == 1 and even and self.array.dtype == np.float64 and near_zero(sample, shift):
            return GramParts(weights[0] * bordered(self.array, side)[None], np.zeros(p))
        return GramParts(augmented_grams(self.array, (labels, weights, side), shift, count), shift)

    def block(self, center: Floats, scale: Floats) -> DenseBlock:
        return DenseBlock(self, center, scale)

    def shared(self, each: Callable[..., Iterable], count: int) -> Dense:
        from .shared import SharedDense

        return SharedDense(self, each, count) if count > 1 else self

    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats:
        if columns is None and weights is None and self.array.dtype == np.float64:
            return self.array.T @ self.array
        size = self.shape[1] if columns is None else len(columns)
        result = np.zeros((size, size))
        step = max(1, BLOCK_BYTES // (8 * max(size, 1)))
        for start in range(0, self.shape[0], step):
            block = self.array[start : start + step]
            block = block.astype(np.float64) if columns is None else block[:, columns].astype(np.float64, copy=False)
            if weights is not None:
                block = block * np.sqrt(weights[start : start + step, None])
            result += block.T @ block
        return result

    def _row_gram(self, weights: Floats, center: Floats) -> Floats:
        result = np.zeros((self.shape[0], self.shape[0]))
        step = max(64, BLOCK_BYTES // (8 * max(self.shape[0], 1)))
        for start in range(0, self.shape[1], step):
            part = slice(start, start + step)
            block = self.array[:, part].astype(np.float64)
            block -= center[part]
            block *= np.sqrt(weights[part])
            result += block @ block.T
        return result

    def _blocks(self) -> Iterator[tuple[slice, slice, Floats]]:
        """(rows, columns, float64 copy) blocks that follow the memory order."""
        n, p = self.shape
        if self.array.flags.f_contiguous and not self.array.flags.c_contiguous:
            step = max(1, BLOCK_BYTES // (8 * max(n, 1)))
            for start in range(0, p, step):
                part = slice(start, start + step)
                yield slice(None), part, self.array[:, part].astype(np.float64, copy=False)
        else:
            step = max(1, BLOCK_BYTES // (8 * max(p, 1)))
            for start in range(0, n, step):
                part = slice(start, start + step)
                yield part, slice(None), self.array[part].astype(np.float64, copy=False)


def augmented_grams(array: NDArray, sides: tuple[NDArray, Floats, Floats], shift: Floats, count: int) -> Floats:
    """The weighted Grams of [X - shift, side'] over the rows of each label; sides = (labels, weights, side (e, n))."""
    labels, weights, side = sides
    n, p = array.shape
    parts = np.zeros((count, p + len(side), p + len(side)))
    step = max(GRAM_ROWS, BLOCK_BYTES // (8 * max(p, 1)))
    whole = np.empty((p + len(side), min(step, n)))
    grouped = np.empty_like(whole) if count > 1 else whole
    root = np.sqrt(weights)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        part = whole[:, : rows.stop - start]
        np.subtract(array[rows].T, shift[:, None], out=part[:p])
        part[p:] = side[:, rows]
        part *= root[rows]
        if count == 1:
            parts[0] += part @ part.T
            continue
        order = np.argsort(labels[rows], kind="stable")
        sorted_part = np.take(part, order, axis=1, out=grouped[:, : len(order)], mode="clip")
        ends = np.searchsorted(labels[rows][order], np.arange(count + 1))
        for label in np.flatnonzero(np.diff(ends)):
            own = sorted_part[:, ends[label] : ends[label + 1]]
            parts[label] += own @ own.T
    return parts


def near_zero(sample: Floats, shift: Floats) -> bool:
    """Whether every mean is so near zero, in deviations, that sums of squares about zero keep their digits."""
    return bool((abs(shift) <= FEW_DEVIATIONS * sample.std(0)).all())


def bordered(array: NDArray, side: Floats) -> Floats:
    """[X, side']' [X, side'], from one product of X with itself and one with the few rows of `side`."""
    p = array.shape[1]
    result = np.empty((p + len(side), p + len(side)))
    result[:p, :p] = array.T @ array
    result[p:, :p] = side @ array
    result[:p, p:] = result[p:, :p].T
    result[p:, p:] = side @ side.T
    return result


class DenseBlock(Block):
    """Columns copied side by side in Fortran order, with room to grow."""

    def __init__(self, design: Design, center: Floats, scale: Floats) -> None:
        self.design, self.center, self.scale = design, center, scale
        self.storage = np.empty((design.shape[0], 0), order="F")
        self.size = 0

    @property
    def columns(self) -> Floats:
        """The columns gathered so far, (n, size)."""
        return self.storage[:, : self.size]

    def append(self, columns: Columns) -> None:
        fresh = self.design.take(columns)
        fresh -= self.center[columns]
        fresh /= self.scale[columns]
        total = self.size + len(columns)
        if total > self.storage.shape[1]:
            room = min(max(2 * self.size, total), self.design.shape[1])
            storage = np.empty((len(self.storage), max(room, total)), order="F")
            storage[:, : self.size] = self.columns
            self.storage = storage
        self.storage[:, self.size : total] = fresh
        self.size = total

    def matvec(self, w: Floats, places: Columns) -> Floats:
        if 2 * len(places) < self.size or _consecutive(places):
            return self._pick(places) @ w
        whole = np.zeros((self.size, *w.shape[1:]))  # a product with some zeros costs less than gathering columns
        whole[places] = w
        return self.columns @ whole

    def rmatvec(self, r: Floats) -> Floats:
        return self.columns.T @ r

    def rmatvec_at(self, r: Floats, places: Columns) -> Floats:
        return self._pick(places).T @ r

    def some_rows(self, rows: NDArray[np.intp], places: Columns) -> Floats:
        return self.storage[np.ix_(rows, places)]

    def gram(self, weights: Floats, left: Columns, right: Columns) -> Floats:
        same = left is right or np.array_equal(left, right)
        even = bool(np.ptp(weights) == 0)
        if even and _consecutive(left) and _consecutive(right):  # views: nothing is held but the result
            result = self._pick(left).T @ self._pick(right)
            result *= weights[0]
            return result
        if FEW_COLUMNS * len(right) <= len(left) and 2 * len(left) >= self.size:
            fresh = self._pick(right) * weights[:, None]
            return (self.columns.T @ fresh)[left]  # a product with some columns too many costs less than a copy
        result = np.zeros((len(left), len(right)))
        step = max(64, BLOCK_BYTES // (8 * max(len(left), len(right), 1)))
        for start in range(0, len(weights), step):
            rows = slice(start, start + step)
            a = self._pick(left, rows)
            if even:
                result += a.T @ (a if same else self._pick(right, rows))
            elif same and weights.min() >= 0:
                a = a * np.sqrt(weights[rows, None])
                result += a.T @ a
            else:
                result += (a * weights[rows, None]).T @ (a if same else self._pick(right, rows))
        if even:
            result *= weights[0]
        return result

    def _pick(self, places: Columns, rows: slice = slice(None)) -> Floats:
        """Some columns; a view where the places are consecutive."""
        if _consecutive(places):
            return self.storage[rows, places[0] : places[-1] + 1]
        return self.storage.T[places, rows].T  # whole columns are copied at once


def _consecutive(places: Columns) -> bool:
    return bool(len(places) and places[-1] - places[0] == len(places) - 1 and (np.diff(places) == 1).all())
