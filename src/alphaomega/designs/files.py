"""The ways to a design on disk: .npy, Parquet, Arrow, SQL and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .chunked import ROOM, Chunked
from .records import ArrowFile, Parquet, parquet_parts
from .sources import Npy
from .spool import csv_batches, spooled, sql_batches
from .tables import Table

Names = Sequence[str] | None


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


def from_parquet(path: str | Path | Sequence[str | Path], columns: Names = None, memory: float = ROOM) -> Chunked:
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


def from_arrow(path: Any, columns: Names = None, memory: float = ROOM) -> Chunked:
    """An Arrow IPC file (Feather version 2) as a design that is read record batch by record batch.

    Parameters
    ----------
    path : file, or anything that yields Arrow record batches
        Batches are copied once to a temporary file, which is deleted with the design.
    columns, memory : as for `from_parquet`

    Raises
    ------
    ValueError
        If the file is truncated or no Arrow file, or a column is neither numbers nor text.

    Examples
    --------
    >>> import numpy as np, polars, tempfile
    >>> path = tempfile.mkdtemp() + "/data.arrow"
    >>> polars.DataFrame({"a": [1.0, 2.0], "b": [0, 1]}).write_ipc(path)
    >>> from_arrow(path).matvec(np.array([1.0, 10.0]))
    array([ 1., 12.])
    """
    records = ArrowFile(Path(path)) if isinstance(path, (str, Path)) else spooled(path, "the record batches")
    return Chunked(Table(records, columns), room=memory)


def from_sql(query: str, connection: Any, columns: Names = None, memory: float = ROOM) -> Chunked:
    """The rows of an SQL query as a design.

    The query runs once, and its rows are copied batch by batch to a temporary Arrow file, deleted with the design: a
    database may give rows in another order the next time, and a file is read faster.

    Parameters
    ----------
    query : text of a SELECT
    connection : DuckDB connection, or any DB-API connection such as that of sqlite3
    columns, memory : as for `from_parquet`

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


def from_csv(path: str | Path, columns: Names = None, memory: float = ROOM) -> Chunked:
    """A CSV file as a design; it is converted once to a temporary Arrow file, deleted with the design.

    Parameters
    ----------
    path : file with a header; types are those of its first megabytes
    columns, memory : as for `from_parquet`

    Raises
    ------
    ValueError
        If a later row does not fit the types, or a column is neither numbers nor text.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "data.csv"
    >>> _ = path.write_text("a,b\\n1,2.5\\n3,4\\n")
    >>> from_csv(path).matvec(np.array([1.0, 10.0]))
    array([26., 43.])
    """
    return Chunked(Table(spooled(csv_batches(Path(path)), str(path)), columns), room=memory)
