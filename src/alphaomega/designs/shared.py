"""Dense arrays whose large products go in shares, which a team of threads works on side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .base import Columns, Floats, slices
from .dense import Dense, DenseBlock

LEAST = 2e6  # multiplications that are worth a second thread


class SharedDense(Dense):
    """A dense array whose large products go side by side in shares, of its columns or (in C order) of its rows.

    Reads are counted by the array itself.
    """

    in_shares = True

    def __init__(self, whole: Dense, each: Callable[..., Iterable], count: int) -> None:
        self.array, self.shape, self.schema = whole.array, whole.shape, whole.schema
        self.whole, self.each, self.count, self.least = whole, each, count, LEAST

    @property
    def reads(self) -> float:  # type: ignore[override]
        """The reads of the array."""
        return self.whole.reads

    def _count(self, columns: Columns | None) -> None:
        self.whole._count(columns)

    def shared(self, each: Callable[..., Iterable], count: int) -> Dense:
        return self

    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats:
        if columns is not None or r.ndim == 1 or not self._large(r.shape[1]):
            return super()._rmatvec(r, columns)
        return self._joined(list(self.each(lambda part, rows: part._rmatvec(r[rows], None), *self._parts())))

    def _sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        if not self._large(vectors.shape[1] + weights.shape[1]):
            return super()._sums(vectors, weights)
        sums = self.each(lambda part, rows: part._sums(vectors[rows], weights[rows]), *self._parts())
        products, squares = zip(*sums)
        return self._joined(products), self._joined(squares)

    def block(self, center: Floats, scale: Floats) -> DenseBlock:
        return SharedBlock(self, center, scale)

    def _large(self, vectors: int) -> bool:
        """Whether a product with so many vectors is worth the others' help: of an array that lies in one piece."""
        return self.array.flags.forc and self.array.size * vectors > self.least

    def _parts(self) -> tuple[list[Dense], list[slice]]:
        """The shares, and the rows of each."""
        if self.array.flags.f_contiguous:
            columns = slices(self.shape[1], self.count)
            return [Dense(self.array[:, part]) for part in columns], [slice(None)] * self.count
        rows = slices(self.shape[0], self.count)
        return [Dense(self.array[part]) for part in rows], rows

    def _joined(self, products: Sequence[Floats]) -> Floats:
        """One product from those of the shares, each (columns, vectors)."""
        if self.array.flags.f_contiguous:
            return np.concatenate([product.T for product in products], axis=1).T
        return sum_of(products)


class SharedBlock(DenseBlock):
    """A block of a `SharedDense`: large Grams go in shares of the rows."""

    design: SharedDense

    def gram(self, weights: Floats, left: Columns, right: Columns) -> Floats:
        if len(weights) * len(left) * len(right) < self.design.least:
            return super().gram(weights, left, right)
        rows = slices(len(weights), self.design.count)
        return sum_of(self.design.each(lambda share: self._some(share).gram(weights[share], left, right), rows))

    def _some(self, rows: slice) -> DenseBlock:
        """A view of some rows."""
        block = DenseBlock(self.design, self.center, self.scale)
        block.storage, block.size = self.storage[rows], self.size
        return block


def sum_of(parts: Iterable[Floats]) -> Floats:
    """Their sum, in the first of them."""
    first, *others = parts
    for other in others:
        first += other
    return first
