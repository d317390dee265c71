"""The compiled sweeps of coordinate descent on a Gram matrix, and products with it; see `kernels` for the problem."""

from __future__ import annotations

from functools import partial

import numpy as np
from numba import njit

compiled = partial(njit, cache=True, nogil=True, error_model="numpy")
inner = partial(compiled, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # what other kernels alone call
FAST = {"reassoc", "contract", "arcp", "nsz"}
TIE = 1e-12  # a zero coordinate whose pull exceeds its threshold by less has tied with others, but for rounding
FEW = 2  # sweeps after which c still has its digits
IDLE = 1e-2  # moves below this share of the tolerance are left out of a sweep
TILE = 32  # rows that are transposed together
EXACT = 1e-3  # Newton aims at this share of the tolerance


@inner(fastmath=FAST)
def sweep(gram, m, c, v, terms, idle, entry):
    """One pass of coordinate descent; returns the largest change, in units of the gradient.

    Non-zero coordinates that would move by no more than `idle` stay: after a Newton step a sweep costs little. Zero
    ones whose pull exceeds its threshold by less than `entry` stay too.
    """
    worst = 0.0
    for j in range(m):
        diagonal = gram[j, j]
        pull = c[j] + diagonal * v[j]
        l1 = terms[0, j]
        if pull > l1:
            new = pull - l1
        elif pull < -l1:
            new = pull + l1
        else:
            new = 0.0
        if v[j] == 0.0 and abs(new) <= TIE * l1:
            new = 0.0
        excess = abs(new)
        if new != 0.0:
            denominator = diagonal + terms[1, j]
            new = new / denominator if denominator > 0.0 else 0.0
            new = min(max(new, terms[2, j]), terms[3, j])
        delta = new - v[j]
        if delta != 0.0:
            change = abs(delta) * (diagonal + terms[1, j])
            if change > worst:
                worst = change
            if (excess < entry) if v[j] == 0.0 else (change <= idle and new != 0.0):
                continue
            v[j] = new
            row = gram[j]
            for i in range(m):
                c[i] -= delta * row[i]
    return worst


@inner(fastmath=FAST)
def strongest(m, c, v, terms):
    """The largest excess over its threshold of the pull at a zero coordinate that may follow it."""
    largest = 0.0
    for j in range(m):
        if v[j] == 0.0 and (terms[3, j] > 0.0 if c[j] > 0.0 else terms[2, j] < 0.0):
            largest = max(largest, abs(c[j]) - terms[0, j])
    return largest


@compiled(fastmath=FAST)
def refresh(gram, m, b, c, v, origin):
    """c = b - G (v - origin), from scratch; four rows at a time, so that c is loaded and stored a quarter as often."""
    for i in range(m):
        c[i] = b[i]
    j0, j1, j2, waiting = 0, 0, 0, 0
    for j in range(m):
        if v[j] == origin[j]:
            continue
        waiting += 1
        if waiting == 1:
            j0 = j
        elif waiting == 2:
            j1 = j
        elif waiting == 3:
            j2 = j
        else:
            waiting = 0
            r0, r1, r2, r3 = gram[j0], gram[j1], gram[j2], gram[j]
            u0, u1, u2, u3 = v[j0] - origin[j0], v[j1] - origin[j1], v[j2] - origin[j2], v[j] - origin[j]
            for i in range(m):
                c[i] -= u0 * r0[i] + u1 * r1[i] + u2 * r2[i] + u3 * r3[i]
    for place in range(waiting):
        j = (j0, j1, j2)[place]
        row, u = gram[j], v[j] - origin[j]
        for i in range(m):
            c[i] -= u * row[i]


@compiled()
def part_of(gram, left, right):
    """gram[left][:, right]; unlike NumPy's indexing it lets other threads work meanwhile."""
    part = np.empty((len(left), len(right)))
    for a in range(len(left)):
        row = gram[left[a]]
        for b in range(len(right)):
            part[a, b] = row[right[b]]
    return part


@compiled(fastmath=FAST)
def part_without(gram, m, whole, places, means, products, kept, own_means):
    """The newest rows and columns of `gram`, from the m-th on: those at `places` of `whole`, without some of its rows.

    See `quadratic.LeftOut`.
    """
    total = len(places)
    fresh, factor = total - m, 1.0 / kept
    fresh_means = np.empty(fresh)
    for j in range(fresh):
        fresh_means[j] = means[places[m + j]]
    for first in range(0, total, TILE):
        last = min(first + TILE, total)
        for i in range(first, last):
            row, product, target = whole[places[i]], products[i], gram[i, m:total]
            mean, own = means[places[i]], own_means[i]
            for j in range(fresh):
                target[j] = row[places[m + j]]
            for j in range(fresh):
                target[j] = (target[j] + mean * fresh_means[j] - product[j]) * factor - own * own_means[m + j]
        for j in range(m, total):
            row = gram[j]
            for i in range(first, min(last, m)):
                row[i] = gram[i, j]
