"""Rows to train on and rows held out, as tensors of the model's device and type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Split:
    """Training and validation rows, as tensors of the model's device and type."""

    inputs: Tensor
    target: Tensor
    held_inputs: Tensor
    held_target: Tensor


def split(model: nn.Module, X: Any, y: Any, validation: float | tuple[Any, Any], seed: int) -> Split:
    """A share of the rows, drawn with the seed, or rows given apart, held out.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, or too few rows are left.
    """
    first = next(model.parameters())
    inputs, target = tensors(X, y, first, "")
    if isinstance(validation, tuple):
        return Split(inputs, target, *tensors(*validation, first, "validation "))
    if not 0 < validation < 1:
        raise ValueError(f"validation must be a share in (0, 1) or a pair (X, y), got {validation!r}")
    order = torch.randperm(len(target), generator=torch.Generator().manual_seed(seed)).to(target.device)
    count = max(1, round(validation * len(target)))
    if count >= len(target):
        raise ValueError(
            f"{len(target)} rows are too few to hold out a share of {validation:g}; pass validation=(X, y)"
        )
    return Split(inputs[order[count:]], target[order[count:]], inputs[order[:count]], target[order[:count]])


def tensors(X: Any, y: Any, like: Tensor, which: str) -> tuple[Tensor, Tensor]:
    """X and y as tensors of the type and device of `like`; a ValueError names lengths or rows that will not do."""
    inputs, target = (
        values if isinstance(values, Tensor) else torch.from_numpy(np.require(values, requirements=["C", "W"]))
        for values in (X, y)
    )
    if len(inputs) != len(target):
        raise ValueError(f"{which}X has {len(inputs)} rows but y has {len(target)}; they must match")
    for name, values in (("X", inputs), ("y", target)):
        bad = (~torch.isfinite(values.reshape(len(values), -1))).any(1).nonzero()
        if len(bad):
            raise ValueError(
                f"{which}{name} holds NaN or infinity at row {int(bad[0])} ({len(bad)} in all); drop or fill those rows"
            )
    if inputs.dtype.is_floating_point:
        inputs = inputs.to(like.dtype)
    return inputs.to(like.device), target.to(like.device, like.dtype)
