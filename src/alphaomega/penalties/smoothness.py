"""Smooth coefficients over ordered features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import scipy.sparse

from .form import QuadraticForm


@dataclass(frozen=True, eq=False)
class Smoothness(QuadraticForm):
    """Omega(w) = 1/2 sum_j (difference of w of this order at j)^2, for features that have an order: time, wavelength.

    Order 1 draws neighbours together, and leaves a constant free; order 2 draws them to a line, order 3 to a parabola.

    Parameters
    ----------
    order : int >= 1, default 1
        Of the differences; with no more features than that nothing is penalised.

    Raises
    ------
    ValueError
        If the order is not a positive whole number.

    References
    ----------
    E. Whittaker (1923), On a new method of graduation, Proceedings of the Edinburgh Mathematical Society 41.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> float(ao.Smoothness().value(np.array([1.0, 1.0, 3.0])))
    2.0
    """

    order: int = 1

    def __post_init__(self) -> None:
        if int(self.order) != self.order or self.order < 1:
            raise ValueError(f"order must be a whole number >= 1, got {self.order!r}")

    def form(self, p: int) -> Any:
        differences = scipy.sparse.eye_array(p, format="csr")
        for _ in range(min(int(self.order), p)):
            differences = differences[1:] - differences[:-1]
        return scipy.sparse.csr_array(differences.T @ differences)
