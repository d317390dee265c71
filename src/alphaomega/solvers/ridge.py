"""Squared loss with a pure ridge penalty: every alpha from one decomposition."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..penalties import Terms
from .lanes import Coordinates, Lane, Points, Sample, WholeGram, omegas_of
from .screening import Slopes

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

    def grow(self, coordinates: Coordinates, places: Coordinates) -> None:
        """All coordinates are there from the start."""

    def start_from(self, points: Points) -> None:
        """Nothing is warm-started: each solution is explicit."""

    def solve(self, alphas: Floats, tolerance: float) -> Points:
        shifted = self.values + alphas[:, None]
        shrunk = np.divide(self.pull, shifted, out=np.zeros_like(shifted), where=shifted > 0)
        v = np.zeros((len(alphas), len(self.linear)))
        v[:, self.active] = self.root * (shrunk @ self.vectors.T)
        slope = self.linear - v @ self.gram
        pull = self.energy_y - v @ self.linear
        energy = np.maximum(pull - np.vecdot(slope, v), 0.0)
        objective = energy / 2 + alphas * omegas_of(self.terms, v)
        intercept = (self.mean_y - v @ self.means)[:, None]
        return Points(alphas, self.coordinates, v, intercept, None, objective, np.stack([pull, energy]))

    def correlations(self, points: Points) -> Floats:
        return (self.linear - points.v @ self.gram).T

    def gaps(self, points: Points, slopes: Slopes, scale: Floats, conjugate: Floats) -> Floats:
        pull, energy = points.energy
        gaps = points.objective - (scale * pull - scale**2 * energy / 2) + conjugate
        if (points.alphas == 0).any():  # what is left of the slope there is rounding
            small = np.max(abs(slopes.at(self.active)), axis=0, initial=0.0) <= 1e-9 * np.max(
                abs(self.linear), initial=0.0
            )
            gaps = np.where(points.alphas > 0, gaps, np.where(small, 0.0, np.inf))
        return gaps
