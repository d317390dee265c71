"""Exact minimisers of a quadratic plus separable terms, warm-started along a path."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..penalties import Terms

Floats = NDArray[np.float64]
MAX_SWEEPS = 100_000
START = 64


class Quadratic:
    """min 1/2 v'Gv - b'v + Omega(v) over a working set that grows; G, b, v, c and the factor share one growing storage.

    `c` is b - G v. The factor of G + diag(quadratic) on the support survives from one alpha to the next as long as the
    quadratic terms do not change.
    """

    def __init__(self) -> None:
        self.size = 0
        self._reserve(START)

    def _reserve(self, capacity: int) -> None:
        old, m = self.__dict__.get("gram"), self.size
        grown = {name: np.zeros((capacity, capacity)) for name in ("gram", "factor")}
        grown |= {name: np.zeros(capacity) for name in ("b", "c", "v", "work", "direction", "quadratic")}
        if old is not None:
            k = int(self.count[0])
            grown["gram"][:m, :m] = self.gram[:m, :m]
            grown["factor"][:k, :k] = self.factor[:k, :k]
            for name in ("b", "c", "v", "quadratic"):
                grown[name][:m] = getattr(self, name)[:m]
            order, position, count = self.order, self.position, self.count
        for name, array in grown.items():
            setattr(self, name, array)
        self.order = np.zeros(capacity, dtype=np.int64)
        self.position = np.full(capacity, -1, dtype=np.int64)
        self.count = np.zeros(1, dtype=np.int64)
        if old is not None:
            self.order[: len(order)], self.position[: len(position)], self.count[0] = order, position, count[0]

    def grow(self, cross: Floats, b: Floats) -> None:
        """Add coordinates: `cross` is the Gram of (old, new) against new, shape (m + k, k); `b` their linear terms."""
        m, k = self.size, len(b)
        if m + k > len(self.b):
            self._reserve(max(2 * len(self.b), m + k))
        self.gram[: m + k, m : m + k] = cross
        self.gram[m : m + k, :m] = cross[:m].T
        self.b[m : m + k] = b
        self.size = m + k
        support = np.flatnonzero(self.v[:m])
        self.c[m : m + k] = b - cross[support].T @ self.v[support]

    def replace_gram(self, gram: Floats, b: Floats) -> None:
        """Another Gram and linear term on the same coordinates; the factor is forgotten."""
        m = self.size
        self.gram[:m, :m] = gram
        self.forget_factor()
        self.replace_linear(b)

    def replace_linear(self, b: Floats) -> None:
        """Another linear term."""
        from .kernels import refresh

        self.b[: self.size] = b
        refresh(self.gram, self.size, self.b, self.c, self.v)

    def move_to(self, places: NDArray[np.intp], values: Floats) -> None:
        """Set v, zero but for `values` at `places`."""
        self.v[: self.size] = 0.0
        self.v[places] = values
        self.replace_linear(self.b[: self.size].copy())

    def model_at(self, v: Floats, pull: Floats) -> None:
        """Make this the model with -gradient `pull` at `v`: b = G v + pull, and start there."""
        m = self.size
        self.v[:m], self.c[:m] = v, pull
        support = np.flatnonzero(v)
        self.b[:m] = pull + self.gram[:m, support] @ v[support]

    def forget_factor(self) -> None:
        """Drop the factor, e.g. because the quadratic terms changed."""
        self.position[:] = -1
        self.count[0] = 0

    def solve(self, terms: Terms, tolerance: float) -> bool:
        """Minimise from the present v, to a largest coordinate-wise gradient change of `tolerance`; False if it ran out."""
        from . import kernels

        m = self.size
        if not np.array_equal(self.quadratic[:m], terms.quadratic):
            self.quadratic[:m] = terms.quadratic
            self.forget_factor()
        packed = np.array([terms.l1, terms.quadratic, terms.lower, terms.upper])
        fresh = False
        while True:
            status = kernels.solve(
                self.gram, m, self.b, self.c, self.v, packed, self.factor, self.order, self.position, self.count,
                self.work, self.direction, tolerance, MAX_SWEEPS, fresh,
            )  # fmt: skip
            if status != kernels.WANTS_FACTOR:
                return status == kernels.CONVERGED
            self._factorise(packed)
            fresh = True

    def _factorise(self, packed: Floats) -> None:
        """The factor on the support by LAPACK; left empty when the support is dependent."""
        m = self.size
        v = self.v[:m]
        l1, quadratic, lower, upper = packed
        inside = np.where(v == 0, (l1 == 0) & (lower < 0) & (upper > 0), (lower < v) & (v < upper))
        support = np.flatnonzero(inside)
        block = self.gram[np.ix_(support, support)]
        block[np.diag_indices_from(block)] += quadratic[support]
        self.forget_factor()
        try:
            factor = scipy.linalg.cholesky(block, check_finite=False, overwrite_a=True)
        except scipy.linalg.LinAlgError:
            return
        if (np.diag(factor) ** 2 <= 1e-9 * (np.diag(self.gram)[support] + quadratic[support])).any():
            return
        k = len(support)
        self.factor[:k, :k] = factor
        self.order[:k], self.position[support], self.count[0] = support, np.arange(k), k
