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
MIN_ROWS = 10  # with fewer rows distinct values say little


def prepared(frame: Any) -> Any:
    """The frame with words, numbers and nulls only: truth values as words, NaN as missing, decimals as floats."""
    import polars

    types = dict(frame.schema)
    flags = [name for name, kind in types.items() if kind == polars.Boolean]
    labels = [name for name, kind in types.items() if kind in (polars.Categorical, polars.Enum)]
    floats = [name for name, kind in types.items() if kind.is_float() or kind.is_decimal() or kind == polars.Int128]
    return frame.with_columns(
        polars.col(flags + labels).cast(polars.String),
        polars.col(floats).cast(polars.Float64).fill_nan(None),
    )


def check_finite(frame: Any, table: Table) -> None:
    """A DataError that names the first infinite cell."""
    import polars

    infinite = frame.select(polars.col(polars.Float64).is_infinite().any())
    for name, found in zip(infinite.columns, infinite.row(0) if infinite.width else ()):
        if found:
            row = int(frame[name].is_infinite().fill_null(False).arg_max())
            raise DataError(
                f"column {name!r} holds an infinity in {table.where(row)}; replace it, or leave the cell empty"
            )


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
    if distinct > MANY_SHARE * present and (present >= MIN_ROWS or distinct > MAX_LEVELS):
        words = column.drop_nulls().str.count_matches(r"\S+").mean()
        if words >= WORDS_OF_TEXT:
            return "free text; --text reads it as a bag of words"
        return f"identifier-like: {distinct} different values in {present} rows"
    if distinct > MAX_LEVELS:
        return f"too many categories: {distinct}"
    return ""


def _numeric_identifier(column: Any) -> str:
    """Whether whole numbers, all different, number the rows or carry a name of identifiers."""
    values = column.to_numpy().astype(np.float64)
    if not (values == np.round(values)).all():
        return ""
    low, high = values.min(), values.max()
    if low in (0, 1) and high - low + 1 == len(values):
        return "identifier-like: it numbers the rows"
    if re.search(r"(^|[_\s.-])id($|[_\s.-])|^ID|ID$|Id$", column.name) or column.name.lower() in ("id", "key", "index"):
        return "identifier-like: whole numbers, all different"
    return ""


def _key(column: Any) -> bytes:
    """Equal for columns with equal cells."""
    import hashlib

    hashes = column.cast(str) if not column.dtype.is_numeric() else column.cast(float)
    return hashlib.blake2b(hashes.hash().to_numpy().tobytes(), digest_size=16).digest()
