"""Which channels of a network may go: a walk over its traced graph that finds dead and constant ones.

A channel space is a set of tensors whose channels stand or fall together (a layer's output, what activations and pools
make of it, both sides of a sum). A channel may go where every layer that reads it either gives it zero weight or knows
its constant value. Whatever is not understood here keeps its channels.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
POINTWISE = (
    *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Hardtanh),
    *(nn.Hardswish, nn.ReLU6, nn.SELU, nn.CELU, nn.Identity),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
)
POOLS = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
)
POINTWISE_FUNCTIONS: dict[Any, Callable[[Tensor], Tensor]] = {
    torch.relu: torch.relu,
    functional.relu: torch.relu,
    functional.gelu: functional.gelu,
    functional.silu: functional.silu,
    torch.tanh: torch.tanh,
    torch.sigmoid: torch.sigmoid,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
SUMS = (operator.add, torch.add, operator.iadd, "add", "add_")


@dataclass(eq=False)
class Space:
    """Channels that stand or fall together; `parent` links spaces that were joined."""

    size: int
    fixed: bool = False
    parent: Space | None = None

    def root(self) -> Space:
        """The space that stands for all joined with this one."""
        return self if self.parent is None else self.parent.root()

    def join(self, other: Space) -> None:
        """Make one space of two."""
        a, b = self.root(), other.root()
        if a is not b:
            b.parent, a.fixed = a, a.fixed or b.fixed or a.size != b.size


@dataclass(frozen=True, eq=False)
class Signal:
    """A node's value: its space, features per channel (more than one after flattening), which channels are constant."""

    space: Space
    repeat: int
    axis: int
    constant: Tensor
    value: Tensor


@dataclass(frozen=True, eq=False)
class Reader:
    """A layer that reads a signal."""

    layer: nn.Module
    signal: Signal


@dataclass(eq=False)
class Channels:
    """The spaces of a network with the layers that write, pass and read them."""

    writers: list[tuple[nn.Module, Space]] = field(default_factory=list)
    norms: list[tuple[nn.Module, Space]] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)

    def spaces(self) -> list[Space]:
        """Every distinct space that a layer writes and that may shrink."""
        roots = {id(space.root()): space.root() for _, space in self.writers}
        return [space for space in roots.values() if not space.fixed]

    def removable(self, space: Space) -> Tensor:
        """Channels of a space that may go (boolean, (size,))."""
        free = torch.ones(space.size, dtype=torch.bool)
        for reader in self.readers:
            if reader.signal.space.root() is space:
                free &= ~incoming(reader).any(0) | foldable(reader)
        return free


def weight_of(layer: nn.Module) -> Tensor:
    """The layer's weight, apart from the graph of gradients."""
    assert isinstance(layer.weight, Tensor)
    return layer.weight.detach()


def incoming(reader: Reader) -> Tensor:
    """Whether output o of the reader gives weight to channel c: boolean (out, channels)."""
    weight = weight_of(reader.layer)
    return (weight != 0).reshape(weight.shape[0], reader.signal.space.root().size, -1).any(2)


def foldable(reader: Reader) -> Tensor:
    """Channels that are constant where they are read, so that a bias can replace them; padding spoils non-zero ones."""
    signal = reader.signal
    if isinstance(reader.layer, CONVOLUTIONS) and any(_pair(reader.layer.padding)):
        return signal.constant & (signal.value == 0)
    return signal.constant


def folded(reader: Reader, channels: Tensor) -> Tensor:
    """What the constant `channels` add to each output, (out,)."""
    weight = weight_of(reader.layer)
    sums = weight.reshape(weight.shape[0], reader.signal.space.root().size, -1).sum(2)
    value = torch.where(channels & reader.signal.constant, reader.signal.value, 0.0)
    return sums @ value


def channels_of(model: nn.Module, inputs: tuple[Any, ...]) -> Channels:
    """Trace the model and walk its graph once.

    Raises
    ------
    TypeError
        If the model cannot be traced.
    """
    try:
        graph = fx.Tracer().trace(model)
    except Exception as error:  # whatever a forward may raise when it meets a proxy instead of numbers
        raise TypeError(
            f"compact could not follow the model's forward ({error}); it needs a forward without branches on values"
        ) from error
    traced = fx.GraphModule(model, graph)
    with torch.no_grad():
        ShapeProp(traced).propagate(*inputs)
    walk = _Walk(dict(traced.named_modules()), _shared(graph, model))
    for node in graph.nodes:
        walk.visit(node)
    return walk.channels


def _shared(graph: fx.Graph, model: nn.Module) -> set[str]:
    """Modules that are called twice, or that share a parameter with another."""
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    owners: dict[int, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        for parameter in module.parameters(recurse=False):
            owners.setdefault(id(parameter), []).append(name)
    tied = {name for names in owners.values() if len(names) > 1 for name in names}
    return tied | {target for target, count in calls.items() if count > 1}


class _Walk:
    """One pass over the graph in order; a node without a signal is one whose channels nobody may touch."""

    def __init__(self, modules: dict[str, nn.Module], shared: set[str]) -> None:
        self.modules, self.shared, self.channels = modules, shared, Channels()
        self.signals: dict[fx.Node, Signal] = {}

    def visit(self, node: fx.Node) -> None:
        module = self.modules.get(node.target) if node.op == "call_module" else None  # type: ignore[arg-type]
        source = self.signals.get(node.args[0]) if node.args and isinstance(node.args[0], fx.Node) else None
        signal = None
        if isinstance(module, (nn.Linear, *CONVOLUTIONS)) and node.target not in self.shared:
            signal = self._layer(module, source, node)
        elif source is not None and node.target not in self.shared:
            signal = self._passed(node, module, source)
        if signal is None or not self._tensor(node):
            self._keep(node)
        else:
            self.signals[node] = signal

    def _keep(self, node: fx.Node) -> None:
        for argument in node.all_input_nodes:
            if argument in self.signals:
                self.signals[argument].space.root().fixed = True

    def _tensor(self, node: fx.Node) -> bool:
        return "tensor_meta" in node.meta and isinstance(node.meta["tensor_meta"].shape, torch.Size)

    def _layer(self, layer: nn.Module, source: Signal | None, node: fx.Node) -> Signal | None:
        if isinstance(layer, CONVOLUTIONS) and layer.groups != 1:
            return None
        ndim = len(node.meta["tensor_meta"].shape)
        axis = ndim - 1 if isinstance(layer, nn.Linear) else 1
        weight = weight_of(layer)
        bias = layer.bias.detach() if isinstance(layer.bias, Tensor) else weight.new_zeros(len(weight))
        if source is not None and source.axis != axis:
            source.space.root().fixed = True
            source = None
        if source is None:
            constant, value = ~(weight != 0).flatten(1).any(1), bias.clone()
        else:
            reader = Reader(layer, source)
            self.channels.readers.append(reader)
            known = foldable(reader)
            constant = ~(incoming(reader) & ~known).any(1)
            value = bias + folded(reader, known)
        space = Space(weight.shape[0])
        self.channels.writers.append((layer, space))
        return Signal(space, 1, axis, constant, value)

    def _passed(self, node: fx.Node, module: nn.Module | None, source: Signal) -> Signal | None:
        """What an operation that keeps channels apart makes of a signal; None for any other."""
        function = POINTWISE_FUNCTIONS.get(node.target) if node.op in ("call_function", "call_method") else None
        if isinstance(module, POINTWISE):
            function = module
        if function is not None:
            with torch.no_grad():
                return _with(source, value=function(source.value.clone()))
        if isinstance(module, NORMS) and source.axis == 1 and source.repeat == 1 and module.running_var is not None:
            assert module.running_mean is not None
            scale = (module.running_var + module.eps).rsqrt() * (
                1.0 if module.weight is None else module.weight.detach()
            )
            shift = 0.0 if module.bias is None else module.bias.detach()
            self.channels.norms.append((module, source.space))
            return _with(source, value=(source.value - module.running_mean) * scale + shift)
        if isinstance(module, POOLS) and source.axis == 1:
            padded = isinstance(module, (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)) and any(_pair(module.padding))
            return _with(source, constant=source.constant & (source.value == 0)) if padded else source
        if node.op in ("call_function", "call_method") and node.target in SUMS:
            return self._sum(node, source)
        return self._flattened(node, module, source)

    def _sum(self, node: fx.Node, source: Signal) -> Signal | None:
        other = self.signals.get(node.args[1]) if len(node.args) == 2 and isinstance(node.args[1], fx.Node) else None
        if other is None or node.kwargs or (other.axis, other.repeat) != (source.axis, source.repeat):
            return None
        if any(n.meta["tensor_meta"].shape != node.meta["tensor_meta"].shape for n in node.all_input_nodes):
            return None
        source.space.join(other.space)
        return _with(source, constant=source.constant & other.constant, value=source.value + other.value)

    def _flattened(self, node: fx.Node, module: nn.Module | None, source: Signal) -> Signal | None:
        flat = isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1)
        if node.op in ("call_function", "call_method") and node.target in (torch.flatten, "flatten"):
            flat = tuple(node.args[1:]) in ((1,), (1, -1)) or node.kwargs == {"start_dim": 1}
        if not flat or source.axis != 1:
            return None
        width = node.meta["tensor_meta"].shape[1]
        return Signal(source.space, width // source.space.root().size, 1, source.constant, source.value)


def _with(signal: Signal, constant: Tensor | None = None, value: Tensor | None = None) -> Signal:
    return Signal(
        signal.space,
        signal.repeat,
        signal.axis,
        signal.constant if constant is None else constant,
        signal.value if value is None else value,
    )


def _pair(padding: Any) -> tuple[Any, ...]:
    """Padding as a tuple; the word "same" counts as padding, "valid" as none."""
    if isinstance(padding, str):
        return (padding != "valid",)
    return padding if isinstance(padding, tuple) else (padding,)
