"""Half the squared error: least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import Floats, Loss


@dataclass(frozen=True)
class Squared(Loss):
    """loss(y, eta) = 1/2 (y - eta)^2; the mean is eta (identity link).

    Examples
    --------
    >>> Squared().value(np.array([1.0]), np.array([3.0]))
    array([2.])
    """

    name = "squared"
    family = "gaussian"
    constant_curvature = True

    def value(self, y: Floats, eta: Floats) -> Floats:
        return (y - eta) ** 2 / 2

    def gradient(self, y: Floats, eta: Floats) -> Floats:
        return eta - y

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return np.ones_like(eta)

    def mean(self, eta: Floats) -> Floats:
        return eta

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        return slope * (slope / 2 + y)
