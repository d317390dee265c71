"""[1, X] by blocks of rows, and its QR decomposition: one pass each, no copy of X."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..arguments import Data

Floats = NDArray[np.float64]
BLOCK_BYTES = 32 << 20
COLLINEAR = 1e-11  # a column that keeps less than this share of its norm, given the columns before it, adds nothing


class NotIdentified(ValueError):
    """The rows do not determine every coefficient, so there are no standard errors."""


def blocks(data: Data, intercept: bool) -> Iterator[tuple[slice, Floats]]:
    """(rows, [1, X] of these rows), one block after the other."""
    n, p = data.design.shape
    size = p + 1 + intercept
    step = max(2 * size, BLOCK_BYTES // (8 * size))
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        part = data.design.rows(rows).take(np.arange(p))
        yield rows, np.hstack([np.ones((len(part), 1)), part]) if intercept else part


def triangle_of(data: Data, intercept: bool) -> Floats:
    """R of the QR decomposition of sqrt(weights) [1, X, y - offset]."""
    response = data.target.values if data.offset is None else data.target.values - data.offset
    return _triangle(data, intercept, response[:, None])


def basis_of(data: Data, intercept: bool) -> Floats:
    """R^-1 for the R of sqrt(weights) [1, X], so that [1, X] R^-1 has orthonormal columns under the weights.

    Raises
    ------
    NotIdentified
        If there are fewer rows than columns, or a column is a combination of others (named).
    """
    names = coefficient_names(data, intercept)
    refuse_few_rows(data, len(names))
    triangle = _triangle(data, intercept, np.zeros((data.design.shape[0], 0)))
    refuse_collinear(triangle, names)
    return np.asarray(np.linalg.solve(triangle, np.eye(len(names))))


def _triangle(data: Data, intercept: bool, extra: Floats) -> Floats:
    triangle = np.zeros((0, data.design.shape[1] + intercept + extra.shape[1]))
    for rows, part in blocks(data, intercept):
        block = np.hstack([part, extra[rows]]) * np.sqrt(data.weights[rows, None])
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, block]), mode="r"))
    return triangle


def column_names(data: Data) -> tuple[str, ...]:
    """The names of the columns, x0, x1, ... where they have none."""
    return data.encoder.names or tuple(f"x{j}" for j in range(data.design.shape[1]))


def coefficient_names(data: Data, intercept: bool) -> tuple[str, ...]:
    """The names of the coefficients, the intercept first if there is one."""
    return (("intercept",) if intercept else ()) + column_names(data)


def refuse_few_rows(data: Data, size: int, with_variance: bool = False) -> None:
    """Refuse fewer rows than `size` coefficients, and no degree of freedom left where a variance is wanted too."""
    rows = int((data.weights > 0).sum())
    if rows >= size and not (with_variance and data.weights.sum() <= size):
        return
    what = f"{size} coefficients{' and a residual variance' if with_variance else ''}"
    raise NotIdentified(
        f"{rows} rows cannot determine {what}; use more rows or fewer columns, or a penalty: then "
        "ao.inference.debiased and ao.posterior still give intervals"
    )


def refuse_collinear(triangle: Floats, names: tuple[str, ...]) -> None:
    """Refuse columns that are combinations of those before them."""
    norms = np.sqrt((triangle**2).sum(0))
    lost = np.flatnonzero(abs(np.diag(triangle)) <= COLLINEAR * norms)
    if lost.size:
        shown = ", ".join(repr(names[j]) for j in lost[:5]) + (", ..." if lost.size > 5 else "")
        raise NotIdentified(
            f"column {shown} is constant or a linear combination of the columns before it, so its coefficient is not "
            "determined; drop it, or use a penalty"
        )
