"""Squared loss with a pure ridge penalty: every alpha from one decomposition."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..penalties import Terms
from .dual import scale_and_conjugate
from .lanes import Coordinates, Lane, Point, Sample, WholeGram, omega_of

Floats = NDArray[np.float64]
DEPENDENT = 1e-13  # eigenvalues below this share of the largest are rounding


class RidgeLane(Lane):
    """min 1/2 v'Gv - b'v + alpha/2 v'Qv for all alpha: with Q^(-1/2) G Q^(-1/2) = E diag(l) E',

        v(alpha) = Q^(-1/2) E (l + alpha)^(-1) E' Q^(-1/2) b.

    At alpha = 0 it is the limit of small alpha, the smallest v'Qv among all minimisers. Every coordinate that is not
    excluded must have some ridge.
    """

    def __init__(self, sample: Sample, terms: Terms, whole: WholeGram) -> None:
        self.sample, self.terms = sample, terms
        gram, linear = whole.gram, whole.linear
        self.coordinates: Coordinates = np.arange(len(linear))
        self.active = np.flatnonzero(~terms.excluded)
        self.gram, self.linear, self.means = gram, linear, whole.means
        self.mean_y, self.energy_y = whole.mean_y, whole.energy_y
        self.root = 1 / np.sqrt(terms.quadratic[self.active])
        scaled = gram[np.ix_(self.active, self.active)] * self.root[:, None] * self.root
        self.values, self.vectors = scipy.linalg.eigh(scaled, overwrite_a=True, check_finite=False, driver="evd")
        self.values = np.where(self.values > DEPENDENT * self.values[-1:], self.values, 0.0)
        self.pull = self.vectors.T @ (self.root * linear[self.active])

    def grow(self, coordinates: Coordinates) -> None:
        """All coordinates are there from the start."""

    def start_from(self, point: Point) -> None:
        """Nothing is warm-started: each solution is explicit."""

    def solve(self, alpha: float, tolerance: float) -> Point:
        shrunk = np.divide(self.pull, self.values + alpha, out=np.zeros_like(self.pull), where=self.values + alpha > 0)
        v = np.zeros(len(self.linear))
        v[self.active] = self.root * (self.vectors @ shrunk)
        c = self.linear - self.gram @ v
        pull = self.energy_y - float(self.linear @ v)
        energy = max(pull - float(c @ v), 0.0)
        objective = energy / 2 + omega_of(self.terms * alpha, v)
        places = np.flatnonzero(v)
        intercept = np.asarray(self.mean_y - self.means @ v)
        return Point(places, v[places], intercept, None, objective, (pull, energy))

    def correlations(self, point: Point) -> Floats:
        return self.linear - self.gram[:, point.coordinates] @ point.v

    def gap(self, point: Point, terms: Terms, slope: Floats) -> float:
        if not terms.quadratic.any():  # alpha = 0: what is left of the slope is rounding
            return 0.0 if np.max(abs(slope), initial=0.0) <= 1e-9 * np.max(abs(self.linear), initial=0.0) else np.inf
        scale, conjugate = scale_and_conjugate(terms, slope)
        pull, energy = point.energy
        return point.objective - (scale * pull - scale**2 * energy / 2) + conjugate
