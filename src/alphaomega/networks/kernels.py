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
NEWTON_LIMIT = 50
BLOCK = 128  # columns worked on together: long runs of memory, and pulls and metrics that stay in the cache


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
def group_rows(
    w: NDArray, moment: NDArray, root: float, eps: float, shrink: float, weights: NDArray, tolerance: float
) -> None:
    """The norm of each row in the metric d + shrink: x_j = pull_j r / (d_j r + t), pull = d u, r = ||x|| the root of
    phi(r) = sum_j pull_j^2 / (d_j r + t)^2 = 1. Newton on phi^(-1/2) = 1, concave in r, from ||u|| above the root.

    `shrink` is scale * quadratic and `weights` (rows,) scale times the weight of each row's norm.
    """
    zero = w.dtype.type(0)
    pull, d = np.empty(w.shape[1], w.dtype), np.empty(w.shape[1], w.dtype)
    for g in range(w.shape[0]):
        row, second, t = w[g], moment[g], weights[g]
        square, length = zero, zero
        for j in range(row.size):
            size = np.sqrt(second[j]) * root + eps
            p = row[j] * size
            pull[j], d[j] = p, size + shrink
            square += p * p
            length += row[j] * row[j]
        if square <= t * t:
            row[:] = 0
            continue
        radius = np.sqrt(length)
        for _ in range(NEWTON_LIMIT):
            phi, slope = zero, zero
            for j in range(row.size):
                inverse = 1 / (d[j] * radius + t)
                ratio = pull[j] * inverse
                ratio = ratio * ratio
                phi += ratio
                slope += ratio * d[j] * inverse
            update = (np.sqrt(phi) - 1) * phi / slope
            radius = radius + update if radius + update > 0 else radius / 10
            if not abs(update) > tolerance * radius:
                break
        for j in range(row.size):
            row[j] = pull[j] * radius / (d[j] * radius + t)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def group_columns(
    w: NDArray, moment: NDArray, root: float, eps: float, shrink: float, weights: NDArray, tolerance: float
) -> None:
    """`group_rows` for the columns of w, a block abreast, so that memory is read in the order it lies.

    Written in level = t / r, x_j = pull_j / (d_j + level), and in short loops over few arrays, which compilers can
    vectorise.
    """
    rows, columns = w.shape
    pull, d = np.empty((rows, BLOCK), w.dtype), np.empty((rows, BLOCK), w.dtype)
    radius, level, t = np.empty(BLOCK, w.dtype), np.empty(BLOCK, w.dtype), np.empty(BLOCK, w.dtype)
    first, second = np.empty(BLOCK, w.dtype), np.empty(BLOCK, w.dtype)
    for start in range(0, columns, BLOCK):
        width = min(BLOCK, columns - start)
        first[:], second[:] = 0, 0
        t[:width] = weights[start : start + width]
        for i in range(rows):
            value, moment_i, pull_i, d_i = w[i, start : start + width], moment[i, start : start + width], pull[i], d[i]
            for j in range(width):
                size = np.sqrt(moment_i[j]) * root + eps
                pull_i[j] = value[j] * size
                d_i[j] = size + shrink
            for j in range(width):
                first[j] += pull_i[j] * pull_i[j]
                second[j] += value[j] * value[j]
        for j in range(width):
            alive = not first[j] <= t[j] * t[j]
            radius[j] = np.sqrt(second[j]) if alive else w.dtype.type(0)
            level[j] = t[j] / radius[j] if alive else w.dtype.type(np.inf)
        for _ in range(NEWTON_LIMIT):
            first[:], second[:] = 0, 0
            for i in range(rows):
                pull_i, d_i = pull[i], d[i]
                for j in range(width):
                    inverse = 1 / (d_i[j] + level[j])
                    square = pull_i[j] * inverse * (pull_i[j] * inverse)
                    first[j] += square
                    second[j] += square * inverse
            moving = False
            for j in range(width):
                if radius[j] > 0:
                    r, phi = radius[j], first[j] / (radius[j] * radius[j])
                    slope = (first[j] - level[j] * second[j]) / (r * r * r)
                    update = (np.sqrt(phi) - 1) * phi / slope
                    radius[j] = r + update if r + update > 0 else r / 10
                    level[j] = t[j] / radius[j]
                    moving = moving or abs(update) > tolerance * radius[j]
            if not moving:
                break
        for i in range(rows):
            value, pull_i, d_i = w[i, start : start + width], pull[i], d[i]
            for j in range(width):
                value[j] = pull_i[j] / (d_i[j] + level[j])
