"""The evidence of a Gaussian prior: how probable y is once the coefficients are integrated out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats = NDArray[np.float64]
WIDEST = 1e14  # ratio of largest to smallest variance that is searched
GRID = 600
FLAT = 1e-10


@dataclass(frozen=True)
class Evidence:
    """y ~ N(0, noise_variance I + square_scale Z Z'), in the coordinates of Z's left singular vectors.

    Attributes
    ----------
    values : (r,) squared singular values of Z, the columns in units of their prior scale.
    projections : (r,) squared coordinates of y.
    rest : squared length of y outside them.
    size : how many numbers y is: total weight, less one where an intercept was integrated out.
    constant : what the intercept's integral adds to the logarithm.

    References
    ----------
    D. MacKay (1992), Bayesian interpolation, Neural Computation 4.
    """

    values: Floats
    projections: Floats
    rest: float
    size: float
    constant: float = 0.0

    def log(self, noise_variance: float, square_scale: float) -> float:
        """log p(y | noise_variance, square_scale)."""
        variances = noise_variance + square_scale * self.values
        misfit = (self.projections / variances).sum() + self.rest / noise_variance
        spread = np.log(variances).sum() + (self.size - len(variances)) * np.log(noise_variance)
        return float(self.constant - (self.size * np.log(2 * np.pi) + spread + misfit) / 2)

    def best_noise(self, ratio: float) -> float:
        """The noise variance of the largest evidence where square_scale / noise_variance is `ratio`."""
        return float((self.projections / (1 + ratio * self.values)).sum() + self.rest) / self.size

    def scale_slope(self, noise_variance: float, square_scale: float) -> float:
        """d log / d log square_scale."""
        share = square_scale * self.values / (noise_variance + square_scale * self.values)
        surprise = self.projections / (noise_variance + square_scale * self.values)
        return float((share * (surprise - 1)).sum()) / 2

    def noise_slope(self, noise_variance: float, square_scale: float) -> float:
        """d log / d log noise_variance."""
        variances = noise_variance + square_scale * self.values
        share = noise_variance / variances
        inside = (share * (self.projections / variances - 1)).sum()
        return float(inside + self.rest / noise_variance - (self.size - len(variances))) / 2

    @property
    def power(self) -> float:
        """Mean square of y: the scale on which variances are searched."""
        return (float(self.projections.sum()) + self.rest) / self.size

    def maximise(self, noise_variance: float | None, square_scale: float | None) -> tuple[float, float]:
        """(noise_variance, square_scale) of the largest evidence, those given kept; 0 or inf at the boundary."""
        typical = float(self.values.mean()) if self.values.any() else 1.0
        if noise_variance is not None and square_scale is not None:
            return noise_variance, square_scale
        if square_scale is not None:
            found = _largest(
                lambda noise: self.log(noise, square_scale),
                lambda noise: self.noise_slope(noise, square_scale),
                self.power,
            )
            return found, square_scale
        if noise_variance is not None:
            found = _largest(
                lambda square: self.log(noise_variance, square),
                lambda square: self.scale_slope(noise_variance, square),
                noise_variance / typical,
            )
            return noise_variance, found
        ratio = _largest(
            lambda ratio: self.log(self.best_noise(ratio), ratio * self.best_noise(ratio)),
            lambda ratio: self.scale_slope(self.best_noise(ratio), ratio * self.best_noise(ratio)),
            1 / typical,
        )
        noise = self.best_noise(ratio) if np.isfinite(ratio) else self.rest / self.size
        return noise, ratio * noise if np.isfinite(ratio) else np.inf


def _largest(value: Callable[[float], float], slope: Callable[[float], float], typical: float) -> float:
    """The positive number of the largest value: on a grid, then where the slope (in its logarithm) is zero."""
    grid = typical * np.logspace(-np.log10(WIDEST), np.log10(WIDEST), GRID)
    heights = np.array([value(point) for point in grid])
    best = int(np.argmax(heights))
    rounding = FLAT * max(1.0, abs(heights[best]))  # towards a boundary the evidence is flat, and its maximum is noise
    if heights[best] <= heights[0] + rounding:
        return 0.0
    if heights[best] <= heights[-1] + rounding:
        return np.inf
    low, high = np.log(grid[best - 1]), np.log(grid[best + 1])
    if not slope(np.exp(low)) > 0 > slope(np.exp(high)):
        return float(grid[best])
    return float(np.exp(brentq(lambda point: slope(np.exp(point)), low, high, xtol=1e-15, rtol=1e-15)))
