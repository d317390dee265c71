"""Any design, centred and scaled without being touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from .base import LARGE_MEAN, Block, Columns, Design, Floats, GramParts

ROUNDING = 1e-15  # of the sum of a vector's sizes, for columns of unit size


class Standardized(Design):
    """(X - 1 center') diag(1 / scale), implicit: sparse stays sparse, memory maps stay on disk.

    Parameters
    ----------
    design : Design
        The matrix underneath; its reads are counted there and shown here.
    center, scale : arrays of shape (p,)
        What is subtracted from, then divided out of, each column; scale > 0.

    Examples
    --------
    >>> import numpy as np
    >>> from alphaomega.designs import Dense
    >>> Standardized(Dense(np.array([[1.0], [3.0]])), np.array([2.0]), np.array([1.0])).matvec(np.array([1.0]))
    array([-1.,  1.])
    """

    def __init__(self, design: Design, center: Floats, scale: Floats) -> None:
        self.design, self.center, self.scale = design, center, scale
        self.shape, self.in_shares = design.shape, design.in_shares

    def _count(self, columns: Columns | None) -> None:
        self.design._count(columns)

    @property
    def reads(self) -> float:  # type: ignore[override]
        """The reads of the matrix underneath."""
        return self.design.reads

    def shared(self, each: Callable[..., Iterable], count: int) -> Standardized:
        return Standardized(self.design.shared(each, count), self.center, self.scale)

    def take(self, columns: Columns) -> Floats:
        block = self.design.take(columns)
        block -= self.center[columns]
        block /= self.scale[columns]
        return block

    def rows(self, index: NDArray[np.intp] | slice) -> Standardized:
        return Standardized(self.design.rows(index), self.center, self.scale)

    def _pick(self, columns: Columns | None) -> tuple[Floats, Floats]:
        return (self.center, self.scale) if columns is None else (self.center[columns], self.scale[columns])

    def _matvec(self, w: Floats, columns: Columns | None) -> Floats:
        center, scale = self._pick(columns)
        scaled = (w.T / scale).T
        return self.design._matvec(scaled, columns) - center @ scaled

    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats:
        center, scale = self._pick(columns)
        product = self.design._rmatvec(r, columns)
        total = r.sum(0)
        lean = np.max(abs(center) / scale, initial=0.0)
        if (lean * abs(total) > ROUNDING * abs(r).sum(0)).any():  # else the shift is below the rounding of the product
            product = product - np.multiply.outer(center, total)
        product.T[...] /= scale
        return product

    def _sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        k = vectors.shape[1]
        products, squares = self.design._sums(np.hstack([vectors, weights]), weights)
        center, shift = self.center[:, None], np.outer(self.center**2, weights.sum(0))
        centred = squares - 2 * center * products[:, k:] + shift
        linear = products[:, :k] - center * vectors.sum(0)
        for column in np.flatnonzero((centred < shift / LARGE_MEAN**2).any(1)):  # digits were lost
            centred[column] = (self._column(int(column)) * self.scale[column]) ** 2 @ weights
        return linear / self.scale[:, None], centred / self.scale[:, None] ** 2

    def gram_parts(self, labels: NDArray[np.intp], weights: Floats, extra: Floats) -> GramParts:
        raw = self.design.gram_parts(labels, weights, extra)
        parts, p = raw.parts, self.shape[1]
        scale = np.append(self.scale, np.ones(parts.shape[1] - p))
        return GramParts(parts / np.outer(scale, scale), (raw.shift - self.center) / self.scale)

    def block(self, center: Floats, scale: Floats) -> Block:
        return self.design.block(self.center + self.scale * center, self.scale * scale)

    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats:
        center, scale = self._pick(columns)
        ones = np.ones(self.shape[0]) if weights is None else weights
        cross = np.outer(center, self.design._rmatvec(ones, columns))
        square = ones.sum() * np.outer(center, center)
        gram = (self.design._gram(columns, weights) - cross - cross.T + square) / np.outer(scale, scale)
        for place in np.flatnonzero(np.diag(gram) * scale**2 < np.diag(square) / LARGE_MEAN**2):  # digits were lost
            centred = self._column(int(place if columns is None else columns[place]))
            gram[place] = gram[:, place] = self._rmatvec(ones * centred, columns)
        return gram

    def _row_gram(self, weights: Floats, center: Floats) -> Floats:
        return self.design._row_gram(weights / self.scale**2, self.center + self.scale * center)

    def _column(self, column: int) -> Floats:
        """One column, centred before anything is squared."""
        values = self.design._matvec(np.ones(1), np.array([column]))
        return (values - self.center[column]) / self.scale[column]
