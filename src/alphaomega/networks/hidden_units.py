"""Single hidden units of a feed-forward network: how much each moves what reads it, and the network without some."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def strengths(module: nn.Sequential, inputs: Tensor) -> NDArray[np.float64]:
    """Standard deviation of each hidden unit's output times the norm of the weights that read it, layer after layer.

    A unit that is constant on these rows has strength 0: a bias does its work. It is what |coefficient| per standard
    deviation is to a column, and no scaling of a unit against its readers changes it.
    """
    with torch.no_grad():
        parts = [
            hidden.std(0, correction=0) * reader.weight.norm(dim=0)
            for hidden, reader in zip(_outputs(module, inputs), _linear(module)[1:])
        ]
        return torch.cat(parts).double().cpu().numpy()


def without(module: nn.Sequential, inputs: Tensor, kept: list[NDArray[np.intp]]) -> nn.Sequential:
    """A copy with the `kept` units of each hidden layer; the others' mean output goes into the biases after them."""
    result = copy.deepcopy(module)
    layers = _linear(result)
    with torch.no_grad():
        for hidden, places, writer, reader in zip(_outputs(module, inputs), kept, layers, layers[1:]):
            stay = torch.as_tensor(places)
            gone = torch.ones(hidden.shape[1], dtype=torch.bool)
            gone[stay] = False
            reader.bias.add_(reader.weight[:, gone] @ hidden.mean(0)[gone])
            writer.weight, writer.bias = nn.Parameter(writer.weight[stay]), nn.Parameter(writer.bias[stay])
            reader.weight = nn.Parameter(reader.weight[:, stay])
            writer.out_features = reader.in_features = len(stay)
    return result


def _linear(module: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in module if isinstance(layer, nn.Linear)]


def _outputs(module: nn.Sequential, inputs: Tensor) -> list[Tensor]:
    """What every hidden layer gives on these rows, each (n, units)."""
    value, found = inputs.to(next(module.parameters())), []
    for layer in list(module)[:-1]:
        value = layer(value)
        if not isinstance(layer, nn.Linear):
            found.append(value)
    return found
