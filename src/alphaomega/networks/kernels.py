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
    """`group_rows` for the columns span[0]:span[1] of w, all abreast: memory is read in the order it lies.

    Where a threshold is small beside d, as in most steps, one step of Newton is enough; the other columns go on alone.
    """
    kind, start, stop = w.dtype.type, span[0], span[1]
    t, radius, level = weights[start:stop], np.zeros(stop - start, w.dtype), np.zeros(stop - start, w.dtype)
    first, third = np.zeros(stop - start, w.dtype), np.zeros(stop - start, w.dtype)
    for i in range(w.shape[0]):
        value = w[i][start:stop]
        for j in range(value.size):
            first[j] += value[j] * value[j]
    for j in range(level.size):
        radius[j] = np.sqrt(first[j])
        level[j] = t[j] / radius[j] if radius[j] > 0 else kind(0)
    first[:] = 0
    for i in range(w.shape[0]):
        add_terms(w[i][start:stop], moment[i][start:stop], metric, level, first, third)
    moving = newton_moves(t, radius, level, first, third, tolerance)
    if moving.size:
        settle_columns(w, moment, metric, moving + start, (weights, radius, level, start, tolerance))
    root, eps, shrink = metric
    for i in range(w.shape[0]):
        value, second = w[i][start:stop], moment[i][start:stop]
        for j in range(value.size):
            size = np.sqrt(second[j]) * root + eps
            value[j] = value[j] * (size / (size + (shrink + level[j])))


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def add_terms(value: NDArray, moment: NDArray, metric: Floats3, level: NDArray, first: NDArray, third: NDArray) -> None:
    """Add one row's terms of phi r^2 to `first`, and times their 1 / (d + shrink + level) to `third`, by column."""
    root, eps, shrink = metric
    one = value.dtype.type(1)
    for j in range(value.size):
        size = np.sqrt(moment[j]) * root + eps
        inverse = one / (size + (shrink + level[j]))
        share = value[j] * (size * inverse)
        first[j] += share * share
        third[j] += share * share * inverse


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def newton_moves(
    t: NDArray, radius: NDArray, level: NDArray, first: NDArray, third: NDArray, tolerance: float
) -> NDArray:
    """A step of Newton on each radius that is not 0; the columns whose step was not small."""
    count, moving = 0, np.empty(radius.size, np.int64)
    for j in range(radius.size):
        if radius[j] != 0:
            moved, update = newton_step(radius[j], level[j], first[j], third[j])
            radius[j] = moved
            level[j] = t[j] / radius[j]
            if abs(update) > tolerance * radius[j]:
                moving[count] = j
                count += 1
    return moving[:count]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def settle_columns(
    w: NDArray, moment: NDArray, metric: Floats3, columns: NDArray, state: tuple[NDArray, NDArray, NDArray, int, float]
) -> None:
    """Newton to the end for some columns, copied side by side; those whose pull is below t get level infinity: zero."""
    weights, radii, levels, start, tolerance = state
    root, eps, _ = metric
    values, seconds = np.empty((w.shape[0], columns.size), w.dtype), np.empty((w.shape[0], columns.size), w.dtype)
    square = np.zeros(columns.size, w.dtype)
    for i in range(w.shape[0]):
        row, second = w[i], moment[i]
        for k in range(columns.size):
            values[i, k], seconds[i, k] = row[columns[k]], second[columns[k]]
        for k in range(columns.size):
            pull = values[i, k] * (np.sqrt(seconds[i, k]) * root + eps)
            square[k] += pull * pull
    t, radius, level = weights[columns], radii[columns - start], levels[columns - start]
    zero = square <= t * t
    radius[zero], level[zero] = 0, np.inf
    first, third = np.zeros(columns.size, w.dtype), np.zeros(columns.size, w.dtype)
    for _ in range(NEWTON_LIMIT):
        first[:], third[:] = 0, 0
        for i in range(w.shape[0]):
            add_terms(values[i], seconds[i], metric, level, first, third)
        if newton_moves(t, radius, level, first, third, tolerance).size == 0:
            break
    levels[columns - start] = level
