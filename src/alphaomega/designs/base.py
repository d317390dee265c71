"""The contract every design matrix keeps: the only door to X."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

LARGE_MEAN = 1e3  # a mean this many deviations from zero makes sum of squares minus squared sum lose digits


class Design(ABC):
    """An n x p matrix that can be multiplied from both sides, and counts how often it was read.

    All products are float64 whatever the storage. `columns=None` means all columns. A read of a share of the columns adds
    that share to `reads`.
    """

    shape: tuple[int, int]
    reads: float = 0.0

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

    def moments(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weighted mean and standard deviation (1/n convention) of every column, for each column of weights (n, m).

        Returns two arrays (p, m). The deviation is accurate also where the mean is far from zero.
        """
        self._count(None)
        total = weights.sum(0)
        mean = self._rmatvec(weights / total, None)
        variance = self._square_rmatvec(weights / total) - mean**2
        size = mean**2 + abs(variance)
        for column in np.flatnonzero((variance < size / LARGE_MEAN**2).any(1)):
            centred = self._matvec(np.ones(1), np.array([column]))
            centred = centred[:, None] - mean[column]
            variance[column] = (centred**2 * (weights / total)).sum(0)
            variance[column][variance[column] < (1e-14 * mean[column]) ** 2] = 0.0
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def column_norms(self, weights: Floats | None = None) -> Floats:
        """sqrt(sum_i weights_i x_ij^2) of every column, shape (p,)."""
        self._count(None)
        ones = np.ones(self.shape[0]) if weights is None else weights
        return np.sqrt(self._square_rmatvec(ones[:, None])[:, 0])

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
    def _square_rmatvec(self, r: Floats) -> Floats:
        """(X * X).T @ r for a block r (n, m)."""

    @abstractmethod
    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats: ...

    def _count(self, columns: Columns | None) -> None:
        self.reads += 1.0 if columns is None else len(columns) / max(self.shape[1], 1)
