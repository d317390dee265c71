"""Huber's loss: squares near zero, absolute values far out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import Floats, Loss

DOMAIN_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Huber(Loss):
    """loss(y, eta) = 1/2 r^2 if |r| <= delta, else delta |r| - delta^2/2, with r = y - eta.

    Parameters
    ----------
    delta : float > 0, default 1.345
        Where squares turn into absolute values, in the units of y: residuals beyond it pull with constant force.
        1.345 noise standard deviations keep 95 % efficiency under normal noise; scale it to your noise.

    References
    ----------
    P. Huber (1964), Robust estimation of a location parameter, Annals of Mathematical Statistics 35.

    Examples
    --------
    >>> Huber(1.0).value(np.array([0.0, 0.0]), np.array([0.5, 3.0]))
    array([0.125, 2.5  ])
    """

    delta: float = 1.345
    name = "huber"
    family = "gaussian"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.delta) and self.delta > 0):
            raise ValueError(f"Huber's delta must be a finite number > 0 in the units of y, got {self.delta!r}")

    def value(self, y: Floats, eta: Floats) -> Floats:
        size = abs(y - eta)
        return np.where(size <= self.delta, size**2 / 2, self.delta * (size - self.delta / 2))

    def gradient(self, y: Floats, eta: Floats) -> Floats:
        return np.clip(eta - y, -self.delta, self.delta)

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return (abs(y - eta) <= self.delta).astype(float)

    def majorizer(self, y: Floats, eta: Floats) -> Floats:
        """min(1, delta / |r|): the weights of iteratively reweighted least squares."""
        return self.delta / np.maximum(abs(y - eta), self.delta)

    def mean(self, eta: Floats) -> Floats:
        return eta

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        inside = abs(slope) <= self.delta * (1 + DOMAIN_TOLERANCE)
        return np.where(inside, slope * (slope / 2 + y), np.inf)
