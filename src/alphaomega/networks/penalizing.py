"""`penalize`: which weights of a model carry which penalty, and what that amounts to."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..penalties import Penalty
from .naming import chosen, ruling_keys
from .normalisation import before_normalisation
from .steps import whole
from .units import bind, units_of
from .weights import AFFINE, BIAS, EMBEDDING, SCALE, SHIFT, UNKNOWN, Found, Layout, find_parameters, identity

REASONS = {
    AFFINE: "weight of an affine map",
    BIAS: "a bias is never penalised",
    SCALE: "scale of a normalisation layer",
    SHIFT: "shift of a normalisation layer",
    EMBEDDING: "an embedding is a table, not an affine map",
    UNKNOWN: "its layer type is not known",
}


@dataclass(frozen=True, eq=False)
class Entry:
    """One parameter, whether it is penalised, and why.

    `penalty` is `stated`, bound to the weight as `layout` reads it.
    """

    found: Found
    stated: Penalty | None
    penalty: Penalty | None
    layout: Layout
    units: str
    reason: str

    @property
    def name(self) -> str:
        """The parameter's first name."""
        return self.found.name

    @property
    def parameter(self) -> nn.Parameter:
        """The parameter."""
        return self.found.parameter

    def read(self, tensor: Tensor) -> Tensor:
        """`tensor`, of the parameter's shape, as the penalty sees it."""
        return self.layout.read(tensor)


@dataclass(frozen=True, eq=False)
class Penalized:
    """A model with its penalties: alpha * sum_l Omega_l(w_l). Made by `penalize`.

    Attributes
    ----------
    model : the model itself, not a copy.
    entries : every parameter of the model, penalised or not.
    alpha : float, a factor on all penalties; 1 unless `at` set it.
    """

    model: nn.Module
    entries: tuple[Entry, ...]
    alpha: float = 1.0

    @property
    def penalized(self) -> list[Entry]:
        """The entries that carry a penalty."""
        return [entry for entry in self.entries if entry.penalty is not None]

    def at(self, alpha: float) -> Penalized:
        """The same penalties times alpha >= 0; the former factor is replaced."""
        if not (alpha >= 0 and alpha < float("inf")):
            raise ValueError(f"alpha must be a finite number >= 0, got {alpha!r}")
        return replace(self, alpha=float(alpha))

    def penalty_of(self, entry: Entry) -> Penalty:
        """The entry's penalty with the common factor."""
        assert entry.penalty is not None
        return entry.penalty if self.alpha == 1 else self.alpha * entry.penalty

    def value(self) -> Tensor:
        """alpha * sum_l Omega_l(w_l), a scalar tensor; differentiable, tied weights counted once."""
        total = torch.zeros(())
        for entry in self.penalized:
            part = self.penalty_of(entry).value(entry.read(whole(entry.parameter)))
            total = total.to(part) + part
        return total

    def table(self) -> Any:
        """One row per parameter: layer, shape, penalty or none, and the reason (a polars DataFrame)."""
        import polars

        return polars.DataFrame(
            [
                {
                    "parameter": entry.name,
                    "layer": type(entry.found.module).__name__,
                    "shape": "x".join(map(str, entry.parameter.shape)),
                    "penalty": ""
                    if entry.stated is None
                    else repr(entry.stated if self.alpha == 1 else self.alpha * entry.stated),
                    "features": entry.units,
                    "reason": entry.reason,
                    "tied": ", ".join(entry.found.names[1:]),
                }
                for entry in self.entries
            ],
            schema=["parameter", "layer", "shape", "penalty", "features", "reason", "tied"],
            orient="row",
        )

    def stationarity(self, closure: Callable[[], Tensor] | None = None) -> Any:
        """How far the model is from a stationary point of J + alpha * Omega, per layer and group.

        Parameters
        ----------
        closure : callable, optional
            Returns J, the mean loss over all data, as a differentiable scalar tensor. Without it the gradients that the
            parameters hold now are taken for those of J.

        Returns
        -------
        Stationarity
        """
        from .stationarity import report

        return report(self, closure)


def penalize(
    model: nn.Module,
    penalty: Penalty | None,
    per_layer: Mapping[str, Penalty | float | None] | None = None,
    include: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] | None = None,
) -> Penalized:
    """Put penalties on the affine weights of a model: alpha * sum_l Omega_l(w_l), biases free.

    Which parameters those are is decided by module type (Linear, Bilinear, convolutions, MultiheadAttention, recurrent
    layers), never by shape or by the letters "bias". A weight is handed to its penalty with the layer's inputs on the
    first axis, (in, out) for Linear, as coefficients are in `ao.path`; `UnitGroupL1` and `MaxNorm` choose another unit.

    Parameters
    ----------
    model : torch.nn.Module
        Any model, compiled, data-parallel or sharded ones too; it is not changed.
    penalty : Penalty or None
        For every affine weight, its strength included: `1e-3 * ao.L1()`. None: only what `per_layer` says.
    per_layer : dict of name or pattern to Penalty, number or None, optional
        Names are those of parameters or modules ("fc1", "encoder.0.weight"), patterns as in file names ("conv*"). A
        Penalty replaces `penalty` there, a number alpha multiplies it, None or 0 leaves the layer free. Exact names go
        before patterns, then the first match.
    include : name, pattern, or several, optional
        Parameters to penalise besides the affine weights, e.g. "bn1.weight"; a module's name stands for its parameters
        but biases.
    exclude : name, pattern, or several, optional
        Parameters to leave free.

    Returns
    -------
    Penalized
        With `.value()`, `.table()`, `.stationarity(...)`.

    Raises
    ------
    TypeError
        If `model` is no module or a penalty no Penalty.
    ValueError
        If a name matches nothing, a parameter is both included and excluded, nothing is left to penalise, or the units
        or weights of a penalty do not fit a layer.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville (2016), Deep Learning, section 7.1.

    Examples
    --------
    >>> import torch, alphaomega as ao
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    >>> penalized = ao.networks.penalize(model, 0.1 * ao.L1(), per_layer={"2": 0.01 * ao.L2()})
    >>> [entry.name for entry in penalized.penalized]
    ['0.weight', '2.weight']
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    for value in (penalty, *(per_layer or {}).values()):
        if not (value is None or isinstance(value, (Penalty, int, float))) or isinstance(value, bool):
            raise TypeError(f"a penalty must be a Penalty such as ao.L1(), got {value!r}")
    if isinstance(penalty, (int, float)):
        raise TypeError(f"penalty must be a Penalty such as {penalty:g} * ao.L1(), got the number {penalty!r}")
    found = find_parameters(model)
    included, excluded = chosen(include, found, "include"), chosen(exclude, found, "exclude")
    both = sorted({item.name for item in found if id(item) in included and id(item) in excluded})
    if both:
        raise ValueError(f"{both[0]!r} is both in include and in exclude; take it out of one")
    strengths = ruling_keys(per_layer or {}, found)
    entries = []
    for item in found:
        wanted = (item.role.kind == AFFINE or id(item) in included) and id(item) not in excluded
        reason = "excluded by name" if id(item) in excluded else REASONS[item.role.kind]
        if id(item) in included and item.role.kind != AFFINE:
            reason = "included by name"
        key = strengths.get(id(item))
        if key is not None and not wanted:
            raise ValueError(
                f"per_layer names {key!r}, but {item.name!r} is not penalised ({reason}); add it to include"
            )
        strength = penalty if key is None else (per_layer or {})[key]
        entries.append(_entry(item, _resolve(strength, penalty, item.name) if wanted else None, reason))
    if not any(entry.penalty is not None for entry in entries):
        kinds = ", ".join(sorted({type(module).__name__ for module in model.modules()}))
        raise ValueError(
            f"no weight is left to penalise: the model has layers {kinds}; use include= to name parameters"
        )
    _warn_of_normalisation(model, [entry.found.layer for entry in entries if entry.penalty is not None])
    return Penalized(model, tuple(entries))


def _entry(item: Found, penalty: Penalty | None, reason: str) -> Entry:
    if penalty is None:
        return Entry(item, None, None, identity(item.parameter.ndim), "", reason)
    wanted = units_of(penalty)
    if wanted is None:
        units = "inputs" if "inputs" in item.role.layouts else ""
        layout = item.role.layouts.get(units, identity(item.parameter.ndim))
    elif wanted in item.role.layouts:
        units, layout = wanted, item.role.layouts[wanted]
    else:
        known = ", ".join(item.role.layouts) or "none"
        raise ValueError(
            f"{item.name!r} ({type(item.module).__name__}) has no {wanted}, its units are: {known}; give it another "
            f"penalty in per_layer, or leave it out by exclude={item.name!r}"
        )
    shape = tuple(layout.read(item.parameter.detach()).shape)
    bound = bind(penalty, shape)
    _check_fit(bound, shape, f"{item.name!r}, whose features ({units or 'first axis'}) are {shape[0]}")
    return Entry(item, penalty, bound, layout, units, reason)


def _check_fit(penalty: Penalty, shape: tuple[int, ...], which: str) -> None:
    """A ValueError unless the penalty's factors and groups fit the features, or (second) every entry of a weight."""
    try:
        penalty.terms(shape[:1])
    except ValueError as error:
        try:
            penalty.terms(shape)
        except ValueError:
            raise ValueError(f"the penalty does not fit {which}: {error}") from error


def _resolve(strength: Penalty | float | None, penalty: Penalty | None, name: str) -> Penalty | None:
    """A layer's penalty: its own, or a number times the common one; None where it is free."""
    if strength is None or isinstance(strength, Penalty):
        return strength
    if penalty is None:
        raise ValueError(
            f"per_layer gives {name!r} the number {strength!r} but there is no common penalty to multiply; pass "
            f"penalty=ao.L1()"
        )
    return float(strength) * penalty if strength else None


def _warn_of_normalisation(model: nn.Module, layers: Sequence[str]) -> None:
    followed = before_normalisation(model)
    pairs = [(layer, followed[layer]) for layer in layers if layer in followed]
    if pairs:
        layer, normalisation = pairs[0]
        more = f" and {len(pairs) - 1} more" if len(pairs) > 1 else ""
        warnings.warn(
            f"the scale of the weights of {layer!r}{more} is undone by the normalisation layer {normalisation!r} "
            f"behind them, so a penalty on their norm only changes the effective learning rate; penalise the "
            f"normalisation's scale instead (include={normalisation + '.weight'!r}, exclude={layer!r}), or the "
            f"outgoing weights, or whole units",
            UserWarning,
            stacklevel=3,
        )
