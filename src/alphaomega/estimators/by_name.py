"""Numbers per feature, given as one number, an array, or by column name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..penalties import Bounded, Penalty

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """The p columns of a matrix: their names, and the source column of each.

    `units` gives, when asked, the factor from a coefficient to what the penalty acts on: its column's standard
    deviation where columns are standardised, else 1.
    """

    count: int
    units: Callable[[], Floats]
    names: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None

    def positions(self, key: Any, argument: str) -> list[int]:
        """Where a column is: by its own name, or by the name of the category whose indicator it is."""
        if self.names is None or self.sources is None:
            raise ValueError(
                f"{argument} names the column {key!r}, but X has no column names; pass a dataframe or an array"
            )
        found = [j for j in range(self.count) if key in (self.names[j], self.sources[j])]
        if not found:
            known = [*self.names, *self.sources]
            near = difflib.get_close_matches(str(key), known, n=1) or known[:1]
            raise ValueError(f"{argument} names the column {key!r}, which X lacks; did you mean {near[0]!r}?")
        return found

    def spread(self, values: Any, default: float, argument: str) -> Any:
        """`values` as a number or an array (p,): a mapping from names leaves `default` elsewhere."""
        if isinstance(values, Mapping):
            array = np.full(self.count, default)
            for key, value in values.items():
                array[self.positions(key, argument)] = float(value)
            return array
        array = np.asarray(values, dtype=float)
        if array.ndim > 1 or (array.ndim == 1 and len(array) != self.count):
            raise ValueError(
                f"{argument} has shape {array.shape} for {self.count} columns; give one number, one per column, or a "
                "dictionary by column name"
            )
        return array if array.ndim else float(array)


def bounded(penalty: Penalty, bounds: Any, features: Features) -> Penalty:
    """The penalty inside `bounds` on coefficients: None, a pair (lower, upper), or a dictionary from names to pairs."""
    if bounds is None:
        return penalty
    if isinstance(bounds, Mapping):
        pairs = {key: _pair(pair) for key, pair in bounds.items()}
        lower: Any = {key: pair[0] for key, pair in pairs.items()}
        upper: Any = {key: pair[1] for key, pair in pairs.items()}
    else:
        lower, upper = _pair(bounds)
    units = features.units()
    return Bounded(
        penalty,
        lower=features.spread(lower, -np.inf, "bounds") * units,
        upper=features.spread(upper, np.inf, "bounds") * units,
    )


def _pair(bounds: Any) -> tuple[Any, Any]:
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ValueError(
            f"bounds must be a pair (lower, upper), or a dictionary of them by column name, got {bounds!r}"
        )
    lower, upper = bounds
    return (-np.inf if lower is None else lower), (np.inf if upper is None else upper)
