"""Delimited text (CSV, TSV, semicolons, gzipped or not) to a table; every fault is named by line and column."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cells import MISSING, counted, typed
from .table import DataError, Table

SEPARATORS = ("\t", ";", ",", "|")
SEPARATOR_NAMES = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars"}
NEWLINE, QUOTE = 10, 34


@dataclass(frozen=True)
class Layout:
    """How a file is cut into cells: its separator, whether quotes protect, where records start, separators in each."""

    separator: str
    quoted: bool
    starts: NDArray[np.intp]
    counts: NDArray[np.intp]

    @property
    def regular(self) -> bool:
        """Whether every record has as many cells as the first, and more than one."""
        return bool(self.counts[0] > 0 and (self.counts == self.counts[0]).all())


def parse(content: bytes, name: str, separator: str = "") -> Table:
    """The table in delimited text.

    Parameters
    ----------
    content : the bytes of the file, unpacked.
    name : what to call the file in messages.
    separator : fixed where the kind of file fixes it, else found.

    Raises
    ------
    DataError
        If the text is empty, ragged, has two columns of one name, or words in a numeric column.

    Examples
    --------
    >>> parse(b"height,weight\\n1.80,75\\n1.65,60\\n", "people.csv").frame.rows()
    [(1.8, 75), (1.65, 60)]
    """
    content, notes = _utf8(content)
    if b"\0" in content:
        raise DataError(f"{name} is no text: it holds zero bytes; save it as CSV, or give it the ending of its kind")
    content = content.rstrip() + b"\n"
    if content == b"\n":
        raise DataError(f"{name} is empty; it needs a line of column names and at least one row")
    layout = _layout(content, separator)
    _check_regular(layout, content, name)
    header = _cells(content, layout, 0)
    if not header:
        raise DataError(f"{name} has no line of column names: a cell of its first line is longer than 100,000 letters")
    sample = [_cells(content, layout, row) for row in range(1, min(len(layout.starts), 200))]
    has_header = _is_header(header, sample)
    if has_header:
        names = _unique_names(header, name)
    else:
        names = [f"column_{j + 1}" for j in range(len(header))]
        notes.append("the first line holds data, not names: columns are called column_1, column_2 ...")
    first = int(has_header)
    if len(layout.starts) <= first:
        raise DataError(f"{name} has a line of column names but no rows")
    lines = _line_numbers(content, layout.starts[first:])
    rows = content[layout.starts[first] :]
    if len(names) > 1:
        blank = _blank_records(content, layout)[first:]
        if blank.any():
            blanks = layout.starts[first:][blank] - layout.starts[first]
            rows, lines = np.delete(np.frombuffer(rows, np.uint8), blanks).tobytes(), lines[~blank]
    frame = _text_frame(rows, layout, names, name)
    frame, read = typed(frame, lines, layout.separator)
    return Table(name, frame, notes=(*notes, *read), lines=lines)


def _utf8(content: bytes) -> tuple[bytes, list[str]]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16").encode(), []
    content = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace").encode(), ["the text is not UTF-8; it was read as Windows-1252"]
    return content, []


def _layout(content: bytes, separator: str) -> Layout:
    """The first layout that is regular, else the one with the most separators in its first record."""
    candidates = (separator,) if separator else SEPARATORS
    layouts = [_cut(content, mark, quoted) for quoted in (True, False) for mark in candidates]
    regular = [layout for layout in layouts if layout.regular]
    return regular[0] if regular else max(layouts[: len(candidates)], key=lambda layout: layout.counts[0])


def _cut(content: bytes, separator: str, quoted: bool) -> Layout:
    """Cut where newlines and separators stand outside quotes; blank records keep the first record's count."""
    array = np.frombuffer(content, np.uint8)
    newline, mark = array == NEWLINE, array == ord(separator)
    if quoted:
        outside = (np.cumsum(array == QUOTE, dtype=np.uint8) & 1) == 0
        newline, mark = newline & outside, mark & outside
    ends = np.flatnonzero(newline)
    if not ends.size or ends[-1] != len(content) - 1:  # a quote was left open
        ends = np.append(ends, len(content) - 1)
    starts = np.concatenate([[0], ends[:-1] + 1])
    counts = np.diff(np.searchsorted(np.flatnonzero(mark), ends), prepend=0)
    counts = np.where(ends == starts, counts[0], counts)
    return Layout(separator, quoted, starts, counts)


def _blank_records(content: bytes, layout: Layout) -> NDArray[np.bool_]:
    return np.frombuffer(content, np.uint8)[layout.starts] == NEWLINE


def _check_regular(layout: Layout, content: bytes, name: str) -> None:
    expected = layout.counts[0] + 1
    bad = np.flatnonzero(layout.counts + 1 != expected)
    if bad.size:
        line = _line_numbers(content, layout.starts[bad[:1]])[0]
        found = counted(layout.counts[bad[0]] + 1, "cell")
        raise DataError(
            f"{name} is ragged: line {line} has {found}, the first line has {expected} "
            f"({counted(bad.size, 'such line')}; cells end at {SEPARATOR_NAMES[layout.separator]}). "
            "Mend those lines, or put quotes around cells that hold the separator"
        )


def _line_numbers(content: bytes, starts: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.searchsorted(np.flatnonzero(np.frombuffer(content, np.uint8) == NEWLINE), starts) + 1


def _cells(content: bytes, layout: Layout, record: int) -> list[str]:
    """The cells of one record; none where one of them is longer than `csv` takes."""
    stop = layout.starts[record + 1] if record + 1 < len(layout.starts) else len(content)
    text = content[layout.starts[record] : stop].decode().rstrip("\n")
    quoting: Any = csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=layout.separator, quoting=quoting))
    except csv.Error:
        return []
    return [cell.strip() for cell in rows[0]] if rows else [""]


def _is_header(header: list[str], sample: list[list[str]]) -> bool:
    """Names, unless every cell is a number (counting 0, 1, 2 ... apart) or a cell recurs below itself in a column."""
    numbers = [_is_number(cell) for cell in header]
    if all(numbers):
        return len(header) > 1 and header in (
            [str(j) for j in range(len(header))],
            [str(j + 1) for j in range(len(header))],
        )
    words = [j for j, number in enumerate(numbers) if not number and header[j] not in MISSING]
    recurring = any(row[j : j + 1] == [header[j]] for row in sample for j in words)
    return not recurring


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _unique_names(header: list[str], name: str) -> list[str]:
    names = [cell or f"column_{j + 1}" for j, cell in enumerate(header)]
    seen: dict[str, int] = {}
    for j, column in enumerate(names):
        if column in seen:
            raise DataError(
                f"{name} has two columns called {column!r} (columns {seen[column] + 1} and {j + 1}); rename one"
            )
        seen[column] = j
    return names


def _text_frame(content: bytes, layout: Layout, names: list[str], name: str) -> Any:
    """All cells as text."""
    import polars

    try:
        return polars.read_csv(
            io.BytesIO(content),
            has_header=False,
            new_columns=names,
            separator=layout.separator,
            quote_char='"' if layout.quoted else None,
            infer_schema=False,
        )
    except polars.exceptions.ComputeError as error:
        unquoted = _cut(content, layout.separator, quoted=False)
        if layout.quoted and unquoted.regular and unquoted.counts[0] + 1 == len(names):
            return _text_frame(content, unquoted, names, name)
        raise DataError(f"{name} has quotes that do not pair: {str(error).splitlines()[0]}") from error
