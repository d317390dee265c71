"""The truncated normal distribution: its tails, and confidence limits for its mean, exact far from the mean too."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx, expit

ROOT_HALF = math.sqrt(0.5)
SHORT = 1e-12
NARROW = 1e-5  # in standard deviations: a shorter interval sees an exponential, not a bell
FURTHEST = 1e9  # in standard deviations: a limit beyond is reported as infinite


@dataclass(frozen=True)
class TruncatedNormal:
    """N(mean, deviation^2) given that it lies in [lower, upper], observed at `value`; only the mean is unknown.

    The chance of a value as large grows with the mean, so that p-values and confidence limits come from inverting it.

    Attributes
    ----------
    value, deviation, lower, upper : in one unit; lower <= value <= upper, deviation > 0.

    References
    ----------
    J. Lee, D. Sun, Y. Sun, J. Taylor (2016), Exact post-selection inference, with application to the lasso, Annals of
    Statistics 44, section 5.

    Examples
    --------
    >>> free = TruncatedNormal(value=2.0, deviation=1.0, lower=-math.inf, upper=math.inf)
    >>> [round(limit, 4) for limit in free.interval(0.95)], round(free.above(0.0), 4)
    ([0.04, 3.96], 0.0228)
    """

    value: float
    deviation: float
    lower: float
    upper: float

    def above(self, mean: float) -> float:
        """P(a draw > value) if the mean is `mean`."""
        return float(expit(-self._log_odds(mean)))

    def below(self, mean: float) -> float:
        """P(a draw < value) if the mean is `mean`."""
        return float(expit(self._log_odds(mean)))

    def _log_odds(self, mean: float) -> float:
        """log of P(a draw < value) / P(a draw > value); both in units of the density at the value."""
        at = (self.value - mean) / self.deviation
        down = _log_mass(-at, (self.value - self.lower) / self.deviation)
        return down - _log_mass(at, (self.upper - self.value) / self.deviation)

    def interval(self, level: float) -> tuple[float, float]:
        """Limits of the mean, each missed with probability (1 - level) / 2 exactly; infinite beyond 1e9 deviations."""
        tail = (1 - level) / 2
        return self._solve(lambda mean: self.above(mean) - tail), self._solve(lambda mean: tail - self.below(mean))

    def _solve(self, rising: Callable[[float], float]) -> float:
        """The root of a rising function of the mean, searched outwards from the value."""
        near, step = self.value, self.deviation
        side = 1 if rising(near) < 0 else -1
        far = near + side * step
        while (rising(far) < 0) == (side > 0):
            if step > FURTHEST * self.deviation:
                return side * math.inf
            near, step = far, 2 * step
            far = near + side * step
        return float(brentq(rising, min(near, far), max(near, far), xtol=1e-12 * self.deviation, rtol=1e-14))


def _log_mass(slope: float, width: float) -> float:
    """log of the integral from 0 to width of exp(-slope t - t^2 / 2), relative digits kept for every slope."""
    if width <= 0:
        return -math.inf
    if slope < 0 and slope + width <= 0:  # it grows all along: begin at its other end
        return -width * (slope + width / 2) + _log_mass(-(slope + width), width)
    if slope * width < SHORT and width < SHORT:
        return math.log(width)
    if slope >= 0:
        return math.log(_falling(slope, width))
    tail = math.log(_falling(0.0, slope + width)) if width < math.inf else math.log(math.pi / 2) / 2
    return slope**2 / 2 + float(np.logaddexp(math.log(_falling(0.0, -slope)), tail))


def _falling(slope: float, width: float) -> float:
    """The integral for slope >= 0: an exponential where it is narrow, else from the scaled tail of the normal."""
    if width < NARROW:
        return -math.expm1(-slope * width) / slope if slope * width > SHORT else width
    fall = math.exp(-width * (slope + width / 2)) if width < math.inf else 0.0
    far = fall * erfcx((slope + width) * ROOT_HALF) if fall > 0 else 0.0
    return math.sqrt(math.pi / 2) * (erfcx(slope * ROOT_HALF) - far)
