"""What every reader returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class DataError(ValueError):
    """Data that cannot be used; the message names the file, line or column, and the mend."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read, before anything is decided about it.

    Attributes
    ----------
    name : the bundled name, or the file's name without its folder.
    frame : polars DataFrame with the target among its columns; None for a sparse matrix.
    matrix : SciPy sparse matrix (n, p) for sparse files, else None.
    y : target (n,) that belongs to `matrix`, else None.
    target : the target's name where the source states it, else "".
    family : the family where the source states it, else "".
    description : one line about a bundled data set.
    notes : what the reader had to decide, in words.
    lines : (n,) line of the file that each row starts on, for messages; None where rows are not lines.

    Examples
    --------
    >>> import alphaomega as ao
    >>> table = ao.datasets.load("diabetes")
    >>> table.shape, table.target
    ((442, 11), 'progression')
    """

    name: str
    frame: Any = None
    matrix: Any = None
    y: Any = None
    target: str = ""
    family: str = ""
    description: str = ""
    notes: tuple[str, ...] = ()
    lines: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, the target counted."""
        if self.frame is not None:
            return self.frame.shape
        return self.matrix.shape[0], self.matrix.shape[1] + 1

    def where(self, row: int) -> str:
        """How to name a row to a person: its line in the file where there is one."""
        return f"row {row}" if self.lines is None else f"line {self.lines[row]}"
