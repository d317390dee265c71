"""What every solver returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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

    def supports(self) -> list[NDArray[np.intp]]:
        """The features with a non-zero coefficient, per alpha."""
        used = np.asarray(self.values != 0 if self.values.ndim == 2 else self.values.any(2))
        return [self.columns[row] for row in used]


@dataclass(frozen=True, eq=False)
class RawPath:
    """Coefficients in the columns' units, intercepts (m,) or (m, K), certificates.

    `reads` counts full reads of X. Of a path without a fold, `held_out` are the mean deviances of that fold, where the
    solver knows them without a read.
    """

    alphas: Floats
    table: Coefficients
    intercept: Floats
    gap: Floats
    reads: float
    null_loss: float
    scale: Floats
    center: Floats
    certificate: str = "duality gap"
    message: str = ""
    held_out: Floats | None = None

    @cached_property
    def coef(self) -> Floats:
        """Coefficients of all features, (m, p) or (m, p, K)."""
        return self.table.dense()

    @cached_property
    def supports(self) -> list[NDArray[np.intp]]:
        """The features with a non-zero coefficient, per alpha."""
        return self.table.supports()

    @property
    def n_nonzero(self) -> NDArray[np.intp]:
        """How many they are."""
        return np.array([len(support) for support in self.supports], dtype=np.intp)


def shortfall(gaps: Floats, alphas: Floats, tol: float) -> str:
    """What the certificates miss, what follows, and the argument that mends it; empty when all hold."""
    late = gaps > tol
    if not late.any():
        return ""
    return (
        f"{late.sum()} of {len(gaps)} fits miss tol={tol:g}, all at alpha <= {alphas[late].max():.3g} (largest "
        f"relative gap {gaps.max():.1e}): their coefficients are approximate. Use larger alphas, standardize=True, or "
        "a larger tol."
    )
