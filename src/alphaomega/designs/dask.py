"""Dask arrays and dataframes: X stays on the cluster, each read is one graph, reduced in a tree."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Columns, Floats, Schema
from .partitioned import Kernel, Partitioned, fill_first

ROOM = 256 << 20  # bytes of working columns that come to the driver
BRANCHES = 8  # partial sums added at once


class Dask(Partitioned):
    """A Dask array or dataframe of numbers, in blocks of rows.

    It is computed by whatever scheduler is current: threads, processes, or the workers of a `distributed.Client`. The
    blocks are made anew from their source at each read unless they are kept with `persist()`. What comes to the driver
    are sums, vectors of n and of p numbers, and at most `room` bytes of the columns that a solver works on.

    Parameters
    ----------
    matrix : dask array of shape (n, p), or dask dataframe
        Text columns of dataframes must be encoded before, e.g. with `dask.dataframe.get_dummies`.
    room : bytes, default 256 MiB

    Examples
    --------
    >>> import numpy as np
    >>> import dask.array  # doctest: +SKIP
    >>> Dask(dask.array.eye(4, chunks=2)).rmatvec(np.arange(4.0))  # doctest: +SKIP
    array([0., 1., 2., 3.])
    """

    def __init__(self, matrix: Any, room: float = ROOM) -> None:
        if is_frame(matrix):
            self.schema = _schema(matrix)
            matrix = matrix.to_dask_array(lengths=True)
        if matrix.ndim != 2:
            raise ValueError(f"X must be two-dimensional, got shape {matrix.shape}")
        if np.isnan(matrix.shape[0]):
            matrix.compute_chunk_sizes()
        if matrix.dtype.kind not in "fiub":
            raise ValueError(f"X holds {matrix.dtype}; it must hold numbers")
        if matrix.numblocks[1] > 1:
            matrix = matrix.rechunk({1: -1})
        self.matrix, self.room = matrix, room
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        ends = np.cumsum([0, *matrix.chunks[0]])
        self.pieces = [slice(int(start), int(stop)) for start, stop in pairwise(ends)]

    def __repr__(self) -> str:
        return f"Dask({self.shape[0]} x {self.shape[1]} in {len(self.pieces)} blocks)"

    def filled(self, fills: Floats) -> Dask:
        design = Dask(self.matrix, self.room)
        design.schema, design.fills = self.schema, fills
        return design

    def fingerprint(self) -> str:
        return f"{self.matrix.name}|{super().fingerprint()}"

    def _calls(self, kernel: Kernel, columns: Columns | None, sides: Sequence[NDArray]) -> list[Any]:
        """One delayed call of the kernel for each block."""
        from dask import delayed

        work = delayed(_on_block, pure=False)
        blocks = self.matrix.to_delayed(optimize_graph=True).ravel()
        kernel = fill_first(kernel, self.fills, columns)
        return [
            work(block, kernel, columns, *(side[rows] for side in sides)) for block, rows in zip(blocks, self.pieces)
        ]

    def _add(self, kernel: Kernel, columns: Columns | None, *sides: NDArray) -> Any:
        from dask import delayed

        join = delayed(_sum, pure=False)
        level = self._calls(kernel, columns, sides)
        while len(level) > 1:
            level = [join(level[start : start + BRANCHES]) for start in range(0, len(level), BRANCHES)]
        return _computed(level, self)[0].copy()

    def _stack(self, kernel: Kernel, columns: Columns | None, tail: tuple[int, ...], *sides: NDArray) -> Floats:
        result = np.empty((self.shape[0], *tail), order="F")
        for rows, part in zip(self.pieces, _computed(self._calls(kernel, columns, sides), self)):
            result[rows] = part
        return result

    def _head(self) -> NDArray:
        return np.concatenate(_computed(self._calls(_first_rows, None, ())[:1], self))

    def _pick(self, flags: NDArray[np.bool_]) -> Floats:
        return np.concatenate(_computed(self._calls(_flagged, None, (flags,)), self))


def is_frame(X: Any) -> bool:
    """Whether this is a Dask dataframe, and no array or series."""
    from dask.utils import is_dataframe_like

    return bool(is_dataframe_like(X))


def gathered(vector: Any) -> NDArray:
    """A Dask array or series of one entry per row, in memory."""
    with _told("y"):
        return np.asarray(vector.compute())


def _schema(frame: Any) -> Schema:
    names = tuple(map(str, frame.columns))
    for name, kind in zip(names, frame.dtypes):
        if getattr(kind, "kind", "O") not in "fiub":
            raise ValueError(
                f"column {name!r} holds {kind}; turn it into numbers first, e.g. with "
                "dask.dataframe.get_dummies(X.categorize()), or leave it out"
            )
    return Schema(names)


def _computed(calls: list[Any], design: Dask) -> list[Any]:
    from dask import compute

    with _told(repr(design)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # vectors of n, cut up, once
        return list(compute(*calls))


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Failures of a cluster in one sentence with the mend; those of the kernels as they are."""
    try:
        yield
    except Exception as error:
        kind = type(error).__name__
        if kind == "KilledWorker":
            raise RuntimeError(
                f"{what}: a block ended several workers one after the other, probably for want of memory; give workers "
                "more memory (memory_limit=) or cut X into smaller blocks of rows (rechunk)"
            ) from error
        if kind in ("CommClosedError", "FutureCancelledError", "CancelledError", "TimeoutError", "ClosedClientError"):
            raise RuntimeError(
                f"{what}: the connection to the Dask scheduler is lost ({kind}); start it again and fit again: with "
                "checkpoint= what was finished is kept"
            ) from error
        raise


def _on_block(block: Any, kernel: Kernel, columns: Columns | None, *sides: NDArray) -> Any:
    """The kernel on the chosen columns of a block; runs where the block lies."""
    array = np.asarray(block)
    array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    return kernel(array if columns is None else array[:, columns], *sides)


def _sum(parts: list[Any]) -> Any:
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


def _first_rows(block: NDArray) -> NDArray:
    return block[:4096]


def _flagged(block: NDArray, flags: NDArray[np.bool_]) -> Floats:
    return block[flags].astype(np.float64)
