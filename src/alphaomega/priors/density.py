"""Integrals of exp(-energy) and draws from it, for energies that state their terms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..penalties import Terms

Floats = NDArray[np.float64]


def _grouped(terms: Terms) -> bool:
    """Whether the density is a product over groups; refuses what mixes groups with other terms."""
    if terms.groups is None:
        return False
    if terms.l1.any() or terms.quadratic.any() or terms.bounded:
        raise TypeError(
            "a group prior times another one has no normalised density in closed form; use .penalty() for its mode"
        )
    return True


def log_mass(terms: Terms) -> float:
    """log of the integral of exp(-energy)."""
    if _grouped(terms):
        from scipy.special import gammaln

        assert terms.groups is not None and terms.group_weights is not None
        size = np.bincount(terms.groups).astype(float)
        sphere = (
            np.log(2) + size / 2 * np.log(np.pi) - gammaln(size / 2)
        )  # area of the unit sphere in `size` dimensions
        return float((sphere + gammaln(size) - size * np.log(terms.group_weights)).sum())
    return float(np.log(_half_mass(terms, -terms.lower) + _half_mass(terms, terms.upper)).sum())


def _half_mass(terms: Terms, end: Floats) -> Floats:
    """Integral from 0 to end of exp(-l1 w - quadratic w^2 / 2), per coordinate."""
    from scipy.special import erfcx

    rate, precision = terms.l1, terms.quadratic
    root = np.sqrt(np.where(precision > 0, precision, 1.0) / 2)
    start = rate / (2 * root)
    with np.errstate(over="ignore", invalid="ignore"):
        stop = start + end * root
        tail = np.where(np.isinf(stop), 0.0, np.exp(-(stop - start) * (stop + start)) * erfcx(stop))
        normal = np.sqrt(np.pi) / (2 * root) * (erfcx(start) - tail)
        exponential = -np.expm1(-rate * end) / np.where(rate > 0, rate, 1.0)
    return np.where(end == 0, 0.0, np.where(precision > 0, normal, exponential))


def draw(terms: Terms, rng: np.random.Generator) -> Floats:
    """One draw of exp(-energy): a sign, then the size within its half; or a direction and a norm per group."""
    size = len(terms.l1)
    if _grouped(terms):
        assert terms.groups is not None and terms.group_weights is not None
        direction = rng.standard_normal(size)
        norm = np.sqrt(np.bincount(terms.groups, direction**2))
        radius = rng.gamma(np.bincount(terms.groups)) / terms.group_weights
        return direction * (radius / norm)[terms.groups]
    from scipy.stats import truncnorm

    below, above = _half_mass(terms, -terms.lower), _half_mass(terms, terms.upper)
    sign = np.where(rng.uniform(size=size) * (below + above) < below, -1.0, 1.0)
    end = np.where(sign < 0, -terms.lower, terms.upper)
    uniform = rng.uniform(size=size)
    rate = np.where(terms.l1 > 0, terms.l1, 1.0)
    value = -np.log1p(uniform * np.expm1(-rate * end)) / rate
    curved = np.flatnonzero(terms.quadratic > 0)
    if curved.size:
        deviation = terms.quadratic[curved] ** -0.5
        center = -terms.l1[curved] * deviation
        limit = center * -1
        value[curved] = deviation * (truncnorm.ppf(uniform[curved], limit, limit + end[curved] / deviation) + center)
    return sign * value
