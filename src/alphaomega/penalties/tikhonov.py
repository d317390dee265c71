"""Tikhonov's penalty: any positive semidefinite matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .form import QuadraticForm, check_form


@dataclass(frozen=True, eq=False)
class Tikhonov(QuadraticForm):
    """Generalised ridge: Omega(w) = 1/2 w'Qw. With Q = D'D it keeps the combinations Dw small; Q = I is L2.

    Parameters
    ----------
    matrix : array or SciPy sparse array of shape (n_features, n_features)
        Q, symmetric and positive semidefinite. What it maps to zero is not penalised. Dimensionless.

    Raises
    ------
    ValueError
        If Q is not square, finite, symmetric and positive semidefinite.

    References
    ----------
    A. Tikhonov (1963), Solution of incorrectly formulated problems and the regularization method, Soviet Mathematics 4.

    Examples
    --------
    >>> import alphaomega as ao
    >>> pair = ao.Tikhonov([[1.0, -1.0], [-1.0, 1.0]])  # (w_0 - w_1)^2 / 2
    >>> pair.prox(np.array([3.0, 1.0]), 0.5)
    array([2.5, 1.5])
    """

    matrix: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", check_form(self.matrix, "matrix"))

    def form(self, p: int) -> Any:
        if self.matrix.shape[0] != p:
            raise ValueError(f"matrix has {self.matrix.shape[0]} rows for {p} features; give one row per feature")
        return self.matrix

    def __repr__(self) -> str:
        return f"Tikhonov({np.shape(self.matrix)[0]} x {np.shape(self.matrix)[0]})"
