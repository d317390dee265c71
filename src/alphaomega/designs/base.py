"""The contract every design matrix keeps: the only door to X."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]


@dataclass(frozen=True)
class Schema:
    """The columns of a table behind a design.

    `columns` are its names in order; `levels` those of its categories, the reference first, whose other levels are
    indicator columns of the design; `gaps` the categories with missing entries, and the first such row.
    """

    columns: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gaps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class GramParts:
    """Weighted Grams of [X - shift, extra, 1] over the rows of each label 0..F-1, shape (F, p + e + 1, p + e + 1)."""

    parts: Floats
    shift: Floats


class Block(ABC):
    """Standardised columns (x_j - center_j) / scale_j of a design, gathered for small solves; it only grows."""

    size: int

    @abstractmethod
    def append(self, columns: Columns) -> None:
        """Gather some more columns of the design: a share of a read."""

    @abstractmethod
    def matvec(self, w: Floats, places: Columns) -> Floats:
        """Z[:, places] @ w, shape (n,) or (n, m)."""

    @abstractmethod
    def rmatvec(self, r: Floats) -> Floats:
        """Z.T @ r for all places."""

    def rmatvec_at(self, r: Floats, places: Columns) -> Floats:
        """Z[:, places].T @ r."""
        return self.rmatvec(r)[places]

    def some_rows(self, rows: NDArray[np.intp], places: Columns) -> Floats | None:
        """Z[rows][:, places], None where rows do not lie at hand."""
        return None

    @abstractmethod
    def gram(self, weights: Floats, left: Columns, right: Columns) -> Floats:
        """Z[:, left]' diag(weights) Z[:, right]; weights of any sign."""


LARGE_MEAN = 1e3  # a mean this many deviations from zero makes sum of squares minus squared sum lose digits


class Design(ABC):
    """An n x p matrix that can be multiplied from both sides, and counts how often it was read.

    All products are float64 whatever the storage. `columns=None` means all columns. A read of a share of the columns
    adds that share to `reads`.
    """

    shape: tuple[int, int]
    reads: float = 0.0
    #: What is known of the columns of the data, None for plain numbers.
    schema: Schema | None = None
    #: Whether its products go side by side in shares of the columns; see `shared`.
    in_shares = False

    def __matmul__(self, w: Floats) -> Floats:
        return self.matvec(w)

    def matvec(self, w: Floats, columns: Columns | None = None) -> Floats:
        """X[:, columns] @ w for w of shape (k,) or (k, m); shape (n,) or (n, m)."""
        self._count(columns)
        return self._matvec(w, columns)

    def rmatvec(self, r: Floats, columns: Columns | None = None) -> Floats:
        """X[:, columns].T @ r for r of shape (n,) or a block (n, m): one read serves the whole block."""
        self._count(columns)
        return self._rmatvec(r, columns)

    def gram(self, columns: Columns | None = None, weights: Floats | None = None) -> Floats:
        """X_c' diag(weights) X_c, shape (k, k); uncentred."""
        self._count(columns)
        return self._gram(columns, weights)

    def row_gram(self, weights: Floats) -> Floats:
        """X diag(weights) X', shape (n, n), for weights (p,); one read."""
        self._count(None)
        return self._row_gram(weights, np.zeros(self.shape[1]))

    def moments(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weighted mean and standard deviation (1/n convention) of every column, shapes (p,)."""
        share = (weights / weights.sum())[:, None]
        mean, square = self.sums(share, share)
        return mean[:, 0], self.deviation(mean, square, share)[:, 0]

    def sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """X' vectors (p, k) and (X * X)' weights (p, m), in one read; vectors (n, k), weights (n, m)."""
        self._count(None)
        return self._sums(vectors, weights)

    def deviation(self, mean: Floats, square: Floats, shares: Floats) -> Floats:
        """Standard deviations from weighted means and mean squares, all (p, m); exact also where means dwarf them."""
        variance = square - mean**2
        for column in np.flatnonzero((variance < square / LARGE_MEAN**2).any(1)):
            values = self.matvec(np.ones(1), np.array([column]))
            centred = values[:, None] - mean[column]
            centred -= (shares * centred).sum(0)
            exact = (shares * centred**2).sum(0)
            variance[column] = np.where(exact < (1e-13 * mean[column]) ** 2, 0.0, exact)
        return np.sqrt(np.maximum(variance, 0.0))

    def column_norms(self, weights: Floats | None = None) -> Floats:
        """sqrt(sum_i weights_i x_ij^2) of every column, shape (p,)."""
        self._count(None)
        ones = np.ones(self.shape[0]) if weights is None else weights
        return np.sqrt(self._sums(np.empty((self.shape[0], 0)), ones[:, None])[1][:, 0])

    def first_not_finite(self) -> tuple[int, int] | None:
        """Row and column of the first NaN or infinity, column by column; None if there is none. One read."""
        self._count(None)
        with np.errstate(invalid="ignore", over="ignore"):
            sums = self._rmatvec(np.ones(self.shape[0]), None)
        for column in np.flatnonzero(~np.isfinite(sums)):  # a finite column may still overflow its sum
            bad = np.flatnonzero(~np.isfinite(self.take(np.array([column]))[:, 0]))
            if bad.size:
                return int(bad[0]), int(column)
        return None

    def sum_over_rows(self, work: Callable[..., Floats], *arrays: NDArray) -> Floats:
        """The sum of work(design of some rows, their part of each array) over all rows; one read.

        Where rows lie in blocks, each is worked on where it lies; `work` must then be picklable.
        """
        self._count(None)
        return work(self, *arrays)

    def near(self) -> Design:
        """The matrix for a solver that reads it hundreds of times: in memory where it fits, at the cost of a read."""
        return self

    def shared(self, each: Callable[..., Iterable], count: int) -> Design:
        """This matrix, whose large products go in so many shares of the columns where they lie in memory.

        `each` maps a function to the shares, side by side, like `map`.
        """
        return self

    def place(self, row: int) -> str:
        """Where a row stands in the files it came from, for messages; empty where its number says all."""
        return ""

    def fingerprint(self) -> str:
        """Changes when the matrix does. One read, unless the files say it."""
        probe = np.cos(np.arange(self.shape[0]))
        return hashlib.sha256(self.rmatvec(probe).tobytes()).hexdigest()

    @abstractmethod
    def block(self, center: Floats, scale: Floats) -> Block:
        """An empty working block, to which standardised columns of this design can be appended."""

    @abstractmethod
    def gram_parts(self, labels: NDArray[np.intp], weights: Floats, extra: Floats) -> GramParts:
        """The augmented Grams of the rows of each label, in one read; see `GramParts`."""

    @abstractmethod
    def take(self, columns: Columns) -> Floats:
        """A float64 copy of some columns, shape (n, k), Fortran order. Counts as a share of a read."""

    @abstractmethod
    def rows(self, index: NDArray[np.intp] | slice) -> Design:
        """The design of some rows."""

    @abstractmethod
    def _matvec(self, w: Floats, columns: Columns | None) -> Floats: ...

    @abstractmethod
    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats: ...

    @abstractmethod
    def _sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]: ...

    @abstractmethod
    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats: ...

    @abstractmethod
    def _row_gram(self, weights: Floats, center: Floats) -> Floats:
        """(X - center) diag(weights) (X - center)'."""

    def _count(self, columns: Columns | None) -> None:
        self.reads += 1.0 if columns is None else len(columns) / max(self.shape[1], 1)


def slices(size: int, count: int) -> list[slice]:
    """As many slices of nearly equal length, which cover 0 to `size`."""
    return [slice(size * k // count, size * (k + 1) // count) for k in range(count)]
