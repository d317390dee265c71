"""What passes over a file tell of its columns: which are no features, and how many cells are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets import DataError
from ...designs import Chunked, Design
from ...designs.records import Records, arrow, family
from ..columns import MAX_LEVELS
from ..results import Column

Floats = NDArray[np.float64]
SAME = 1e-9  # sums that agree to this share are those of consecutive numbers


def readable(records: Records, names: Sequence[str]) -> tuple[list[str], list[Column]]:
    """The columns of numbers and of a bounded number of categories, and why the others are left out."""
    kinds = {name: records.schema.field(name).type for name in names}
    counts = _levels(records, [name for name, kind in kinds.items() if family(kind) == "text"])
    kept, left_out = [], []
    for name, kind in kinds.items():
        if counts.get(name, 1) == 0 or arrow().types.is_null(kind):
            left_out.append(Column(name, "empty"))
        elif counts.get(name, 1) > MAX_LEVELS:
            left_out.append(Column(name, f"too many categories: more than {MAX_LEVELS}"))
        elif family(kind) not in ("number", "text"):
            left_out.append(Column(name, f"of type {kind}; turn it into numbers or words to use it"))
        else:
            kept.append(name)
    return kept, left_out


def _levels(records: Records, words: list[str]) -> dict[str, int]:
    """How many words each column has; no more are remembered than a category may have."""
    unique = arrow().compute.unique
    seen: dict[str, set[Any]] = {name: set() for name in words}
    for batch in records.batches(words) if words else ():
        for place, name in enumerate(words):
            if len(seen[name]) <= MAX_LEVELS:
                seen[name] |= set(unique(batch.column(place)).drop_null().to_pylist())
    return {name: len(found) for name, found in seen.items()}


@dataclass(frozen=True)
class Facts:
    """Per column of the matrix: missing entries, and sums of x - reference and of its square over the others."""

    reference: Floats
    missing: Floats
    total: Floats
    square: Floats
    rows: int

    @classmethod
    def of(cls, X: Chunked) -> Facts:
        """One read, in which no entry may be infinite."""
        first = X.rows(slice(0, 1)).take(np.arange(X.shape[1]))[0]
        reference = np.where(np.isfinite(first), first, 0.0)
        missing, infinite, total, square = X.sum_over_rows(partial(_counts, reference=reference))
        if infinite.any():
            _refuse_infinity(X, int(np.flatnonzero(infinite)[0]))
        return cls(reference, missing, total, square, X.shape[0])

    def remark(self, column: int) -> str:
        """Why a column of numbers cannot be a feature; "" where it can."""
        n, missing = self.rows, self.missing[column]
        if missing == n:
            return "empty"
        if self.square[column] == 0:
            return "constant where it is not missing" if missing else "constant"
        steps = n * (n - 1) / 2, n * (n - 1) * (2 * n - 1) / 6
        numbered = np.allclose((self.total[column], self.square[column]), steps, rtol=SAME, atol=0)
        return "identifier-like: it numbers the rows" if numbered and not missing else ""

    def ones(self, column: int) -> int:
        """How many rows an indicator column marks."""
        return round(self.total[column] + self.rows * self.reference[column])


def _counts(rows: Design, reference: Floats) -> Floats:
    block = rows.take(np.arange(rows.shape[1]))
    missing, infinite = np.isnan(block), np.isinf(block)
    shifted = np.where(missing | infinite, 0.0, block) - np.where(missing | infinite, 0.0, reference)
    return np.array([missing.sum(0), infinite.sum(0), shifted.sum(0), (shifted**2).sum(0)])


def _refuse_infinity(X: Chunked, column: int) -> None:
    row = int(np.flatnonzero(np.isinf(X.take(np.array([column]))[:, 0]))[0])
    name = next(name for name, columns in columns_of(X) if column in columns)
    raise DataError(
        f"column {name!r} holds an infinity at row {row} ({X.place(row)}); replace it, or leave the cell empty"
    )


def columns_of(X: Chunked) -> Iterator[tuple[str, range]]:
    """The columns of the file, and those of the matrix that each became."""
    assert X.schema is not None
    start = 0
    for name in X.schema.columns:
        width = len(X.schema.levels[name]) - 1 if name in X.schema.levels else 1
        yield name, range(start, start + width)
        start += width
