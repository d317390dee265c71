"""The chapters of a thorough study as sections of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..study.chapters.base import NOTHING
from .figures import Drawing, Section
from .words import significant

if TYPE_CHECKING:
    from ..study.chapters import Chapter, Grid, Picture
    from ..study.results import Study

MOST_ROWS = 200


@dataclass(frozen=True)
class Sheet:
    """A table as text: `words` says which columns hold words, `more` how many rows are left out."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[bool, ...]
    caption: str
    more: int


def chapter_sections(study: Study) -> list[Section]:
    """One section a chapter."""
    return [_section(chapter) for chapter in study.chapters]


def _section(chapter: Chapter) -> Section:
    drawings = tuple(_drawing(f"{chapter.id}-{k}", picture) for k, picture in enumerate(chapter.pictures))
    return Section(
        id=chapter.id,
        menu=chapter.menu,
        title=chapter.title,
        lead=chapter.lead,
        drawings=drawings,
        sentences=chapter.sentences,
        sheets=tuple(_sheet(grid) for grid in chapter.tables),
        notes=chapter.notes,
    )


def _drawing(name: str, picture: Picture) -> Drawing:
    return Drawing(name, picture.figure, picture.heading, picture.caption, picture.alt)


def _sheet(grid: Grid) -> Sheet:
    columns = list(zip(*grid.rows)) or [() for _ in grid.head]
    rows = tuple(
        tuple(cell if isinstance(cell, str) else _number(cell, grid.digits) for cell in row)
        for row in grid.rows[:MOST_ROWS]
    )
    words = tuple(any(isinstance(cell, str) and cell != NOTHING for cell in column) for column in columns)
    return Sheet(grid.title, grid.head, rows, words, grid.caption, max(len(grid.rows) - MOST_ROWS, 0))


def _number(value: float, digits: int) -> str:
    return f"{value:,}" if isinstance(value, int) else significant(value, digits)
