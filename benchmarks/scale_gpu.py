"""A lasso path with ten folds on a graphics card, beside the engine on two cores and the time that its reads must take.

python benchmarks/scale_gpu.py                                        # 1e6 x 2000 float32 on the first card
python benchmarks/scale_gpu.py --rows 2e4 --columns 200 --device cpu  # the same on a processor, small
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import alphaomega as ao

BLOCK = 50_000
RESULT = Path(__file__).parent / "results" / "scale_gpu.json"


def make(rows: int, columns: int, device: torch.device) -> tuple[torch.Tensor, np.ndarray]:
    """X (rows, columns) float32 on the device, neighbours correlated, and y from ten columns with noise."""
    random = torch.Generator(device).manual_seed(0)
    X = torch.empty((rows, columns), dtype=torch.float32, device=device)
    for start in range(0, rows, BLOCK):
        block = torch.randn((min(BLOCK, rows - start), columns), generator=random, device=device)
        X[start : start + BLOCK] = block
        X[start : start + BLOCK, 1:] += 0.5 * block[:, :-1]
    coef = torch.zeros(columns, device=device)
    coef[:: max(1, columns // 10)][:10] = torch.linspace(1, -1, 10, device=device)
    y = X @ coef + 3 * torch.randn(rows, generator=random, device=device)
    return X, y.double().cpu().numpy()


def settled(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    settled(device)
    start = time.perf_counter()
    result = work()
    settled(device)
    return time.perf_counter() - start, result


def bandwidth(X: torch.Tensor) -> float:
    """Bytes a second at which X is read from the device's memory: the best of five sums over all of it."""
    X.sum()
    return X.nbytes / min(seconds(X.sum, X.device)[0] for _ in range(5))


def name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} processor"


def measured(rows: int, columns: int, device: torch.device, beside: bool) -> dict[str, Any]:
    """All figures of one size."""
    X, y = make(rows, columns, device)
    options = {"n_alphas": 100, "folds": 10}
    few = slice(0, min(rows, 20_000))
    ao.cross_validate(X[few], y[few], **options)  # compile, and wake the device
    speed, design = bandwidth(X), ao.designs.design_of(X)
    taken, cv = seconds(lambda: ao.cross_validate(design, y, **options), device)
    found = {
        "device": name_of(device),
        "torch": torch.__version__,
        "rows": rows,
        "columns": columns,
        "gigabytes": X.nbytes / 1e9,
        "seconds": round(taken, 3),
        "reads": design.reads,
        "largest_gap": float(cv.path.gap.max()),
        "alpha_1se": float(cv.alpha_1se),
        "nonzero_at_1se": int(cv.path.n_nonzero[cv.path.index(cv.alpha_1se)]),
        "gigabytes_a_second": round(speed / 1e9, 1),
        "seconds_of_the_reads_at_that_speed": round(design.reads * X.nbytes / speed, 4),
        "peak_gigabytes_on_the_card": torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else None,
    }
    if beside:
        here = X.cpu().numpy()
        engine, expected = seconds(lambda: ao.cross_validate(here, y, n_threads=2, **options), device)
        found |= {
            "seconds_of_two_cores": round(engine, 3),
            "times_faster": round(engine / taken, 2),
            "largest_difference": float(abs(cv.path.coef - expected.path.coef).max()),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--columns", type=float, default=2000)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--alone", action="store_true", help="leave out the engine on two cores")
    parser.add_argument("--out", type=Path, default=None, help=f"file to write; on a card {RESULT.name} by default")
    given = parser.parse_args()
    device = torch.device(given.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("no graphics card that this PyTorch can use; --device cpu runs the same on a processor")
    text = json.dumps(measured(int(given.rows), int(given.columns), device, not given.alone), indent=1)
    print(text)
    out = given.out or (RESULT if device.type == "cuda" else None)
    if out is not None:
        out.write_text(text + "\n")


if __name__ == "__main__":
    main()
