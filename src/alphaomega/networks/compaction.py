"""`compact`: the same function from a smaller dense network."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .channels import CONVOLUTIONS, Channels, Space, channels_of, folded, weight_of
from .dependency import prune_dead

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
TIMINGS = 15


@dataclass(frozen=True)
class Compaction:
    """What `compact` did, as the `compaction` attribute of the model it returns.

    Attributes
    ----------
    parameters, bytes, seconds : (before, after); seconds are the median of 15 calls on the example inputs.
    units : units left and before of every layer that shrank, by name.
    difference : largest difference between the outputs before and after, over their largest entry.
    """

    parameters: tuple[int, int]
    bytes: tuple[int, int]
    seconds: tuple[float, float]
    difference: float
    units: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        layers = ", ".join(f"{name} {after} of {before}" for name, (after, before) in self.units.items()) or "none"
        (p0, p1), (b0, b1), (s0, s1) = self.parameters, self.bytes, self.seconds
        return (
            f"parameters {p0:,} -> {p1:,}, bytes {b0:,} -> {b1:,}, seconds per call {s0:.2e} -> {s1:.2e}; "
            f"units kept: {layers}; outputs differ by {self.difference:.1e}"
        )


def compact(model: nn.Module, example_inputs: Tensor | tuple[Any, ...]) -> nn.Module:
    """Take out every unit that an all-zero row or column has cut off, and give back a smaller network with the same
    outputs.

    A unit with no outgoing weight goes. A unit with no incoming weight is constant: act(b) times its outgoing weights
    is folded into the next bias. Linear and convolution layers, batch normalisation, element-wise activations, pooling,
    flattening and residual sums are followed. Around concatenations and grouped convolutions units without outgoing
    weight go where torch-pruning (pip install torch-pruning) tells what hangs on them and the outputs stay the same;
    around anything else (recurrent layers, attention) units are kept. The result is in evaluation mode; the model given
    is not changed.

    Parameters
    ----------
    model : torch.nn.Module
        Its forward must be traceable by torch.fx.
    example_inputs : tensor, or tuple of the forward's arguments
        Used to trace, to compare outputs and to measure time.

    Returns
    -------
    torch.nn.Module
        Of the same class, with an attribute `compaction`, a Compaction.

    Raises
    ------
    TypeError
        If the forward cannot be traced.
    RuntimeError
        If outputs before and after differ by more than 1e-5 (1e-12 in double precision) of the largest.

    References
    ----------
    G. Fang et al. (2023), DepGraph: towards any structural pruning, CVPR (which units of a network depend on each
    other).

    Examples
    --------
    >>> import torch, alphaomega as ao
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    >>> with torch.no_grad():
    ...     model[0].weight[1:3] = 0
    >>> small = ao.networks.compact(model, torch.randn(5, 3))
    >>> small[0].out_features, small.compaction.parameters
    (2, (21, 11))
    """
    inputs = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    original = copy.deepcopy(model).eval()
    small = copy.deepcopy(original)
    while _shrink(channels_of(small, inputs)):
        pass
    allowed = TOLERANCE.get(next(original.parameters()).dtype, 1e-2)
    difference = _difference(original, small, inputs)
    if difference <= allowed:
        small = prune_dead(small, inputs, lambda other: _difference(original, other, inputs) <= allowed)
        difference = _difference(original, small, inputs)
    if not difference <= allowed:
        raise RuntimeError(
            f"the compacted network's outputs differ by {difference:.1e} of the largest, more than rounding explains; "
            "the model computes something that its traced graph does not show"
        )
    small.compaction = Compaction(  # type: ignore[assignment]
        parameters=(_count(original), _count(small)),
        bytes=(_bytes(original), _bytes(small)),
        seconds=(_seconds(original, inputs), _seconds(small, inputs)),
        difference=difference,
        units=_units(original, small),
    )
    return small


def _shrink(channels: Channels) -> bool:
    """Take out what one walk over the graph allows; whether anything went."""
    shrunk = False
    for space in channels.spaces():
        removed = channels.removable(space)
        if removed.all():
            removed[0] = False  # a layer keeps one unit, so that shapes stay valid
        if removed.any():
            _cut(channels, space, removed)
            shrunk = True
            break  # the other spaces' weights have changed: look again
    return shrunk


@torch.no_grad()
def _cut(channels: Channels, space: Space, removed: Tensor) -> None:
    """Remove channels of a space from the layers that write, pass and read it."""
    keep = (~removed).nonzero().ravel()
    for reader in channels.readers:
        if reader.signal.space.root() is space:
            _cut_inputs(reader.layer, keep, space.size, folded(reader, removed))
    for layer, written in channels.writers:
        if written.root() is space:
            _replace(layer, "weight", layer.weight[keep])  # type: ignore[index]
            _replace(layer, "bias", None if layer.bias is None else layer.bias[keep])  # type: ignore[index]
            setattr(layer, "out_features" if isinstance(layer, nn.Linear) else "out_channels", len(keep))
    for norm, passed in channels.norms:
        if passed.root() is space:
            for name in ("weight", "bias"):
                parameter = getattr(norm, name)
                _replace(norm, name, None if parameter is None else parameter[keep])
            norm.running_mean, norm.running_var = norm.running_mean[keep], norm.running_var[keep]  # type: ignore[index]
            norm.num_features = len(keep)  # type: ignore[assignment]


def _cut_inputs(layer: nn.Module, keep: Tensor, size: int, extra: Tensor) -> None:
    weight = weight_of(layer)
    by_channel = weight.reshape(weight.shape[0], size, -1, *weight.shape[2:])
    kept = by_channel[:, keep].flatten(1, 2)
    bias = layer.bias
    _replace(layer, "weight", kept)
    if extra.any():
        _replace(layer, "bias", extra if bias is None else bias + extra)  # type: ignore[operator]
    setattr(layer, "in_channels" if isinstance(layer, CONVOLUTIONS) else "in_features", kept.shape[1])


def _replace(module: nn.Module, name: str, values: Tensor | None) -> None:
    setattr(module, name, None if values is None else nn.Parameter(values.detach().clone()))


@torch.no_grad()
def _difference(original: nn.Module, small: nn.Module, inputs: tuple[Any, ...]) -> float:
    before, after = original(*inputs), small(*inputs)
    pairs = [(before, after)] if isinstance(before, Tensor) else list(zip(before, after))
    return max(((a - b).abs().max() / a.abs().max().clamp(min=1e-30)).item() for a, b in pairs)


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _bytes(model: nn.Module) -> int:
    tensors = [*model.parameters(), *model.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@torch.no_grad()
def _seconds(model: nn.Module, inputs: tuple[Any, ...]) -> float:
    times = []
    for _ in range(TIMINGS):
        start = time.perf_counter()
        model(*inputs)
        times.append(time.perf_counter() - start)
    return sorted(times)[TIMINGS // 2]


def _units(original: nn.Module, small: nn.Module) -> dict[str, tuple[int, int]]:
    after = dict(small.named_modules())
    layers = [name for name, module in original.named_modules() if isinstance(module, (nn.Linear, *CONVOLUTIONS))]
    counts = {name: (len(weight_of(after[name])), len(weight_of(original.get_submodule(name)))) for name in layers}
    return {name: (left, before) for name, (left, before) in counts.items() if left < before}
