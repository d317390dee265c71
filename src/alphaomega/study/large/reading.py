"""What a file is, decided as for a table in memory, as far as passes over it can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets import DataError, Table
from ...designs import Chunked
from ...designs.records import ArrowFile, Parquet, Records, arrow
from ...designs.spool import csv_batches, spooled
from ...designs.tables import MISSING
from ...designs.tables import Table as Matrix
from ..columns import check_finite, prepared
from ..results import Column, Understanding
from ..target import choose_family, choose_target
from ..understanding import Options, Reading, classes_of, offset_of, taken_columns
from .passes import Facts, columns_of, readable

FLAGS = ("false", "true")
NOTE = "too large to be held in memory: read in batches, with no look for repeated rows and duplicated columns"
READERS: dict[str, Callable[[Path], Records]] = {
    ".parquet": lambda path: Parquet([path]),
    ".pq": lambda path: Parquet([path]),
    ".arrow": ArrowFile,
    ".feather": ArrowFile,
    ".csv": lambda path: spooled(csv_batches(path), str(path)),
}


def understand_large(data: str, options: Options, allowed: float) -> Reading:
    """`understand` for a file that is read in batches; X is a design, its gaps NaN. `allowed` are bytes.

    Raises
    ------
    DataError
        If the options ask for what only a study in memory does, or the data cannot be used.
    """
    import polars

    for name, value in (("--text", options.text), ("--thorough", options.thorough)):
        if value:
            raise DataError(f"{name} needs the file in memory; allow it with a larger --memory")
    path = Path(data)
    records = READERS[path.suffix.lower()](path)
    names = list(records.schema.names)
    table = Table(path.name, frame=polars.DataFrame(schema=names))
    taken = taken_columns(table.frame, options)
    target, target_reason = choose_target(table, options.target, taken)
    used = [name for name in (target, options.offset, options.exposure) if name]
    given = prepared(polars.DataFrame([_series(records, name) for name in used]))
    check_finite(given, table)
    family, family_reason = choose_family(given[target], table, options.family, options.exposure)
    offset, offset_words, _ = offset_of(given, table, options, family)
    kept, unreadable = readable(records, [name for name in names if name != target and name not in taken])
    X, missing, unvarying = _features(records, kept, (*unreadable,), allowed)
    y = _labels(given[target])
    understanding = Understanding(
        source=path.name,
        n_rows=records.rows,
        n_columns=len(names),
        n_features=X.shape[1],
        target=target,
        target_reason=target_reason,
        family=family,
        family_reason=family_reason,
        left_out=(*unreadable, *unvarying, *(Column(name, "named by --exclude") for name in options.exclude)),
        offset=offset_words,
        notes=(NOTE,),
        **classes_of(y, family),
        **_described(X, missing),
    )
    return Reading(table, understanding, X, y, offset)


def _series(records: Records, name: str) -> Any:
    """One column of the file, in memory."""
    import polars

    batches = [batch.column(0) for batch in records.batches([name])]
    column = arrow().chunked_array(batches, type=records.schema.field(name).type)
    return polars.Series(name, polars.from_arrow(column))


def _labels(target: Any) -> NDArray:
    """The target as an array; words by way of their few levels."""
    import polars

    if target.dtype.is_numeric():
        return target.to_numpy()
    levels = target.unique().sort().to_list()
    codes = target.replace_strict(levels, list(range(len(levels))), return_dtype=polars.UInt32)
    return np.array(levels)[codes.to_numpy()]


def _features(
    records: Records, names: list[str], unreadable: tuple[Column, ...], allowed: float
) -> tuple[Chunked, dict[str, int], tuple[Column, ...]]:
    """The matrix of the columns that vary, how many cells of each are missing, and the columns that do not vary."""
    remarks: dict[str, str] = {}
    missing: dict[str, int] = {}
    if names:
        X = Chunked(Matrix(records, names), room=allowed)
        remarks, missing = _looked_at(X)
    if not missing:
        reasons = "; ".join(f"{column.name!r}: {column.remark}" for column in unreadable)
        reasons = "; ".join(filter(None, [reasons, *(f"{name!r}: {remark}" for name, remark in remarks.items())]))
        raise DataError(f"no feature is left ({reasons or 'there is no other column'}); add a column that varies")
    for name in remarks:
        X = X.without(name)
    types = arrow().types
    flags = [name for name in missing if types.is_boolean(records.schema.field(name).type)]
    if flags:  # as words: so tables in memory are read, for which the model file must do
        levels = {name: (*FLAGS, MISSING) if missing[name] else FLAGS for name in flags}
        assert X.schema is not None
        X = X.recoded(list(missing), {**X.schema.levels, **levels})
    return X, missing, tuple(Column(name, remark) for name, remark in remarks.items())


def _looked_at(X: Chunked) -> tuple[dict[str, str], dict[str, int]]:
    """Why some columns cannot be features, and how many cells of each of the others are missing."""
    remarks: dict[str, str] = {}
    missing: dict[str, int] = {}
    assert X.schema is not None
    facts = Facts.of(X)
    for name, columns in columns_of(X):
        if name in X.schema.levels:
            remark = "" if len(columns) else "constant"
            count = facts.ones(columns[-1]) if name in X.schema.gaps else 0
        else:
            remark, count = facts.remark(columns[0]), int(facts.missing[columns[0]])
        if remark:
            remarks[name] = remark
        else:
            missing[name] = count
    return remarks, missing


def _described(X: Chunked, missing: Mapping[str, int]) -> dict[str, Any]:
    """The numeric, categorical and missing columns."""
    assert X.schema is not None
    words = {name: [level for level in levels if level != MISSING] for name, levels in X.schema.levels.items()}
    filled = {False: "mean of the training rows", True: "a category of its own"}
    return {
        "n_numeric": len(X.schema.columns) - len(words),
        "categorical": tuple(Column(name, f"{len(levels)} categories", len(levels)) for name, levels in words.items()),
        "missing": tuple(Column(name, filled[name in words], count) for name, count in missing.items() if count),
    }
