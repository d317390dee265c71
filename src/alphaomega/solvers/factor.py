"""The compiled factor of G + diag(quadratic) on the support: append, delete, solve; and how dependent columns leave.

The factor R is upper triangular, row-major, on the coordinates order[:size[0]]; position[j] is the place of j in
`order`, -1 when absent. Rows of R are contiguous, so appending, deleting and both triangular solves run along rows
(Golub and Van Loan, Matrix Computations, 6.5). Loops run over slices from their beginning: where an index could be
negative, the compiler does not use vectors of numbers. `terms` is a (4, m) array: l1, quadratic, lower, upper.
"""

from __future__ import annotations

import numpy as np

from .sweeps import FAST, compiled, inner

LEVEL = 1e-10  # a slope below this share of the thresholds along it is rounding
PIVOT = 1e-11  # a squared pivot below this share of the diagonal marks a dependent column


@inner(fastmath=FAST)
def forward_all(factor, k, columns):
    """x <- R^-T x for each row x of `columns`; four rows of R at a time, loaded once for all x."""
    i = 0
    while i + 4 <= k:
        r0, r1, r2, r3 = factor[i], factor[i + 1], factor[i + 2], factor[i + 3]
        s0, s1, s2, s3 = r0[i + 4 : k], r1[i + 4 : k], r2[i + 4 : k], r3[i + 4 : k]
        for q in range(len(columns)):
            x = columns[q]
            x0 = x[i] / r0[i]
            x1 = (x[i + 1] - x0 * r0[i + 1]) / r1[i + 1]
            x2 = (x[i + 2] - x0 * r0[i + 2] - x1 * r1[i + 2]) / r2[i + 2]
            x3 = (x[i + 3] - x0 * r0[i + 3] - x1 * r1[i + 3] - x2 * r2[i + 3]) / r3[i + 3]
            x[i], x[i + 1], x[i + 2], x[i + 3] = x0, x1, x2, x3
            rest = x[i + 4 : k]
            for j in range(len(rest)):
                rest[j] -= x0 * s0[j] + x1 * s1[j] + x2 * s2[j] + x3 * s3[j]
        i += 4
    for a in range(i, k):
        for q in range(len(columns)):
            x = columns[q]
            x[a] /= factor[a, a]
            for j in range(a + 1, k):
                x[j] -= x[a] * factor[a, j]


@inner()
def forward(factor, k, x):
    """x <- R^-T x."""
    forward_all(factor, k, x.reshape((1, x.size)))


@inner(fastmath=FAST)
def backward(factor, k, x):
    """x <- R^-1 x; four rows at a time as well."""
    i = k - 1
    while i >= 3:
        r0, r1, r2, r3 = factor[i], factor[i - 1], factor[i - 2], factor[i - 3]
        t0 = t1 = t2 = t3 = 0.0
        s0, s1, s2, s3, rest = r0[i + 1 : k], r1[i + 1 : k], r2[i + 1 : k], r3[i + 1 : k], x[i + 1 : k]
        for j in range(len(rest)):
            t0 += s0[j] * rest[j]
            t1 += s1[j] * rest[j]
            t2 += s2[j] * rest[j]
            t3 += s3[j] * rest[j]
        x0 = (x[i] - t0) / r0[i]
        x1 = (x[i - 1] - t1 - r1[i] * x0) / r1[i - 1]
        x2 = (x[i - 2] - t2 - r2[i] * x0 - r2[i - 1] * x1) / r2[i - 2]
        x3 = (x[i - 3] - t3 - r3[i] * x0 - r3[i - 1] * x1 - r3[i - 2] * x2) / r3[i - 3]
        x[i], x[i - 1], x[i - 2], x[i - 3] = x0, x1, x2, x3
        i -= 4
    for a in range(i, -1, -1):
        row = factor[a]
        total = 0.0
        for j in range(a + 1, k):
            total += row[j] * x[j]
        x[a] = (x[a] - total) / row[a]


@inner(fastmath=FAST)
def join(gram, terms, factor, order, position, size, j, column):
    """Append coordinate j, whose `column` is R^-T G_Fj; False (and no change) if its pivot vanishes."""
    k = size[0]
    diagonal = gram[j, j] + terms[1, j]
    pivot = diagonal
    for i in range(k):
        pivot -= column[i] * column[i]
    if pivot <= PIVOT * diagonal or diagonal <= 0.0:
        return False
    for i in range(k):
        factor[i, k] = column[i]
    factor[k, k] = np.sqrt(pivot)
    order[k], position[j] = j, k
    size[0] = k + 1
    return True


@inner()
def append(gram, terms, factor, order, position, size, j, work):
    """Append coordinate j to the factor; False (and no change) if its pivot vanishes. Leaves R^-T G_Fj in `work`."""
    for i in range(size[0]):
        work[i] = gram[j, order[i]]
    forward(factor, size[0], work)
    return join(gram, terms, factor, order, position, size, j, work)


@inner(fastmath=FAST)
def append_many(gram, terms, factor, order, position, size, fresh):
    """`append` for each of several coordinates; rows of the factor pass by once for all of them."""
    k, count = size[0], len(fresh)
    columns, taken = np.empty((count, k + count)), np.empty(count, np.int64)
    for q in range(count):
        row = gram[fresh[q]]
        for i in range(k):
            columns[q, i] = row[order[i]]
    forward_all(factor, k, columns)
    for q in range(count):
        j, x, present = fresh[q], columns[q], size[0]
        for t in range(k, present):
            other = columns[taken[t - k]]
            total = gram[j, order[t]]
            for i in range(t):
                total -= x[i] * other[i]
            x[t] = total / factor[t, t]
        if join(gram, terms, factor, order, position, size, j, x):
            taken[present - k] = q


@inner(fastmath=FAST)
def delete(factor, order, position, size, t, work):
    """Delete the coordinate at place t: shift, then a rank-one update of the trailing block."""
    k = size[0]
    for i in range(t + 1, k):
        work[i - 1] = factor[t, i]
    for i in range(t):
        row = factor[i, t:k]
        for j in range(len(row) - 1):
            row[j] = row[j + 1]
    for i in range(t, k - 1):
        pivot = factor[i + 1, i + 1]
        radius = np.sqrt(pivot * pivot + work[i] * work[i])
        cosine, sine = pivot / radius, work[i] / radius
        factor[i, i] = radius
        row, below, rest = factor[i, i + 1 : k - 1], factor[i + 1, i + 2 : k], work[i + 1 : k - 1]
        for j in range(len(row)):
            shifted = below[j]
            row[j] = cosine * shifted + sine * rest[j]
            rest[j] = cosine * rest[j] - sine * shifted
    position[order[t]] = -1
    for i in range(t, k - 1):
        order[i] = order[i + 1]
        position[order[i]] = i
    size[0] = k - 1


@inner()
def inside(v, j, terms):
    """Whether coordinate j is non-zero (or unpenalised) and strictly between its bounds."""
    if v[j] == 0.0:
        return terms[0, j] == 0.0 and terms[2, j] < 0.0 and terms[3, j] > 0.0
    return terms[2, j] < v[j] < terms[3, j]


@inner()
def first_stop(v, terms, order, k, d, j, direction):
    """How far v_j can go along a null direction, d on the support, until a coordinate is zero or at a bound.

    Returns (step, the place in `order` of that coordinate, -1 for j itself; where it lands).
    """
    step, place, landed = np.inf, -1, 0.0
    if direction * v[j] < 0.0:
        step = abs(v[j])
    else:
        limit = terms[3, j] if direction > 0.0 else terms[2, j]
        step = abs(limit - v[j])
    for i in range(k):
        a, change = order[i], direction * d[i]
        if abs(change) <= 1e-14:
            continue
        limit = terms[3, a] if change > 0.0 else terms[2, a]
        if change * v[a] < 0.0 and terms[0, a] > 0.0:
            limit = 0.0
        crossing = (limit - v[a]) / change
        if crossing < step:
            step, place, landed = crossing, i, limit
    return step, place, landed


@compiled()
def exchange(gram, m, v, c, terms, factor, order, position, size, work, d):
    """Move every dependent coordinate along its null direction until it, or another, is zero or at a bound."""
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
        thresholds = terms[0, j]
        for i in range(k):
            a = order[i]
            thresholds += abs(d[i]) * terms[0, a]
            if v[a] != 0.0:
                slope += d[i] * (c[a] - terms[1, a] * v[a] - terms[0, a] * (1.0 if v[a] > 0.0 else -1.0))
        direction = 1.0 if slope > 0.0 else -1.0
        step, place, landed = first_stop(v, terms, order, k, d, j, direction)
        if thresholds == 0.0 or abs(slope) <= LEVEL * thresholds:  # rounding: the shorter way is the safer
            other = first_stop(v, terms, order, k, d, j, -direction)
            if other[0] < step:
                direction, (step, place, landed) = -direction, other
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
            v[order[place]] = landed
            delete(factor, order, position, size, place, work)
            append(gram, terms, factor, order, position, size, j, work)
    return moved
