"""What every table of inference is: columns by name, a dataframe, intervals of some level."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def check_level(level: float, example: float = 0.9) -> None:
    """Refuse a confidence level outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), e.g. {example:g}, got {level!r}")


class Table(ABC):
    """Numbers with a name each."""

    names: tuple[str, ...]
    #: The columns after the names, each an attribute.
    shown: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        """The table as columns, by name."""
        return {"name": list(self.names), **{name: getattr(self, name) for name in self.shown}}

    def to_frame(self) -> Any:
        """One row per name (a polars DataFrame)."""
        import polars

        return polars.DataFrame(self.columns(), schema_overrides={"name": polars.String})


class IntervalTable(Table):
    """Estimates with intervals that reach as far to one side as to the other."""

    coef: Floats
    level: float

    @property
    @abstractmethod
    def margin(self) -> Floats:
        """Half the width of the confidence interval."""

    @property
    def lower(self) -> Floats:
        """Lower confidence limits."""
        return self.coef - self.margin

    @property
    def upper(self) -> Floats:
        """Upper confidence limits."""
        return self.coef + self.margin

    def at_level(self, level: float) -> Self:
        """The same inference with intervals of another confidence level in (0, 1)."""
        check_level(level, 0.95)
        return replace(self, level=level)  # type: ignore[type-var]
