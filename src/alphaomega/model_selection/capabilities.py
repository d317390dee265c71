"""What a model can do that an elimination makes use of: begin at given coefficients, lose single units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
Floats = NDArray[np.float64]


class Restartable(ABC):
    """A linear model whose next fit can begin where the last one ended."""

    @abstractmethod
    def restarted(self, kept: Places | None = None) -> Self:
        """An unfitted copy whose fit begins at the coefficients of this one, of the columns `kept` (default all)."""


class UnitModel(ABC):
    """A network with hidden units that can go one by one; they count through the layers, nearest the input first."""

    @property
    @abstractmethod
    def unit_layers(self) -> NDArray[np.intp]:
        """The hidden layer of each unit, (units,), from 0; known before the fit."""

    @abstractmethod
    def unit_strengths(self, X: Any) -> Floats:
        """How much each unit moves what reads it, (units,), on these rows."""

    @abstractmethod
    def with_units(self, kept: Places, X: Any, y: NDArray) -> Self:
        """The network with these of its units alone, trained on from the weights that they have, at the same alpha."""

    @abstractmethod
    def units_at_once(self, X: Any, y: NDArray) -> tuple[Places, float, float]:
        """What a penalty on whole units keeps, with its held-out error and that error's standard error."""
