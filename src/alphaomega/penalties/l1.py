"""The L1 norm: exact zeros."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, Scalars, check_weights, full, match, strength, weigh
from .base import Terms, TermsPenalty


@dataclass(frozen=True, eq=False)
class L1(TermsPenalty):
    """The lasso penalty: Omega(w) = sum_j weights_j |w_j|.

    Parameters
    ----------
    weights : number or array of shape (n_features,), default 1.0
        Factor of each coordinate: 0 leaves it unpenalised, inf excludes it. Dimensionless.

    Raises
    ------
    ValueError
        If a weight is negative or NaN.

    References
    ----------
    R. Tibshirani (1996), Regression shrinkage and selection via the lasso, JRSS B 58.

    Examples
    --------
    >>> import alphaomega as ao
    >>> ao.L1().prox(np.array([3.0, -0.5, 1.0]), 1.0)
    array([2., 0., 0.])
    """

    weights: ArrayLike = 1.0
    stage = 0

    def __post_init__(self) -> None:
        check_weights(self.weights)

    def value(self, w: Array) -> Array:
        return weigh(match(self.weights, w), abs(w)).sum()

    def prox(self, w: Array, step: Scalars) -> Array:
        threshold = strength(step, match(self.weights, w), w)
        return w - w.clip(-threshold, threshold)

    def terms(self, shape: tuple[int, ...]) -> Terms:
        zero = Terms.zero(int(np.prod(shape)))
        return replace(zero, l1=full(self.weights, shape))
