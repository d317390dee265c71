"""Matrices on disk, read in row batches with bounded memory; `files.py` has the ways to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Columns, Floats
from .dense import Dense
from .partitioned import Kernel, Partitioned, fill_first, thinned
from .sources import WORKERS, Source, SourceError, ahead, side_by_side
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
    >>> from alphaomega.designs import from_npy
    >>> path = tempfile.mkdtemp() + "/X.npy"
    >>> np.save(path, np.eye(3))
    >>> from_npy(path).rmatvec(np.array([1.0, 2.0, 3.0]))
    array([1., 2., 3.])
    """

    def __init__(self, source: Source, fills: Floats | None = None, room: float = ROOM) -> None:
        self.source, self.fills, self.room = source, fills, room
        self.shape = source.shape
        self.schema = source.schema
        self.seen: NDArray | None = None  # some rows of the first batch, kept at the first pass: none is read for them

    def __repr__(self) -> str:
        return f"Chunked({self.shape[0]} x {self.shape[1]}, {self.source!r})"

    @property
    def bytes_read(self) -> int:
        """Bytes asked of the source so far."""
        return self.source.bytes_read

    def filled(self, fills: Floats) -> Chunked:
        design = Chunked(self.source, fills, self.room)
        design.seen = self.seen
        return design

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
            if self.seen is None and columns is None:
                self.seen = thinned(batch).copy()
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
        if self.seen is None:
            self.seen = thinned(self.source.head())
        head = self.seen
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
