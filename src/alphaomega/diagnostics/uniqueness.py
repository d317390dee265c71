"""Is a solution the only one? Answered by ranks, not by faith."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from ..losses import Loss
from ..results import Solution

Floats = NDArray[np.float64]
EQUICORRELATED = 1e-4  # |correlation| within this share of alpha counts as equal to alpha
RANK_TOLERANCE = 1e-9
MAX_COLUMNS = 5000


class Part(Protocol):
    """Rows: X (n, p) array or sparse matrix, y on the loss's own scale, offset (n,) or None."""

    @property
    def X(self) -> Any: ...  # noqa: D102
    @property
    def y(self) -> Floats: ...  # noqa: D102
    @property
    def offset(self) -> Floats | None: ...  # noqa: D102


def l1_uniqueness(loss: Loss, part: Part, solution: Solution, scale: Floats, center: Floats) -> tuple[bool, str]:
    """Whether an L1 solution is unique, and why.

    All minimisers share their fit X w, and vanish outside the equicorrelation set E, where |X_j' gradient| = alpha. The
    solution is unique if the columns of E are linearly independent (R. J. Tibshirani 2013, The lasso problem and
    uniqueness). With K classes only differences between classes count: E holds (feature, class) pairs, projected.
    """
    if solution.alpha <= 0:
        return full_rank(part, scale, center)
    eta = linear_predictor(part, solution)
    gradient = loss.gradient(part.y, eta) / len(part.y)
    slope = part.X.T @ gradient - np.multiply.outer(center, gradient.sum(0))
    slope = (slope.T / scale).T
    pairs = np.argwhere(abs(slope.reshape(len(scale), -1)) >= (1 - EQUICORRELATED) * solution.alpha)
    size = len(pairs)
    if size == 0:
        return True, "every coefficient is zero"
    if size > MAX_COLUMNS:
        return False, f"not checked: {size} coefficients are at their threshold"
    features, classes = pairs.T
    gram = _correlations(part, np.unique(features), scale, center)
    position = np.searchsorted(np.unique(features), features)
    gram = gram[np.ix_(position, position)]
    if slope.ndim == 2:
        n_classes = slope.shape[1]
        gram *= (classes[:, None] == classes[None, :]) - 1 / n_classes
    rank = _rank(gram)
    return rank == size, f"rank {rank} of the {size} coefficients at their threshold"


def full_rank(part: Part, scale: Floats, center: Floats) -> tuple[bool, str]:
    """Whether the columns are linearly independent: then, and only then, is an unpenalised fit unique."""
    n, p = part.X.shape
    if p >= n:
        return False, f"{p} features but {n} rows"
    if p > MAX_COLUMNS:
        return False, f"not checked: {p} features"
    rank = _rank(_correlations(part, np.arange(p), scale, center))
    return rank == p, f"rank {rank} of {p} features"


def linear_predictor(part: Part, solution: Solution) -> Floats:
    """X w + b + offset, (n,) or (n, K)."""
    coef = np.asarray(solution.coef)
    support = np.flatnonzero(np.atleast_2d(coef).any(0))
    columns = part.X if len(support) == part.X.shape[1] else part.X[:, support]
    eta = columns @ coef[..., support].T + solution.intercept
    if part.offset is not None:
        eta = eta + (part.offset if eta.ndim == 1 else part.offset[:, None])
    return eta


def _correlations(part: Part, columns: NDArray[np.intp], scale: Floats, center: Floats) -> Floats:
    """The Gram matrix of centred and scaled columns, over n."""
    block = part.X if len(columns) == part.X.shape[1] else part.X[:, columns]
    product = block.T @ block
    gram = product if isinstance(product, np.ndarray) else product.toarray()
    gram = gram / len(part.y) - np.outer(center[columns], center[columns])
    return gram / np.outer(scale[columns], scale[columns])


def _rank(gram: Floats) -> int:
    """The rank of a positive semidefinite matrix with a diagonal of about one, by Cholesky with pivots.

    N. J. Higham (1990), Analysis of the Cholesky decomposition of a semi-definite matrix.
    """
    tolerance = RANK_TOLERANCE * max(float(gram.diagonal().max()), 1.0)
    return int(lapack.dpstrf(gram, tol=tolerance, overwrite_a=1)[2])
