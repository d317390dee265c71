"""Screening by residual subspaces: certify columns inactive without reading them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Basis:
    """Past forces r_k of one lane (n, k), with their full correlations c_k = X'(share r_k) (p, k).

    A new force r is projected on their span in the metric of the sample shares; then, for a column of norm ||x_j|| in
    that metric,

        |x_j'(share r) - sum_k a_k c_kj| <= ||x_j|| ||r - sum_k a_k r_k||,

    so that only columns whose bound reaches their threshold need to be read. It holds for every loss: only r differs.
    """

    def __init__(self, forces: Floats, correlations: Floats, share: Floats) -> None:
        self.root = np.sqrt(share)[:, None]
        self.forces, self.correlations = forces, correlations
        self.span: Floats | None = None

    def _orthonormalise(self) -> Floats:
        """An orthonormal basis of the forces, made when first asked for: many batches never ask."""
        left, values, right = np.linalg.svd(self.root * self.forces, full_matrices=False)
        keep = values > 1e-12 * max(values[0], 1e-300)
        self.span = left[:, keep]
        self.to_span = self.correlations @ (right[keep].T / values[keep])
        return self.span

    def estimate(self, forces: Floats) -> tuple[Floats, Floats]:
        """Estimated correlations (p, m) of forces (n, m), and the error bound (m,) for a column of unit norm."""
        span = self._orthonormalise() if self.span is None else self.span
        target = self.root * forces
        inner = span.T @ target
        return self.to_span @ inner, np.linalg.norm(target - span @ inner, axis=0)
