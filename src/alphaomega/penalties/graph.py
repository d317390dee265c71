"""Neighbours in a graph have similar coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from .form import QuadraticForm


@dataclass(frozen=True, eq=False)
class GraphLaplacian(QuadraticForm):
    """Omega(w) = 1/2 sum over edges (i, j) of strength_ij (w_i - w_j)^2.

    Parameters
    ----------
    adjacency : array or SciPy sparse array of shape (n_features, n_features)
        Strength of each edge, symmetric, >= 0, 0 where there is none; the diagonal counts for nothing. What is constant
        on each connected part of the graph is not penalised.

    Raises
    ------
    ValueError
        If the matrix is not square, finite, symmetric, and >= 0.

    References
    ----------
    C. Li and H. Li (2008), Network-constrained regularization and variable selection, Bioinformatics 24.

    Examples
    --------
    >>> import alphaomega as ao
    >>> float(ao.GraphLaplacian([[0, 1, 0], [1, 0, 0], [0, 0, 0]]).value(np.array([1.0, 3.0, 9.0])))
    2.0
    """

    adjacency: Any

    def __post_init__(self) -> None:
        edges = scipy.sparse.csr_array(self.adjacency, dtype=float)
        if edges.shape[0] != edges.shape[1]:
            raise ValueError(f"adjacency must be square, one row and column per feature, got shape {edges.shape}")
        if not (np.isfinite(edges.data).all() and (edges.data >= 0).all()):
            raise ValueError("adjacency must be finite and >= 0: strengths of edges, 0 where there is none")
        if abs(edges - edges.T).max() > 1e-12 * abs(edges).max():
            raise ValueError("adjacency must be symmetric; pass (A + A.T) / 2")
        object.__setattr__(self, "adjacency", edges)

    def form(self, p: int) -> Any:
        if self.adjacency.shape[0] != p:
            raise ValueError(f"adjacency has {self.adjacency.shape[0]} rows for {p} features; give one per feature")
        edges = self.adjacency - scipy.sparse.diags_array(self.adjacency.diagonal())
        return scipy.sparse.csr_array(scipy.sparse.diags_array(edges.sum(0)) - edges)

    def __repr__(self) -> str:
        return f"GraphLaplacian({self.adjacency.shape[0]} features)"
