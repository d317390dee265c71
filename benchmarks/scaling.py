"""Cost grows as work does: the time of a path against the number of columns, and of rows, at a fixed support."""

from __future__ import annotations

import statistics
import time

import numpy as np

COLUMNS = (1_000, 10_000, 100_000, 1_000_000)
ROWS = (10_000, 100_000, 1_000_000)
CASES = {"p": (200, COLUMNS), "n": (100, ROWS)}
SUPPORT, SNR, END = 10, 20.0, 0.4
WORK = 2e8  # numbers read by the repeats together, about


def problem(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Independent Gaussian columns, ten coefficients of 1, the same signal to noise whatever the size."""
    rng = np.random.default_rng(0)
    X = np.empty((n, p), order="F")
    for start in range(0, p, 1000):
        X[:, start : start + 1000] = rng.standard_normal((min(1000, p - start), n)).T
    signal = X[:, :SUPPORT].sum(1)
    return X, signal + rng.standard_normal(n) * signal.std() / np.sqrt(SNR)


def run(which: str) -> list[dict]:
    """One row per size: seconds of a 100-alpha path down to .4 alpha_max, median of repeats after a first."""
    import alphaomega as ao

    other, sizes = CASES[which]
    rows = []
    ao.path(*problem(200, 500), alpha_min_ratio=END)
    for size in sizes:
        n, p = (other, size) if which == "p" else (size, other)
        X, y = problem(n, p)
        seconds = []
        for _ in range(int(np.clip(WORK / (n * p), 1, 9)) + 1):
            start = time.perf_counter()
            path = ao.path(X, y, alpha_min_ratio=END)
            seconds.append(time.perf_counter() - start)
        row = {"against": which, "n": n, "p": p, "seconds": statistics.median(seconds[1:]), "runs": len(seconds) - 1}
        rows.append(row | {"reads": path.reads, "gap": path.gap.max(), "support": int(path.n_nonzero[-1])})
        print(f"  n {n:8d} p {p:8d}  {rows[-1]['seconds']:8.3f} s  reads {path.reads:.1f}", flush=True)
        del X, path
    return rows


def slope(rows: list[dict]) -> float:
    """The log-log slope of time against size, by least squares."""
    size = [row[row["against"]] for row in rows]
    return float(np.polyfit(np.log(size), np.log([row["seconds"] for row in rows]), 1)[0])
