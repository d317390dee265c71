"""Write the large .npy file of `scale_disk.py`: n x p float64, columns correlated, y from ten of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.lib.format import write_array_header_1_0


def make(folder: Path, n: int, p: int) -> None:
    """X.npy and y.npy, written batch by batch."""
    rng = np.random.default_rng(0)
    coef = np.zeros(p)
    coef[: 10 * (p // 10) : p // 10] = np.linspace(1, -1, 10)
    y = np.empty(n)
    with (folder / "X.npy").open("wb") as file:
        write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (n, p)})
        for start in range(0, n, 100_000):
            rows = min(100_000, n - start)
            block = rng.standard_normal((rows, p), dtype=np.float32).astype(np.float64)
            block[:, 1:] += 0.5 * block[:, :-1]
            y[start : start + rows] = block @ coef + 3 * rng.standard_normal(rows) + 5
            file.write(block.data)
    np.save(folder / "y.npy", y)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(float(sys.argv[2])), int(sys.argv[3]))
