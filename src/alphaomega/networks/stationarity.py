"""How far a network is from a stationary point of J + alpha * Omega, per layer and group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..penalties import Terms
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
class Stationarity:
    """The KKT report of a penalised network.

    Attributes
    ----------
    layers : one report per penalised parameter.
    free_violation : largest gradient entry of the parameters without a penalty.
    scale : largest gradient entry of all; at a solution that is not all zero, about alpha.
    """

    layers: tuple[LayerStationarity, ...]
    free_violation: float
    scale: float

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
    for entry, gradient in zip(penalized.entries, gradients):
        slope = torch.zeros_like(whole(entry.parameter)) if gradient is None else whole(gradient.detach())
        scale = max(scale, float(slope.abs().max()))
        if entry.penalty is not None:
            layers.append(_layer(penalized, entry, slope))
        elif entry.parameter.requires_grad:
            free = max(free, float(slope.abs().max()))
    return Stationarity(tuple(layers), free, scale)


def _layer(penalized: Penalized, entry: Entry, slope: Tensor) -> LayerStationarity:
    w = entry.read(whole(entry.parameter.detach())).double().cpu().numpy()
    gradient = entry.read(slope).double().cpu().numpy()
    penalty = penalized.penalty_of(entry)
    violation = float(np.max(penalty.violation(gradient, w), initial=0.0))
    try:
        terms = penalty.terms(w.shape)
    except TypeError:  # a user's penalty may state terms for vectors only
        terms = None
    groups, zero_groups, slack = (
        (w.size, int((w == 0).sum()), float("nan")) if terms is None else _groups(terms, gradient, w)
    )
    return LayerStationarity(entry.name, w.size, int(np.count_nonzero(w)), groups, zero_groups, violation, slack)


def _groups(terms: Terms, gradient: NDArray[np.float64], w: NDArray[np.float64]) -> tuple[int, int, float]:
    """Groups, zero groups, and the smallest slack 1 - pull/threshold among the zero ones."""
    flat, slope = w.ravel(), gradient.ravel()
    soft = np.maximum(abs(slope) - np.where(np.isinf(terms.l1), 0.0, terms.l1), 0.0)
    if terms.groups is None or terms.group_weights is None:
        zero, threshold = flat == 0, terms.l1
        pull = abs(slope)
    else:
        count = len(terms.group_weights)
        zero = np.bincount(terms.groups, flat != 0, count) == 0
        threshold, pull = terms.group_weights, np.sqrt(np.bincount(terms.groups, soft**2, count))
    judged = zero & (threshold > 0)
    slack = float(np.min(1 - pull[judged] / threshold[judged])) if judged.any() else float("nan")
    return len(zero), int(zero.sum()), slack
