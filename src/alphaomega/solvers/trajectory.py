"""Where a curved path goes next: its last two solutions, continued in a straight line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class State:
    """A point of the path: coefficients (m,), intercepts (K,), linear predictor (n, K)."""

    alpha: float
    v: Floats
    intercept: Floats
    eta: Floats


class Trajectory:
    """The last two solutions of a lane on one working set."""

    def __init__(self) -> None:
        self.states: list[State] = []

    def add(self, state: State) -> None:
        """Remember a solution."""
        if self.states and len(self.states[-1].v) != len(state.v):  # the working set has grown
            self.states = []
        self.states = [*self.states[-1:], state]

    def ahead(self, alpha: float) -> tuple[State, Floats] | None:
        """The point that a straight line through both reaches at alpha, and by how much its `eta` is not that of `v`.

        Coordinates that would cross zero stay where they are; the difference (m,) is what they did not move.
        """
        if len(self.states) < 2 or not self.states[0].alpha > self.states[1].alpha > alpha:
            return None
        before, last = self.states
        ratio = (last.alpha - alpha) / (before.alpha - last.alpha)
        move = ratio * (last.v - before.v)
        stays = (last.v + move) * last.v <= 0
        short = np.where(stays, move, 0.0)
        intercept = last.intercept + ratio * (last.intercept - before.intercept)
        return State(alpha, last.v + move - short, intercept, last.eta + ratio * (last.eta - before.eta)), short
