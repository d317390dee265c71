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
Floats5 = tuple[float, float, float, float, float]
NEWTON_LIMIT = 50
MODEL_STEPS, NEAR = 6, 0.5  # of the series in a level's relative move: Newton's steps on it, and how far it is trusted
CHUNK = 256  # rows added up on their own, a multiple of 4: however many threads share them, the sums are the same


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
def entry_sums(u: float, moment: float, metric: Floats3, level: float, one: float) -> Floats5:
    """What an entry adds to the sums of its column."""
    root, eps, shrink = metric
    size = np.sqrt(moment) * root + eps
    inverse = one / (size + (shrink + level))
    pull, share = u * size, level * inverse
    square = pull * inverse * (pull * inverse)
    return pull * pull, square, square * share, square * share * share, square * share * share * share


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def column_sums(w: NDArray, moment: NDArray, metric: Floats3, level: NDArray, every: int) -> NDArray:
    """Per column: sum_i (d_i u_i)^2, and for k = 0..3 the sums of x_i^2 (level / (d_i + shrink + level))^k.

    Over each so many-th row; one array (5, columns) for each CHUNK of them. In the order that memory lies in, four rows
    at a time: the sums are what the processor moves most.
    """
    one, rows = w.dtype.type(1), (w.shape[0] + every - 1) // every
    sums = np.zeros(((rows + CHUNK - 1) // CHUNK, 5, w.shape[1]), w.dtype)
    for chunk in range(sums.shape[0]):
        pulls, zeroth, first, second, third = sums[chunk]
        stop = min(rows, (chunk + 1) * CHUNK)
        for k in range(chunk * CHUNK, stop - 3, 4):
            i0, i1, i2, i3 = k * every, (k + 1) * every, (k + 2) * every, (k + 3) * every
            u0, u1, u2, u3 = w[i0], w[i1], w[i2], w[i3]
            m0, m1, m2, m3 = moment[i0], moment[i1], moment[i2], moment[i3]
            for j in range(level.size):
                a = entry_sums(u0[j], m0[j], metric, level[j], one)
                b = entry_sums(u1[j], m1[j], metric, level[j], one)
                c = entry_sums(u2[j], m2[j], metric, level[j], one)
                d = entry_sums(u3[j], m3[j], metric, level[j], one)
                pulls[j] += a[0] + b[0] + c[0] + d[0]
                zeroth[j] += a[1] + b[1] + c[1] + d[1]
                first[j] += a[2] + b[2] + c[2] + d[2]
                second[j] += a[3] + b[3] + c[3] + d[3]
                third[j] += a[4] + b[4] + c[4] + d[4]
        for k in range(stop - stop % 4, stop):
            u, m = w[k * every], moment[k * every]
            for j in range(level.size):
                a = entry_sums(u[j], m[j], metric, level[j], one)
                pulls[j] += a[0]
                zeroth[j] += a[1]
                first[j] += a[2]
                second[j] += a[3]
                third[j] += a[4]
    return sums


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def column_levels(sums: NDArray, weights: NDArray, level: NDArray, tolerance: float) -> NDArray:
    """Better levels, in place, infinite where the column is zero; and which are not yet known to `tolerance`.

    With x the relative move of the level, phi(r) = 1 is (1 + x)^2 (s0 - 2 x s1 + 3 x^2 s2 - 4 x^3 s3 + ...) = (t /
    level)^2, s the sums; what is left out is at most 5 x^4 s3 / (1 - |x|)^2. Far off, a step of `newton_step`.
    """
    moving = np.empty(level.size, np.bool_)
    for j in range(level.size):
        pull, t = np.float64(sums[0, j]), np.float64(weights[j])
        if pull <= t * t or t == 0:
            level[j], moving[j] = 0.0 if pull > t * t else np.inf, False
            continue
        s0, s1, s2, s3 = np.float64(sums[1, j]), np.float64(sums[2, j]), np.float64(sums[3, j]), np.float64(sums[4, j])
        radius = t / level[j]
        x, slope = 0.0, 2 * (s0 - s1)
        for _ in range(MODEL_STEPS):
            value = s0 - x * (2 * s1 - x * (3 * s2 - 4 * x * s3))
            slope = (1 + x) * (2 * value + (1 + x) * (-2 * s1 + x * (6 * s2 - 12 * x * s3)))
            x -= ((1 + x) * (1 + x) * value - radius * radius) / slope
            if not abs(x) < NEAR:
                break
        if abs(x) >= NEAR:
            radius, _ = newton_step(radius, 1.0, s0, s1)
            level[j], moving[j] = t / radius, True
            continue
        level[j] *= 1 + x
        moving[j] = 5 * x**4 * s3 > tolerance * slope * (1 - abs(x)) ** 2
    return moving


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def scale_columns(w: NDArray, moment: NDArray, metric: Floats3, level: NDArray) -> None:
    """x_j = d_j u_j / (d_j + shrink + level), in place."""
    root, eps, shrink = metric
    for i in range(w.shape[0]):
        row, second = w[i], moment[i]
        for j in range(row.size):
            size = np.sqrt(second[j]) * root + eps
            row[j] = row[j] * size / (size + (shrink + level[j]))
