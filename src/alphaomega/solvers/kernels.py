"""The compiled kernels: coordinate descent on a Gram matrix, and Newton steps on the support with a maintained factor.

All of them minimise, over the first m coordinates,

    1/2 u'Gu - b'u + sum_j l1_j |v_j| + 1/2 sum_j quadratic_j v_j^2,   u = v - origin,   lower <= v <= upper,

with c = b - G u kept up to date. They run un-jitted as well (NUMBA_DISABLE_JIT=1). `terms` and the factor are as in
`factor`.
"""

from __future__ import annotations

import numpy as np

from .factor import append_many, backward, delete, forward, inside
from .sweeps import EXACT, FEW, IDLE, compiled, inner, refresh, strongest, sweep

ENTRY = 0.4  # beside a factor, zero coordinates enter whose excess is at least this share of the largest: of columns
# that are alike, the first take from the others what would let them enter and then drop, a Newton step each
MAX_ROUNDS = 1000
AT_ONCE = 16  # coordinates appended to the factor together
DONE, WANTS_FACTOR, WANTS_EXCHANGE = 0, 1, 2
START, WITH_FACTOR, EXCHANGED, FORESEEN = 0, 1, 2, 3
SEED = 1e-100  # a coordinate that is about to enter starts so near to zero that no pull feels it


@inner()
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


@inner()
def synchronise(gram, m, v, terms, factor, order, position, size, work):
    """Make the factor hold exactly the coordinates that are inside; dependent ones are left out."""
    t = size[0] - 1
    while t >= 0:
        if not inside(v, order[t], terms):
            delete(factor, order, position, size, t, work)
        t -= 1
    fresh, count = np.empty(AT_ONCE, np.int64), 0
    for j in range(m):
        if position[j] < 0 and inside(v, j, terms):
            fresh[count] = j
            count += 1
            if count == AT_ONCE:
                append_many(gram, terms, factor, order, position, size, fresh)
                count = 0
    append_many(gram, terms, factor, order, position, size, fresh[:count])


@inner()
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


@inner()
def survey(m, v, terms, position):
    """How many appends and deletions `synchronise` would make, the support it would reach, how many are dependent."""
    present, changes, loose = 0, 0, 0
    for j in range(m):
        wanted = inside(v, j, terms)
        present += wanted
        if wanted != (position[j] >= 0):
            changes += 1
            loose += wanted and v[j] != 0.0
    return changes, present, loose


@inner()
def minimise(gram, m, b, c, v, origin, terms, factor, order, position, size, work, d, tolerance, max_sweeps, state):
    """Alternate sweeps and Newton steps until no coordinate moves its gradient by more than `tolerance`.

    Sweeps alone where they converge quickly, Newton when the sweeps left would cost more; costs are counted in
    multiplications. Returns DONE (also where rounding lets it come no nearer), WANTS_FACTOR when a factor made by
    LAPACK would be cheaper than so many updates, or WANTS_EXCHANGE when non-zero coordinates depend on others. `state`
    says what the caller did about it.
    """
    previous, stale, sweeps = np.inf, 0, 0
    changes, support, _ = survey(m, v, terms, position)
    stepping = state in (WITH_FACTOR, FORESEEN) or (state == START and support > 0 and changes == 0)
    choosy = size[0] > FEW
    for _ in range(MAX_ROUNDS):
        if stepping:
            synchronise(gram, m, v, terms, factor, order, position, size, work)
            steps = 10 + 4 * size[0]
            newton(gram, m, b, c, v, origin, terms, factor, order, position, size, work, d, steps, EXACT * tolerance)
            if survey(m, v, terms, position)[2] > 0:
                return WANTS_EXCHANGE
            previous, stale, choosy = np.inf, 0, True
        while sweeps < max_sweeps:
            entry = ENTRY * strongest(m, c, v, terms) if choosy else 0.0
            worst = sweep(gram, m, c, v, terms, IDLE * tolerance, entry)
            sweeps += 1
            stale += 1
            if worst <= tolerance:
                if stale <= FEW or worst == 0.0:
                    return DONE
                refresh(gram, m, b, c, v, origin)
                stale = 0
                continue
            changes, support, _ = survey(m, v, terms, position)
            rate = min(worst / previous, 0.999)
            previous = worst
            k = float(support)
            left = np.log(tolerance / worst) / np.log(rate) * m * k
            update = changes * k * k / 12
            rebuild = k * k * (k / 60 + 4) + 1e5
            if rate < 0.9 and left <= min(update, rebuild) + 2 * k * (m + k):
                continue
            if changes > 16 and rebuild < update and state != WITH_FACTOR:
                return WANTS_FACTOR
            break
        if sweeps >= max_sweeps:
            break
        state, stepping = START, True
    return DONE


@inner()
def foresee(m, c, v, terms, past, ratio):
    """Seed what enters if pulls go on as since the last alpha: between kinks they are linear in alpha."""
    seeded = False
    for j in range(m):
        forecast = c[j] + ratio * (c[j] - past[j])
        free = terms[3, j] > 0.0 if forecast > 0.0 else terms[2, j] < 0.0
        if free and v[j] == 0.0 and abs(forecast) > terms[0, j] > 0.0:
            v[j] = SEED if forecast > 0.0 else -SEED
            seeded = True
    return seeded


@compiled()
def follow(
    gram, m, b, c, v, origin, terms, packed, alphas, goals, found, past, factor, order, position, size, work, d,
    max_sweeps, first, state,
):  # fmt: skip
    """Minimise under alpha * packed (l1, quadratic) for one alpha after the other, each from the last, into `found`.

    Begins with the `first`; returns how many are done, and DONE or what `minimise` wants before it goes on. `past` is
    room for m numbers.
    """
    for k in range(first, len(alphas)):
        if state == START:
            changed = False
            for j in range(m):
                quadratic = packed[1, j] if np.isinf(packed[1, j]) else alphas[k] * packed[1, j]
                changed |= quadratic != terms[1, j]
                terms[1, j] = quadratic
                terms[0, j] = packed[0, j] if np.isinf(packed[0, j]) else alphas[k] * packed[0, j]
            if changed:
                size[0] = 0
                for j in range(m):
                    position[j] = -1
            if k > 1 and size[0] > FEW and alphas[k - 2] > alphas[k - 1]:
                ratio = (alphas[k - 1] - alphas[k]) / (alphas[k - 2] - alphas[k - 1])
                if foresee(m, c, v, terms, past, ratio):
                    state = FORESEEN
            for j in range(m):  # assigning slices would compile the words of an error too
                past[j] = c[j]
        status = minimise(
            gram, m, b, c, v, origin, terms, factor, order, position, size, work, d, goals[k], max_sweeps, state
        )
        if status != DONE:
            return k, status
        for j in range(m):
            found[k, j] = v[j]
        state = START
    return len(alphas), DONE
