"""How far a network is from a stationary point of J + alpha * Omega, per layer and group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .steps import whole

if TYPE_CHECKING:
    from .penalizing import Entry, Penalized


@dataclass(frozen=True)
class LayerStationarity:
    """One parameter's share of the report.

    Attributes
    ----------
    name : of the parameter.
    size, nonzero : entries, and those that are not zero.
    groups, zero_groups : groups of the penalty (entries where it has none), and those wholly zero.
    violation : largest distance from -gradient to the subdifferential of alpha * Omega, in units of the gradient.
    slack : the smallest share of its threshold that a zero group has left before it becomes non-zero. Negative: it
        should not be zero. NaN: there are no zero groups.
    """

    name: str
    size: int
    nonzero: int
    groups: int
    zero_groups: int
    violation: float
    slack: float


@dataclass(frozen=True, eq=False)
class Groups:
    """Each group of a parameter's penalty (each entry where it has none), arrays of length G.

    Attributes
    ----------
    norm : Euclidean norm of its weights; 0 where it is zero.
    pull, threshold : a zero group stays zero while its pull, from the gradient of J, is below its threshold.
    violation : largest distance of its entries from stationarity.
    """

    norm: NDArray[np.float64]
    pull: NDArray[np.float64]
    threshold: NDArray[np.float64]
    violation: NDArray[np.float64]

    @property
    def slack(self) -> NDArray[np.float64]:
        """1 - pull / threshold of the zero groups, NaN for the others and where there is no threshold."""
        judged = (self.norm == 0) & (self.threshold > 0)
        return np.where(judged, 1 - self.pull / np.where(judged, self.threshold, 1.0), np.nan)


@dataclass(frozen=True, eq=False)
class Stationarity:
    """The KKT report of a penalised network.

    Attributes
    ----------
    layers : one report per penalised parameter.
    free_violation : largest gradient entry of the parameters without a penalty.
    scale : largest gradient entry of all; at a solution that is not all zero, about alpha.
    groups : the groups of each penalised parameter, by name.
    """

    layers: tuple[LayerStationarity, ...]
    free_violation: float
    scale: float
    groups: dict[str, Groups] = field(repr=False)

    @property
    def violation(self) -> float:
        """Largest violation over penalised and free parameters, in units of the gradient of J."""
        return max([self.free_violation, *(layer.violation for layer in self.layers)])

    @property
    def relative(self) -> float:
        """`violation` over the largest entry of the gradient of J."""
        return self.violation / self.scale if self.scale > 0 else 0.0

    def to_frame(self) -> Any:
        """One row per penalised parameter (a polars DataFrame)."""
        import polars

        return polars.DataFrame([vars(layer) for layer in self.layers])

    def groups_frame(self, name: str) -> Any:
        """One row per group of the penalised parameter `name` (a polars DataFrame).

        Raises
        ------
        ValueError
            If no penalised parameter has that name.
        """
        import polars

        if name not in self.groups:
            raise ValueError(f"{name!r} is no penalised parameter; there are {', '.join(self.groups)}")
        return polars.DataFrame({**vars(self.groups[name]), "slack": self.groups[name].slack})


def report(penalized: Penalized, closure: Callable[[], Tensor] | None) -> Stationarity:
    """See `Penalized.stationarity`. Gradients that the parameters hold are left as they are."""
    parameters = [entry.parameter for entry in penalized.entries]
    if closure is None:
        gradients = [parameter.grad for parameter in parameters]
        if all(gradient is None for gradient in gradients):
            raise ValueError(
                "the parameters hold no gradients; pass a closure that returns the mean loss over all data"
            )
    else:
        with torch.enable_grad():
            gradients = list(
                torch.autograd.grad(closure(), [p for p in parameters if p.requires_grad], allow_unused=True)
            )
        trainable = iter(gradients)
        gradients = [next(trainable) if parameter.requires_grad else None for parameter in parameters]
    layers, free, scale = [], 0.0, 0.0
    groups: dict[str, Groups] = {}
    for entry, gradient in zip(penalized.entries, gradients):
        slope = torch.zeros_like(whole(entry.parameter)) if gradient is None else whole(gradient.detach())
        scale = max(scale, float(slope.abs().max()))
        if entry.penalty is not None:
            groups[entry.name] = _groups(penalized, entry, slope)
            layers.append(_summed(entry, groups[entry.name]))
        elif entry.parameter.requires_grad:
            free = max(free, float(slope.abs().max()))
    return Stationarity(tuple(layers), free, scale, groups)


def _summed(entry: Entry, groups: Groups) -> LayerStationarity:
    zero, slack = groups.norm == 0, groups.slack
    return LayerStationarity(
        entry.name,
        entry.parameter.numel(),
        int(torch.count_nonzero(whole(entry.parameter.detach()))),
        len(zero),
        int(zero.sum()),
        float(np.max(groups.violation, initial=0.0)),
        float(np.nanmin(slack)) if not np.isnan(slack).all() else float("nan"),
    )


def _groups(penalized: Penalized, entry: Entry, slope: Tensor) -> Groups:
    w = entry.read(whole(entry.parameter.detach())).double().cpu().numpy()
    gradient = entry.read(slope).double().cpu().numpy()
    penalty = penalized.penalty_of(entry)
    violation = np.ravel(penalty.violation(gradient, w))
    try:
        terms = penalty.terms(w.shape)
    except TypeError:  # a user's penalty may state terms for vectors only
        terms = None
    flat, pull = w.ravel(), np.abs(gradient, dtype=np.float64).ravel()
    if terms is None:
        return Groups(abs(flat), pull, np.full(flat.size, np.nan), violation)
    if terms.groups is None or terms.group_weights is None:
        return Groups(abs(flat), pull, terms.l1, violation)
    count = len(terms.group_weights)
    soft = np.maximum(pull - np.where(np.isinf(terms.l1), 0.0, terms.l1), 0.0)
    worst = np.zeros(count)
    np.maximum.at(worst, terms.groups, violation)
    norm, pulls = (np.sqrt(np.bincount(terms.groups, part**2, count)) for part in (flat, soft))
    return Groups(norm, pulls, terms.group_weights, worst)
