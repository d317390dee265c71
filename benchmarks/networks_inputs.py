"""Fifty input features by a group-lasso path, against LassoNet's path on the same rows, under LassoNet's protocol.

    python benchmarks/networks_inputs.py mice Data_Cortex_Nuclear.csv [--seeds 3] [--peer 3] [--json results.json]
    python benchmarks/networks_inputs.py mnist mnist.npz [--seeds 3] [--peer 1] [--limit 1200] [--json results.json]

The protocol (I. Lemhadri et al. 2021, LassoNet, JMLR 22, section 4, and the scripts beside the package): columns in
[0, 1], Mice's gaps filled with the mean of the class, MNIST's 10,000 test images as the data; 70 % of the rows train,
10 % validate, 20 % test; one hidden layer of d/3 units; 50 features; 50 extra trees on these features judge them (here
grown five times, and the mean accuracy taken). LassoNet: the first point of its path with at most 50 features; ours:
the strongest 50 of the sparsest point that has as many. `--peer` runs the lassonet package (pip install lassonet) with
M = 10 on the first splits, and stops its path at 50 features, so that it is not charged for the rest, or at `--limit`
seconds: then its row says how many features were left, has no accuracy, and its seconds are a lower bound. Both take
turns in one process of one thread; seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split
from torch import nn

import alphaomega as ao
from alphaomega.networks import Schedule, Training, UnitGroupL1

FEATURES, TREES, FORESTS = 50, 50, 5
PUBLISHED = {"mice": 0.997, "mnist": 0.892}  # table 2, LassoNet
PEER = {"mice": {"batch_size": 256, "n_iters": 1000}, "mnist": {}}  # as its experiments; the package's own defaults
Rows = tuple[NDArray, NDArray]


def mice(file: Path) -> Rows:
    with open(file, newline="") as handle:
        rows = list(csv.reader(handle))[1:]
    values = np.array([[float(cell) if cell else np.nan for cell in row[1:78]] for row in rows])
    kinds = np.array([[row[78] == "Control", row[79] == "Memantine", row[80] == "C/S"] for row in rows])
    y = kinds @ [1, 2, 4]
    for label in np.unique(y):
        part = values[y == label]
        values[y == label] = np.where(np.isnan(part), np.nanmean(part, 0), part)
    low, high = values.min(0), values.max(0)
    return ((values - low) / (high - low)).astype(np.float32), y.astype(int)


def mnist(file: Path) -> Rows:
    data = np.load(file)
    return (data["x_test"].reshape(-1, 784) / 255).astype(np.float32), data["y_test"].astype(int)


SCHEDULES = {
    "mice": Schedule(Training(40, 3e-3, 64), Training(6, 3e-3, 64), None),
    "mnist": Schedule(Training(10, 3e-3, 128), Training(3, 3e-3, 128), None),
}
GRIDS = {"mice": np.geomspace(3e-3, 6e-2, 8), "mnist": np.geomspace(4e-2, 6e-1, 8)}


def ours(name: str, train: Rows, valid: Rows, seed: int) -> NDArray[np.bool_]:
    """The strongest 50 features of the sparsest point that has as many; Mice's columns per standard deviation."""
    if name == "mice":
        center, scale = train[0].mean(0), train[0].std(0)
        train, valid = (((X - center) / scale, y) for X, y in (train, valid))
    torch.manual_seed(seed)
    p, classes = train[0].shape[1], int(train[1].max()) + 1
    model = nn.Sequential(nn.Linear(p, p // 3), nn.ReLU(), nn.Linear(p // 3, classes))
    layers = {"0": UnitGroupL1("inputs", weights=1.0), "2": 1e-3 * ao.L2()}  # keeps the scale in the first layer
    penalized = ao.networks.penalize(model, None, per_layer=layers)
    path = ao.networks.path(
        penalized, *train, "multinomial", alphas=GRIDS[name], validation=valid, schedule=SCHEDULES[name]
    )
    fit = next(fit for fit in path.fits if fit.units["0.weight"] >= FEATURES)
    norms = fit.state["0.weight"].norm(dim=0)
    kept = torch.zeros(p, dtype=torch.bool)
    kept[norms.topk(FEATURES).indices] = True
    return kept.numpy()


class Enough(Exception):
    """Raised to end LassoNet's path."""


def lassonet(name: str, train: Rows, valid: Rows, seed: int, limit: float = np.inf) -> NDArray[np.bool_]:
    """The features at the first point with at most 50, or at the last one within `limit` seconds."""
    from lassonet import LassoNetClassifier

    model = LassoNetClassifier(M=10, hidden_dims=(train[0].shape[1] // 3,), verbose=0, torch_seed=seed, **PEER[name])
    selected: list[NDArray] = []
    start = time.process_time()

    def stop(model: object, history: list) -> None:
        left, seconds = int(history[-1].selected.sum()), time.process_time() - start
        if len(history) % 25 == 1:
            print(f"  lassonet: point {len(history)}, {left} features, {seconds:.0f} s", flush=True)
        if left <= FEATURES or seconds > limit:
            selected.append(history[-1].selected.numpy())
            raise Enough

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.path(*train, X_val=valid[0], y_val=valid[1], callback=stop)
    except Enough:
        pass
    return selected[0]


def judged(kept: NDArray[np.bool_], train: Rows, test: Rows) -> float:
    forests = [ExtraTreesClassifier(TREES, random_state=k).fit(train[0][:, kept], train[1]) for k in range(FORESTS)]
    return float(np.mean([forest.score(test[0][:, kept], test[1]) for forest in forests]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=["mice", "mnist"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peer", type=int, default=0, help="splits that lassonet runs on too")
    parser.add_argument("--limit", type=float, default=np.inf, help="seconds of lassonet's path")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    X, y = {"mice": mice, "mnist": mnist}[arguments.name](arguments.file)
    found: list[dict[str, object]] = []
    for seed in range(arguments.seeds):
        X_seen, X_test, y_seen, y_test = train_test_split(X, y, test_size=0.2, random_state=seed)
        X_train, X_valid, y_train, y_valid = train_test_split(X_seen, y_seen, test_size=0.125, random_state=seed)
        methods = {"group lasso": ours}
        if seed < arguments.peer:
            methods["lassonet"] = partial(lassonet, limit=arguments.limit)
        for method, choose in methods.items():
            start = time.process_time()
            kept = choose(arguments.name, (X_train, y_train), (X_valid, y_valid), seed)
            row: dict[str, object] = {
                "data": arguments.name,
                "seed": seed,
                "method": method,
                "features": int(kept.sum()),
            }
            row["cpu_seconds"] = round(time.process_time() - start, 2)
            if kept.sum() <= FEATURES:
                row["accuracy"] = round(judged(kept, (X_train, y_train), (X_test, y_test)), 4)
            found.append(row)
            print(row, flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    for method in ("group lasso", "lassonet"):
        rows = [row for row in found if row["method"] == method and "accuracy" in row]
        if rows:
            accuracies, times = ([row[key] for row in rows] for key in ("accuracy", "cpu_seconds"))
            mean, spread = np.mean(accuracies), np.std(accuracies)
            print(f"{method}: accuracy {mean:.4f} (sd {spread:.4f}), {np.mean(times):.1f} s of one core")
    print(f"published for LassoNet: {PUBLISHED[arguments.name]}")


if __name__ == "__main__":
    main()
