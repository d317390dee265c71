"""Peak memory of a fit beyond X, each case in a fresh process: `python -m benchmarks.memory CASE` measures one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse

from .worker import reset_peak, status

N, P = 1000, 20000
Options = dict[str, object]


def _sparse(X: np.ndarray) -> scipy.sparse.csc_array:
    return scipy.sparse.csc_array(np.where(abs(X) > 2, X, 0))


#: name -> what becomes of a dense float64 array in Fortran order, the call and its options.
CASES: dict[str, tuple[Callable[[np.ndarray], object], str, Options]] = {
    "F order": (lambda X: X, "path", {}),
    "C order": (np.ascontiguousarray, "path", {}),
    "float32": (lambda X: X.astype(np.float32), "path", {}),
    "float32, C order": (lambda X: X.astype(np.float32, order="C"), "path", {}),
    "standardised": (lambda X: X, "path", {"standardize": True}),
    "standardised, C order": (np.ascontiguousarray, "path", {"standardize": True}),
    "10-fold CV": (lambda X: X, "cross_validate", {}),
    "10-fold CV, standardised": (lambda X: X, "cross_validate", {"standardize": True}),
    "logistic": (lambda X: X, "path", {"loss": "logistic"}),
    "ridge": (lambda X: X, "path", {"penalty": "L2"}),
    "sparse": (_sparse, "path", {}),
    "tall": (lambda X: np.asfortranarray(X.T), "path", {}),
    "tall, 10-fold CV": (lambda X: np.asfortranarray(X.T), "cross_validate", {}),
}


def measure(case: str) -> dict:
    """Megabytes of X, of the results, and the peak beyond X, in this process."""
    import alphaomega as ao

    change, call, options = CASES[case]
    rng = np.random.default_rng(0)
    X = change(np.asfortranarray(rng.standard_normal((P, N)).T))
    y = X[:, :20] @ np.ones(20) + rng.standard_normal(X.shape[0])
    y = (y > np.median(y)).astype(float) if options.get("loss") == "logistic" else y
    options = options | ({"penalty": getattr(ao, str(options["penalty"]))()} if "penalty" in options else {})
    fit = getattr(ao, call)
    few = np.asarray(X[:100, :50].toarray() if scipy.sparse.issparse(X) else X[:100, :50], order="F")
    fit(few, y[:100], **options)  # compile and load
    before = reset_peak()
    result = fit(X, y, **options)
    peak = status("VmHWM") - before
    path = result if call == "path" else result.path
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes if scipy.sparse.issparse(X) else X.nbytes
    return {
        "case": case, "n": X.shape[0], "p": X.shape[1], "X": size / 1e6, "peak": peak / 1e6,
        "coef": path.coef.nbytes / 1e6, "support": int(path.n_nonzero.max()), "share": peak / size,
    }  # fmt: skip


def run() -> list[dict]:
    """One row per case."""
    rows = []
    for case in CASES:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", case],
            cwd=Path(__file__).resolve().parents[1], capture_output=True, text=True, check=True,
        )  # fmt: skip
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"  {case:25s} X {rows[-1]['X']:6.0f} MB, beyond it {rows[-1]['peak']:6.0f} MB", flush=True)
    return rows


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
