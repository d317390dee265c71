"""Sparse matrices: never densified."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from .base import Columns, Design, Floats


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

    def _square_rmatvec(self, r: Floats) -> Floats:
        square = scipy.sparse.csc_array(
            (self.matrix.data.astype(np.float64) ** 2, self.matrix.indices, self.matrix.indptr), shape=self.shape
        )
        return square.T @ r

    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats:
        part = (self.matrix if columns is None else self._columns(columns)).astype(np.float64, copy=False)
        if weights is None:
            return (part.T @ part).toarray()
        scaled = scipy.sparse.csc_array((part.data * weights[part.indices], part.indices, part.indptr), shape=part.shape)
        return (part.T @ scaled).toarray()
