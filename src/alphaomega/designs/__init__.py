"""X: the design matrices. One file a kind of matrix; `Standardized` wraps any."""

from typing import Any

import numpy as np
import scipy.sparse

from .base import Design
from .chunked import Chunked
from .dense import Dense
from .files import from_arrow, from_csv, from_npy, from_parquet, from_sql
from .partitioned import Partitioned
from .registry import REGISTRY
from .sparse import Sparse
from .standardized import Standardized


def adopt(X: Any) -> Any:
    """X as a design where it lies outside NumPy's memory (Dask, PyTorch); anything else as it is."""
    home = _home(X)
    if home == "torch":
        from .torch import Torch

        return Torch(X)
    if home == "dask":
        from .dask import Dask

        return Dask(X)
    return X


def vector_of(y: Any) -> Any:
    """One entry per row in NumPy's memory, from wherever it lies; anything else as it is."""
    home = _home(y)
    if home == "dask":
        from .dask import gathered

        return gathered(y)
    return y.detach().cpu().numpy() if home == "torch" else y


def split_off(X: Any, name: str) -> tuple[Design, Any] | None:
    """A table on disk or on a cluster without one column, and that column; None for what lies in memory."""
    if isinstance(X, Chunked):
        return X.without(name), X.column(name)
    if _home(X) == "dask":
        from .dask import Dask, gathered, is_frame

        if is_frame(X) and name in X.columns:
            return Dask(X.drop(columns=name)), gathered(X[name])
    return None


def _home(X: Any) -> str:
    """The library of an array; asked by name, so that none is imported for a question."""
    for kind in type(X).__mro__:
        home = kind.__module__.partition(".")[0]
        if home in ("torch", "dask"):
            return home
    return ""


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
    "from_csv",
    "from_npy",
    "from_parquet",
    "from_sql",
    "split_off",
    "vector_of",
]
