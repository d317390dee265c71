"""Random draws of the Polya-Gamma distribution PG(1, z), which makes the logistic likelihood normal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr

Floats = NDArray[np.float64]
SPLIT = 0.64  # below it the density is proposed from an inverse Gaussian, above it from an exponential


def polya_gamma(tilt: Floats, rng: np.random.Generator) -> Floats:
    """One exact draw of PG(1, z) for each tilt z, (n,).

    PG(1, z) has the mean tanh(z / 2) / (2 z) and the density cosh(z / 2) exp(-z^2 x / 2) f(x), f that of PG(1, 0).

    References
    ----------
    N. Polson, J. Scott, J. Windle (2013), Bayesian inference for logistic models using Polya-Gamma latent variables,
    JASA 108; the rejection by an alternating series is Devroye's (2009).

    Examples
    --------
    >>> draws = polya_gamma(np.zeros(20000), np.random.default_rng(0))
    >>> bool(abs(draws.mean() - 0.25) < 0.005)
    True
    """
    half = abs(tilt) / 2
    result = np.zeros(len(half))
    waiting = np.arange(len(half))
    while waiting.size:
        proposal = _propose(half[waiting], rng)
        taken = _accept(proposal, rng)
        result[waiting[taken]] = proposal[taken] / 4
        waiting = waiting[~taken]
    return result


def _propose(half: Floats, rng: np.random.Generator) -> Floats:
    """A draw of the first term of the series: an exponential beyond the split, an inverse Gaussian before it."""
    rate = np.pi**2 / 8 + half**2 / 2
    # log of the mass beyond, and of that before: 2 exp(-z) P(inverse Gaussian(1 / z, 1) < split)
    beyond = np.log(np.pi / 2) - np.log(rate) - rate * SPLIT
    root = np.sqrt(1 / SPLIT)
    below = np.log(2) + np.logaddexp(
        log_ndtr(root * (SPLIT * half - 1)) - half, log_ndtr(-root * (SPLIT * half + 1)) + half
    )
    far = rng.uniform(size=len(half)) < expit(beyond - below)
    result = SPLIT + rng.exponential(size=len(half)) / rate
    result[~far] = _short(half[~far], rng)
    return result


def _short(half: Floats, rng: np.random.Generator) -> Floats:
    """Draws of the inverse Gaussian of mean 1 / half and shape 1, given that they lie below the split."""
    result = np.zeros(len(half))
    waiting = np.arange(len(half))
    while waiting.size:
        z = half[waiting]
        value = np.zeros(len(z))
        wide = z * SPLIT < 1  # the mean lies beyond the split
        value[wide], taken = _reciprocal_tail(z[wide], rng), np.ones(len(z), dtype=bool)
        taken[wide] = rng.uniform(size=int(wide.sum())) < np.exp(-(z[wide] ** 2) * value[wide] / 2)
        value[~wide] = rng.wald(1 / z[~wide], 1.0)
        taken[~wide] = value[~wide] < SPLIT
        result[waiting[taken]] = value[taken]
        waiting = waiting[~taken]
    return result


def _reciprocal_tail(half: Floats, rng: np.random.Generator) -> Floats:
    """1 / (a squared standard normal beyond 1 / split), by Marsaglia's exponential envelope."""
    result = np.zeros(len(half))
    waiting = np.arange(len(half))
    while waiting.size:
        first, second = rng.exponential(size=(2, waiting.size))
        taken = first**2 <= 2 * second / SPLIT
        result[waiting[taken]] = SPLIT / (1 + SPLIT * first[taken]) ** 2
        waiting = waiting[~taken]
    return result


def _accept(proposal: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Squeeze a uniform share of the first term between the partial sums of the alternating series."""
    total = _term(proposal, 0)
    level = rng.uniform(size=len(proposal)) * total
    accepted = np.zeros(len(proposal), dtype=bool)
    open_ = np.arange(len(proposal))
    number = 0
    while open_.size:
        number += 1
        term = _term(proposal[open_], number)
        total[open_] += -term if number % 2 else term
        decided = level[open_] <= total[open_] if number % 2 else level[open_] > total[open_]
        if number % 2:
            accepted[open_[decided]] = True
        open_ = open_[~decided]
    return accepted


def _term(x: Floats, number: int) -> Floats:
    """The coefficient a_number(x) of the series, the faster of its two forms on each side of the split."""
    step = number + 0.5
    with np.errstate(divide="ignore", over="ignore"):
        small = (2 / (np.pi * x)) ** 1.5 * np.exp(-2 * step**2 / x)
    return np.pi * step * np.where(x > SPLIT, np.exp(-(step**2) * np.pi**2 * x / 2), small)
