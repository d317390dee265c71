"""From a penalty to the prior that it is."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from ..penalties import L1, L2, Bounded, ElasticNet, GroupL1, Penalty, Scaled, Sum
from .base import Prior, Product, Truncated
from .named import Gaussian, GroupLaplace, Laplace


@singledispatch
def prior_of(penalty: Penalty, rate: float) -> Prior:
    """The prior exp(-rate * penalty(w)) / constant.

    Raises
    ------
    TypeError
        For a penalty that is not known here.
    ValueError
        If the density is flat or a point in some coordinate.
    """
    raise TypeError(
        f"{type(penalty).__name__} names no prior; give it a method prior(n, noise_variance, alpha) that returns a "
        "Prior whose energy() is n * alpha / noise_variance times the penalty"
    )


@prior_of.register
def _(penalty: L1, rate: float) -> Prior:
    return Laplace(_scale(penalty, rate * np.asarray(penalty.weights, dtype=float)))


@prior_of.register
def _(penalty: L2, rate: float) -> Prior:
    return Gaussian(_scale(penalty, np.sqrt(rate * np.asarray(penalty.weights, dtype=float))))


@prior_of.register
def _(penalty: GroupL1, rate: float) -> Prior:
    return GroupLaplace(penalty.groups, _scale(penalty, rate * penalty.group_weights))


@prior_of.register
def _(penalty: ElasticNet, rate: float) -> Prior:
    parts = [prior_of(part, rate) for part in penalty.parts]
    return parts[0] if len(parts) == 1 else Product.of(*parts)


@prior_of.register
def _(penalty: Scaled, rate: float) -> Prior:
    return prior_of(penalty.penalty, rate * penalty.factor)


@prior_of.register
def _(penalty: Sum, rate: float) -> Prior:
    return Product.of(*(prior_of(part, rate) for part in penalty.parts))


@prior_of.register
def _(penalty: Bounded, rate: float) -> Prior:
    return Truncated(prior_of(penalty.penalty, rate), *penalty.limits)


def _scale(penalty: Penalty, rate: Any) -> Any:
    """1 / rate, refused where it is no scale of a density."""
    rate = np.asarray(rate, dtype=float)
    for value, what, means in ((0.0, "has strength 0", "flat"), (np.inf, "excludes a feature", "a point at zero")):
        bad = np.flatnonzero(np.atleast_1d(rate) == value)
        if bad.size:
            where = "" if rate.ndim == 0 else f" (position {bad[0]})"
            mend = "raise its strength" if value == 0 else "drop that feature"
            raise ValueError(f"{penalty!r} {what}{where}, so its prior is {means} and has no density; {mend}")
    return float(1 / rate) if rate.ndim == 0 else 1 / rate
