"""The table a fitted estimator shows."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MOST_ROWS = 40
CELL = "text-align: right; padding: 0 0.6em"


@dataclass(frozen=True, eq=False)
class Summary:
    """What was fitted, how alpha was chosen, and the coefficients: as text, HTML, or a dataframe.

    Attributes
    ----------
    title : what was fitted.
    lines : facts about the fit.
    columns : the table, one entry per row, by column name.
    notes : what to know when reading the table.
    """

    title: str
    lines: tuple[str, ...]
    columns: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Every row of the table (a polars DataFrame)."""
        import polars

        return polars.DataFrame(self.columns)

    def rows(self) -> tuple[list[list[str]], str]:
        """The rows worth showing, as text, and a sentence about those left out."""
        size = len(self.columns["name"])
        keep = np.arange(size)
        left_out = ""
        if size > MOST_ROWS:
            nonzero = np.asarray(self.columns["coefficient"]) != 0
            weight = np.where(np.asarray(self.columns["name"]) == "intercept", np.inf, abs(self._standardized()))
            strongest = np.argsort(-weight, kind="stable")[:MOST_ROWS]
            keep = np.sort(strongest[nonzero[strongest]])
            left_out = f"{size - len(keep)} of {size} rows are not shown ({(~nonzero).sum()} are zero); see to_frame()."
        table = [[_cell(name, values[i]) for name, values in self.columns.items()] for i in keep]
        return table, left_out

    def _standardized(self) -> Any:
        values = np.asarray(self.columns.get("per sd", self.columns["coefficient"]), dtype=float)
        return np.where(np.isnan(values), 0.0, values)

    def __str__(self) -> str:
        table, left_out = self.rows()
        table = [list(self.columns), *table]
        widths = [max(len(row[k]) for row in table) for k in range(len(self.columns))]
        text = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        text.insert(1, "-" * len(text[0]))
        notes = (left_out, *self.notes) if left_out else self.notes
        return "\n".join([self.title, *self.lines, "", *text, "", *notes]).rstrip()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        table, left_out = self.rows()
        head = "".join(f'<th style="{CELL}">{html.escape(name)}</th>' for name in self.columns)
        cells = ("".join(f'<td style="{CELL}">{html.escape(cell)}</td>' for cell in row) for row in table)
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        above = "".join(f"<div>{html.escape(line)}</div>" for line in self.lines)
        below = "".join(f"<p>{html.escape(note)}</p>" for note in (left_out, *self.notes) if note)
        return (
            f"<div><strong>{html.escape(self.title)}</strong>{above}<table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{below}</div>"
        )


def _cell(column: str, value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if math.isnan(number):
            return ""
        if column == "p" and number == 0:
            return "< 1e-300"
        return f"{number:.0f}" if 1e4 <= abs(number) < 1e7 else f"{number:.4g}"
    return str(value)
