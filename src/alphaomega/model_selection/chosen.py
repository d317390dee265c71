"""What resamples choose: the features that a share of them keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Chosen(ABC):
    """The features whose share of the resamples reaches `threshold`."""

    feature_names: tuple[str, ...] | None = None
    redrawn: int = 0
    message: str = ""

    @property
    @abstractmethod
    def share(self) -> Floats:
        """(p,) the share of the resamples that keep each feature."""

    @abstractmethod
    def columns(self) -> dict[str, Floats]:
        """What the table shows of each feature."""

    @property
    def selected(self) -> NDArray[np.intp]:
        """The positions of the selected features, 0-based and ascending."""
        return np.flatnonzero(self.share >= self.threshold)  # type: ignore[attr-defined]

    def names(self) -> list[str]:
        """Feature names, x0, x1, ... where the data had none."""
        return list(self.feature_names) if self.feature_names else [f"x{j}" for j in range(len(self.share))]

    def to_frame(self) -> Any:
        """One row per feature, most often kept first (a polars DataFrame)."""
        import polars

        order, names = np.argsort(-self.share, kind="stable"), self.names()
        chosen = np.isin(np.arange(len(names)), self.selected)
        columns = {name: values[order] for name, values in self.columns().items()}
        return polars.DataFrame({"feature": [names[j] for j in order], **columns, "selected": chosen[order]})
