"""Penalties by unit of a layer: groups and balls of inputs, neurons, channels or heads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..penalties import Bounded, GroupL1, Penalty, Scaled, Sum, Terms
from ..penalties.arrays import Array, Scalars, array_namespace, check_weights
from ..penalties.base import TermsPenalty

UNITS = ("inputs", "neurons", "channels", "heads")
NEWTON_STEPS = 12  # the count of penalties.group: fixed, so that a GPU is never waited for


@dataclass(frozen=True, eq=False)
class UnitGroupL1(TermsPenalty):
    """The group lasso with one group per unit of a layer: Omega(w) = sum_u weights_u ||w_u||_2, zero unit by unit.

    Parameters
    ----------
    units : {"inputs", "neurons", "channels", "heads"}
        What a group is. "inputs": all weights leaving one input of the layer (in the first layer: one feature).
        "neurons" and "channels" (two words for output units): all weights entering one, over all gates of a recurrent
        layer. "heads": of attention.
    weights : number or array of shape (n_units,), optional
        Factor of each group; default sqrt(entries of w in the group), so that layers of unlike width share one alpha.

    Raises
    ------
    ValueError
        If `units` is not one of the four, or a weight is negative or NaN.

    References
    ----------
    S. Scardapane et al. (2017), Group sparse regularization for deep neural networks, Neurocomputing 241.

    Examples
    --------
    >>> import torch, alphaomega as ao
    >>> model = torch.nn.Linear(2, 2, bias=False)
    >>> with torch.no_grad():
    ...     _ = model.weight.copy_(torch.tensor([[3.0, 0.0], [4.0, 1.0]]))
    >>> ao.networks.penalize(model, ao.networks.UnitGroupL1("inputs", weights=1.0)).value().item()
    6.0
    """

    units: str
    weights: ArrayLike | None = None
    stage = 2

    def __post_init__(self) -> None:
        check_units(self.units)
        if self.weights is not None:
            check_weights(self.weights)

    def on(self, shape: tuple[int, ...]) -> GroupL1:
        """The ordinary group lasso for a weight of `shape`, units on its first axis."""
        weights = float(np.sqrt(np.prod(shape[1:]))) if self.weights is None else self.weights
        return GroupL1(np.arange(shape[0]), weights)

    def value(self, w: Array) -> Array:
        """The weighted sum of the units' norms."""
        return self.on(tuple(w.shape)).value(w)

    def prox(self, w: Array, step: Scalars) -> Array:
        """As `GroupL1.prox`."""
        return self.on(tuple(w.shape)).prox(w, step)

    def terms(self, shape: tuple[int, ...]) -> Terms:
        """As `GroupL1.terms`."""
        return self.on(shape).terms(shape)


@dataclass(frozen=True, eq=False)
class MaxNorm(Penalty):
    """The constraint ||w_u||_2 <= radius for every unit u of a layer; the value is infinite outside.

    Parameters
    ----------
    radius : float > 0
        Largest Euclidean norm of a unit's weights, in their own units. A constraint has no strength: scaling changes
        nothing.
    units : {"neurons", "channels", "inputs", "heads"}, default "neurons"
        As in `UnitGroupL1`.

    References
    ----------
    N. Srivastava et al. (2014), Dropout, JMLR 15, section 5.1. In an optimizer's diagonal metric the projection is the
    root of a secular equation (J. More and D. Sorensen 1983, SIAM J. Sci. Stat. Comput. 4).

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> ao.networks.MaxNorm(1.0).prox(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0)
    array([[0.6, 0.8],
           [0.3, 0.4]])
    """

    radius: float
    units: str = "neurons"
    stage = 3

    def __post_init__(self) -> None:
        check_units(self.units)
        if not (np.isfinite(self.radius) and self.radius > 0):
            raise ValueError(f"radius must be a finite number > 0, got {self.radius!r}")

    def value(self, w: Array) -> Array:
        """0 inside the balls, infinity outside."""
        norms = (w.reshape(w.shape[0], -1) ** 2).sum(1) ** 0.5
        outside = bool((norms > self.radius * (1 + 1e-6)).any())  # rounding of a projected unit is inside
        return 0 * norms.sum() + (np.inf if outside else 0.0)

    def prox(self, w: Array, step: Scalars) -> Array:
        """The nearest point inside, in the metric diag(1/step)."""
        xp = array_namespace(w)
        flat = w.reshape(w.shape[0], -1)
        norms = (flat**2).sum(1) ** 0.5
        outside = norms > self.radius
        if np.ndim(step) == 0:
            factor = xp.where(outside, self.radius / xp.where(outside, norms, 1 + 0 * norms), 1 + 0 * norms)
            return (flat * factor[:, None]).reshape(w.shape)
        metric = (1 / step).reshape(flat.shape)
        pull, multiplier = metric * flat, 0 * norms
        for _ in range(NEWTON_STEPS):  # on 1/||x(multiplier)||, nearly linear, from below
            x = pull / (metric + multiplier[:, None])
            square = (x * x).sum(1)
            slope = (x * x / (metric + multiplier[:, None])).sum(1)
            update = square / xp.where(outside, slope, 1 + 0 * slope) * (square**0.5 / self.radius - 1)
            multiplier = xp.where(outside, multiplier + update, multiplier)
        return (pull / (metric + multiplier[:, None])).reshape(w.shape)


def check_units(units: str) -> None:
    """A ValueError unless `units` names a kind of unit."""
    if units not in UNITS:
        raise ValueError(f"units must be one of {', '.join(UNITS)}, got {units!r}")


def units_of(penalty: Penalty) -> str | None:
    """The kind of unit that the penalty wants on the first axis; None where it does not say.

    Raises
    ------
    TypeError
        If two parts of a sum want different units.
    """
    wanted = {part.units for part in leaves(penalty) if isinstance(part, (UnitGroupL1, MaxNorm))}
    wanted = {"neurons" if units == "channels" else units for units in wanted}
    if len(wanted) > 1:
        raise TypeError(
            f"{penalty!r} groups by {' and by '.join(sorted(wanted))} at once; their prox has no closed form: "
            f"choose one"
        )
    return next(iter(wanted), None)


def leaves(penalty: Penalty) -> list[Penalty]:
    """The penalties inside sums, factors and bounds."""
    if isinstance(penalty, Sum):
        return [leaf for part in penalty.parts for leaf in leaves(part)]
    if isinstance(penalty, (Scaled, Bounded)):
        return leaves(penalty.penalty)
    return [penalty]


def bind(penalty: Penalty, shape: tuple[int, ...]) -> Penalty:
    """The penalty with every `UnitGroupL1` made an ordinary `GroupL1` for a weight of `shape`."""
    if isinstance(penalty, UnitGroupL1):
        return penalty.on(shape)
    if isinstance(penalty, Sum):
        return Sum.of(*(bind(part, shape) for part in penalty.parts))
    if isinstance(penalty, (Scaled, Bounded)):
        inner: Any = bind(penalty.penalty, shape)
        return replace(penalty, penalty=inner)
    return penalty
