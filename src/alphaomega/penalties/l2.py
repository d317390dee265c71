"""Half the squared L2 norm: small weights, never zero."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, Scalars, check_weights, full, match, strength, weigh
from .base import Terms, TermsPenalty


@dataclass(frozen=True, eq=False)
class L2(TermsPenalty):
    """The ridge penalty: Omega(w) = 1/2 sum_j weights_j w_j^2.

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
    A. Hoerl and R. Kennard (1970), Ridge regression, Technometrics 12.

    Examples
    --------
    >>> import alphaomega as ao
    >>> ao.L2().prox(np.array([3.0, -1.0]), 1.0)
    array([ 1.5, -0.5])
    """

    weights: ArrayLike = 1.0
    stage = 1

    def __post_init__(self) -> None:
        check_weights(self.weights)

    def value(self, w: Array) -> Array:
        return weigh(match(self.weights, w), w * w).sum() / 2

    def prox(self, w: Array, step: Scalars) -> Array:
        return w / (1 + strength(step, match(self.weights, w), w))

    def stepped(self, step: Scalars, w: Array) -> Scalars:
        return step / (1 + strength(step, match(self.weights, w), w))

    def terms(self, shape: tuple[int, ...]) -> Terms:
        zero = Terms.zero(int(np.prod(shape)))
        return replace(zero, quadratic=full(self.weights, shape))
