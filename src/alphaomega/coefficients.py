"""Coefficients of a path, stored where any is not zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coefficients:
    """The coefficients of a path, stored where any is not zero: a fold of a wide path holds little.

    `values` are those of the features `columns` (k,), increasing, at every alpha: (m, k), or (m, k, K); those of the
    other `n_features` are zero.
    """

    columns: NDArray[np.intp]
    values: Floats
    n_features: int

    @classmethod
    def of(cls, coef: Floats) -> Coefficients:
        """From coefficients of all features, (m, p) or (m, p, K)."""
        columns = np.flatnonzero(coef.any(0) if coef.ndim == 2 else coef.any((0, 2)))
        return cls(columns, coef[:, columns], coef.shape[1])

    @classmethod
    def joined(cls, parts: Sequence[Coefficients]) -> Coefficients:
        """Parts of a path, one below the other."""
        columns = np.unique(np.concatenate([part.columns for part in parts]))
        rows = []
        for part in parts:
            values = np.zeros((len(part.values), len(columns), *part.values.shape[2:]))
            values[:, np.searchsorted(columns, part.columns)] = part.values
            rows.append(values)
        return cls(columns, np.concatenate(rows), parts[0].n_features)

    def dense(self) -> Floats:
        """Of all features, (m, p) or (m, p, K)."""
        coef = np.zeros((len(self.values), self.n_features, *self.values.shape[2:]))
        coef[:, self.columns] = self.values
        return coef

    def at(self, position: int) -> Floats:
        """Of all features at one alpha, (p,) or (p, K)."""
        coef = np.zeros((self.n_features, *self.values.shape[2:]))
        coef[self.columns] = self.values[position]
        return coef

    def supports(self) -> list[NDArray[np.intp]]:
        """The features with a non-zero coefficient, per alpha."""
        used = np.asarray(self.values != 0 if self.values.ndim == 2 else self.values.any(2))
        return [self.columns[row] for row in used]
