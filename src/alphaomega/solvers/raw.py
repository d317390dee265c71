"""What every solver returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RawPath:
    """Coefficients (m, p) or (m, p, K) in the columns' units, intercepts, certificates.

    `supports` lists the features with a non-zero coefficient at each alpha; `reads` counts full reads of X. Of
    a path without a fold, `held_out` are the mean deviances of that fold, where the solver knows them without a read.
    """

    alphas: Floats
    coef: Floats
    intercept: Floats
    gap: Floats
    supports: list[NDArray[np.intp]] = field(repr=False)
    reads: float
    null_loss: float
    scale: Floats
    center: Floats
    certificate: str = "duality gap"
    message: str = ""
    held_out: Floats | None = None

    @property
    def n_nonzero(self) -> NDArray[np.intp]:
        """Features with a non-zero coefficient, per alpha."""
        return np.array([len(support) for support in self.supports], dtype=np.intp)

    def support(self, k: int) -> NDArray[np.intp]:
        """Features with a non-zero coefficient at the k-th alpha."""
        return self.supports[k]


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
