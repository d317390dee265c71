"""X: the design matrices. One file a kind of matrix; `Standardized` wraps any."""

from typing import Any

import numpy as np
import scipy.sparse

from .base import Design
from .chunked import Chunked, from_arrow, from_npy, from_parquet
from .dense import Dense
from .partitioned import Partitioned
from .registry import REGISTRY
from .sparse import Sparse
from .standardized import Standardized


def adopt(X: Any) -> Any:
    """X as a design where it lies outside NumPy's memory (Dask, PyTorch); anything else as it is."""
    return X


def design_of(X: Any) -> Design:
    """X as a design: arrays, SciPy sparse matrices, Dask arrays, PyTorch tensors, or a design as it is.

    Examples
    --------
    >>> design_of(np.eye(3)).shape
    (3, 3)
    """
    X = adopt(X)
    if isinstance(X, Design):
        return X
    if scipy.sparse.issparse(X):
        return Sparse(X)
    return Dense(np.asarray(X))


__all__ = [
    "REGISTRY",
    "Chunked",
    "Dense",
    "Design",
    "Partitioned",
    "Sparse",
    "Standardized",
    "adopt",
    "design_of",
    "from_arrow",
    "from_npy",
    "from_parquet",
]
