"""The elastic net: a mix of L1 and L2."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, Scalars, check_weights
from .base import Terms, TermsPenalty
from .l1 import L1
from .l2 import L2


@dataclass(frozen=True, eq=False)
class ElasticNet(TermsPenalty):
    """The elastic net: Omega(w) = sum_j weights_j (l1_ratio |w_j| + (1 - l1_ratio)/2 w_j^2).

    Parameters
    ----------
    l1_ratio : float in [0, 1], default 0.5
        The mix: 1 is L1, 0 is L2.
    weights : number or array of shape (n_features,), default 1.0
        Factor of each coordinate, on both parts: 0 leaves it unpenalised, inf excludes it.

    Raises
    ------
    ValueError
        If `l1_ratio` lies outside [0, 1], or a weight is negative or NaN.

    References
    ----------
    H. Zou and T. Hastie (2005), Regularization and variable selection via the elastic net, JRSS B 67.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> ao.ElasticNet(0.5).prox(np.array([3.5, 0.4]), 1.0)
    array([2., 0.])
    """

    l1_ratio: float = 0.5
    weights: ArrayLike = 1.0
    stage = 0

    def __post_init__(self) -> None:
        check_weights(self.weights)
        if not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio must lie in [0, 1] (1 is L1, 0 is L2), got {self.l1_ratio!r}")

    @property
    def parts(self) -> tuple[L1 | L2, ...]:
        """The L1 and L2 parts, those with a zero share left out."""
        weights = np.asarray(self.weights, dtype=float)
        lasso = (L1(self.l1_ratio * weights),) if self.l1_ratio > 0 else ()
        ridge = (L2((1 - self.l1_ratio) * weights),) if self.l1_ratio < 1 else ()
        return (*lasso, *ridge)

    def value(self, w: Array) -> Array:
        return sum(part.value(w) for part in self.parts)

    def prox(self, w: Array, step: Scalars) -> Array:
        for part in self.parts:
            w = part.prox(w, step)
        return w

    def stepped(self, step: Scalars, w: Array) -> Scalars:
        for part in self.parts:
            step = part.stepped(step, w)
        return step

    def terms(self, shape: tuple[int, ...]) -> Terms:
        first, *rest = (part.terms(shape) for part in self.parts)
        for terms in rest:
            first = replace(first, quadratic=terms.quadratic)
        return first
