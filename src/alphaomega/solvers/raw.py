"""What every solver returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..coefficients import Coefficients

Floats = NDArray[np.float64]


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
