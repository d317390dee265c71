"""Poisson loss: counts and rates, log link."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from .base import Floats, Loss, Target, numeric_target

DOMAIN_TOLERANCE = 1e-12
LARGEST_EXPONENT = 700.0  # exp(709) is the largest double


@dataclass(frozen=True)
class Poisson(Loss):
    """loss(y, eta) = exp(eta) - y eta + y log y - y, half the unit deviance; the mean is exp(eta).

    Exposure enters as an offset: offset = log(exposure) makes exp(Xw + b) a rate.

    Examples
    --------
    >>> Poisson().value(np.array([1.0]), np.array([0.0]))
    array([0.])
    """

    name = "poisson"
    family = "poisson"

    def target(self, y: ArrayLike) -> Target:
        values = numeric_target(y)
        negative = np.flatnonzero(values < 0)
        if negative.size:
            raise ValueError(
                f"loss='poisson' needs y >= 0, found {values[negative[0]]:g} at row {negative[0]} "
                f"({negative.size} in all); remove those rows or use loss='squared'"
            )
        if len(values) and not values.any():
            raise ValueError("loss='poisson' needs at least one positive y: all counts are zero")
        return Target(values)

    def value(self, y: Floats, eta: Floats) -> Floats:
        return np.exp(np.minimum(eta, LARGEST_EXPONENT)) - y * eta + xlogy(y, y) - y

    def gradient(self, y: Floats, eta: Floats) -> Floats:
        return np.exp(np.minimum(eta, LARGEST_EXPONENT)) - y

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return np.exp(np.minimum(eta, LARGEST_EXPONENT))

    def mean(self, eta: Floats) -> Floats:
        return np.exp(np.minimum(eta, LARGEST_EXPONENT))

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        mean = slope + y
        inside = mean >= -DOMAIN_TOLERANCE * np.maximum(1, y)
        mean = np.clip(mean, 0, None)
        return np.where(inside, xlogy(mean, mean) - mean - xlogy(y, y) + y, np.inf)
