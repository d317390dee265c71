"""Dense arrays, in C or Fortran order, float32 or float64, never copied whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .base import Columns, Design, Floats

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
        return result

    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats:
        if columns is not None:
            return self.array[:, columns].astype(np.float64, copy=False).T @ r
        if self.array.dtype == np.float64:
            return self.array.T @ r
        result = np.zeros((self.shape[1], *r.shape[1:]))
        for rows, columns_, block in self._blocks():
            result[columns_] += block.T @ r[rows]
        return result

    def _square_rmatvec(self, r: Floats) -> Floats:
        if r.shape[1] == 1 and self.array.dtype == np.float64 and self.array.flags.f_contiguous and np.ptp(r) == 0:
            return r[0, 0] * np.vecdot(self.array.T, self.array.T)[:, None]
        result = np.zeros((self.shape[1], r.shape[1]))
        for rows, columns, block in self._blocks():
            result[columns] += (block * block).T @ r[rows]
        return result

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

    def _blocks(self) -> Iterator[tuple[slice, slice, Floats]]:
        """(rows, columns, float64 copy) blocks that follow the memory order."""
        n, p = self.shape
        if self.array.flags.f_contiguous and not self.array.flags.c_contiguous:
            step = max(1, BLOCK_BYTES // (8 * max(n, 1)))
            for start in range(0, p, step):
                part = slice(start, start + step)
                yield slice(None), part, self.array[:, part].astype(np.float64)
        else:
            step = max(1, BLOCK_BYTES // (8 * max(p, 1)))
            for start in range(0, n, step):
                part = slice(start, start + step)
                yield part, slice(None), self.array[part].astype(np.float64)
