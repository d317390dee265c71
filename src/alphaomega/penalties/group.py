"""The group lasso: whole groups of coordinates are zero together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Array, Scalars, array_namespace, check_weights, group_sum, match, spread, strength, weigh
from .base import Terms, TermsPenalty

NEWTON_STEPS = 12  # a fixed count needs no host synchronisation on a GPU; 6 sufficed over ten decades of metrics
LARGEST_RATIO = 1e15  # of |u| to its threshold: its square still fits float32


@dataclass(frozen=True, eq=False)
class GroupL1(TermsPenalty):
    """The group lasso: Omega(w) = sum_g weights_g ||w_g||_2, with weights_g = sqrt(features in g) by default.

    When `w` has further axes (classes, units), a group holds all entries of its features, and the default weight still
    counts features only, so that a group of one feature weighs 1.

    Parameters
    ----------
    groups : array of shape (n_features,), or a list of lists of feature positions
        A label per feature (any values), or the positions in each group; lists must cover every feature exactly once.
    weights : number or array of shape (n_groups,), optional
        Factor of each group, in the order of the sorted labels (or of the list). Default sqrt(features in the group);
        a number c means c for every group. 0 leaves a group unpenalised, inf excludes it.

    Raises
    ------
    ValueError
        If lists miss or repeat a feature, or the weights are negative, NaN or of the wrong length.

    References
    ----------
    M. Yuan and Y. Lin (2006), Model selection and estimation in regression with grouped variables, JRSS B 68.

    Examples
    --------
    >>> import alphaomega as ao
    >>> ao.GroupL1([0, 0, 1], weights=1.0).prox(np.array([3.0, 4.0, 0.5]), 1.0)
    array([2.4, 3.2, 0. ])
    """

    groups: ArrayLike | Sequence[Sequence[int]]
    weights: ArrayLike | None = None
    stage = 2

    def __post_init__(self) -> None:
        sizes = self.sizes
        if self.weights is not None:
            weights = check_weights(self.weights)
            if weights.ndim and weights.shape != sizes.shape:
                raise ValueError(
                    f"weights has shape {weights.shape} but there are {len(sizes)} groups; give one per group"
                )

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The group of each feature, 0..n_groups-1."""
        if not isinstance(self.groups, np.ndarray) and len(self.groups) and np.ndim(self.groups[0]) == 1:  # type: ignore[index,arg-type]
            return _labels_from_lists(self.groups)  # type: ignore[arg-type]
        values = np.asarray(self.groups)
        if values.ndim != 1 or not len(values):
            raise ValueError("groups must be one label per feature, or a list of lists of feature positions")
        return np.unique(values, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def sizes(self) -> NDArray[np.float64]:
        """Features in each group."""
        return np.bincount(self.labels).astype(float)

    @property
    def group_weights(self) -> NDArray[np.float64]:
        """The weight of each group."""
        if self.weights is None:
            return np.sqrt(self.sizes)
        return np.broadcast_to(np.asarray(self.weights, dtype=float), self.sizes.shape).copy()

    def _norms(self, w: Array) -> Array:
        squares = group_sum(w * w, self._checked(w), len(self.sizes))
        positive = squares > 0  # the root's slope at 0 is infinite: automatic differentiation must not meet it
        return array_namespace(w).where(positive, squares, 1 + 0 * squares) ** 0.5 * positive

    def _checked(self, w: Array) -> NDArray[np.int64]:
        if len(self.labels) != w.shape[0]:
            raise ValueError(
                f"groups has {len(self.labels)} labels for {w.shape[0]} features; give one label per feature"
            )
        return self.labels

    def value(self, w: Array) -> Array:
        norms = self._norms(w)
        return weigh(match(self.group_weights, norms), norms).sum()

    def prox(self, w: Array, step: Scalars) -> Array:
        labels = self._checked(w)
        if np.ndim(step) > 0:
            return self._prox_metric(w, step)
        norms = self._norms(w)
        threshold = strength(step, match(self.group_weights, norms), norms)
        positive = norms > 0
        shrink = 1 - threshold / array_namespace(w).where(positive, norms, 1 + 0 * norms)
        factor = array_namespace(w).where(positive & (shrink > 0), shrink, 0 * norms)
        return w * spread(factor, labels, w)

    def _prox_metric(self, u: Array, step: Array) -> Array:
        """The prox in the metric diag(1/step): x_j = u_j r / (r + t_j), t = step * weight, r = ||x_g|| a root.

        phi(r) = sum_j (u_j / (r + t_j))^2 = 1 is solved by Newton on phi^(-1/2) - 1, concave in r, from below: from
        the larger of max_j(|u_j| - t_j) and min_j(t_j) (phi(0)^(1/2) - 1), both at most the root. No root: all zero.
        """
        xp, labels, count = array_namespace(u), self._checked(u), len(self.sizes)
        threshold = strength(step, spread(match(self.group_weights, self._norms(u)), labels, u), u) + 0 * u
        safe = xp.where(threshold > abs(u) / LARGEST_RATIO, threshold, 1 + abs(u))
        reach = group_sum((u / safe) ** 2, labels, count) ** 0.5
        far = _group_max(abs(u) - threshold, labels, count)
        near = -_group_max(xp.where(u == 0, -math.inf + 0 * u, -threshold), labels, count)
        radius = xp.where(reach > 1, xp.where(near < math.inf, near, 0 * reach) * (reach - 1), 0 * reach)
        radius = xp.where(far > radius, far, radius)
        alive = radius > 0
        radius = xp.where(alive, radius, 1 + 0 * radius)
        for _ in range(NEWTON_STEPS):
            denominator = spread(radius, labels, u) + threshold
            ratio = (u / denominator) ** 2
            phi = group_sum(ratio, labels, count)
            slope = group_sum(ratio / denominator, labels, count)
            update = (phi**0.5 - 1) * phi / xp.where(slope > 0, slope, 1 + 0 * slope)
            radius = xp.where(alive, radius + update, radius)
        r = spread(radius, labels, u)
        return xp.where(spread(alive, labels, u), u / (1 + threshold / r), 0 * u)

    def terms(self, shape: tuple[int, ...]) -> Terms:
        if len(self.labels) != shape[0]:
            raise ValueError(
                f"groups has {len(self.labels)} labels for {shape[0]} features; give one label per feature"
            )
        size = int(np.prod(shape))
        labels = np.repeat(self.labels, size // shape[0])
        return replace(Terms.zero(size), groups=labels, group_weights=self.group_weights)


def _group_max(values: Array, labels: NDArray[np.int64], count: int) -> Array:
    rows = values.reshape(values.shape[0], -1)
    xp = array_namespace(values)
    if xp is np:
        result = np.full(count, -np.inf, dtype=values.dtype)
        np.maximum.at(result, labels, rows.max(1))
        return result
    index = xp.as_tensor(labels, device=values.device)
    return xp.full((count,), -math.inf, dtype=values.dtype, device=values.device).scatter_reduce(
        0, index, rows.amax(1), "amax"
    )


def _labels_from_lists(groups: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    empty = [position for position, group in enumerate(groups) if not len(group)]
    if empty:
        raise ValueError(f"groups must each hold a feature; group {empty[0]} is empty, leave it out")
    members = np.concatenate([np.asarray(group, dtype=np.int64) for group in groups])
    labels = np.full(len(members), -1, dtype=np.int64)
    if members.min() < 0 or members.max() >= len(members) or len(np.unique(members)) != len(members):
        counts = np.bincount(members[members >= 0], minlength=len(members))
        wrong = int(np.flatnonzero(counts != 1)[0])
        state = "in no group" if counts[wrong] == 0 else "in more than one group"
        raise ValueError(f"groups must cover every feature exactly once; feature {wrong} is {state}")
    for label, group in enumerate(groups):
        labels[np.asarray(group, dtype=np.int64)] = label
    return labels
