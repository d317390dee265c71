"""The compiled kernel that screens: which estimated correlations may reach their thresholds."""

from __future__ import annotations

import numpy as np

from .sweeps import FAST, compiled

BLOCK = 512  # columns at a time: their estimates stay in the first cache
AT_ONCE = 4  # correlations loaded for one load and store of the estimates


@compiled(fastmath=FAST)
def reaching(correlations, shares, norms, error, alphas, level, over):
    """Set `over` where |sum_k shares_bk c_kj| + norms_j error_b > alphas_b level_j for any b.

    `correlations` (k, p) and `shares` (B, k) are the factors of the estimates.
    """
    estimate, excess, count = np.empty(BLOCK), np.empty(BLOCK), len(correlations)
    for start in range(0, len(norms), BLOCK):
        stop = min(start + BLOCK, len(norms))
        norm, threshold = norms[start:stop], level[start:stop]
        for i in range(len(norm)):
            excess[i] = 0.0
        for b in range(len(alphas)):
            for i in range(len(norm)):
                estimate[i] = 0.0
            for k in range(0, count, AT_ONCE):
                last = count - 1
                k1, k2, k3 = min(k + 1, last), min(k + 2, last), min(k + 3, last)
                a0, a1, a2, a3 = shares[b, k], shares[b, k1], shares[b, k2], shares[b, k3]
                a1, a2, a3 = a1 if k < k1 else 0.0, a2 if k1 < k2 else 0.0, a3 if k2 < k3 else 0.0
                c0, c1 = correlations[k, start:stop], correlations[k1, start:stop]
                c2, c3 = correlations[k2, start:stop], correlations[k3, start:stop]
                for i in range(len(norm)):
                    estimate[i] += a0 * c0[i] + a1 * c1[i] + a2 * c2[i] + a3 * c3[i]
            bound, alpha = error[b], alphas[b]
            for i in range(len(norm)):
                excess[i] = max(excess[i], abs(estimate[i]) + bound * norm[i] - alpha * threshold[i])
        for i in range(len(norm)):
            over[start + i] |= excess[i] > 0.0
