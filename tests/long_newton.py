"""Newton's method in extended precision: steps are solved for in float64, slopes and predictors are kept to the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from alphaomega.penalties import Terms
from loss_formulas import curvature_root, residual

LONG = np.longdouble
EPS = np.finfo(LONG).eps
SUMMED = 1e3 * EPS  # what sums of a hundred products lose
FLAT = 1e-13  # singular values below this share of the largest are rounding of float64
MOST_SMALL_STEPS = 5
FARTHEST = 2.0**150


def spanned(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """An orthonormal basis, in the metric of the weights, of the columns' span; what repeats others is left out."""
    norms = np.sqrt(weights @ columns**2)
    rest = columns / np.where(norms > 0, norms, 1)
    basis = np.empty((len(columns), 0), dtype=LONG)
    for _ in range(min(columns.shape)):
        sizes = np.sqrt(weights @ rest**2)
        j = np.argmax(sizes)
        if sizes[j] <= SUMMED:
            break
        new = rest[:, j]
        for _ in range(2):
            new = new - basis @ (basis.T @ (weights * new))
            new = new / np.sqrt(weights @ new**2)
        basis = np.column_stack([basis, new])
        rest = rest - np.outer(new, (weights * new) @ rest)
    return basis


@dataclass(frozen=True, eq=False)
class Smooth:
    """sum_i s_i loss(y_i, eta_i) + Omega(u) where columns @ u moves eta, next to a u at which Omega is smooth.

    columns (n, d), u (d,) or (d, K); `terms` those of u.ravel(), of which only the coordinates `moving` move.
    """

    loss: str
    y: np.ndarray
    weights: np.ndarray
    columns: np.ndarray
    terms: Terms
    moving: np.ndarray

    def predictors(self, u: np.ndarray, eta: np.ndarray, steps: int) -> Iterator[np.ndarray]:
        """eta after one Newton step and another, each as long as its line allows, down to rounding."""
        small, signs = 0, np.sign(u)
        for _ in range(steps if self.moving.any() else 0):
            move = self._direction(u, eta, -self._slope(u, eta, signs))
            push = self.columns @ move
            length = self._length(u, eta, move, push, signs)
            u, eta = u + length * move, eta + length * push
            yield eta
            step, size = abs(length * push).max(), abs(eta).max() + abs(self.y).max()
            small += step <= SUMMED * size
            if step <= 4 * EPS * size or small > MOST_SMALL_STEPS:
                break

    def _slope(self, u: np.ndarray, eta: np.ndarray, signs: np.ndarray) -> np.ndarray:
        """d/du on the moving coordinates, zero elsewhere."""
        slope = -self.columns.T @ (self.weights * residual(self.loss, self.y, eta).T).T
        place = np.flatnonzero(self.moving)
        result, v = np.zeros(u.size, dtype=LONG), u.ravel()[place]
        result[place] = slope.ravel()[place] + self.terms.l1[place] * signs.ravel()[place]
        result[place] += self.terms.quadratic[place] * v
        if self.terms.groups is not None:
            strength, norms = self._norms(u)
            result[place] += strength * v / norms
        return result.reshape(u.shape)

    def _norms(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the groups of the moving coordinates: their strengths, and norms where these matter."""
        place, groups = np.flatnonzero(self.moving), self.terms.groups
        squares = np.zeros(len(self.terms.group_weights), dtype=LONG)
        np.add.at(squares, groups, u.ravel() ** 2)
        strength = self.terms.group_weights[groups[place]]
        norms = np.sqrt(squares[groups[place]])
        return strength, np.where((strength > 0) & (norms > 0), norms, 1)

    def _root(self, u: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """R with R'R the Hessian in the moving coordinates: half the decades between its singular values."""
        place = np.flatnonzero(self.moving)
        rows = [hessian_root(self.loss, self.y, self.weights, self.columns, eta)[:, place]]
        if self.terms.quadratic[place].any():
            rows.append(np.diag(np.sqrt(self.terms.quadratic[place]).astype(float)))
        if self.terms.groups is not None:
            strength, norms = self._norms(u)
            along, group = (u.ravel()[place] / norms).astype(float), self.terms.groups[place]
            across = np.eye(len(place)) - np.outer(along, along) * (group[:, None] == group)
            rows.append(np.sqrt((strength / norms).astype(float))[:, None] * across)
        return np.vstack(rows)

    def _direction(self, u: np.ndarray, eta: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Newton's step; where much of the pull goes where there is no curvature, that part of it."""
        place, outputs = np.flatnonzero(self.moving), u.size // len(u)
        size = np.sqrt(np.repeat(self.weights @ self.columns**2, outputs)[place] + self.terms.quadratic[place])
        size = np.where(size > 0, size, 1).astype(float)
        pull = pull.ravel()[place] / size
        unit = float(np.linalg.norm(pull.astype(float))) or 1.0
        pull = (pull / unit).astype(float)
        step, rest = solved(self._root(u, eta) / size, pull)
        step = rest if np.linalg.norm(rest) > 0.1 else step
        move = np.zeros(u.size, dtype=LONG)
        move[place] = LONG(unit) * step / size
        return move.reshape(u.shape)

    def _length(self, u: np.ndarray, eta: np.ndarray, move: np.ndarray, push: np.ndarray, signs: np.ndarray) -> float:
        """How far along the line its slope vanishes: one where nearly, zero where no step leads downhill."""

        def rise(length: float) -> float:
            with np.errstate(over="ignore"):  # too long then
                return (self._slope(u + length * move, eta + length * push, signs) * move).sum()

        first = rise(LONG(0))
        if not first < 0:
            return LONG(0)
        high = LONG(1)
        if abs(rise(high)) <= 0.1 * abs(first):
            return high
        while rise(high) < 0:
            high *= 2
            if high > FARTHEST:
                return LONG(0)
        low = LONG(0) if high == 1 else high / 2
        for _ in range(70):
            middle = (low + high) / 2
            low, high = (middle, high) if rise(middle) < 0 else (low, middle)
        return low if low > 0 else high


def solved(root: np.ndarray, pull: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least x that solves root' root x = pull, and the part of pull for which there is none; in float64."""
    _, values, vectors = np.linalg.svd(root, full_matrices=False)
    alive = values > FLAT * values[0]
    inside = vectors[alive] @ pull
    return vectors[alive].T @ (inside / values[alive] ** 2), pull - vectors[alive].T @ inside


def hessian_root(loss: str, y: np.ndarray, weights: np.ndarray, columns: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """R of shape (n * K, d * K), in float64, with R'R the Hessian of the mean loss in coefficients of the columns."""
    root = np.sqrt(weights)[:, None, None] * curvature_root(loss, y, eta)
    rows = np.einsum("ikl,ia->ilak", root.astype(float), columns.astype(float))
    return rows.reshape(root.shape[0] * root.shape[1], -1)
