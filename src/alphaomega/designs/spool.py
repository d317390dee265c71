"""What can be read only once, or costs more than a file to read: written once to an Arrow file that is read instead."""

from __future__ import annotations

import itertools
import numbers
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from .records import ArrowFile, arrow
from .sources import SourceError

ROWS = 50_000
LOOK_AHEAD = 10  # batches in which a column's first entry must come


def spooled(batches: Iterable[Any], what: str) -> ArrowFile:
    """Record batches written to a temporary file, deleted with the object that is returned."""
    pa = arrow()
    folder = Path(tempfile.mkdtemp(prefix="alphaomega-"))
    try:
        _write(iter(batches), folder / "rows.arrow", what)
        records = ArrowFile(folder / "rows.arrow", what)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, pa.ArrowInvalid):
            raise SourceError(f"{what}: {' '.join(str(error).split())}") from error
        if isinstance(error, OSError):
            raise SourceError(
                f"{what} cannot be copied to {folder.parent} ({error.strerror or error}); make room there, or set "
                "TMPDIR to a folder that has it"
            ) from error
        raise
    weakref.finalize(records, shutil.rmtree, folder, ignore_errors=True)
    return records


def _write(batches: Iterator[Any], path: Path, what: str) -> None:
    pa = arrow()
    first = next(batches, None)
    if first is None:
        raise SourceError(f"{what} gives no rows")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, first.schema) as file:
        for batch in itertools.chain([first], batches):
            if batch.schema != first.schema:
                raise SourceError(f"{what}: a later batch has the columns {batch.schema.names} of other types")
            file.write_batch(batch)


def sql_batches(query: str, connection: Any) -> Iterator[Any]:
    """The rows of a query as record batches: of DuckDB's own making, or from any DB-API cursor."""
    if type(connection).__module__.partition(".")[0] in ("duckdb", "_duckdb"):
        relation = connection.sql(query)
        if relation is None:
            raise SourceError(f"the statement {query!r} gives no rows; pass a SELECT")
        reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader  # before and since 1.4
        yield from reader(ROWS)
        return
    cursor = connection.cursor()
    try:
        cursor.execute(query)
        if cursor.description is None:
            raise SourceError(f"the statement {query!r} gives no rows; pass a SELECT")
        names = [entry[0] for entry in cursor.description]
        yield from _typed(names, iter(lambda: cursor.fetchmany(ROWS), []))
    finally:
        cursor.close()


def _typed(names: list[str], chunks: Iterator[Any]) -> Iterator[Any]:
    """Rows of Python objects as batches of doubles and text, each column what its first entry is."""
    pa = arrow()
    head = []
    kinds: dict[int, Any] = {}
    for chunk in itertools.islice(chunks, LOOK_AHEAD):
        head.append(chunk)
        for column in set(range(len(names))) - kinds.keys():
            entry = next((row[column] for row in chunk if row[column] is not None), None)
            if entry is not None:
                kinds[column] = pa.string() if isinstance(entry, str) else pa.float64()
        if len(kinds) == len(names):
            break
    schema = pa.schema([(name, kinds.get(column, pa.float64())) for column, name in enumerate(names)])
    start = 0
    for chunk in itertools.chain(head, chunks):
        columns = [_column(values, field, start) for values, field in zip(zip(*chunk, strict=True), schema)]
        yield pa.record_batch(columns, schema=schema)
        start += len(chunk)


def _column(values: tuple[Any, ...], field: Any, start: int) -> Any:
    pa = arrow()
    text = pa.types.is_string(field.type)
    for row, entry in enumerate(values):
        fits = isinstance(entry, str) if text else isinstance(entry, (numbers.Real, Decimal))
        if entry is not None and not fits:
            raise SourceError(
                f"column {field.name!r} of the query holds {'text' if text else 'numbers'} at first but {entry!r} "
                f"at row {start + row}; cast it in the query"
            )
    return pa.array(values if text else [None if entry is None else float(entry) for entry in values], field.type)


def csv_batches(path: Path) -> Iterator[Any]:
    """A CSV file block by block; types are those of its first megabytes."""
    arrow()
    import pyarrow.csv

    options = pyarrow.csv.ReadOptions(block_size=8 << 20)
    converting = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    with pyarrow.csv.open_csv(path, read_options=options, convert_options=converting) as reader:
        yield from reader
