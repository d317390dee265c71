"""The compiled kernel of small, easy problems: sweeps alone, so that a first fit need not wait for all of `kernels`."""

from __future__ import annotations

import numpy as np

from .sweeps import EXACT, FEW, IDLE, compiled, refresh, sweep

SMALL = 64  # coordinates up to which a problem may be easy
MAX_JUMPS = 5  # Newton steps from Python at one alpha, after which the problem is not an easy one
EASY = 4e4  # multiplications that an easy problem may take at one alpha: less than calls from Python cost


@compiled()
def descend(gram, m, b, c, v, origin, terms, packed, alphas, goals, found, most):
    """The minimisers under alpha * packed (l1, quadratic) into `found`, while each takes at most `most` sweeps.

    Returns how many alphas are done; v is then a start for the next. They are as exact as Newton makes them.
    """
    for k in range(len(alphas)):
        for j in range(m):
            for row in range(2):
                terms[row, j] = packed[row, j] if np.isinf(packed[row, j]) else alphas[k] * packed[row, j]
        goal, sweeps, stale = EXACT * goals[k], 0, 0
        while True:
            if sweeps >= most:
                refresh(gram, m, b, c, v, origin)
                return k
            worst = sweep(gram, m, c, v, terms, IDLE * goal, 0.0)
            sweeps += 1
            stale += 1
            if worst <= goal:
                if stale <= FEW or worst == 0.0:
                    break
                refresh(gram, m, b, c, v, origin)
                stale = 0
        for j in range(m):  # assigning slices would compile the words of an error too
            found[k, j] = v[j]
    return len(alphas)
