"""What a fresh process pays before its first fit: import and compilation, with a warm and with an empty cache."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = """
import json, sys, time
import numpy as np
rng = np.random.default_rng(0)
X = rng.standard_normal((100, 30)); y = X[:, 0] + rng.standard_normal(100)
y = (y > 0).astype(float) if LOSS == "logistic" else y
start = time.perf_counter()
import alphaomega as ao
imported = time.perf_counter()
ao.path(X, y, LOSS)
first = time.perf_counter()
ao.path(X, y, LOSS)
print(json.dumps({"import": imported - start, "first": first - imported, "second": time.perf_counter() - first}))
"""


def once(loss: str, cache: str) -> dict[str, float]:
    """Seconds of import, first and second fit in a fresh process."""
    source = Path(__file__).resolve().parents[1] / "src"
    path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("LOSS", repr(loss))],
        env=os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def run(repeats: int = 5) -> list[dict]:
    """One row per loss and state of the cache: medians, and what the first fit costs beyond the second."""
    rows = []
    for loss in ("squared", "logistic"):
        cold, warm = [], []
        for repeat in range(repeats):
            with tempfile.TemporaryDirectory() as cache:
                if repeat < 2:  # compiling takes long and varies little
                    cold.append(once(loss, cache))
                else:
                    once(loss, cache)
                warm.append(once(loss, cache))
        for state, runs in (("cold", cold), ("warm", warm)):
            row = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            extra = statistics.median(run["import"] + run["first"] - run["second"] for run in runs)
            rows.append({"loss": loss, "cache": state, "runs": len(runs), **row, "extra": extra})
            print(f"  {loss:9s} {state} cache: {extra:.2f} s more than the second fit", flush=True)
    return rows
