"""Screening by residual subspaces: certify columns inactive without reading them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..penalties import Terms

Floats = NDArray[np.float64]
SAME = 1e-12  # forces that differ by a smaller share span nothing more
TINY = 1e-300
ROUNDING = 1e-14  # of correlations, as a share of the lengths of both vectors
NEVER = 1e300  # a threshold that nothing reaches


class Basis:
    """Past forces r_k of one lane (n, k), with their full correlations c_k = X'(share r_k) (p, k).

    A new force r is projected on their span in the metric of the sample shares. For a column of norm ||x_j|| in that
    metric, and whatever the a_k,

        |x_j'(share r) - sum_k a_k c_kj| <= ||x_j|| ||r - sum_k a_k r_k||,

    so that only columns whose bound reaches their threshold need to be read. It holds for every loss: only r differs.
    """

    def __init__(self, forces: Floats, correlations: Floats, share: Floats) -> None:
        self.root = np.sqrt(share)[:, None]
        self.forces, self.correlations = self.root * forces, correlations
        self.sizes = np.sqrt(np.vecdot(self.forces.T, self.forces.T))
        values, vectors = np.linalg.eigh(self.forces.T @ self.forces)
        apart = values > SAME * max(values[-1], TINY)
        self.inverse = (vectors[:, apart] / values[apart]) @ vectors[:, apart].T

    def project(self, forces: Floats) -> tuple[Floats, Floats]:
        """The a_k (k, m) of forces (n, m), and the error bound (m,) for a column of unit norm, rounding included."""
        target = self.root * forces
        shares = self.inverse @ (self.forces.T @ target)
        rest = (target - self.forces @ shares).T
        return shares, np.sqrt(np.vecdot(rest, rest)) + ROUNDING * (self.sizes @ abs(shares))


@dataclass(frozen=True)
class Slopes:
    """Correlations of some points: `values` (m, B) at `coordinates`, None for all.

    All others are certified to be below their thresholds; `elsewhere` are two factors of their estimates.
    """

    values: Floats
    coordinates: NDArray[np.intp] | None = None
    elsewhere: tuple[Floats, Floats] | None = None

    def terms(self, terms: Terms) -> Terms:
        """Those of the coordinates that have values, from those of all."""
        return terms if self.coordinates is None else terms.subset(self.coordinates)

    def outside(self, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the coordinates with values are not inside, of all (d,)."""
        return ~(inside if self.coordinates is None else inside[self.coordinates])

    def numbers(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Which coordinates stand at these places of the values."""
        return places if self.coordinates is None else self.coordinates[places]

    def at(self, coordinates: NDArray[np.intp]) -> Floats:
        """The values at coordinates that have them, or whose threshold is zero: without values they are zero."""
        if self.coordinates is None:
            return self.values[coordinates]
        places = {int(number): place for place, number in enumerate(self.coordinates)}
        result = np.zeros((len(coordinates), self.values.shape[1]))
        for row, number in enumerate(coordinates):
            if number in places:
                result[row] = self.values[places[number]]
        return result

    def whole(self, place: int) -> Floats:
        """Those of all coordinates (d,) at one of the points."""
        if self.coordinates is None:
            return self.values[:, place].copy()
        assert self.elsewhere is not None
        correlations, shares = self.elsewhere
        outputs = shares.shape[1] // self.values.shape[1]
        result = (correlations @ shares[:, place * outputs : (place + 1) * outputs]).ravel()
        result[self.coordinates] = self.values[:, place]
        return result


def doubtful(terms: Terms, alphas: Floats, basis: tuple[Floats, Floats], norms: Floats, error: Floats) -> NDArray:
    """Columns that the bound cannot certify inactive at some alpha, and whose estimate may not stand for them.

    `basis` are the two factors of the estimates, (p, k) and (k, B * K); the bounds are norms (p,) times error (B * K,).
    """
    correlations, shares = basis
    outputs = len(terms.l1) // len(norms)
    if terms.groups is None or terms.group_weights is None:
        from .certify import reaching

        over = np.zeros(len(norms), dtype=np.uint8)
        level = np.minimum(terms.l1, NEVER).reshape(-1, outputs)
        for k in range(outputs):
            own = np.ascontiguousarray(shares[:, k::outputs].T)
            reaching(correlations.T, own, norms, error[k::outputs], alphas, level[:, k], over)
        return over.view(bool)
    over = np.zeros(len(norms), dtype=bool)
    for place, alpha in enumerate(alphas):
        mine = slice(place * outputs, (place + 1) * outputs)
        bound = abs(correlations @ shares[:, mine]) + np.outer(norms, error[mine])
        soft = np.where(terms.excluded, 0.0, np.maximum(bound.ravel() - (terms * float(alpha)).l1, 0.0))
        norm = np.sqrt(np.bincount(terms.groups, soft**2, len(terms.group_weights)))
        over |= (norm > alpha * terms.group_weights)[terms.groups].reshape(bound.shape).any(1)
    return over
