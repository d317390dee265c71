"""Compiled proximal steps for parameters in main memory: one pass over the weights where a chain of array operations
needs ten.

All work in place, in the metric d = sqrt(moment) * root + eps with steps scale / d. Comparisons are written so that a
NaN stays a NaN.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

REASSOCIATE = {"reassoc", "contract"}  # lets sums use vector registers; NaN and infinity keep their meaning
Floats3 = tuple[float, float, float]
NEWTON_LIMIT = 50
BLOCK = 256  # columns worked on together: long runs of memory, and pulls and metrics that stay in the cache


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def soft_threshold(w: NDArray, moment: NDArray, root: float, eps: float, threshold: float) -> None:
    """w - clip(w, -t, t), t = threshold / d, for flat arrays."""
    for i in range(w.size):
        t = threshold / (np.sqrt(moment[i]) * root + eps)
        clipped = w[i]
        clipped = t if clipped > t else clipped
        clipped = -t if clipped < -t else clipped
        w[i] -= clipped


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def elastic(w: NDArray, moment: NDArray, root: float, eps: float, threshold: float, shrink: float) -> None:
    """Soft threshold at threshold / d, then division by 1 + shrink / d."""
    for i in range(w.size):
        d = np.sqrt(moment[i]) * root + eps
        t = threshold / d
        clipped = w[i]
        clipped = t if clipped > t else clipped
        clipped = -t if clipped < -t else clipped
        w[i] = (w[i] - clipped) * d / (d + shrink)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def group_rows(w: NDArray, moment: NDArray, metric: Floats3, weights: NDArray, tolerance: float) -> None:
    """The norm of each row: x_j = d_j u_j / (d_j + shrink + level), level = t / r, r = ||x||.

    r is the root of phi(r) = sum_j (d_j u_j)^2 / ((d_j + shrink) r + t)^2 = 1, found by Newton on phi^(-1/2) = 1, which
    is concave in r, from ||u|| above the root. `metric` is (root, eps, shrink), shrink = scale * quadratic, and
    `weights` (rows,) scale times the weight of each row's norm. Divisions are what it costs: the last move of `level`,
    below `tolerance`, enters the result to first order, which leaves an error of tolerance squared.
    """
    root, eps, shrink = metric
    zero, one = w.dtype.type(0), w.dtype.type(1)  # a plain 1 would make every division one of doubles
    d, inverse = np.empty(w.shape[1], w.dtype), np.empty(w.shape[1], w.dtype)
    for g in range(w.shape[0]):
        row, second, t = w[g], moment[g], weights[g]
        square, length = zero, zero
        for j in range(row.size):
            size = np.sqrt(second[j]) * root + eps
            d[j] = size
            square += row[j] * size * (row[j] * size)
            length += row[j] * row[j]
        if square <= t * t:
            row[:] = 0
            continue
        radius = np.sqrt(length)
        level, old = t / radius, t / radius
        for _ in range(NEWTON_LIMIT):
            first, third = zero, zero
            for j in range(row.size):
                inv = one / (d[j] + (shrink + level))
                inverse[j] = inv
                term = row[j] * d[j] * inv * (row[j] * d[j] * inv)
                first += term
                third += term * inv
            moved, update = newton_step(radius, level, first, third)
            radius = w.dtype.type(moved)
            old, level = level, t / radius
            if not abs(update) > tolerance * radius:
                break
        for j in range(row.size):
            row[j] = row[j] * d[j] * inverse[j] * (one - (level - old) * inverse[j])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def newton_step(radius: float, level: float, first: float, third: float) -> tuple[float, float]:
    """The next radius and its move, from first = phi r^2 and third = sum of phi's terms r^2 / (d + shrink + level)."""
    phi = first / (radius * radius)
    slope = (first - level * third) / (radius * radius * radius)
    update = (np.sqrt(phi) - 1) * phi / slope
    return (radius + update if radius + update > 0 else radius / 10), update


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def group_columns(
    w: NDArray, moment: NDArray, metric: Floats3, weights: NDArray, tolerance: float, span: tuple[int, int]
) -> None:
    """`group_rows` for the columns span[0]:span[1] of w, a block abreast: memory is read in the order it lies.

    Its loops are short and over few whole arrays, which compilers can vectorise; a slice of columns they could not.
    """
    root, eps, shrink = metric
    one, rows = w.dtype.type(1), w.shape[0]
    d = np.empty((rows, BLOCK), w.dtype)
    radius, level, t = np.empty(BLOCK, w.dtype), np.empty(BLOCK, w.dtype), np.empty(BLOCK, w.dtype)
    first, third = np.empty(BLOCK, w.dtype), np.empty(BLOCK, w.dtype)
    for start in range(span[0], span[1], BLOCK):
        width = min(BLOCK, span[1] - start)
        first[:], third[:] = 0, 0
        t[:width] = weights[start : start + width]
        for i in range(rows):
            value, moment_i, d_i = w[i, start : start + width], moment[i, start : start + width], d[i]
            for j in range(width):
                d_i[j] = np.sqrt(moment_i[j]) * root + eps
            for j in range(width):
                first[j] += value[j] * d_i[j] * (value[j] * d_i[j])
                third[j] += value[j] * value[j]
        for j in range(width):
            alive = not first[j] <= t[j] * t[j]
            radius[j] = np.sqrt(third[j]) if alive else w.dtype.type(0)
            level[j] = t[j] / radius[j] if alive else w.dtype.type(np.inf)
        for _ in range(NEWTON_LIMIT):
            first[:], third[:] = 0, 0
            for i in range(rows):
                value, d_i = w[i, start : start + width], d[i]
                for j in range(width):
                    inverse = one / (d_i[j] + (shrink + level[j]))
                    term = value[j] * d_i[j] * inverse * (value[j] * d_i[j] * inverse)
                    first[j] += term
                    third[j] += term * inverse
            moving = False
            for j in range(width):
                if radius[j] > 0:
                    radius[j], update = newton_step(radius[j], level[j], first[j], third[j])
                    level[j] = t[j] / radius[j]
                    moving = moving or abs(update) > tolerance * radius[j]
            if not moving:
                break
        for i in range(rows):
            value, d_i = w[i, start : start + width], d[i]
            for j in range(width):
                value[j] = value[j] * d_i[j] / (d_i[j] + (shrink + level[j]))
