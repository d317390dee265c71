"""Where chunked rows come from: anything that can be read from start to end again and again, in bounded memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .base import Schema

T = TypeVar("T")
S = TypeVar("S")
WORKERS = 4  # at most so many batches are worked on at once
BUFFERS = WORKERS + 3  # one is filled, one waits, one is being handed over
BATCH_BYTES = 32 << 20  # so many at a time: long reads for the disk, little memory


class SourceError(ValueError):
    """A file or query that cannot be read; the message names the part and the mend."""


class Source(ABC):
    """A table of numbers that is read in row batches.

    `bytes_read` counts what was asked of the disk: `reads` of a design count products, which is not the same where a
    file must be read whole for some of its columns.
    """

    shape: tuple[int, int]
    schema: Schema | None = None
    bytes_read: int = 0
    batch_bytes: int = BATCH_BYTES
    size: int

    @abstractmethod
    def batches(self, columns: NDArray[np.intp] | None, first: int = 0) -> Iterator[NDArray]:
        """Arrays (rows, k), float32 or float64, in order, from row `first` on; each may be overwritten `BUFFERS` on."""

    def head(self) -> NDArray:
        """The first batch."""
        return next(self.batches(None), np.empty((0, self.shape[1]))).copy()

    def place(self, row: int) -> str:
        """Where a row stands, for messages; empty where the row's number says all."""
        return ""

    @abstractmethod
    def identity(self) -> str:
        """Changes when the data do: names, sizes and times of the files."""


def stamp(path: Path) -> str:
    """A file's identity: its absolute name, size and time."""
    found = path.stat()
    return f"{path.resolve()}:{found.st_size}:{found.st_mtime_ns}"


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, the next one always fetched by another thread while this one is used."""
    done = object()
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        pending = pool.submit(next, items, done)
        while (item := pending.result()) is not done:
            pending = pool.submit(next, items, done)
            yield item  # type: ignore[misc]


def side_by_side(work: Callable[[T], S], items: Iterator[T], workers: int) -> Iterator[S]:
    """work(item) in the order of the items, of `workers` at once."""
    with ThreadPoolExecutor(workers, thread_name_prefix="batch") as pool:
        running: deque[Future[S]] = deque()
        for item in items:
            if len(running) == workers:
                yield running.popleft().result()
            running.append(pool.submit(work, item))
        while running:
            yield running.popleft().result()


class Npy(Source):
    """A .npy file of numbers in two dimensions, read and never mapped: mapped pages would count as memory used."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self.path.open("rb") as file:
            try:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, self.by_columns, self.dtype = read(file)
            except ValueError as error:
                raise SourceError(f"{self.path} is no .npy file ({error}); write it with numpy.save") from None
            self.offset = file.tell()
        if len(shape) != 2 or self.dtype.kind not in "fiub":
            raise SourceError(
                f"{self.path} holds {self.dtype} of shape {shape}; it must hold numbers in two dimensions"
            )
        self.shape = (shape[0], shape[1])
        self.size = shape[0] * shape[1] * self.dtype.itemsize
        there = self.path.stat().st_size - self.offset
        if there < self.size:
            raise SourceError(
                f"{self.path} is truncated: shape {self.shape} needs {self.size} bytes of data, it holds {there}; "
                "write it anew"
            )
        self.kept = self.dtype.kind == "f" and self.dtype.itemsize in (4, 8) and self.dtype.isnative

    def identity(self) -> str:
        return stamp(self.path)

    def batches(self, columns: NDArray[np.intp] | None, first: int = 0) -> Iterator[NDArray]:
        n, p = self.shape
        wanted = np.arange(p) if columns is None else columns
        width = len(wanted) if self.by_columns else p
        step = max(1, self.batch_bytes // max(1, self.dtype.itemsize * width))
        buffers = [np.empty((0, 0), dtype=self.dtype)] * BUFFERS
        with self.path.open("rb", buffering=0) as file:
            for turn, start in enumerate(range(first, n, step)):
                rows = min(step, n - start)
                if len(buffers[turn % BUFFERS]) < rows:
                    buffers[turn % BUFFERS] = np.empty((rows, width), self.dtype, order="F" if self.by_columns else "C")
                buffer = buffers[turn % BUFFERS][:rows]
                if self.by_columns:
                    for place, column in enumerate(wanted):
                        self._read(file, (column * n + start), buffer[:, place])
                    batch = buffer
                else:
                    self._read(file, start * p, buffer)
                    batch = buffer if columns is None else buffer[:, columns]
                yield batch if self.kept else batch.astype(np.float64)

    def _read(self, file, first: int, target: NDArray) -> None:
        """Fill a contiguous array with the numbers from the first-th on."""
        file.seek(self.offset + int(first) * self.dtype.itemsize)
        view = memoryview(target.data).cast("B") if target.size else b""
        done = 0
        while done < len(view):
            got = file.readinto(view[done:])
            if not got:
                raise SourceError(f"{self.path} ended early, after it was opened; is something still writing it?")
            done += got
        self.bytes_read += done
