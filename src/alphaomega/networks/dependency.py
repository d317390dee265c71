"""Dead units beyond the walk of `channels`: concatenations and grouped convolutions, by torch-pruning's graph.

Optional (pip install torch-pruning). Its graph says which channels stand or fall together; a channel goes only where
every layer that reads it gives it zero weight, and only if the outputs stay the same.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .channels import CONVOLUTIONS


def prune_dead(model: nn.Module, inputs: tuple[Any, ...], same: Callable[[nn.Module], bool]) -> nn.Module:
    """The model without the dead units that torch-pruning finds; as it is where the package is missing or gives up.

    `same` tells whether a candidate still has the outputs that are wanted; a cut that changes them is taken back.
    """
    if importlib.util.find_spec("torch_pruning") is None:
        return model
    for name, layer in list(model.named_modules()):
        if isinstance(layer, (nn.Linear, *CONVOLUTIONS)):
            candidate = _without_dead(model, name, inputs)
            if candidate is not None and _runs_the_same(candidate, same):
                model = candidate
    return model


def _runs_the_same(candidate: nn.Module, same: Callable[[nn.Module], bool]) -> bool:
    try:
        return same(candidate)
    except RuntimeError:  # a cut through a grouped convolution may leave shapes that do not fit
        return False


def _without_dead(model: nn.Module, name: str, inputs: tuple[Any, ...]) -> nn.Module | None:
    """A copy in which layer `name` and all that hangs on it lost its dead channels; None if there are none."""
    import torch_pruning

    candidate = copy.deepcopy(model)
    layer = candidate.get_submodule(name)
    linear, convolution = torch_pruning.prune_linear_out_channels, torch_pruning.prune_conv_out_channels
    prune = linear if isinstance(layer, nn.Linear) else convolution
    try:
        graph = torch_pruning.DependencyGraph().build_dependency(candidate, example_inputs=inputs)
        count = len(layer.weight)  # type: ignore[arg-type]
        dead = [k for k in range(count) if _dead(graph.get_pruning_group(layer, prune, idxs=[k]))]
        dead = dead[1:] if len(dead) == count else dead  # a layer keeps one unit, so that shapes stay valid
        if not dead:
            return None
        group = graph.get_pruning_group(layer, prune, idxs=dead)
        if not graph.check_pruning_group(group):
            return None
        group.prune()
    except Exception:  # a graph that it cannot follow may fail in any way; the network stays as it is
        return None
    return candidate


@torch.no_grad()
def _dead(group: Any) -> bool:
    """Whether all layers that read the group's channel give it zero weight, and there is such a layer."""
    import torch_pruning

    readers = 0
    for dependency, indices in group:
        if dependency.handler in (torch_pruning.prune_linear_in_channels, torch_pruning.prune_conv_in_channels):
            readers += 1
            if dependency.target.module.weight[:, indices].any():
                return False
    return readers > 0
