"""How many false selections stability selection makes, at most, on average."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

Floats = NDArray[np.float64]
SMALLEST, LARGEST = 1e-9, 1e7  # shifts between which every power law that matters lies


def meinshausen_buhlmann(q: float, threshold: float, p: int) -> float:
    """q^2 / ((2 threshold - 1) p): for exchangeable noise variables, and a base selection better than guessing.

    References
    ----------
    N. Meinshausen, P. Bühlmann (2010), Stability selection, JRSS B 72, theorem 1.

    Examples
    --------
    >>> meinshausen_buhlmann(10, 0.75, 200)
    1.0
    """
    return q**2 / ((2 * threshold - 1) * p)


def shah_samworth(q: float, threshold: float, p: int, n_pairs: int) -> float:
    """p min(D(theta^2, 2 threshold - 1, B, -1/2), D(theta, threshold, 2B, -1/4)), theta = q / p.

    It bounds the number of selected variables among those that a half-sample selects with probability at most q / p,
    if the selection proportions have r-concave distributions; no exchangeability is assumed.

    References
    ----------
    R. Shah, R. Samworth (2013), Variable selection with error control: another look at stability selection, JRSS B 75,
    equation (8).

    Examples
    --------
    >>> shah_samworth(10, 0.75, 200, 50) < meinshausen_buhlmann(10, 0.75, 200)
    True
    """
    theta = q / p
    both = r_concave_tail(theta**2, 2 * threshold - 1, n_pairs, -0.5)
    either = r_concave_tail(theta, threshold, 2 * n_pairs, -0.25)
    return p * min(both, either)


def r_concave_tail(mean: float, tail: float, steps: int, r: float) -> float:
    """D(mean, tail, steps, r): the largest P(X >= tail) of an r-concave X on {0, 1/steps, ..., 1} with E X <= mean.

    r < 0; the extremes are power laws (a + i)^(1/r) on {0, ..., k}, with some more mass than that at their end.

    Examples
    --------
    >>> r_concave_tail(0.1, 0.5, 50, -0.5) < 0.1 / 0.5  # Markov's inequality
    True
    """
    power, target = -1 / r, mean * steps
    least = int(np.ceil(tail * steps - 1e-9))
    if tail <= 2 * mean or least < 1:
        return 1.0
    best = 0.0
    for end in range(least, steps + 1):  # the support is {0, ..., end}
        low, high = _shift(end, target, power), _shift(end - 1, target, power)
        if low is None or high is None or not low < high:
            continue

        def missing(log_shift: float, end: int = end) -> float:
            return -_tail_probability(np.exp(log_shift), end, least, (target, power))

        found = minimize_scalar(missing, bounds=(np.log(low), np.log(high)), method="bounded", options={"xatol": 1e-6})
        ends = (missing(np.log(low)), missing(np.log(high)))
        best = max(best, -float(found.fun), -ends[0], -ends[1])
    return min(best, 1.0)


def _law(shift: float, end: int, power: float) -> Floats:
    """(shift + i)^-power on {0, ..., end}, the largest 1."""
    return np.asarray(((shift + np.arange(end + 1)) / shift) ** -power, dtype=np.float64)


def _shift(end: int, target: float, power: float) -> float | None:
    """The shift at which the power law on {0, ..., end} has the mean; None where none has."""

    def excess(log_shift: float) -> float:
        law = _law(np.exp(log_shift), end, power)
        return float(law @ np.arange(end + 1) / law.sum()) - target

    low, high = np.log(SMALLEST), np.log(LARGEST)
    if excess(low) > 0:
        return SMALLEST
    if excess(high) < 0:
        return LARGEST
    return float(np.exp(brentq(excess, low, high, xtol=1e-12)))


def _tail_probability(shift: float, end: int, least: int, law_of: tuple[float, float]) -> float:
    """P(X >= least) where X follows the power law on {0, ..., end - 1}, and its mass at `end` gives it the mean."""
    target, power = law_of
    law = _law(shift, end - 1, power)
    places = np.arange(end)
    # (law @ places + mass * end) / (law.sum() + mass) = target
    mass = (target * law.sum() - law @ places) / (end - target)
    if mass < 0:
        return 0.0
    total = law.sum() + mass
    return float((law[least:].sum() + mass) / total)
