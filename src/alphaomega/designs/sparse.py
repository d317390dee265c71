"""Sparse matrices: never densified as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from .base import Block, Columns, Design, Floats, GramParts
from .dense import Dense


class Sparse(Design):
    """A SciPy sparse matrix or array, held by columns (CSC). Only Grams and columns that a solver asks for are dense.

    Examples
    --------
    >>> import numpy as np, scipy.sparse
    >>> Sparse(scipy.sparse.csr_array(np.eye(2))).rmatvec(np.array([1.0, 2.0]))
    array([1., 2.])
    """

    def __init__(self, matrix: Any) -> None:
        matrix = scipy.sparse.csc_array(matrix)
        if not matrix.has_canonical_format:  # entries given twice mean their sum; the caller's matrix stays as it is
            matrix = matrix.copy()
            matrix.sum_duplicates()
        self.matrix = matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(np.float64)
        self.shape = (matrix.shape[0], matrix.shape[1])

    def take(self, columns: Columns) -> Floats:
        self._count(columns)
        return self._columns(columns).toarray(order="F").astype(np.float64, copy=False)

    def take_sparse(self, columns: Columns) -> scipy.sparse.csc_array:
        """Some columns as a sparse matrix."""
        self._count(columns)
        return self._columns(columns).astype(np.float64, copy=False)

    def rows(self, index: NDArray[np.intp] | slice) -> Sparse:
        return Sparse(self.matrix.tocsr()[index])

    def _columns(self, columns: Columns) -> scipy.sparse.csc_array:
        return self.matrix[:, columns]

    def _matvec(self, w: Floats, columns: Columns | None) -> Floats:
        return (self.matrix if columns is None else self._columns(columns)) @ w

    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats:
        return (self.matrix if columns is None else self._columns(columns)).T @ r

    def _sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        square = scipy.sparse.csc_array(
            (self.matrix.data.astype(np.float64) ** 2, self.matrix.indices, self.matrix.indptr), shape=self.shape
        )
        return self.matrix.T @ vectors, square.T @ weights

    def gram_parts(self, labels: NDArray[np.intp], weights: Floats, extra: Floats) -> GramParts:
        self._count(None)
        count, p = int(labels.max(initial=0)) + 1, self.shape[1]
        side = np.hstack([extra, np.ones((self.shape[0], 1))])
        parts = np.zeros((count, p + side.shape[1], p + side.shape[1]))
        for label in range(count):
            share = np.where(labels == label, weights, 0.0)
            cross = self.matrix.T @ (share[:, None] * side)
            parts[label, :p, :p] = self._gram(None, share)
            parts[label, :p, p:], parts[label, p:, :p] = cross, cross.T
            parts[label, p:, p:] = (share[:, None] * side).T @ side
        return GramParts(parts, np.zeros(p))

    def block(self, center: Floats, scale: Floats) -> SparseBlock:
        return SparseBlock(self, center, scale)

    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats:
        part = (self.matrix if columns is None else self._columns(columns)).astype(np.float64, copy=False)
        if weights is None:
            return (part.T @ part).toarray()
        scaled = scipy.sparse.csc_array(
            (part.data * weights[part.indices], part.indices, part.indptr), shape=part.shape
        )
        return (part.T @ scaled).toarray()

    def _row_gram(self, weights: Floats, center: Floats) -> Floats:
        full = 2 * np.diff(self.matrix.indptr) > self.shape[0]  # their means may dwarf what is left of them
        part = self._columns(np.flatnonzero(~full)).astype(np.float64, copy=False)
        scaled, middle = part.multiply(weights[~full]).tocsr(), center[~full]
        result = (scaled @ part.T).toarray()
        tilt = scaled @ middle
        result -= tilt[:, None] + tilt
        result += middle @ (weights[~full] * middle)
        if full.any():
            whole = Dense(self._columns(np.flatnonzero(full)).toarray(order="F"))
            result += whole._row_gram(weights[full], center[full])
        return result


class SparseBlock(Block):
    """Sparse columns side by side; centring and scaling stay implicit."""

    def __init__(self, design: Sparse, center: Floats, scale: Floats) -> None:
        self.design, self.all_center, self.all_scale = design, center, scale
        self.center = self.scale = np.empty(0)
        self.columns = scipy.sparse.csc_array((design.shape[0], 0))
        self.size = 0

    def append(self, columns: Columns) -> None:
        fresh = self.design.take_sparse(columns)
        self.columns = scipy.sparse.csc_array(scipy.sparse.hstack([self.columns, fresh], format="csc"))
        self.center = np.append(self.center, self.all_center[columns])
        self.scale = np.append(self.scale, self.all_scale[columns])
        self.size += len(columns)

    def matvec(self, w: Floats, places: Columns) -> Floats:
        scaled = (w.T / self.scale[places]).T
        whole = np.zeros((self.size, *w.shape[1:]))
        whole[places] = scaled
        return self.columns @ whole - self.center[places] @ scaled

    def rmatvec(self, r: Floats) -> Floats:
        product = self.columns.T @ r - np.multiply.outer(self.center, r.sum(0))
        return (product.T / self.scale).T

    def rmatvec_at(self, r: Floats, places: Columns) -> Floats:
        product = self.columns[:, places].T @ r - np.multiply.outer(self.center[places], r.sum(0))
        return (product.T / self.scale[places]).T

    def gram(self, weights: Floats, left: Columns, right: Columns) -> Floats:
        a, b = self.columns[:, left], self.columns[:, right]
        scaled = scipy.sparse.csc_array((b.data * weights[b.indices], b.indices, b.indptr), shape=b.shape)
        raw = (a.T @ scaled).toarray()
        center_a, center_b = self.center[left], self.center[right]
        raw -= np.outer(a.T @ weights, center_b) + np.outer(center_a, b.T @ weights)
        raw += weights.sum() * np.outer(center_a, center_b)
        return raw / np.outer(self.scale[left], self.scale[right])
