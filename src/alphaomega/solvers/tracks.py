"""What the lanes of one path share and have finished: the gathered columns, and a track for each lane."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..designs.base import Block
from .lanes import Lane, Points
from .screening import Basis, Slopes

Floats = NDArray[np.float64]
Coordinates = NDArray[np.intp]
TOLERANCE, TIGHTEST = 1e-7, 1e-13  # of the small solves, relative to alpha


@dataclass(eq=False)
class Gathered:
    """The columns that all lanes share: their block, which they are, and where each stands there (-1: nowhere)."""

    block: Block
    columns: Coordinates
    places: Coordinates

    @classmethod
    def empty(cls, block: Block, p: int) -> Gathered:
        """None of p columns yet."""
        return cls(block, np.empty(0, dtype=np.intp), np.full(p, -1, dtype=np.intp))

    @property
    def complete(self) -> bool:
        """Whether every column is there."""
        return len(self.columns) == len(self.places)

    def add(self, columns: Coordinates) -> Coordinates:
        """Gather those that are not there yet, at the share of a read; returns them."""
        fresh = columns[self.places[columns] < 0]
        if fresh.size:
            self.places[fresh] = len(self.columns) + np.arange(len(fresh))
            self.columns = np.append(self.columns, fresh)
            self.block.append(fresh)
        return fresh


@dataclass(eq=False)
class Track:
    """A lane and what it has finished; the last known correlations, and which columns are in its working set.

    `arrival` tells by which alpha each column came near its threshold, 0 where none did; `bound` how long a unit column
    of the frame can be in the metric of the lane's own shares; `pull` is the largest correlation at the null model;
    `entering` are columns to grow by before the next solve.
    """

    lane: Lane
    null_loss: float
    slope: Floats
    inside: NDArray[np.bool_]
    arrival: Floats
    points: list[Points] = field(default_factory=list)
    gaps: list[Floats] = field(default_factory=list)
    tolerance: float = TOLERANCE
    basis: Basis | None = None
    bound: float = 1.0
    pull: float = 0.0
    message: str = ""
    start: Points | None = None
    entering: Coordinates = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    def latest(self) -> list[Points]:
        """The point to go on from, none at the beginning of a path that starts at zero."""
        return self.points[-1:] or ([] if self.start is None else [self.start])


@dataclass(eq=False)
class Trial:
    """What a track proposes for its pending alphas: points, their correlations and what they mean."""

    track: Track
    points: Points
    slopes: Slopes
    gaps: Floats
    missing: NDArray[np.bool_]
