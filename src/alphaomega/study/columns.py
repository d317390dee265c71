"""Which columns can be features; constant, duplicated, identifier-like and free-text ones cannot."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..columns import MISSING
from ..datasets import DataError, Table
from .results import Column

MAX_LEVELS = 100
MANY_SHARE = 0.5  # words that differ in more than this share of the rows are not categories
WORDS_OF_TEXT = 3.0  # ... and are free text if they have so many words on average
MICROSECONDS = 86_400e6  # in a day
UNCLEAR_DATE = r"^\d{1,4}[/-]\d{1,2}[/-]\d{2,4}$"
IDENTIFIER_NAME = r"(?i:(^|[_\s.-])id($|[_\s.-])|[_\s.-](nr|no)\.?$|^(key|index)$)|^ID|ID$|Id$"
LONGEST_SEQUENCE = 200  # consecutive numbers may be years; so many are not
LARGEST, SMALLEST = 1e120, 1e-120
MIN_ROWS = 10  # with fewer rows distinct values say little


def prepared(frame: Any) -> Any:
    """The frame with words, numbers and nulls only: truth values as words, NaN as missing, decimals as floats.

    Dates become days since 1970-01-01, times fractions of days.
    """
    import polars

    types = dict(frame.schema)
    flags = [name for name, kind in types.items() if kind == polars.Boolean]
    labels = [name for name, kind in types.items() if kind in (polars.Categorical, polars.Enum)]
    floats = [name for name, kind in types.items() if kind.is_float() or kind.is_decimal() or kind == polars.Int128]
    days = [name for name, kind in types.items() if kind == polars.Date]
    times = [name for name, kind in types.items() if isinstance(kind, polars.Datetime)]
    return frame.with_columns(
        polars.col(days).cast(polars.Int32).cast(polars.Float64),
        polars.col(times).dt.epoch("us").cast(polars.Float64) / MICROSECONDS,
        polars.col(flags + labels).cast(polars.String),
        polars.col(floats).cast(polars.Float64).fill_nan(None),
    )


def check_finite(frame: Any, table: Table) -> None:
    """A DataError that names the first infinite cell, or a column of numbers whose squares cannot be held."""
    import polars

    numbers = frame.select(polars.col(polars.Float64))
    if not numbers.width:
        return
    sizes = numbers.select(polars.all().abs().max()).row(0)
    for name, size in zip(numbers.columns, sizes):
        if size is None or size == 0 or SMALLEST <= size <= LARGEST:
            continue
        if np.isinf(size):
            row = int(frame[name].is_infinite().fill_null(False).arg_max())
            raise DataError(
                f"column {name!r} holds an infinity in {table.where(row)}; replace it, or leave the cell empty"
            )
        what = "reaches" if size > LARGEST else "is nowhere larger than"
        raise DataError(f"column {name!r} {what} {size:g}, whose square no number can hold; measure it in other units")


def sort_out(frame: Any) -> tuple[list[str], tuple[Column, ...]]:
    """The names of usable features, and a remark on each of the others."""
    left_out: list[Column] = []
    kept: list[str] = []
    first: dict[bytes, str] = {}
    counts = frame.select(_distinct()).row(0)
    missing = frame.null_count().row(0)
    for name, distinct, empty in zip(frame.columns, counts, missing):
        column = frame[name]
        remark = _remark(column, distinct - (empty > 0), len(column) - empty)
        if not remark:
            key = _key(column)
            if key in first:
                remark = f"a duplicate of {first[key]}"
            else:
                first[key] = name
        if remark:
            left_out.append(Column(name, remark, distinct))
        else:
            kept.append(name)
    return kept, tuple(left_out)


def dates_note(frame: Any) -> tuple[str, ...]:
    """Which columns of a table as read are dates."""
    import polars

    names = [
        name for name, kind in dict(frame.schema).items() if kind == polars.Date or isinstance(kind, polars.Datetime)
    ]
    return (f"dates read as days since 1970-01-01: {', '.join(names)}",) if names else ()


def cases_note(frame: Any) -> tuple[str, ...]:
    """Columns of words in which two levels differ only in their case."""
    import polars

    found = []
    for name in [name for name, kind in dict(frame.schema).items() if kind == polars.String]:
        levels = frame[name].drop_nulls().unique(maintain_order=True)
        if 1 < len(levels) <= MAX_LEVELS and levels.str.to_lowercase().n_unique() < len(levels):
            folded = levels.str.to_lowercase()
            twins = sorted(levels.filter(folded == folded.filter(folded.is_duplicated())[0]).to_list())[:2]
            found.append(
                f"{name}: {twins[0]!r} and {twins[1]!r} differ only in case; make them one if they mean the same"
            )
    return tuple(found)


def with_missing_level(frame: Any) -> Any:
    """Missing words as a category of their own."""
    import polars

    return frame.with_columns(polars.col(polars.String).fill_null(MISSING))


def _distinct() -> Any:
    import polars

    return polars.all().n_unique()


def _remark(column: Any, distinct: int, present: int) -> str:
    """Why a column cannot be a feature; "" where it can."""
    import polars

    if present == 0:
        return "empty"
    if distinct == 1:
        return "constant" if present == len(column) else "constant where it is not missing"
    if column.dtype.is_numeric():
        return _numeric_identifier(column) if distinct == len(column) >= MIN_ROWS else ""
    if column.dtype != polars.String:
        return f"of type {column.dtype}; turn it into numbers or words to use it"
    if column.drop_nulls().str.contains(UNCLEAR_DATE).all():
        return "dates whose day and month are unclear; write them as YYYY-MM-DD to use them"
    if distinct > MANY_SHARE * present and (present >= MIN_ROWS or distinct > MAX_LEVELS):
        if is_text(column):
            return "free text; --text reads it as a bag of words"
        return f"identifier-like: {distinct:,} different values in {present:,} rows"
    if distinct > MAX_LEVELS:
        return f"too many categories: {distinct:,}"
    return ""


def is_text(column: Any) -> bool:
    """Whether a column of words holds sentences."""
    return column.drop_nulls().str.count_matches(r"\S+").mean() >= WORDS_OF_TEXT


def _numeric_identifier(column: Any) -> str:
    """Whether whole numbers, all different, number the rows or carry a name of identifiers."""
    values = column.to_numpy().astype(np.float64)
    if not (values == np.round(values)).all():
        return ""
    low, high = values.min(), values.max()
    if high - low + 1 == len(values) and (low in (0, 1) or len(values) > LONGEST_SEQUENCE):
        return "identifier-like: it numbers the rows"
    if re.search(IDENTIFIER_NAME, column.name):
        return "identifier-like: whole numbers, all different"
    return ""


def _key(column: Any) -> bytes:
    """Equal for columns with equal cells."""
    import hashlib

    hashes = column.cast(str) if not column.dtype.is_numeric() else column.cast(float)
    return hashlib.blake2b(hashes.hash().to_numpy().tobytes(), digest_size=16).digest()
