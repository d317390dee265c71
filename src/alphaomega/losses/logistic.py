"""Logistic loss: two classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, xlogy

from .base import Floats, Loss, Target, class_target

DOMAIN_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Logistic(Loss):
    """loss(y, eta) = log(1 + exp(eta)) - y eta for y in {0, 1}; the mean is P(y = 1) = 1 / (1 + exp(-eta)).

    y may hold any two values; the larger (in sorted order) is the event.

    Examples
    --------
    >>> Logistic().target(["no", "yes", "no"]).values
    array([0., 1., 0.])
    """

    name = "logistic"
    family = "binomial"
    classifies = True

    def target(self, y: ArrayLike) -> Target:
        classes, codes = class_target(y)
        if len(classes) > 2:
            raise ValueError(f"loss='logistic' needs exactly two classes, y has {len(classes)}; use loss='multinomial'")
        return Target(codes.astype(np.float64), classes)

    def value(self, y: Floats, eta: Floats) -> Floats:
        return (1 - y) * np.logaddexp(0, eta) + y * np.logaddexp(0, -eta)

    def gradient(self, y: Floats, eta: Floats) -> Floats:
        return expit(eta) - y

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return expit(eta) * expit(-eta)

    def mean(self, eta: Floats) -> Floats:
        return expit(eta)

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        mean = slope + y
        inside = (mean >= -DOMAIN_TOLERANCE) & (mean <= 1 + DOMAIN_TOLERANCE)
        mean = np.clip(mean, 0, 1)
        return np.where(inside, xlogy(mean, mean) + xlogy(1 - mean, 1 - mean), np.inf)

    def predict(self, eta: Floats, classes: NDArray | None = None) -> NDArray:
        codes = (eta > 0).astype(np.intp)
        return codes if classes is None else classes[codes]
