"""The compiled kernels: coordinate descent on a Gram matrix, and Newton steps on the support with a maintained factor.

All of them minimise, over the first m coordinates,

    1/2 u'Gu - b'u + sum_j l1_j |v_j| + 1/2 sum_j quadratic_j v_j^2,   u = v - origin,   lower <= v <= upper,

with c = b - G u kept up to date. They run un-jitted as well (NUMBA_DISABLE_JIT=1).

`terms` is a (4, m) array: l1, quadratic, lower, upper. The factor R is upper triangular, row-major, of G +
diag(quadratic) on the coordinates order[:size[0]]; position[j] is the place of j in `order`, -1 when absent. Rows of R
are contiguous, so appending, deleting and both triangular solves run along rows (Golub and Van Loan, Matrix
Computations, 6.5).
"""

from __future__ import annotations

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "arcp", "nsz"}
PIVOT = 1e-11  # a squared pivot below this share of the diagonal marks a dependent column
TIE = 1e-12  # a zero coordinate whose pull exceeds its threshold by less has tied with others, but for rounding
FEW = 2  # sweeps after which c still has its digits
CONVERGED, SWEEPS_SPENT, WANTS_FACTOR = 0, 1, 2


@njit(cache=True, nogil=True, fastmath=FAST)
def sweep(gram, m, c, v, terms):
    """One pass of coordinate descent; returns the largest change in units of the gradient, relative to its scale."""
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
        if new != 0.0:
            denominator = diagonal + terms[1, j]
            new = new / denominator if denominator > 0.0 else 0.0
            new = min(max(new, terms[2, j]), terms[3, j])
        delta = new - v[j]
        if delta != 0.0:
            v[j] = new
            row = gram[j]
            for i in range(m):
                c[i] -= delta * row[i]
            change = abs(delta) * (diagonal + terms[1, j])
            if change > worst:
                worst = change
    return worst


@njit(cache=True, nogil=True, fastmath=FAST)
def refresh(gram, m, b, c, v, origin):
    """c = b - G (v - origin), from scratch."""
    for i in range(m):
        c[i] = b[i]
    for j in range(m):
        if v[j] != origin[j]:
            row, value = gram[j], v[j] - origin[j]
            for i in range(m):
                c[i] -= value * row[i]


@njit(cache=True, nogil=True, fastmath=FAST)
def forward(factor, k, x):
    """x <- R^-T x."""
    for i in range(k):
        row = factor[i]
        x[i] /= row[i]
        value = x[i]
        for j in range(i + 1, k):
            x[j] -= value * row[j]


@njit(cache=True, nogil=True, fastmath=FAST)
def backward(factor, k, x):
    """x <- R^-1 x."""
    for i in range(k - 1, -1, -1):
        row = factor[i]
        total = 0.0
        for j in range(i + 1, k):
            total += row[j] * x[j]
        x[i] = (x[i] - total) / row[i]


@njit(cache=True, nogil=True, fastmath=FAST)
def append(gram, terms, factor, order, position, size, j, work):
    """Append coordinate j to the factor; False (and no change) if its pivot vanishes. Leaves R^-T G_Fj in `work`."""
    k = size[0]
    for i in range(k):
        work[i] = gram[j, order[i]]
    forward(factor, k, work)
    diagonal = gram[j, j] + terms[1, j]
    pivot = diagonal
    for i in range(k):
        pivot -= work[i] * work[i]
    if pivot <= PIVOT * diagonal or diagonal <= 0.0:
        return False
    for i in range(k):
        factor[i, k] = work[i]
    factor[k, k] = np.sqrt(pivot)
    order[k], position[j] = j, k
    size[0] = k + 1
    return True


@njit(cache=True, nogil=True, fastmath=FAST)
def delete(factor, order, position, size, t, work):
    """Delete the coordinate at place t: shift, then a rank-one update of the trailing block."""
    k = size[0]
    for i in range(t + 1, k):
        work[i - 1] = factor[t, i]
    for i in range(t):
        row = factor[i]
        for j in range(t, k - 1):
            row[j] = row[j + 1]
    for i in range(t, k - 1):
        row, below = factor[i], factor[i + 1]
        for j in range(i, k - 1):
            row[j] = below[j + 1]
    for i in range(t, k - 1):
        row = factor[i]
        radius = np.sqrt(row[i] * row[i] + work[i] * work[i])
        cosine, sine = row[i] / radius, work[i] / radius
        row[i] = radius
        for j in range(i + 1, k - 1):
            turned = cosine * row[j] + sine * work[j]
            work[j] = cosine * work[j] - sine * row[j]
            row[j] = turned
    position[order[t]] = -1
    for i in range(t, k - 1):
        order[i] = order[i + 1]
        position[order[i]] = i
    size[0] = k - 1


@njit(cache=True, nogil=True)
def inside(v, j, terms):
    """Whether coordinate j is non-zero (or unpenalised) and strictly between its bounds."""
    if v[j] == 0.0:
        return terms[0, j] == 0.0 and terms[2, j] < 0.0 and terms[3, j] > 0.0
    return terms[2, j] < v[j] < terms[3, j]


@njit(cache=True, nogil=True)
def line_search(v, terms, order, k, gradient, d, decrease):
    """Exact minimiser t in (0, 1] along v + t d through the kinks at zero and up to the bounds.

    Returns (t, the place in `order` of the coordinate that landed on a kink or bound, or -1; where it landed).
    """
    extra, t = 0.0, 0.0
    while True:
        nearest, place, kind = 1.0, -1, 0
        for i in range(k):
            j = order[i]
            if d[i] < 0.0:
                if v[j] > 0.0 and terms[0, j] > 0.0 and terms[2, j] < 0.0:
                    crossing = -v[j] / d[i]
                    if t < crossing < nearest or (crossing == t and t == 0.0 and crossing < nearest):
                        nearest, place, kind = crossing, i, 0
                if terms[2, j] > -np.inf:
                    crossing = (terms[2, j] - v[j]) / d[i]
                    if crossing < nearest:
                        nearest, place, kind = crossing, i, 1
            elif d[i] > 0.0:
                if v[j] < 0.0 and terms[0, j] > 0.0 and terms[3, j] > 0.0:
                    crossing = -v[j] / d[i]
                    if t < crossing < nearest or (crossing == t and t == 0.0 and crossing < nearest):
                        nearest, place, kind = crossing, i, 0
                if terms[3, j] < np.inf:
                    crossing = (terms[3, j] - v[j]) / d[i]
                    if crossing < nearest:
                        nearest, place, kind = crossing, i, 2
        bottom = 1.0 - extra / decrease
        if bottom <= nearest:
            return max(bottom, t), -1, 0.0
        if place < 0:
            return 1.0, -1, 0.0
        j = order[place]
        if kind == 1:
            return nearest, place, terms[2, j]
        if kind == 2:
            return nearest, place, terms[3, j]
        extra += 2.0 * terms[0, j] * abs(d[place])
        if extra >= (1.0 - nearest) * decrease:
            return nearest, place, 0.0
        t = nearest


@njit(cache=True, nogil=True)
def synchronise(gram, m, v, terms, factor, order, position, size, work):
    """Make the factor hold exactly the coordinates that are inside; dependent ones are left out."""
    t = size[0] - 1
    while t >= 0:
        if not inside(v, order[t], terms):
            delete(factor, order, position, size, t, work)
        t -= 1
    for j in range(m):
        if position[j] < 0 and inside(v, j, terms):
            append(gram, terms, factor, order, position, size, j, work)


@njit(cache=True, nogil=True)
def newton(gram, m, b, c, v, origin, terms, factor, order, position, size, work, d, steps, tolerance):
    """Newton on the support until no sign changes: drops what crosses zero; returns the number of steps used."""
    used = 0
    while used < steps and size[0] > 0:
        used += 1
        k = size[0]
        decrease, largest = 0.0, 0.0
        for i in range(k):
            j = order[i]
            sign = 1.0 if v[j] > 0.0 else (-1.0 if v[j] < 0.0 else 0.0)
            work[i] = c[j] - terms[1, j] * v[j] - terms[0, j] * sign
            d[i] = work[i]
            largest = max(largest, abs(work[i]))
        if largest <= tolerance:
            break
        forward(factor, k, d)
        backward(factor, k, d)
        for i in range(k):
            decrease += work[i] * d[i]
        if not decrease > 0.0:
            break
        t, place, landed = line_search(v, terms, order, k, work, d, decrease)
        for i in range(k):
            j = order[i]
            v[j] += t * d[i]
            c[j] -= t * (work[i] - terms[1, j] * d[i])
        if place >= 0:
            v[order[place]] = landed
            delete(factor, order, position, size, place, work)
        elif t == 1.0:
            break
    refresh(gram, m, b, c, v, origin)
    return used


@njit(cache=True, nogil=True)
def exchange(gram, m, v, c, terms, factor, order, position, size, work, d):
    """Move every dependent coordinate along its null direction until it, or one of the support, becomes zero."""
    moved = False
    for j in range(m):
        if position[j] >= 0 or v[j] == 0.0 or not inside(v, j, terms):
            continue
        if append(gram, terms, factor, order, position, size, j, work):
            continue
        k = size[0]
        for i in range(k):
            d[i] = -work[i]
        backward(factor, k, d)
        slope = c[j] - terms[1, j] * v[j] - terms[0, j] * (1.0 if v[j] > 0.0 else -1.0)
        for i in range(k):
            a = order[i]
            if v[a] != 0.0:
                slope += d[i] * (c[a] - terms[1, a] * v[a] - terms[0, a] * (1.0 if v[a] > 0.0 else -1.0))
        direction = 1.0 if slope > 0.0 else -1.0
        if abs(slope) <= 1e-10 * (terms[0, j] + 1e-300):
            direction = -1.0 if v[j] > 0.0 else 1.0
        step, place = np.inf, -1
        if direction * v[j] < 0.0:
            step = abs(v[j])
        else:
            limit = terms[3, j] if direction > 0.0 else terms[2, j]
            step = abs(limit - v[j])
        for i in range(k):
            a, change = order[i], direction * d[i]
            if change * v[a] < 0.0 and terms[0, a] > 0.0 and abs(change) > 1e-14:
                crossing = -v[a] / change
                if crossing < step:
                    step, place = crossing, i
        if step == np.inf:
            continue
        moved = True
        v[j] += direction * step
        for i in range(k):
            v[order[i]] += direction * step * d[i]
        if place < 0:
            if abs(v[j]) <= 1e-14 * step:
                v[j] = 0.0
        else:
            v[order[place]] = 0.0
            delete(factor, order, position, size, place, work)
            append(gram, terms, factor, order, position, size, j, work)
    return moved


@njit(cache=True, nogil=True)
def wanted_changes(m, v, terms, position, size):
    """How many appends and deletions `synchronise` would make, and the support it would reach."""
    present, changes = 0, 0
    for j in range(m):
        wanted = inside(v, j, terms)
        present += wanted
        if wanted != (position[j] >= 0):
            changes += 1
    return changes, present


@njit(cache=True, nogil=True)
def solve(gram, m, b, c, v, origin, terms, factor, order, position, size, work, d, tolerance, sweeps, fresh):
    """Alternate sweeps and Newton steps until no coordinate moves its gradient by more than `tolerance`.

    Sweeps alone where they converge quickly, Newton when the sweeps left would cost more. Returns a status: CONVERGED,
    SWEEPS_SPENT, or WANTS_FACTOR when a factor made by LAPACK would be cheaper than so many updates; `fresh` says it
    was.
    """
    previous, spent, stale, goal = np.inf, 0, 0, 0.1 * tolerance
    changes, support = wanted_changes(m, v, terms, position, size)
    if support > 0 and changes == 0:  # a warm start: the factor is at hand, and sweeps would only disturb it
        newton(gram, m, b, c, v, origin, terms, factor, order, position, size, work, d, 10 + 4 * support, goal)
    while spent < sweeps:
        worst = sweep(gram, m, c, v, terms)
        spent += 1
        stale += 1
        if worst <= tolerance:
            if stale <= FEW or worst == 0.0:
                return CONVERGED
            refresh(gram, m, b, c, v, origin)
            stale = 0
            continue
        changes, support = wanted_changes(m, v, terms, position, size)
        rate = min(worst / previous, 0.999)
        previous = worst
        left = np.log(tolerance / worst) / np.log(rate)
        cost = (3.0 + changes) * support / m + 2.0
        rebuild = 0.02 * support * support / m + 4.0
        if left <= min(cost, rebuild) and rate < 0.9:
            continue
        if changes > 16 and rebuild < cost and not fresh:
            return WANTS_FACTOR
        fresh = False
        synchronise(gram, m, v, terms, factor, order, position, size, work)
        newton(gram, m, b, c, v, origin, terms, factor, order, position, size, work, d, 10 + 4 * support, goal)
        if exchange(gram, m, v, c, terms, factor, order, position, size, work, d):
            refresh(gram, m, b, c, v, origin)
        previous, stale = np.inf, 0
    return SWEEPS_SPENT
