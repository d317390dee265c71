"""Dask on one machine: overhead beside the in-memory engine on the same cores, and a worker killed in the middle.

python benchmarks/scale_dask.py [ROWS] [COLUMNS]
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np

import alphaomega as ao

BLOCKS = 16


def block(folder: str, block_info=None) -> np.ndarray:
    start, stop = block_info[None]["array-location"][0]
    return np.load(Path(folder) / "X.npy", mmap_mode="r")[start:stop]


def timed(X, y: np.ndarray) -> tuple[float, ao.Path]:
    start = time.perf_counter()
    fit = ao.path(X, y)
    return time.perf_counter() - start, fit


def best(X, y: np.ndarray, repeats: int = 3) -> tuple[float, ao.Path]:
    return min((timed(X, y) for _ in range(repeats)), key=lambda pair: pair[0])


def main(n: int, p: int, folder: Path) -> None:
    import dask.array as da
    from distributed import Client, LocalCluster

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    y = X[:, :5].sum(1) + 3 * rng.standard_normal(n)
    folder.mkdir(exist_ok=True)
    np.save(folder / "X.npy", X)
    memory_seconds, expected = best(X, y)
    result = {
        "rows": n,
        "columns": p,
        "cores": len(os.sched_getaffinity(0)),
        "memory_seconds": round(memory_seconds, 2),
    }
    chunks = (n // BLOCKS, p)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        made = da.map_blocks(partial(block, str(folder)), chunks=((chunks[0],) * BLOCKS, (p,)), dtype=float)
        kept = made.persist()
        seconds, fit = best(kept, y)
        result |= {
            "dask_seconds": round(seconds, 2),
            "times": round(seconds / memory_seconds, 2),
            "largest_difference": float(abs(fit.coef - expected.coef).max()),
        }
    with LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        few = n // 10 // BLOCKS
        made = da.map_blocks(partial(block, str(folder)), chunks=((few,) * BLOCKS, (p,)), dtype=float)
        classes = y[: few * BLOCKS] > 0
        options = {"loss": "logistic", "n_alphas": 20, "alpha_min_ratio": 0.05}
        calm = ao.path(ao.designs.design_of(made), classes, **options)
        before = set(client.run(os.getpid).values())
        victim = sorted(before)[1]
        killer = threading.Timer(0.4 * seconds_of(made, classes, options), os.kill, (victim, signal.SIGKILL))
        killer.start()
        stormy = ao.path(ao.designs.design_of(made), classes, **options)
        killer.join()
        after = set(client.run(os.getpid).values())
        result |= {
            "killed_worker_gone": victim not in after,
            "largest_difference_after_kill": float(abs(stormy.coef - calm.coef).max()),
        }
    (folder / "X.npy").unlink()
    print(json.dumps(result, indent=1))


def seconds_of(X, y: np.ndarray, options: dict) -> float:
    start = time.perf_counter()
    ao.path(ao.designs.design_of(X), y, **options)
    return time.perf_counter() - start


if __name__ == "__main__":
    rows, columns = (int(float(value)) for value in (sys.argv[1:3] or ("2e6", "100")))
    with tempfile.TemporaryDirectory() as folder:
        main(rows, columns, Path(folder))
