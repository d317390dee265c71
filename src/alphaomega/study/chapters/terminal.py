"""Chapters as they are told on a terminal of any width."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..numbers import number
from ..results import Study
from .base import NOTHING, Cell, Chapter, Grid

MOST_ROWS = 30


def show_chapters(study: Study, console: Console) -> None:
    """Every chapter: its title, what was found, its tables, its notes."""
    for chapter in study.chapters:
        _show(chapter, console)


def _show(chapter: Chapter, console: Console) -> None:
    console.print()
    console.print(Text(chapter.title, style="bold cyan"))
    for sentence in chapter.sentences:
        console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    for grid in chapter.tables:
        console.print(Padding(_table(grid), (0, 0, 0, 1)))
        if grid.caption:
            console.print(Padding(Text(grid.caption, style="dim"), (0, 0, 0, 2)))
    for note in chapter.notes:
        console.print(Padding(Text(note, style="dim"), (0, 0, 0, 2)))


def _table(grid: Grid) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    for position, head in enumerate(grid.head):
        numeric = all(not isinstance(row[position], str) or row[position] == NOTHING for row in grid.rows)
        table.add_column(escape(head), justify="right" if numeric else "left", vertical="bottom")
    for row in grid.rows[:MOST_ROWS]:
        table.add_row(*(escape(words(cell, grid.digits)) for cell in row))
    more = len(grid.rows) - MOST_ROWS
    if more > 0:
        table.add_row(f"and {more:,} more in the report", *[""] * (len(grid.head) - 1))
    return table


def words(cell: Cell, digits: int) -> str:
    """A cell as text."""
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else number(float(cell), digits)
