"""Missing entries of a matrix: found, named, or filled with the column's mean or median over the fitted rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from .designs import Design, Partitioned

Floats = NDArray[np.float64]
Label = Callable[[int], str]

FILLS = ("mean", "median")
HINT = "pass impute='mean' or 'median' to fill missing numbers, or drop or replace such entries"


def missing_columns(matrix: Any) -> NDArray[np.intp]:
    """Columns with any NaN or infinity. One read, and no temporary of the matrix's size."""
    if scipy.sparse.issparse(matrix):
        stored = matrix if matrix.format in ("csr", "csc", "coo") else matrix.tocsc()
        bad = ~np.isfinite(stored.data)
        return np.unique(stored.tocoo().coords[1][bad]).astype(np.intp) if bad.any() else np.array([], dtype=np.intp)
    if matrix.dtype.kind != "f":
        return np.array([], dtype=np.intp)
    with np.errstate(invalid="ignore", over="ignore"):
        suspects = np.flatnonzero(~np.isfinite(matrix.sum(axis=0)))  # a NaN or infinity survives in its column's sum
    return np.array([j for j in suspects if not np.isfinite(matrix[:, j]).all()], dtype=np.intp)


def fill_values(matrix: Any, how: str, weights: ArrayLike | None, label: Label) -> Floats:
    """The (weighted) mean or median of every column over its entries in rows of positive weight; shape (p,).

    A column without any such entry gets 0: it is constant where it was fitted, so its coefficient is zero.
    """
    n, p = matrix.shape
    share = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    gaps = missing_columns(matrix)
    fills = np.zeros(p)
    dense = not scipy.sparse.issparse(matrix)
    columns = gaps if how == "mean" else np.arange(p)
    if how == "mean":
        complete = np.setdiff1d(np.arange(p), gaps)
        part = matrix if complete.size == p else matrix[:, complete]
        fills[complete] = (part.T @ share) / share.sum()
    source = matrix if dense else scipy.sparse.csc_array(matrix)
    for j in columns:
        column = np.asarray(source[:, j] if dense else source[:, [j]].toarray()[:, 0], dtype=float)
        _refuse_infinity(column, label(int(j)))
        known = ~np.isnan(column) & (share > 0)
        if known.any():
            fills[j] = (weighted_median if how == "median" else np.average)(column[known], weights=share[known])
    return fills


def design_fills(design: Partitioned, how: str, weights: ArrayLike | None, label: Label) -> tuple[Floats, bool]:
    """`fill_values` of a matrix that lies elsewhere, and whether any entry is missing: one read, two for medians."""
    n, p = design.shape
    share = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    known, total, gaps, infinite = design.sum_over_rows(_known_sums, share)
    if infinite.any():
        bad = int(np.flatnonzero(infinite)[0])
        _refuse_infinity(design.take(np.array([bad]))[:, 0], label(bad))
    fills = np.divide(total, known, out=np.zeros(p), where=known > 0)
    if how == "median":
        step = max(1, int(design.room) // (8 * max(n, 1)))
        for start in range(0, p, step):
            part = np.arange(start, min(start + step, p))
            for column, values in zip(part, design.take(part).T):
                used = ~np.isnan(values) & (share > 0)
                fills[column] = weighted_median(values[used], share[used]) if used.any() else 0.0
    return fills, bool(gaps.any())


def _known_sums(rows: Design, share: Floats) -> Floats:
    """Per column: the weight of its entries, their weighted sum, how many are missing and how many infinite, (4, p)."""
    block = rows.take(np.arange(rows.shape[1]))
    gaps, infinite = np.isnan(block), np.isinf(block)
    values = np.where(gaps | infinite, 0.0, block)
    return np.array([share @ ~gaps, share @ values, gaps.sum(0), infinite.sum(0)])


def weighted_median(values: Floats, weights: Floats) -> float:
    """The median of values repeated `weights` times: the mean of the lower and the upper weighted median."""
    order = np.argsort(values, kind="stable")
    values, running = values[order], np.cumsum(weights[order])
    half = running[-1] / 2
    lower = np.searchsorted(running, half * (1 - 1e-12))
    upper = np.searchsorted(running, half * (1 + 1e-12), side="right")
    return float(values[lower] + values[min(upper, len(values) - 1)]) / 2


def filled(matrix: Any, fills: Floats | None, label: Label) -> Any:
    """The matrix itself when every entry is finite, else a filled copy; without fills an error names the gap."""
    columns = missing_columns(matrix)
    if not columns.size:
        return matrix
    sparse = scipy.sparse.issparse(matrix)
    result = scipy.sparse.csc_array(matrix, copy=True) if sparse else matrix.copy(order="K")
    for j in columns:
        if sparse:
            rows = slice(result.indptr[j], result.indptr[j + 1])
            column, position = result.data[rows], result.indices[rows]
        else:
            column, position = result[:, j], np.arange(len(result))
        if fills is None:
            row = position[~np.isfinite(column)].min()
            raise ValueError(f"X holds NaN or infinity at row {row}, column {label(int(j))}; {HINT}")
        _refuse_infinity(column, label(int(j)), position)
        column[np.isnan(column)] = fills[j]
    return result


def _refuse_infinity(column: NDArray, name: str, position: Sequence[int] | NDArray | None = None) -> None:
    infinite = np.flatnonzero(np.isinf(column))
    if infinite.size:
        row = infinite[0] if position is None else np.asarray(position)[infinite].min()
        raise ValueError(
            f"X holds infinity (inf) at row {row}, column {name}; replace it by a finite number or drop the row"
        )
