"""What a chapter is made from, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..results import Study

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = NDArray[np.float64]
Cell = str | float | int
NOTHING = "-"  # a cell without a number
FEWEST_ROWS = 300  # of a sample


@dataclass(frozen=True)
class Grid:
    """A table: `head` names the columns, the first of which names the rows; cells are words or numbers.

    `caption` says what to read from it; `digits` are the significant digits of its numbers.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    digits: int = 4


@dataclass(frozen=True, eq=False)
class Picture:
    """A plotly figure in the house style, a caption that says what this data shows, a text for those who cannot see."""

    figure: go.Figure
    caption: str
    alt: str
    heading: str = ""


@dataclass(frozen=True, eq=False)
class Chapter:
    """What one long analysis found.

    Attributes
    ----------
    id : a word for links, unique in the report.
    menu, title : a word for the menu, and the heading.
    lead : what was asked, and how to read the answer.
    sentences : what was found, in plain words.
    tables, pictures : the evidence.
    notes : what the reader should doubt, or why there is nothing.
    """

    id: str
    menu: str
    title: str
    lead: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Grid, ...] = ()
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One line of the registry; the module has `chapter(material) -> Chapter`, `TITLE` and `MENU`."""

    module: str
    label: str
    weight: float


@dataclass(frozen=True, eq=False)
class Material:
    """What every chapter is given: the finished study, its training target as it stands in the data, and the progress.

    `told` is called with the share of the chapter that is done, from 0 to 1; `memory` holds what `once` has made.
    """

    study: Study
    y: NDArray
    told: Callable[[float], object] = lambda share: None
    memory: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def X(self) -> Any:
        """The encoded training rows, gaps filled: an array or a sparse matrix (n, p)."""
        return self.study.train.X

    @property
    def names(self) -> tuple[str, ...]:
        """The p names of the columns."""
        return self.study.feature_names

    @property
    def curved(self) -> bool:
        """Whether the loss is curved: then every fit is a sequence of fits, and fewer of them must do."""
        return not self.study.loss.constant_curvature

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        """The result of `work`, made by the first chapter that wants it and kept for the others."""
        if name not in self.memory:
            self.memory[name] = work()
        return self.memory[name]

    def sample(self, most_cells: float) -> tuple[Material, str]:
        """The material with at most so many cells of X, rows drawn with the study's seed, and a note where it is less.

        Thorough analyses fit hundreds of times; on large tables a part of the rows tells the same.
        """
        rows, columns = self.X.shape
        keep = max(int(most_cells / columns), FEWEST_ROWS)
        if rows <= keep:
            return self, ""
        chosen = np.sort(np.random.default_rng(self.study.seed).permutation(rows)[:keep])
        part = self.study.train
        offset = None if part.offset is None else part.offset[chosen]
        matrix = part.X[chosen] if isinstance(part.X, np.ndarray) else part.X.tocsr()[chosen]
        study = replace(self.study, train=replace(part, X=matrix, y=part.y[chosen], offset=offset))
        return replace(
            self, study=study, y=self.y[chosen]
        ), f"On {keep:,} of the {rows:,} training rows, drawn at random."

    def arguments(self) -> dict[str, Any]:
        """What every fit on `X` and `y` is given, so that its alphas mean what they mean in the study."""
        return {"loss": self.study.loss, "offset": self.study.train.offset, "standardize": True}

    @contextmanager
    def part(self, start: float, end: float) -> Iterator[Callable[[float], object]]:
        """The progress of a part of the chapter, between two shares of the whole."""
        yield lambda share: self.told(start + share * (end - start))
        self.told(end)
