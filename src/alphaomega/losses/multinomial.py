"""Multinomial (softmax) loss: K classes, one linear predictor each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from .base import Floats, Loss, Target, class_target

DOMAIN_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Multinomial(Loss):
    """loss(y, eta) = log sum_k exp(eta_k) - eta_y; y is one-hot (n, K), the mean is softmax(eta).

    The symmetric form: one coefficient vector per class, none singled out. Only differences between classes matter to
    the loss, and the penalty picks one representative; intercepts are reported with mean zero over classes.

    Examples
    --------
    >>> Multinomial().target(["a", "c", "b"]).values.shape
    (3, 3)
    """

    name = "multinomial"
    family = "multinomial"
    classifies = True

    def target(self, y: ArrayLike) -> Target:
        classes, codes = class_target(y)
        return Target(np.eye(len(classes))[codes], classes)

    def value(self, y: Floats, eta: Floats) -> Floats:
        largest = eta.max(1)
        return np.log(np.exp(eta - largest[:, None]).sum(1)) + largest - (y * eta).sum(1)

    def gradient(self, y: Floats, eta: Floats) -> Floats:
        return self.mean(eta) - y

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        mean = self.mean(eta)
        return mean[:, :, None] * (np.eye(mean.shape[1]) - mean[:, None, :])

    def mean(self, eta: Floats) -> Floats:
        odds = np.exp(eta - eta.max(1, keepdims=True))  # plain NumPy: SciPy's softmax is ten times slower on few rows
        return odds / odds.sum(1, keepdims=True)

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        mean = slope + y
        tolerance = DOMAIN_TOLERANCE * mean.shape[1]
        inside = (mean.min(1) >= -tolerance) & (abs(mean.sum(1) - 1) <= 1e3 * tolerance)
        mean = np.clip(mean, 0, None)
        return np.where(inside, xlogy(mean, mean).sum(1), np.inf)

    def predict(self, eta: Floats, classes: NDArray | None = None) -> NDArray:
        codes = eta.argmax(1)
        return codes if classes is None else classes[codes]
