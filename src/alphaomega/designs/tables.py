"""Tables of named columns as numbers: categories become indicator columns, as for dataframes in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Schema
from .records import Records, arrow, family
from .sources import Source, SourceError

MISSING = "missing"  # the level of a category's gaps


class Table(Source):
    """Some columns of record batches as a matrix of numbers, encoded batch by batch.

    Levels are found in one pass over the text columns alone. A missing number is NaN; a missing category the level
    "missing".
    """

    def __init__(self, records: Records, columns: Sequence[str] | None = None, schema: Schema | None = None) -> None:
        self.records = records
        chosen = tuple(records.schema.names) if columns is None else tuple(columns)
        for name in chosen:
            if records.schema.names.count(name) != 1:
                have = ", ".join(records.schema.names[:20])
                fault = "has no column" if name not in records.schema.names else "has several columns called"
                raise SourceError(f"{records!r} {fault} {name!r}; it has {have}")
        self.schema: Schema = schema or _learn(records, chosen)
        self.widths = [len(self.schema.levels[name]) - 1 if name in self.schema.levels else 1 for name in chosen]
        self.edges = np.cumsum([0, *self.widths])
        self.shape = (records.rows, int(self.edges[-1]))
        kinds = [records.schema.field(name).type for name in chosen if name not in self.schema.levels]
        types = arrow().types
        single = any(map(types.is_float32, kinds)) and all(types.is_float32(k) or types.is_boolean(k) for k in kinds)
        self.dtype = np.dtype(np.float32 if single else np.float64)

    def __repr__(self) -> str:
        return repr(self.records)

    @property
    def size(self) -> int:  # type: ignore[override]
        """Bytes of the numbers in memory."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    @property
    def bytes_read(self) -> int:  # type: ignore[override]
        return self.records.bytes_read

    @property
    def batch_bytes(self) -> int:  # type: ignore[override]
        return self.records.batch_bytes

    @batch_bytes.setter
    def batch_bytes(self, size: int) -> None:
        self.records.batch_bytes = size

    def identity(self) -> str:
        return f"{self.records.identity()}|{self.schema.columns}"

    def place(self, row: int) -> str:
        return self.records.place(row)

    def without(self, name: str) -> Table:
        """The table without a column."""
        columns = tuple(column for column in self.schema.columns if column != name)
        if not columns:
            raise SourceError(f"{self!r} has no column but {name!r}; X needs at least one")
        levels = {column: levels for column, levels in self.schema.levels.items() if column != name}
        gaps = {column: row for column, row in self.schema.gaps.items() if column != name}
        return Table(self.records, columns, Schema(columns, levels, gaps))

    def recoded(self, columns: Sequence[str], levels: Mapping[str, tuple[str, ...]]) -> Table:
        """The table with the columns and levels of another."""
        absent = [column for column in columns if column not in self.schema.columns]
        if absent:
            more = f" and {len(absent) - 1} more columns of the fit" if len(absent) > 1 else ""
            raise SourceError(f"X lacks the column {absent[0]!r}{more}; add it")
        return Table(self.records, columns, replace(self.schema, columns=tuple(columns), levels=levels))

    def values(self, name: str) -> NDArray:
        """One column as it is: numbers, or text for a category."""
        category = family(self.records.schema.field(name).type) == "text"
        parts = [
            np.asarray(batch.column(0).to_pylist(), dtype=object) if category else _numeric(batch.column(0), name)
            for batch in self.records.batches([name])
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def batches(self, columns: NDArray[np.intp] | None, first: int = 0) -> Iterator[NDArray]:
        names = self.schema.columns
        order = np.arange(self.shape[1]) if columns is None else columns
        sources = np.searchsorted(self.edges, order, side="right") - 1
        needed = np.unique(sources)
        for batch in self.records.batches([names[number] for number in needed], first):
            result = np.empty((batch.num_rows, len(order)), dtype=self.dtype, order="F")
            for place, number in enumerate(needed):
                wanted = np.flatnonzero(sources == number)
                column, name = batch.column(place), names[number]
                if name in self.schema.levels:
                    codes = self._codes(column, name, first)
                    result[:, wanted] = codes[:, None] == order[wanted] - self.edges[number] + 1
                else:
                    result[:, wanted] = _numeric(column, name)[:, None]
            yield result
            first += batch.num_rows

    def _codes(self, column: Any, name: str, first: int) -> NDArray[np.intp]:
        """The level of every row: 0 for the reference."""
        pa = arrow()
        text = pa.compute.fill_null(column.cast(pa.string()), MISSING)
        codes = pa.compute.index_in(text, pa.array(self.schema.levels[name], pa.string()))
        if codes.null_count:
            row = int(np.flatnonzero(codes.is_null().to_numpy(zero_copy_only=False))[0])
            known = ", ".join(map(repr, self.schema.levels[name][:8]))
            raise SourceError(
                f"column {name!r} holds {text[row].as_py()!r} at row {first + row} ({self.place(first + row)}), a "
                f"level not seen at fitting ({known}); use one of these levels"
            )
        return codes.to_numpy(zero_copy_only=False)


def _learn(records: Records, columns: tuple[str, ...]) -> Schema:
    """Check the kinds of columns, and find the levels of the categories in one pass over them."""
    pa = arrow()
    text = []
    for name in columns:
        kind = records.schema.field(name).type
        found = family(kind)
        if found == "text":
            text.append(name)
        elif pa.types.is_null(kind):
            raise SourceError(f"column {name!r} is entirely missing; leave it out with columns=")
        elif found != "number":
            temporal = pa.types.is_temporal(kind)
            mend = "days since a date" if temporal else "numbers, or text"
            raise SourceError(
                f"column {name!r} holds {'dates or times' if temporal else 'entries'} of type {kind}; convert it to "
                f"{mend}, or leave it out with columns="
            )
    seen: dict[str, dict[str, None]] = {name: {} for name in text}
    gaps: dict[str, int] = {}
    first = 0
    for batch in records.batches(text) if text else ():
        for place, name in enumerate(text):
            column = batch.column(place)
            unique = pa.compute.unique(column.cast(pa.string())).to_pylist()
            seen[name].update(dict.fromkeys(level for level in unique if level is not None))
            if column.null_count and name not in gaps:
                gaps[name] = first + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        first += batch.num_rows
    levels = {name: _ordered(seen[name], name in gaps) for name in text}
    for name in text:
        if not seen[name] and records.rows:
            raise SourceError(f"column {name!r} is entirely missing; leave it out with columns=")
    return Schema(columns, levels, gaps)


def _ordered(levels: Mapping[str, None], gaps: bool) -> tuple[str, ...]:
    found = sorted(level for level in levels if not (gaps and level == MISSING))
    return (*found, MISSING) if gaps else tuple(found)


def _numeric(column: Any, name: str) -> NDArray:
    """An Arrow column of numbers or booleans as an array, NaN where it is null."""
    pa = arrow()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_boolean(column.type) or pa.types.is_decimal(column.type):
        column = column.cast(pa.int8() if pa.types.is_boolean(column.type) else pa.float64())
    if column.null_count and pa.types.is_integer(column.type):
        column = column.cast(pa.float64(), safe=False)
    return column.to_numpy(zero_copy_only=False)
