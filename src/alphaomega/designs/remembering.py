"""A design that remembers what setting up a fit asks of it, so that a fit in parts reads X no more often than one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Block, Columns, Design, Floats, GramParts, Schema


class Remembering(Design):
    """Another design, whose Grams and sums are computed once for the same arguments and kept in `memory`.

    Parameters
    ----------
    design : Design
        The matrix; its reads are counted there and shown here.
    memory : mapping from keys to lists of arrays
        What has been computed, here or in an earlier run.
    """

    def __init__(self, design: Design, memory: MutableMapping[str, list[NDArray]]) -> None:
        self.design, self.memory = design, memory
        self.shape = design.shape

    @property
    def schema(self) -> Schema | None:  # type: ignore[override]
        """The columns of the data."""
        return self.design.schema

    @property
    def reads(self) -> float:  # type: ignore[override]
        """The reads of the matrix underneath."""
        return self.design.reads

    def _count(self, columns: Columns | None) -> None:
        self.design._count(columns)

    def _recall(self, name: str, arguments: tuple[NDArray, ...], compute: Callable[[], tuple[NDArray, ...]]) -> Any:
        digest = hashlib.blake2b(name.encode(), digest_size=16)
        for argument in arguments:
            digest.update(repr(argument.shape).encode())
            digest.update(np.ascontiguousarray(argument).data)
        key = f"{name}-{digest.hexdigest()}"
        if key not in self.memory:
            self.memory[key] = list(compute())
        return [array.copy() for array in self.memory[key]]

    def gram_parts(self, labels: NDArray[np.intp], weights: Floats, extra: Floats) -> GramParts:
        def compute() -> tuple[NDArray, ...]:
            made = self.design.gram_parts(labels, weights, extra)
            return made.parts, made.shift

        return GramParts(*self._recall("grams", (labels, weights, extra), compute))

    def sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        products, squares = self._recall("sums", (vectors, weights), lambda: self.design.sums(vectors, weights))
        return products, squares

    def sum_over_rows(self, work: Callable[..., Floats], *arrays: NDArray) -> Floats:
        return self.design.sum_over_rows(work, *arrays)

    def near(self) -> Design:
        return self.design.near()

    def place(self, row: int) -> str:
        return self.design.place(row)

    def fingerprint(self) -> str:
        return self.design.fingerprint()

    def block(self, center: Floats, scale: Floats) -> Block:
        return self.design.block(center, scale)

    def take(self, columns: Columns) -> Floats:
        return self.design.take(columns)

    def rows(self, index: NDArray[np.intp] | slice) -> Design:
        return self.design.rows(index)

    def _matvec(self, w: Floats, columns: Columns | None) -> Floats:
        return self.design._matvec(w, columns)

    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats:
        return self.design._rmatvec(r, columns)

    def _sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        return self.design._sums(vectors, weights)

    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats:
        return self.design._gram(columns, weights)

    def _row_gram(self, weights: Floats, center: Floats) -> Floats:
        return self.design._row_gram(weights, center)
