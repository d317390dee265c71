"""Penalties add, scale and take bounds: algebra instead of families of classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, Scalars, full, match
from .base import ROUNDING, Penalty, Terms, TermsPenalty
from .form import QuadraticForm
from .l2 import L2


@dataclass(frozen=True, eq=False)
class Scaled(TermsPenalty):
    """factor * Omega; written `0.5 * ao.L2()`."""

    factor: float
    penalty: Penalty

    def __post_init__(self) -> None:
        if not (math.isfinite(self.factor) and self.factor >= 0):
            raise ValueError(f"a penalty can only be scaled by a finite number >= 0, got {self.factor!r}")

    @classmethod
    def of(cls, penalty: Penalty, factor: float) -> Penalty:
        """factor * penalty, with factors collected."""
        if isinstance(penalty, Scaled):
            return cls(factor * penalty.factor, penalty.penalty)
        return cls(factor, penalty)

    @property
    def stage(self) -> int:  # type: ignore[override]
        return self.penalty.stage

    def value(self, w: Array) -> Array:
        value = self.penalty.value(w)
        return value if self.factor == 0 and value == math.inf else self.factor * value  # bounds do not scale

    def prox(self, w: Array, step: Scalars) -> Array:
        return self.penalty.prox(w, step * self.factor if self.factor else 0.0)

    def stepped(self, step: Scalars, w: Array) -> Scalars:
        if self.factor == 0:
            return step
        return self.penalty.stepped(step * self.factor, w) / self.factor

    def terms(self, shape: tuple[int, ...]) -> Terms | None:
        terms = self.penalty.terms(shape)
        return None if terms is None else terms * self.factor

    def __repr__(self) -> str:
        return f"{self.factor:g} * {self.penalty!r}"


@dataclass(frozen=True, eq=False)
class Sum(TermsPenalty):
    """Omega_1 + Omega_2 + ...; written with `+`.

    The prox of a sum is the composition of its parts' proxes: soft threshold, shrinkage, group norm, bounds. It is
    exact for every sum that is accepted (Yu 2013, On decomposing the proximal map, NIPS 26); others raise a TypeError.
    """

    parts: tuple[Penalty, ...]

    @classmethod
    def of(cls, *penalties: Penalty) -> Sum:
        """The sum of the penalties, nested sums flattened."""
        parts: list[Penalty] = []
        for penalty in penalties:
            parts.extend(penalty.parts if isinstance(penalty, Sum) else [penalty])
        return cls(tuple(parts))

    @property
    def stage(self) -> int:  # type: ignore[override]
        return max(part.stage for part in self.parts)

    def _ordered(self) -> list[Penalty]:
        unordered = [part for part in self.parts if part.stage < 0]
        late = [part for part in self.parts if part.stage >= 2]
        if unordered or (len(late) > 1 and any(map(has_group_norm, late))):
            culprit = unordered[0] if unordered else late[1]
            raise TypeError(
                f"the prox of this sum has no closed form because of {culprit!r}; "
                "write the sum as one Penalty subclass with its own prox"
            )
        return sorted(self.parts, key=lambda part: part.stage)

    def value(self, w: Array) -> Array:
        return sum(part.value(w) for part in self.parts)

    def prox(self, w: Array, step: Scalars) -> Array:
        for part in self._ordered():
            w, step = part.prox(w, step), part.stepped(step, w)
        return w

    def stepped(self, step: Scalars, w: Array) -> Scalars:
        for part in self._ordered():
            step = part.stepped(step, w)
        return step

    def terms(self, shape: tuple[int, ...]) -> Terms | None:
        total: Terms | None = Terms.zero(int(np.prod(shape)))
        for part in self.parts:
            terms = part.terms(shape)
            if total is None or terms is None:
                return None
            total = total + terms
        return total

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))


def has_group_norm(penalty: Penalty) -> bool:
    """Whether coordinates are tied together by a norm somewhere inside."""
    if isinstance(penalty, Sum):
        return any(map(has_group_norm, penalty.parts))
    if isinstance(penalty, (Scaled, Bounded)):
        return has_group_norm(penalty.penalty)
    return penalty.stage == 2


def split_form(penalty: Penalty) -> tuple[list[tuple[float, QuadraticForm]], Penalty | None]:
    """The quadratic forms in a penalty with their factors, and the rest of it; None where nothing is left."""
    if isinstance(penalty, QuadraticForm):
        return [(1.0, penalty)], None
    if isinstance(penalty, Scaled):
        forms, rest = split_form(penalty.penalty)
        scaled = [(penalty.factor * factor, form) for factor, form in forms]
        return scaled, None if rest is None else Scaled.of(rest, penalty.factor)
    if isinstance(penalty, Bounded):
        forms, rest = split_form(penalty.penalty)
        inside = Scaled(0.0, L2()) if rest is None else rest
        return forms, replace(penalty, penalty=inside)
    if isinstance(penalty, Sum):
        parts = [split_form(part) for part in penalty.parts]
        rests = [rest for _, rest in parts if rest is not None]
        forms = [pair for own, _ in parts for pair in own]
        return forms, Sum.of(*rests) if len(rests) > 1 else (rests[0] if rests else None)
    return [], penalty


@dataclass(frozen=True, eq=False)
class Bounded(TermsPenalty):
    """Omega(w) with lower_j <= w_j <= upper_j; outside, the value is infinite.

    Parameters
    ----------
    penalty : Penalty
        The penalty inside the bounds.
    lower, upper : number or array of shape (n_features,)
        Bounds in the units of the coefficients; lower <= 0 <= upper, so that zero stays allowed.
    signs : array of -1, 0, +1, optional
        The wished sign of each coefficient (0: free); tightens `lower` and `upper`.

    Raises
    ------
    ValueError
        If zero lies outside the bounds of a coordinate.
    TypeError
        On `prox`, if the penalty has a group norm and the bounds are not plain sign constraints (no closed form).

    References
    ----------
    L. Condat et al. (2023), Proximal splitting algorithms, SIAM Review 65, section 2 (separable functions and boxes).

    Examples
    --------
    >>> import alphaomega as ao
    >>> ao.Bounded(ao.L1(), lower=0).prox(np.array([2.0, -2.0]), 0.5)
    array([1.5, 0. ])
    """

    penalty: Penalty
    lower: ArrayLike = -math.inf
    upper: ArrayLike = math.inf
    signs: ArrayLike | None = None

    def __post_init__(self) -> None:
        lower, upper = self.limits
        if np.isnan(lower).any() or np.isnan(upper).any():
            raise ValueError("bounds must not be NaN; use -inf or inf for no bound")
        if (lower > 0).any() or (upper < 0).any():
            position = int(np.flatnonzero(np.atleast_1d((lower > 0) | (upper < 0)))[0])
            raise ValueError(
                f"bounds must satisfy lower <= 0 <= upper; coordinate {position} does not: zero must stay allowed"
            )

    @property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """(lower, upper) with `signs` worked in."""
        lower, upper = np.asarray(self.lower, dtype=float), np.asarray(self.upper, dtype=float)
        if self.signs is not None:
            signs = np.asarray(self.signs, dtype=float)
            lower = np.where(signs > 0, np.maximum(lower, 0.0), lower)
            upper = np.where(signs < 0, np.minimum(upper, 0.0), upper)
        return lower, upper

    @property
    def stage(self) -> int:  # type: ignore[override]
        return 3 if self.penalty.stage >= 0 else -1

    def _is_cone(self) -> bool:
        lower, upper = self.limits
        return bool(np.isin(lower, (0.0, -math.inf)).all() and np.isin(upper, (0.0, math.inf)).all())

    def value(self, w: Array) -> Array:
        lower, upper = (match(limit, w) for limit in self.limits)
        slack = ROUNDING * abs(w)
        outside = (w < lower - slack) | (w > upper + slack)
        return self.penalty.value(w) + (math.inf if bool(outside.any()) else 0.0)

    def prox(self, w: Array, step: Scalars) -> Array:
        lower, upper = (match(limit, w) for limit in self.limits)
        if split_form(self.penalty)[0]:
            raise TypeError(
                "the prox of a quadratic form inside bounds has no closed form; ao.path fits it all the same, for a "
                "prox write one Penalty subclass"
            )
        if not has_group_norm(self.penalty):
            return self.penalty.prox(w, step).clip(lower, upper)
        if self.penalty.stage > 2:
            raise TypeError(
                "a group norm inside bounds inside bounds has no closed-form prox; write all bounds in one Bounded"
            )
        if not self._is_cone():
            raise TypeError(
                "a group norm inside finite bounds has no closed-form prox; use sign constraints (0 or inf) instead"
            )
        return self.penalty.prox(w.clip(lower, upper), step)

    def terms(self, shape: tuple[int, ...]) -> Terms | None:
        inner = self.penalty.terms(shape)
        if inner is None or (inner.groups is not None and not self._is_cone()):
            return None
        lower, upper = (full(limit, shape) for limit in self.limits)
        return inner + replace(Terms.zero(len(lower)), lower=lower, upper=upper)
