"""Least angle regression as a sequence of choices, each an event that y lies in a polyhedron."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SPENT = 1e-10  # a column or response that keeps so small a share of its norm is a combination of those before it


@dataclass(frozen=True)
class Step:
    """One step: `column` joined with `sign` at `knot`, the common |x_j' residual| at that moment.

    Attributes
    ----------
    direction : (n,) the column's part orthogonal to those before it: direction'y is what it added.
    chosen : (n,) the vector c with knot = c'y.
    rivals : (n, m) the same vectors of every other column and sign that could have joined: rivals'y <= knot.
    signed : (n, k) the parts of the columns not yet in that are orthogonal to those in, signed so that signed'y >= 0.
    equiangular : (n,) X_A (X_A'X_A)^-1 s_A of the columns up to and with this one.
    """

    column: int
    sign: float
    knot: float
    direction: Floats
    chosen: Floats
    rivals: Floats
    signed: Floats
    equiangular: Floats


def least_angle(X: Floats, y: Floats) -> Iterator[Step]:
    """The steps of least angle regression on centred columns (n, p), until nothing is left to explain.

    With A the columns that have joined, x_j' residual falls along the path as x_j'y_perp + knot * x_j'u, u the
    equiangular vector; column j with sign s joins where that reaches s * knot, at  x_j'y_perp / (s - x_j'u).

    References
    ----------
    B. Efron, T. Hastie, I. Johnstone, R. Tibshirani (2004), Least angle regression, Annals of Statistics 32.
    R. Tibshirani, J. Taylor, R. Lockhart, R. Tibshirani (2016), Exact post-selection inference for sequential
    regression procedures, JASA 111, section 4.
    """
    norms = np.linalg.norm(X, axis=0)
    basis = np.zeros((len(y), 0))
    joined: list[int] = []
    signs: list[float] = []
    equiangular = np.zeros(len(y))
    size = np.linalg.norm(y)
    while True:
        perpendicular = X - basis @ (basis.T @ X)
        perpendicular -= basis @ (basis.T @ perpendicular)
        rest = y - basis @ (basis.T @ y)
        left = np.linalg.norm(perpendicular, axis=0) > SPENT * np.where(norms > 0, norms, np.inf)
        left[joined] = False
        columns = np.flatnonzero(left)
        if not columns.size or np.linalg.norm(rest) <= SPENT * size:
            return
        angles = X[:, columns].T @ equiangular
        both = np.concatenate([np.ones(columns.size), -np.ones(columns.size)])
        owners = np.concatenate([columns, columns])
        denominators = both - np.concatenate([angles, angles])
        able = both * denominators > SPENT  # the others met their bound at an earlier knot, and turned away from it
        owners, both = owners[able], both[able]
        candidates = perpendicular[:, owners] / denominators[able]
        knots = candidates.T @ y
        best = int(np.argmax(knots))
        column, sign = int(owners[best]), float(both[best])
        direction = perpendicular[:, column]
        joined.append(column)
        signs.append(sign)
        basis = np.column_stack([basis, direction / np.linalg.norm(direction)])
        weights = np.linalg.solve((basis.T @ X[:, joined]).T, np.array(signs))
        equiangular = basis @ weights
        rivals = np.delete(candidates, best, axis=1)
        signed = perpendicular[:, columns] * np.sign(perpendicular[:, columns].T @ y)
        yield Step(column, sign, float(knots[best]), direction, candidates[:, best], rivals, signed, equiangular)
