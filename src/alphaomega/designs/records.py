"""Files of Arrow record batches: Parquet data sets and Arrow IPC, every part checked against the first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .sources import BATCH_BYTES, SourceError, stamp

INSTALL = "pip install pyarrow"
PARTS = (".parquet", ".parq", ".pq")


def arrow() -> Any:
    """pyarrow, or one line on how to get it."""
    try:
        import pyarrow
        import pyarrow.compute  # a part that must be asked for
    except ImportError as error:
        raise ImportError(f"reading Parquet, Arrow and SQL in batches needs pyarrow; {INSTALL}") from error
    return pyarrow


class Records(ABC):
    """Record batches of one schema, read again and again in the same order."""

    schema: Any
    rows: int
    bytes_read: int = 0
    batch_bytes: int = BATCH_BYTES

    @abstractmethod
    def batches(self, names: Sequence[str], first: int = 0) -> Iterator[Any]:
        """Record batches of some columns, small enough to convert, from row `first` on."""

    @abstractmethod
    def place(self, row: int) -> str:
        """The file and the piece of it that hold a row."""

    @abstractmethod
    def identity(self) -> str:
        """Changes when a file does."""


class Parquet(Records):
    """One Parquet file or many, read row group by row group."""

    def __init__(self, paths: Sequence[Path]) -> None:
        arrow()
        self.paths = list(paths)
        self.groups: list[tuple[int, int, int]] = []  # part, row group, first row
        self.rows = 0
        for part, path in enumerate(self.paths):
            with _opened(path) as file:
                if part == 0:
                    self.schema = file.schema_arrow
                else:
                    _check_schema(self.schema, file.schema_arrow, self.paths[0], path)
                for group in range(file.metadata.num_row_groups):
                    self.groups.append((part, group, self.rows))
                    self.rows += file.metadata.row_group(group).num_rows
        self.starts = np.array([start for *_, start in self.groups], dtype=np.intp)

    def __repr__(self) -> str:
        more = f" and {len(self.paths) - 1} more parts" if len(self.paths) > 1 else ""
        return f"Parquet {self.paths[0]}{more}"

    def identity(self) -> str:
        return ";".join(map(stamp, self.paths))

    def place(self, row: int) -> str:
        part, group, start = self.groups[int(np.searchsorted(self.starts, row, side="right")) - 1]
        return f"{self.paths[part]}, row group {group}, its row {row - start}"

    def batches(self, names: Sequence[str], first: int = 0) -> Iterator[Any]:
        rows = max(1, self.batch_bytes // (8 * max(1, len(names))))
        begin = max(0, int(np.searchsorted(self.starts, first, side="right")) - 1)
        for part, path in enumerate(self.paths):
            groups = [(group, start) for own, group, start in self.groups[begin:] if own == part]
            if not groups:
                continue
            with _opened(path) as file:
                metadata, wanted = file.metadata, set(names)
                for group, start in groups:
                    skipped = max(0, first - start)
                    self.bytes_read += _stored(metadata.row_group(group), wanted)
                    expected = metadata.row_group(group).num_rows
                    with _reading(path, f", row group {group}"):
                        for batch in file.iter_batches(rows, row_groups=[group], columns=list(names)):
                            expected -= batch.num_rows
                            if batch.num_rows > skipped:
                                yield batch.select(list(names)).slice(skipped)
                            skipped = max(0, skipped - batch.num_rows)
                    if expected:
                        raise SourceError(f"{path}, row group {group} holds {expected} rows fewer than it says")


class ArrowFile(Records):
    """An Arrow IPC file (Feather version 2), read record batch by record batch."""

    def __init__(self, path: Path, what: str = "") -> None:
        arrow()
        self.path, self.what = Path(path), what
        with self._opened(None) as file:
            self.schema = file.schema
            counts = [file.get_batch(number).num_rows for number in range(file.num_record_batches)]
        self.starts = np.cumsum([0, *counts])
        self.rows = int(self.starts[-1])

    def __repr__(self) -> str:
        return self.what or f"Arrow {self.path}"

    @contextmanager
    def _opened(self, fields: list[int] | None) -> Iterator[Any]:
        ipc = arrow().ipc
        with _reading(self.path, ""), arrow().OSFile(str(self.path)) as file:
            yield ipc.open_file(file, options=ipc.IpcReadOptions(included_fields=fields))

    def identity(self) -> str:
        return stamp(self.path)

    def place(self, row: int) -> str:
        batch = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"{self.path}, record batch {batch}, its row {row - self.starts[batch]}" if not self.what else self.what

    def batches(self, names: Sequence[str], first: int = 0) -> Iterator[Any]:
        rows = max(1, self.batch_bytes // (8 * max(1, len(names))))
        fields = [self.schema.get_field_index(name) for name in names]
        with self._opened(fields) as file:
            begin = max(0, int(np.searchsorted(self.starts, first, side="right")) - 1)
            for number in range(begin, file.num_record_batches):
                whole = file.get_batch(number).select(list(names))
                self.bytes_read += whole.nbytes
                for start in range(max(0, first - int(self.starts[number])), whole.num_rows, rows):
                    yield whole.slice(start, rows)


def parquet_parts(path: str | Path | Sequence[str | Path]) -> list[Path]:
    """The parts of a data set: a file, a folder or a pattern (in order of name), or a list (in its order)."""
    if not isinstance(path, (str, Path)):
        return [Path(part) for part in path]
    path = Path(path)
    if path.is_dir():
        found = sorted(part for part in path.rglob("*") if part.suffix in PARTS)
        if not found:
            raise SourceError(f"the folder {path} holds no {' or '.join(PARTS)} file")
        return found
    if "*" in path.name:
        found = sorted(path.parent.glob(path.name))
        if not found:
            raise SourceError(f"no file matches {path}")
        return found
    if not path.exists():
        raise SourceError(f"there is no file {path}")
    return [path]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A Parquet file."""
    arrow()
    import pyarrow.parquet

    with _reading(path, ""):
        file = pyarrow.parquet.ParquetFile(path)
    with file:
        yield file


@contextmanager
def _reading(path: Path, where: str) -> Iterator[None]:
    """Errors that name the file."""
    pa = arrow()
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        text = " ".join(str(error).split())
        raise SourceError(f"{path}{where} cannot be read ({text}); it may be truncated: write it anew") from error


def _stored(group: Any, wanted: set[str]) -> int:
    """Bytes of some columns in a row group, as they lie in the file."""
    columns = (group.column(number) for number in range(group.num_columns))
    return sum(column.total_compressed_size for column in columns if column.path_in_schema in wanted)


def _check_schema(first: Any, other: Any, first_path: Path, path: Path) -> None:
    for field in first:
        if field.name not in other.names:
            raise SourceError(
                f"{path} lacks the column {field.name!r} that {first_path} has; write it with the same columns, or "
                f"leave it out with columns="
            )
        kind = other.field(field.name).type
        if _family(field.type) != _family(kind):
            raise SourceError(
                f"column {field.name!r} is {field.type} in {first_path} but {kind} in {path}; write one of them anew"
            )


def _family(kind: Any) -> str:
    """Kinds of columns that are read alike."""
    types = arrow().types
    if types.is_dictionary(kind):
        return _family(kind.value_type)
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    return str(kind)


family = _family
