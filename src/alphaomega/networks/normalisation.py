"""Which affine layers feed a normalisation layer directly, so that the scale of their weights does not matter."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import torch.fx
from torch import nn

from .weights import NORMALISATIONS, plain_name

AFFINE_LAYERS = (nn.Linear, nn.modules.conv._ConvNd)
TRANSPARENT = (nn.Identity, nn.Flatten)


def before_normalisation(model: nn.Module) -> dict[str, str]:
    """The normalisation layer behind each affine layer, by name; untraceable models tell by their Sequentials only."""
    found: dict[str, str] = {}
    for prefix, module in model.named_modules():
        if isinstance(module, nn.Sequential):
            children = [(f"{prefix}.{name}" if prefix else name, child) for name, child in module.named_children()]
            found.update(_pairs(children))
    if len(found) < sum(isinstance(module, NORMALISATIONS) for module in model.modules()):
        found.update(_traced(model))
    return {plain_name(layer, model): plain_name(behind, model) for layer, behind in found.items()}


def _pairs(children: Iterable[tuple[str, nn.Module]]) -> dict[str, str]:
    visible = [(name, child) for name, child in children if not isinstance(child, TRANSPARENT)]
    return {
        name: behind
        for (name, child), (behind, after) in itertools.pairwise(visible)
        if isinstance(child, AFFINE_LAYERS) and isinstance(after, NORMALISATIONS)
    }


def _traced(model: nn.Module) -> dict[str, str]:
    try:
        graph = torch.fx.Tracer().trace(model)
    except Exception:  # a model's own forward can fail under tracing in any way; a warning less is the only loss
        return {}
    modules = dict(model.named_modules())
    found: dict[str, str] = {}
    for node in graph.nodes:
        if node.op != "call_module" or not isinstance(modules[node.target], AFFINE_LAYERS):
            continue
        users = list(node.users)
        while len(users) == 1 and users[0].op == "call_module" and isinstance(modules[users[0].target], TRANSPARENT):
            users = list(users[0].users)
        behind = [u for u in users if u.op == "call_module" and isinstance(modules[u.target], NORMALISATIONS)]
        if users and len(behind) == len(users):
            found[node.target] = behind[0].target
    return found
