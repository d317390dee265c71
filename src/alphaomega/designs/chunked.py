"""Matrices on disk, read in row batches: Parquet, Arrow, .npy, and what databases and CSV files were converted to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Columns, Floats
from .dense import Dense
from .partitioned import Kernel, Partitioned, fill_first
from .records import ArrowFile, Parquet, parquet_parts
from .sources import WORKERS, Npy, Source, SourceError, ahead, side_by_side
from .spool import csv_batches, spooled, sql_batches
from .tables import Table

LARGE = 256 << 20  # bytes of a source from which on batches are worked on side by side
ROOM = 512 << 20  # bytes of working columns that are held; a read of the others costs less than swapping


class Chunked(Partitioned):
    """A matrix that is read from its source in row batches, the next one fetched while one is used.

    Parameters
    ----------
    source : Source
        A file; see `from_parquet`, `from_npy`, `from_arrow`, `from_sql`, `from_csv`.
    fills : array of shape (p,), optional
        What stands for NaN in each column.
    room : bytes, default 512 MiB
        How much of the columns that a solver works on is held in memory; beyond it they are read for every product.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = tempfile.mkdtemp() + "/X.npy"
    >>> np.save(path, np.eye(3))
    >>> from_npy(path).rmatvec(np.array([1.0, 2.0, 3.0]))
    array([1., 2., 3.])
    """

    def __init__(self, source: Source, fills: Floats | None = None, room: float = ROOM) -> None:
        self.source, self.fills, self.room = source, fills, room
        self.shape = source.shape
        self.schema = source.schema

    def __repr__(self) -> str:
        return f"Chunked({self.shape[0]} x {self.shape[1]}, {self.source!r})"

    @property
    def bytes_read(self) -> int:
        """Bytes asked of the source so far."""
        return self.source.bytes_read

    def filled(self, fills: Floats) -> Chunked:
        return Chunked(self.source, fills, self.room)

    def column(self, name: str) -> NDArray:
        """One column of the source, as it is."""
        return self._table(name).values(name)

    def without(self, name: str) -> Chunked:
        """The design without a column of the source, such as y."""
        return Chunked(self._table(name).without(name), room=self.room)

    def recoded(self, columns: Sequence[str], levels: Mapping[str, tuple[str, ...]]) -> Chunked:
        """The design with the columns and levels of another: what a fit needs of new rows."""
        return Chunked(self._table(columns[0]).recoded(columns, levels), room=self.room)

    def _table(self, name: str) -> Table:
        if not isinstance(self.source, Table):
            raise SourceError(f"{self!r} has no column names; give y as an array, not as the name {name!r}")
        if name not in self.source.schema.columns:
            raise SourceError(f"{self!r} has no column {name!r}; it has {', '.join(self.source.schema.columns[:20])}")
        return self.source

    def place(self, row: int) -> str:
        return self.source.place(row)

    def fingerprint(self) -> str:
        return self.source.identity()

    def _batches(self, columns: Columns | None) -> Iterator[tuple[slice, NDArray]]:
        start = 0
        for batch in ahead(self.source.batches(columns)):
            yield slice(start, start + len(batch)), batch
            start += len(batch)

    def _mapped(
        self, kernel: Kernel, columns: Columns | None, sides: tuple[NDArray, ...]
    ) -> Iterator[tuple[slice, Any]]:
        kernel = fill_first(kernel, self.fills, columns)

        def work(piece: tuple[slice, NDArray]) -> tuple[slice, Any]:
            rows, batch = piece
            return rows, kernel(batch, *(side[rows] for side in sides))

        batches = self._batches(columns)
        if self.source.size < LARGE:
            yield from map(work, batches)
            return
        with one_thread_each() as workers:  # threads of BLAS wait for each other at each of many small products
            yield from side_by_side(work, batches, min(workers, WORKERS))

    def _add(self, kernel: Kernel, columns: Columns | None, *sides: NDArray) -> Any:
        total: Any = None
        for _, part in self._mapped(kernel, columns, sides):
            if total is None:
                total = part
            else:
                total += part
        if total is None:  # no rows: the kernel knows the shape
            width = self.shape[1] if columns is None else len(columns)
            return kernel(np.zeros((0, width)), *(side[:0] for side in sides))
        return total

    def _stack(self, kernel: Kernel, columns: Columns | None, tail: tuple[int, ...], *sides: NDArray) -> Floats:
        result = np.empty((self.shape[0], *tail), order="F")
        for rows, part in self._mapped(kernel, columns, sides):
            result[rows] = part
        return result

    def _head(self) -> NDArray:
        head = self.source.head()
        return head if self.fills is None else np.where(np.isnan(head), self.fills, head)

    def rows(self, index: NDArray[np.intp] | slice) -> Dense:
        """The design of some rows, in memory; of consecutive ones only these are read."""
        start, stop, step = index.indices(self.shape[0]) if isinstance(index, slice) else (0, 0, 0)
        if step != 1:
            return super().rows(index)
        kernel = fill_first(_copied, self.fills, None)
        parts = [np.empty((0, self.shape[1]))]
        for batch in self.source.batches(None, start) if start < stop else ():
            parts.append(kernel(batch[: stop - start]))
            start += len(parts[-1])
            if start >= stop:
                break
        return Dense(np.concatenate(parts))

    def _pick(self, flags: NDArray[np.bool_]) -> Floats:
        parts = [part for _, part in self._mapped(_flagged, None, (flags,))]
        return np.concatenate(parts) if parts else np.empty((0, self.shape[1]))


@contextmanager
def one_thread_each() -> Iterator[int]:
    """BLAS with one thread; gives how many it had."""
    from threadpoolctl import threadpool_info, threadpool_limits

    workers = max((found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"), default=1)
    with threadpool_limits(1, user_api="blas"):
        yield workers


def _copied(block: NDArray) -> Floats:
    return block.astype(np.float64)


def _flagged(block: NDArray, flags: NDArray[np.bool_]) -> Floats:
    return block[flags].astype(np.float64)


def from_npy(path: str | Path, memory: float = ROOM) -> Chunked:
    """A .npy file as a design that is read in row batches.

    Parameters
    ----------
    path : file of an array of shape (n, p)
        Numbers of any kind and order; float32 stays float32 in storage, all products are float64. An array in Fortran
        order is read column by column where few columns are wanted.
    memory : bytes, default 512 MiB
        How much of the columns that a solver works on is held.

    Raises
    ------
    ValueError
        If the file is no .npy file, is truncated, or holds no table of numbers.

    Examples
    --------
    >>> import alphaomega as ao, numpy as np, tempfile
    >>> path = tempfile.mkdtemp() + "/X.npy"
    >>> X = np.random.default_rng(0).standard_normal((200, 3))
    >>> np.save(path, X)
    >>> on_disk = ao.path(ao.designs.from_npy(path), X[:, 0], n_alphas=5)
    >>> bool(np.allclose(on_disk.coef, ao.path(X, X[:, 0], n_alphas=5).coef))
    True
    """
    return Chunked(Npy(path), room=memory)


def from_parquet(
    path: str | Path | Sequence[str | Path], columns: Sequence[str] | None = None, memory: float = ROOM
) -> Chunked:
    """A Parquet file or data set as a design that is read row group by row group.

    Text columns become indicator columns, their levels found in one pass over them; missing numbers are NaN, filled or
    refused as in memory. `ao.path(X, "price")` takes y from the column of that name.

    Parameters
    ----------
    path : file, folder or pattern of parts (read in order of name), or list of files
    columns : names, optional
        Which columns, in this order; only these are read.
    memory : bytes, default 512 MiB
        How much of the columns that a solver works on is held.

    Raises
    ------
    ValueError
        If a part is truncated or differs in its columns from the first, or a column is neither numbers nor text.

    Examples
    --------
    >>> import alphaomega as ao, polars, tempfile
    >>> path = tempfile.mkdtemp() + "/houses.parquet"
    >>> houses = {"size": [1.0, 2.0, 4.0], "colour": ["red", "blue", "red"], "price": [2.0, 3.0, 6.0]}
    >>> polars.DataFrame(houses).write_parquet(path)
    >>> ao.path(ao.designs.from_parquet(path), "price", alphas=[0.1]).feature_names
    ('size', 'colour=red')
    """
    return Chunked(Table(Parquet(parquet_parts(path)), columns), room=memory)


def from_arrow(path: Any, columns: Sequence[str] | None = None, memory: float = ROOM) -> Chunked:
    """An Arrow IPC file (Feather version 2) as a design that is read record batch by record batch.

    Parameters
    ----------
    path : file, or anything that yields Arrow record batches
        Batches are copied once to a temporary file, which is deleted with the design.
    columns : names, optional
        Which columns, in this order; only these are read.
    memory : bytes, default 512 MiB
        How much of the columns that a solver works on is held.

    Raises
    ------
    ValueError
        If the file is truncated or no Arrow file, or a column is neither numbers nor text.

    Examples
    --------
    >>> import polars, tempfile
    >>> path = tempfile.mkdtemp() + "/data.arrow"
    >>> polars.DataFrame({"a": [1.0, 2.0], "b": [0, 1]}).write_ipc(path)
    >>> from_arrow(path).matvec(np.array([1.0, 10.0]))
    array([ 1., 12.])
    """
    records = ArrowFile(Path(path)) if isinstance(path, (str, Path)) else spooled(path, "the record batches")
    return Chunked(Table(records, columns), room=memory)


def from_sql(query: str, connection: Any, columns: Sequence[str] | None = None, memory: float = ROOM) -> Chunked:
    """The rows of an SQL query as a design.

    The query runs once, and its rows are copied batch by batch to a temporary Arrow file, deleted with the design: a
    database may give rows in another order the next time, and a file is read faster.

    Parameters
    ----------
    query : text of a SELECT
    connection : DuckDB connection, or any DB-API connection such as that of sqlite3
    columns : names, optional
        Which columns, in this order.
    memory : bytes, default 512 MiB
        How much of the columns that a solver works on is held.

    Raises
    ------
    ValueError
        If a column mixes text and numbers, or there are no rows. Errors of the database are its own.

    Examples
    --------
    >>> import alphaomega as ao, sqlite3
    >>> connection = sqlite3.connect(":memory:")
    >>> _ = connection.execute("create table houses (size, colour, price)")
    >>> rows = [(1, "red", 2), (2, "blue", 3), (4, "red", 6)]
    >>> _ = connection.executemany("insert into houses values (?, ?, ?)", rows)
    >>> X = ao.designs.from_sql("select * from houses", connection)
    >>> ao.path(X, "price", alphas=[0.1]).feature_names
    ('size', 'colour=red')
    """
    return Chunked(Table(spooled(sql_batches(query, connection), "the SQL query"), columns), room=memory)


def from_csv(path: str | Path, columns: Sequence[str] | None = None, memory: float = ROOM) -> Chunked:
    """A CSV file as a design; it is converted once to a temporary Arrow file, deleted with the design.

    Parameters
    ----------
    path : file with a header; types are those of its first megabytes
    columns : names, optional
        Which columns, in this order.
    memory : bytes, default 512 MiB
        How much of the columns that a solver works on is held.

    Raises
    ------
    ValueError
        If a later row does not fit the types, or a column is neither numbers nor text.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "data.csv"
    >>> _ = path.write_text("a,b\\n1,2.5\\n3,4\\n")
    >>> from_csv(path).matvec(np.array([1.0, 10.0]))
    array([26., 43.])
    """
    return Chunked(Table(spooled(csv_batches(Path(path)), str(path)), columns), room=memory)
