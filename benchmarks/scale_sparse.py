"""L1 logistic regression on a sparse matrix of a million rows and columns, columns as frequent as words are.

python benchmarks/scale_sparse.py [ROWS] [COLUMNS] [ENTRIES]
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

import numpy as np
import scipy.sparse
from scipy.special import expit

import alphaomega as ao

FIRST = 10.0  # the j-th most frequent column has a frequency of 1 / (j + FIRST)


def make(n: int, p: int, entries: int) -> tuple[scipy.sparse.csc_array, np.ndarray]:
    """A float32 matrix in CSC, and classes that depend on twenty of its frequent columns."""
    rng = np.random.default_rng(0)
    per_row = entries // n
    parts = []
    for start in range(0, n, 50_000):
        rows = min(50_000, n - start)
        columns = (FIRST * ((p / FIRST + 1) ** rng.random(rows * per_row) - 1)).astype(np.int32).clip(0, p - 1)
        pointer = np.arange(0, rows * per_row + 1, per_row)
        part = scipy.sparse.csr_array((np.ones(len(columns), np.float32), columns, pointer), shape=(rows, p))
        part.sum_duplicates()
        np.log1p(part.data, out=part.data)
        parts.append(part)
    X = scipy.sparse.vstack(parts, format="csr").tocsc()
    del parts
    coef = np.zeros(p)
    coef[5:205:10] = np.linspace(1.5, -1.5, 20)
    eta = X @ coef
    return X, rng.random(n) < expit(eta - eta.mean())


def main(n: int, p: int, entries: int) -> None:
    start = time.perf_counter()
    X, y = make(n, p, entries)
    made = time.perf_counter() - start
    start = time.perf_counter()
    fit = ao.path(X, y, "logistic", n_alphas=20, alpha_min_ratio=0.1)
    print(
        json.dumps(
            {
                "rows": n,
                "columns": p,
                "entries": int(X.nnz),
                "seconds_to_make": round(made, 1),
                "seconds": round(time.perf_counter() - start, 1),
                "reads": float(fit.reads),
                "largest_gap": float(fit.gap.max()),
                "n_alphas": len(fit.alphas),
                "nonzero_at_the_last": int(fit.n_nonzero[-1]),
                "peak_rss_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
                "cores": len(os.sched_getaffinity(0)),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main(*(int(float(value)) for value in (sys.argv[1:4] or ("1e6", "1e6", "1e8"))))
