"""A solver in a process of its own: `python -m benchmarks.worker PEER TASK TOLERANCE FOLDER`.

It reads the arrays, then waits; each line on standard input asks for one run, answered by one line of JSON. The last
solution lies in the folder. Alone of this package it runs under the Python of the peers.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy.sparse

from . import glmnet
from .peers import PEERS, Fit, Task, solve

WARM_ROWS, WARM_COLUMNS = 60, 30


def write_task(folder: Path, task: Task) -> None:
    """Leave the arrays for the workers."""
    if task.sparse:
        scipy.sparse.save_npz(folder / "X.npz", task.X, compressed=False)
    else:
        np.save(folder / "X.npy", task.X)
    rest = {"y": task.y, "alphas": task.alphas} | ({} if task.offset is None else {"offset": task.offset})
    np.savez(folder / "rest.npz", **rest)


def read_task(folder: Path, tol: float) -> Task:
    """What `write_task` left; a dense X comes back in its memory order."""
    sparse = folder / "X.npz"
    X = scipy.sparse.load_npz(sparse) if sparse.exists() else np.load(folder / "X.npy")
    with np.load(folder / "rest.npz") as rest:
        return Task(X, rest["y"], rest["alphas"], tol, rest.get("offset"))


def status(name: str) -> int:
    """A line of this process's memory, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return 1024 * int(line.split()[1])
    return 0


def reset_peak() -> int:
    """Let the peak start from the present memory, which is returned in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return status("VmHWM")
    return status("VmRSS")


def run(peer: str, name: str, task: Task) -> tuple[Fit, dict]:
    """One run, its seconds and its peak memory beyond what was there before, in megabytes."""
    before = reset_peak()
    start = time.perf_counter()
    fit = solve(peer, name, task)
    seconds = time.perf_counter() - start if fit.seconds is None else fit.seconds
    peak = status("VmHWM") - before if fit.peak is None else fit.peak
    return fit, {"seconds": seconds, "peak": peak / 1e6, "reads": fit.reads, "alpha": fit.alpha}


def warm_up(peer: str, name: str, task: Task) -> None:
    """Compile and import on a corner of the problem."""
    if peer == "glmnet":
        return
    alive = np.r_[np.flatnonzero(task.y == task.y.max())[:20], np.flatnonzero(task.y != task.y.max())[: WARM_ROWS - 20]]
    offset = None if task.offset is None else task.offset[alive]
    X = task.X.tocsr()[alive][:, :WARM_COLUMNS].tocsc() if task.sparse else task.X[alive, :WARM_COLUMNS]
    X = X if task.sparse else np.asfortranarray(X)
    solve(peer, name, replace(task, X=X, y=task.y[alive], offset=offset, alphas=task.alphas[:2], tol=1e-3))


def main() -> None:
    peer, name, tol, place = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what peers print must not stand between the answers
    folder = Path(place)
    task = read_task(folder, float(tol))
    found = glmnet.version() if peer == "glmnet" else version(PEERS[peer].package)
    warm_up(peer, name, task)
    print(json.dumps({"version": found}), file=answers, flush=True)
    for line in sys.stdin:
        fit, answer = run(peer, name, task)
        np.savez(folder / line.strip(), coef=fit.coef, intercept=fit.intercept)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
