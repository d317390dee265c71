"""What a step of proximal Newton costs with the Gram at hand, and with a new one."""

from __future__ import annotations

import numpy as np

SLOWEST = 0.7  # a Gram is not kept where a step leaves more than this share of the violation
FRESH_STEPS = 2  # steps that Newton needs with a new Gram, about
SECONDS = {"call": 3e-4, "loss": 6e-8, "product": 8e-10, "gram": 6e-11, "factor": 3e-11}  # roughly, per number


def worth_keeping(rate: float, left: float, wanted: int, shape: tuple[int, int, int]) -> bool:
    """Whether the steps left with the Gram at hand, at its rate, cost less than a new Gram and Newton's few.

    `left` is how many times too large the violation is; a new Gram would have `wanted` coordinates; `shape` are rows,
    columns of the block, outputs.
    """
    if rate >= SLOWEST:
        return False
    n, size, outputs = shape
    steps = -np.log(left) / np.log(rate) if rate > 0 else 1.0
    step = SECONDS["call"] + n * outputs * (SECONDS["loss"] + size * SECONDS["product"])
    gram = SECONDS["call"] * outputs**2 + wanted**2 * (n * SECONDS["gram"] + wanted * SECONDS["factor"])
    return bool((steps - FRESH_STEPS) * step <= gram)
