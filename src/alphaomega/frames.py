"""Any table in, a numeric matrix with named columns out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from .designs import Design


@dataclass(frozen=True, eq=False)
class Encoder:
    """Turns X into a matrix, the same way at fitting and at prediction.

    Attributes
    ----------
    names : column names of the matrix, None for plain arrays.
    groups : for each column of the matrix, the source column it came from (indicators of one category share a group).
    """

    names: tuple[str, ...] | None = None
    groups: tuple[int, ...] | None = None

    @classmethod
    def fit(cls, X: Any) -> Encoder:
        """Learn the columns of X."""
        if isinstance(X, (np.ndarray, Design, list)) or scipy.sparse.issparse(X):
            return cls()
        import narwhals as nw

        frame = nw.from_native(X, eager_only=True)
        return cls(tuple(frame.columns))

    def transform(self, X: Any) -> Any:
        """X as an array, sparse matrix or design."""
        if isinstance(X, Design) or scipy.sparse.issparse(X):
            return X
        if self.names is None or isinstance(X, (np.ndarray, list)):
            return np.asarray(X)
        import narwhals as nw

        return nw.from_native(X, eager_only=True).select(self.names).to_numpy()
