"""The contract every penalty keeps, and the description that the exact solvers read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, Scalars, like, to_numpy

ROUNDING = 1e-12  # a bound rescaled to other units and back may be missed by a few last digits


class Penalty(ABC):
    """Omega(w), the parameter-norm penalty of J + alpha * Omega.

    A penalty is its mathematics and nothing else: it never sees X, y, a solver or the bias, and it does not know
    whether `w` is a NumPy array or a torch tensor. The first axis of `w` is the feature (coordinate) axis; further axes
    (classes, output units) belong to the same feature.

    A subclass needs `value` and `prox`; it then works with the proximal solver and on networks at once. A subclass that
    can also state its `terms` is solved by the exact engine, with a duality gap.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import alphaomega as ao
    >>> @dataclass(frozen=True)
    ... class Cubic(ao.Penalty):
    ...     def value(self, w):
    ...         return (abs(w) ** 3).sum() / 3
    ...     def prox(self, w, step):
    ...         return 2 * w / (1 + (1 + 4 * step * abs(w)) ** 0.5)
    >>> float((2 * Cubic()).value(np.array([3.0])))
    18.0
    """

    #: Where this prox stands in a sum: soft thresholds first, then shrinkage, then group norms, then bounds.
    stage: int = -1

    @abstractmethod
    def value(self, w: Array) -> Any:
        """Omega(w), a scalar of w's own kind."""

    @abstractmethod
    def prox(self, w: Array, step: Scalars) -> Array:
        """The minimiser over x of sum_j (x_j - w_j)^2 / (2 step_j) + Omega(x); `step` is a scalar or has w's shape."""

    def violation(self, gradient: Array, w: Array) -> Array:
        """Distance, per coordinate, by which (w, gradient of the data term) misses stationarity of J + Omega.

        This default is the fixed-point residual |w - prox(w - gradient, 1)|, zero exactly at a stationary point.
        Penalties with `terms` replace it by the distance from -gradient to the subdifferential.
        """
        return abs(w - self.prox(w - gradient, 1.0))

    def stepped(self, step: Scalars, w: Array) -> Scalars:
        """The step that penalties of a later stage see in a sum; only shrinkage changes it."""
        return step

    def terms(self, shape: tuple[int, ...]) -> Terms | None:
        """What the exact solvers need to know, for coefficients of `shape`; None if Omega has no such form."""
        return None

    def prior(self, n: float, noise_variance: float = 1.0, alpha: float = 1.0) -> Any:
        """The prior, exp(-(n alpha / noise_variance) Omega(w)), whose posterior has its mode at the fit with alpha.

        Parameters
        ----------
        n : float
            Rows, or their total weight: what J is the mean over.
        noise_variance : float, default 1.0
            Variance of y around its mean for the squared loss; 1 for losses that are a negative log likelihood.
        alpha : float, default 1.0
            The strength of the penalty.

        Returns
        -------
        Prior
            See `alphaomega.priors`; its `penalty(n, noise_variance)` is alpha * Omega again.

        Raises
        ------
        ValueError
            If a number is not positive and finite, or the density would be flat or a point in some coordinate.
        TypeError
            If Omega names no prior.

        Examples
        --------
        >>> import alphaomega as ao
        >>> ao.L2().prior(n=100, noise_variance=4.0, alpha=0.01)
        Gaussian(scale=2.0)
        """
        from ..priors import prior_of

        for name, value in (("n", n), ("noise_variance", noise_variance), ("alpha", alpha)):
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a finite number > 0, got {value!r}")
        return prior_of(self, n * alpha / noise_variance)

    def __add__(self, other: object) -> Penalty:
        from .algebra import Sum

        return Sum.of(self, other) if isinstance(other, Penalty) else NotImplemented

    def __radd__(self, other: object) -> Penalty:
        return self if isinstance(other, (int, float)) and other == 0 else NotImplemented

    def __mul__(self, factor: object) -> Penalty:
        from .algebra import Scaled

        return Scaled.of(self, float(factor)) if isinstance(factor, (int, float, np.number)) else NotImplemented

    __rmul__ = __mul__


@dataclass(frozen=True)
class Terms:
    """Omega as sums of simple terms over the d coordinates of a raveled w, all arrays of length d unless said.

    Omega(w) = sum_j l1_j |w_j| + 1/2 sum_j quadratic_j w_j^2 + sum_g group_weights_g ||w_g||_2,  lower <= w <= upper

    `groups` labels each coordinate 0..G-1 (None: no groups); `group_weights` has length G. l1_j = inf excludes a
    coordinate: it stays zero.
    """

    l1: NDArray[np.float64]
    quadratic: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    groups: NDArray[np.int64] | None = None
    group_weights: NDArray[np.float64] | None = None

    @classmethod
    def zero(cls, size: int) -> Terms:
        """No penalty at all on `size` coordinates."""
        return cls(np.zeros(size), np.zeros(size), np.full(size, -np.inf), np.full(size, np.inf))

    def __add__(self, other: Terms) -> Terms | None:  # type: ignore[override]
        """The terms of the sum of two penalties; None when two different groupings overlap."""
        groups, weights = self.groups, self.group_weights
        if groups is None:
            groups, weights = other.groups, other.group_weights
        elif other.groups is not None:
            if not np.array_equal(groups, other.groups):
                return None
            assert weights is not None and other.group_weights is not None
            weights = weights + other.group_weights
        lower, upper = np.maximum(self.lower, other.lower), np.minimum(self.upper, other.upper)
        return Terms(self.l1 + other.l1, self.quadratic + other.quadratic, lower, upper, groups, weights)

    def __mul__(self, factor: float) -> Terms:
        """factor * Omega; bounds are indicator functions and do not scale."""
        group_weights = None if self.group_weights is None else _times(factor, self.group_weights)
        return replace(
            self, l1=_times(factor, self.l1), quadratic=_times(factor, self.quadratic), group_weights=group_weights
        )

    def rescaled(self, scale: NDArray[np.float64]) -> Terms:
        """The same penalty in the coordinates v = scale * w. Within a group, `scale` must be constant."""
        group_weights = self.group_weights
        if self.groups is not None and group_weights is not None:
            group_scale = np.ones(len(group_weights))
            group_scale[self.groups] = scale
            group_weights = group_weights / group_scale
        return replace(
            self,
            l1=self.l1 / scale,
            quadratic=self.quadratic / scale**2,
            lower=self.lower * scale,
            upper=self.upper * scale,
            group_weights=group_weights,
        )

    def subset(self, index: NDArray[np.intp]) -> Terms:
        """The terms of the coordinates `index`; groups are relabelled, and must be wholly in or out."""
        groups, weights = self.groups, self.group_weights
        if groups is not None and weights is not None:
            labels, groups = np.unique(groups[index], return_inverse=True)
            groups, weights = groups.astype(np.int64), weights[labels]
        return Terms(self.l1[index], self.quadratic[index], self.lower[index], self.upper[index], groups, weights)

    @property
    def bounded(self) -> bool:
        """Whether any coordinate has a finite bound."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())

    @property
    def excluded(self) -> NDArray[np.bool_]:
        """Coordinates that can only be zero."""
        excluded = np.isinf(self.l1) | np.isinf(self.quadratic) | ((self.lower == 0) & (self.upper == 0))
        if self.groups is not None and self.group_weights is not None:
            excluded |= np.isinf(self.group_weights)[self.groups]
        return excluded

    @property
    def free(self) -> NDArray[np.bool_]:
        """Coordinates that nothing penalises (bounds apart)."""
        free = (self.l1 == 0) & (self.quadratic == 0)
        if self.groups is not None and self.group_weights is not None:
            free &= self.group_weights[self.groups] == 0
        return free & ~self.excluded


def _times(factor: float, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """factor * weights; what is excluded (inf) stays excluded at factor 0."""
    infinite = np.isinf(weights)
    return np.where(infinite, np.inf, factor * np.where(infinite, 0.0, weights))


class TermsPenalty(Penalty):
    """A penalty with `terms`: its violation is the exact distance to the subdifferential."""

    @abstractmethod
    def terms(self, shape: tuple[int, ...]) -> Terms | None:
        """See `Penalty.terms`."""

    def violation(self, gradient: Array, w: Array) -> Array:
        """dist(-gradient_j, dOmega_j(w)); for a group, the block's distance, repeated on its coordinates."""
        terms = self.terms(tuple(w.shape))
        if terms is None:
            return super().violation(gradient, w)
        distance = subdifferential_distance(terms, to_numpy(gradient).ravel(), to_numpy(w).ravel())
        return like(distance.reshape(tuple(w.shape)), w)


def subdifferential_distance(
    terms: Terms, gradient: NDArray[np.float64], w: NDArray[np.float64]
) -> NDArray[np.float64]:
    """dist(-gradient, d(Omega)(w)) per coordinate; per group (repeated on its members) where there are groups.

    Infinite where w lies outside the bounds, or an excluded coordinate is not zero.
    """
    ridge = np.where(np.isinf(terms.quadratic), 0.0, terms.quadratic)
    smooth = -gradient - ridge * w  # must lie in l1 * d|w| + d||w_g||
    nonzero = w != 0
    l1 = np.where(np.isinf(terms.l1), 0.0, terms.l1)
    if terms.groups is not None and terms.group_weights is not None:
        count = len(terms.group_weights)
        norm = np.sqrt(np.bincount(terms.groups, w**2, count))[terms.groups]
        group_weight = np.where(np.isinf(terms.group_weights), 0.0, terms.group_weights)[terms.groups]
        active = norm > 0
        smooth = smooth - np.where(active, group_weight * w / np.where(active, norm, 1.0), 0.0)
    residual = np.where(nonzero, smooth - l1 * np.sign(w), np.sign(smooth) * np.maximum(abs(smooth) - l1, 0.0))
    at_lower, at_upper = w <= terms.lower, w >= terms.upper
    residual = np.where(at_lower & (residual < 0), 0.0, residual)
    residual = np.where(at_upper & (residual > 0), 0.0, residual)
    distance = np.where(terms.excluded, 0.0, abs(residual))
    if terms.groups is not None and terms.group_weights is not None:
        squares = np.bincount(terms.groups, distance**2, count)
        group_distance = np.sqrt(squares)[terms.groups]
        distance = np.where(active, group_distance, np.maximum(group_distance - group_weight, 0.0))
        distance = np.where(terms.excluded, 0.0, distance)
    outside = (w < terms.lower - ROUNDING * abs(w)) | (w > terms.upper + ROUNDING * abs(w)) | (terms.excluded & nonzero)
    return np.where(outside, np.inf, distance)
