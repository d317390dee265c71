"""X: the design matrices. One file a kind of matrix; `Standardized` wraps any."""

from typing import Any

import numpy as np
import scipy.sparse

from .base import Design
from .dense import Dense
from .sparse import Sparse
from .standardized import Standardized

#: Every kind of design by name, made from a dense float64 array: what the registry tests run over.
REGISTRY = {
    "dense F": lambda array: Dense(np.asfortranarray(array)),
    "dense C": lambda array: Dense(np.ascontiguousarray(array)),
    "sparse CSC": lambda array: Sparse(scipy.sparse.csc_array(array)),
    "sparse CSR": lambda array: Sparse(scipy.sparse.csr_array(array)),
    "standardized dense": lambda array: Standardized(Dense(2 * array + 3), *_constants(array, 3.0, 2.0)),
    "standardized sparse": lambda array: Standardized(
        Sparse(scipy.sparse.csc_array(array / 4 + 1)), *_constants(array, 1.0, 0.25)
    ),
}


def _constants(array: Any, center: float, scale: float) -> tuple[Any, Any]:
    return np.full(array.shape[1], center), np.full(array.shape[1], scale)


def design_of(X: Any) -> Design:
    """X as a design: arrays, SciPy sparse matrices, or a design as it is.

    Examples
    --------
    >>> design_of(np.eye(3)).shape
    (3, 3)
    """
    if isinstance(X, Design):
        return X
    if scipy.sparse.issparse(X):
        return Sparse(X)
    return Dense(np.asarray(X))


__all__ = ["REGISTRY", "Dense", "Design", "Sparse", "Standardized", "design_of"]
