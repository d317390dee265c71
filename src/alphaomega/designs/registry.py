"""Every kind of design by name, made from a dense float64 array: what the registry tests run over."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from .base import Design
from .chunked import Chunked
from .dense import Dense
from .files import from_arrow, from_npy, from_parquet, from_sql
from .shared import SharedDense
from .sparse import Sparse
from .standardized import Standardized

SMALL = 1500  # bytes of a batch: so that small arrays come in several


def _constants(array: Any, center: float, scale: float) -> tuple[Any, Any]:
    return np.full(array.shape[1], center), np.full(array.shape[1], scale)


def on_disk(array: Any, write: Callable[[Any, Path], Any], read: Callable[[Path], Chunked]) -> Chunked:
    """A design on a file that is written for it and deleted with it, read in many small batches."""
    folder = Path(tempfile.mkdtemp(prefix="alphaomega-"))
    write(array, folder / "X")
    design = _in_small_batches(read(folder / "X"))
    weakref.finalize(design.source, shutil.rmtree, folder, ignore_errors=True)
    return design


def _shared(array: Any) -> Design:
    """In shares however small the product."""
    design = SharedDense(Dense(array), map, 3)
    design.least = 0
    return design


def _npy(array: Any, path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def _table(array: Any) -> Any:
    import pyarrow

    return pyarrow.table({f"x{j}": column for j, column in enumerate(np.asarray(array).T)})


def _parquet(array: Any, path: Path) -> None:
    import pyarrow.parquet

    path.mkdir()
    half = len(array) // 2
    for name, part in (("0.parquet", array[:half]), ("1.parquet", array[half:])):
        pyarrow.parquet.write_table(_table(part), path / name, row_group_size=9)


def _arrow(array: Any, path: Path) -> None:
    import pyarrow

    table = _table(array)
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as file:
        file.write_table(table, max_chunksize=11)


def _tensor(array: Any) -> Design:
    import torch

    from .torch import Torch

    return Torch(torch.from_numpy(np.array(array)))


def _dask(array: Any) -> Design:
    import dask.array

    from .dask import Dask

    return Dask(dask.array.from_array(np.array(array), chunks=(max(1, len(array) // 5), 3)))


def _sqlite(array: Any) -> Design:
    import sqlite3

    p = array.shape[1]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"create table X ({', '.join(f'x{j} real' for j in range(p))})")
        connection.executemany(f"insert into X values ({', '.join('?' * p)})", np.asarray(array).tolist())
        return _in_small_batches(from_sql("select * from X", connection))


def _duckdb(array: Any) -> Design:
    import duckdb

    with duckdb.connect() as connection:
        connection.register("X", _table(array))
        connection.execute("create table kept as select * from X")
        return _in_small_batches(from_sql("select * from kept", connection))


def _in_small_batches(design: Chunked) -> Chunked:
    design.source.batch_bytes = SMALL
    return design


REGISTRY: dict[str, Callable[[Any], Design]] = {
    "dense F": lambda array: Dense(np.asfortranarray(array)),
    "dense C": lambda array: Dense(np.ascontiguousarray(array)),
    "dense F in shares": lambda array: _shared(np.asfortranarray(array)),
    "dense C in shares": lambda array: _shared(np.ascontiguousarray(array)),
    "sparse CSC": lambda array: Sparse(scipy.sparse.csc_array(array)),
    "sparse CSR": lambda array: Sparse(scipy.sparse.csr_array(array)),
    "standardized dense": lambda array: Standardized(Dense(2 * array + 3), *_constants(array, 3.0, 2.0)),
    "standardized sparse": lambda array: Standardized(
        Sparse(scipy.sparse.csc_array(array / 4 + 1)), *_constants(array, 1.0, 0.25)
    ),
    "npy": lambda array: on_disk(np.ascontiguousarray(array), _npy, from_npy),
    "npy F": lambda array: on_disk(np.asfortranarray(array), _npy, from_npy),
    "standardized npy": lambda array: Standardized(
        on_disk(2 * array + 3, _npy, from_npy), *_constants(array, 3.0, 2.0)
    ),
}
if find_spec("torch"):
    REGISTRY["torch"] = _tensor
if find_spec("dask"):
    REGISTRY["Dask"] = _dask
if find_spec("pyarrow"):
    REGISTRY |= {
        "SQLite": _sqlite,
        "Parquet": lambda array: on_disk(array, _parquet, from_parquet),
        "Arrow": lambda array: on_disk(array, _arrow, from_arrow),
    }
if find_spec("pyarrow") and find_spec("duckdb"):
    REGISTRY["DuckDB"] = _duckdb
