"""LeNet-300-100 on MNIST: how small can it get, and at what test error?

    python benchmarks/networks_lenet.py mnist.npz [--kind structured unstructured plain] [--seeds 6 7 8] [--json FILE]

For each seed a dense network is trained with dropout; then a path over alpha, from dense to sparse, on 50,000 rows, by
`Proximal(Adam)`. Structured: groups by input of every layer, the support settled by `identify` (dual averaging);
unstructured: L1. From the sparsest network on, the support is frozen, made compact and refitted without penalty, until
one is good enough. Both penalties are reweighted between alphas (a group or weight w gets a factor proportional to
1 / (|w| + c m), m their mean and c = 1 for groups, .5 for weights), so that what is large is shrunk less. The loss of
path and refit mixes the labels with the dense network's softened outputs (distillation, temperature 3, share .9).

The other 10,000 training rows choose, drawn at random: the file's last rows are easier than those before and than the
test images. The choice: the smallest network whose validation error is within the error asked for (BARS: 1.8 %
structured, 1.95 % unstructured). What is asked is how small a network can get at an error that is given; a rule around
the path's lowest error would answer another question. The chosen support is then refitted on all 60,000 rows, which
makes up for the luck that a chosen validation error has. No augmentation; every error is that of the last epoch.
"plain" is a path of the same penalties with neither reweighting, distillation, identification nor refit.

Published beside it (most of them best-seen test errors): structured, VIB 97-71-33 at 1.6 %, L0 266-88-33 at 1.6-1.8 %,
SBP 245-160-55 at 1.6 %; unstructured, Han 12x at 1.59 %, DNS 56x at 1.99 %, sparse VD 68x at 1.92 %, dense 1.64 %.
Measured: benchmarks/results/networks_lenet.json, and the page "Networks: measured" of the docs.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import alphaomega as ao
from alphaomega.networks import DualAveraging, Penalized, Support, Training, UnitGroupL1, compact, identify, penalize
from alphaomega.networks.training import ArrayBatches

LAYERS = ("0", "2", "4")
WEIGHTS = 784 * 300 + 300 * 100 + 100 * 10
TEMPERATURE, SHARE = 3.0, 0.9  # of the dense network's outputs in the loss
HELD = 10_000  # training rows that choose
BARS = {"structured": 1.8, "unstructured": 1.95, "plain": 1.8, "plain L1": 1.95}  # % of error asked for
FUSED = {"fused": True}


@dataclass(frozen=True)
class Plan:
    """Factors of the layers (one alpha for all starves the second layer first), alphas, epochs of refits and alphas."""

    factors: tuple[float, float, float]
    alphas: tuple[float, ...]
    refit_epochs: int
    epochs: int = 6


PLANS = {
    "structured": Plan((1.3, 1.25, 16.0), (3e-5, 6e-5, 1e-4, 1.5e-4, 2e-4, 2.4e-4, 2.7e-4, 3e-4), 60),
    "unstructured": Plan((1.0, 0.6, 0.3), (3e-4, 1e-3, 2e-3, 2.8e-3, 3.2e-3, 3.6e-3, 4e-3), 50),
    "plain": Plan((6.0, 0.35, 3.0), (3e-5, 6e-5, 1e-4, 1.5e-4, 2e-4, 3e-4), 0),
    "plain L1": Plan((1.0, 1.0, 0.5), (2e-5, 4e-5, 8e-5, 1.2e-4, 1.6e-4, 2.4e-4), 0),
}


@dataclass(frozen=True, eq=False)
class Digits:
    """The rows; `target` has the label in column 0 and the dense network's outputs behind it."""

    x: Tensor
    target: Tensor
    valid: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    @classmethod
    def read(cls, file: str, seed: int) -> Digits:
        """The rows, HELD of them drawn for validation."""
        raw = np.load(file)
        x, x_test = (torch.from_numpy(raw[k].reshape(-1, 784) / 255).float() for k in ("x_train", "x_test"))
        y, y_test = (torch.from_numpy(raw[k].astype(int)) for k in ("y_train", "y_test"))
        held, seen = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).split([HELD, len(x) - HELD])
        return cls(x[seen], y[seen, None].float(), (x[held], y[held]), (x_test, y_test))

    def taught(self, teacher: nn.Module) -> Digits:
        """With the teacher's outputs behind the labels."""
        with torch.no_grad():
            outputs = torch.cat([teacher(part) for part in self.x.split(5000)])
        return replace(self, target=torch.cat([self.target[:, :1], outputs], 1))

    def whole(self, teacher: nn.Module) -> Digits:
        """All 60,000 rows to train on."""
        x, y = self.valid
        more = replace(self, x=torch.cat([self.x, x]), target=torch.cat([self.target[:, :1], y[:, None].float()]))
        return more.taught(teacher)


@dataclass(eq=False)
class Sparse:
    """A network on its way, without what it no longer uses: `pixels` are the inputs that are left."""

    model: nn.Sequential
    pixels: Tensor

    def narrow(self, x: Tensor) -> Sparse:
        """Without units and pixels that lost their weights: the same outputs."""
        model: Any = compact(self.model, x[:300, self.pixels])
        kept = (model[0].weight != 0).any(0)
        first = nn.Linear(int(kept.sum()), model[0].out_features)
        with torch.no_grad():
            first.weight.copy_(model[0].weight[:, kept])
            first.bias.copy_(model[0].bias)
        model[0] = first
        return Sparse(model, self.pixels[kept])

    def error(self, rows: tuple[Tensor, Tensor]) -> float:
        with torch.no_grad():
            return round(
                100 * float((self.model.eval()(rows[0][:, self.pixels]).argmax(1) != rows[1]).float().mean()), 2
            )

    def layers(self) -> list[nn.Linear]:
        return [layer for layer in self.model if isinstance(layer, nn.Linear)]

    def size(self) -> str:
        return "-".join(str(int(layer.weight.any(0).sum())) for layer in self.layers())

    def nonzero(self) -> int:
        return sum(int((layer.weight != 0).sum()) for layer in self.layers())


def labels_only(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output, target[:, 0].long(), reduction="none")


def distilled(output: Tensor, target: Tensor) -> Tensor:
    soft = functional.cross_entropy(output / TEMPERATURE, (target[:, 1:] / TEMPERATURE).softmax(1), reduction="none")
    return (1 - SHARE) * labels_only(output, target) + SHARE * TEMPERATURE**2 * soft


def dense(digits: Digits, seed: int) -> Sparse:
    torch.manual_seed(seed)
    layers = [nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)]
    drops = {0: nn.Dropout(0.15), 2: nn.Dropout(0.3), 4: nn.Dropout(0.3)}
    noisy = nn.Sequential(*(m for k, layer in enumerate(layers) for m in ([drops[k]] if k in drops else []) + [layer]))
    batches = ArrayBatches(digits.x, digits.target, 128, torch.Generator().manual_seed(seed))
    Training(40, 1e-3, 128, options=FUSED).fit(noisy, batches, labels_only)
    return Sparse(nn.Sequential(*layers).eval(), torch.arange(784))


def kept(digits: Digits, seed: int, folder: Path | None) -> nn.Sequential:
    """The dense network, from the folder where it is there already."""
    if folder is None:
        return dense(digits, seed).model
    file = folder / f"dense-{seed}.pt"
    if not file.exists():
        torch.save(dense(digits, seed).model, file)
    return torch.load(file, weights_only=False)


def penalties(model: nn.Sequential, kind: str, plan: Plan) -> Penalized:
    """Groups by input or L1, reweighted by the weights as they are."""
    per_layer: dict[str, Any] = {}
    sizes = {"0": 300, "2": 100, "4": 10}  # of a group in the dense network: shrinking must not cheapen what is left
    for name, factor in zip(LAYERS, plan.factors):
        w = model.get_submodule(name).weight.detach().T  # type: ignore[union-attr, operator]
        if kind in ("structured", "plain"):
            norm = w.norm(dim=1)
            pull = 2 * norm.mean() / (norm + norm.mean()) if kind == "structured" else torch.ones(len(norm))
            per_layer[name] = factor * UnitGroupL1("inputs", weights=(sizes[name] ** 0.5 * pull).numpy())
        else:
            mean = w[w != 0].abs().mean()
            pull = 1.5 * mean / (w.abs() + 0.5 * mean)
            per_layer[name] = factor * ao.L1(pull.numpy() if kind == "unstructured" else 1.0)
    return penalize(model, None, per_layer=per_layer)


def run(kind: str, start: Sparse, digits: Digits, seed: int) -> list[tuple[dict[str, Any], Sparse]]:
    """The path: a row and the network for each alpha."""
    plan, net, found = PLANS[kind], Sparse(copy.deepcopy(start.model), start.pixels), []
    loss = labels_only if kind.startswith("plain") else distilled
    begin = time.process_time()
    for position, alpha in enumerate(plan.alphas):
        penalized = penalties(net.model, kind, plan).at(alpha)
        generator = torch.Generator().manual_seed(seed + 100 * position)
        batches = ArrayBatches(digits.x[:, net.pixels], digits.target, 128, generator)
        Training(plan.epochs, 1e-3, 128, options=FUSED).fit(net.model, batches, loss, penalized)
        row = {
            "kind": kind,
            "seed": seed,
            "alpha": alpha,
            "trained": net.size(),
            "trained error": net.error(digits.test),
        }
        row["trained validation"] = net.error(digits.valid)
        if kind == "structured":
            identify(penalized, batches, loss, DualAveraging(2, lr=0.02))
        net = net.narrow(digits.x)
        row |= {"size": net.size(), "nonzero": net.nonzero(), "compression": round(WEIGHTS / net.nonzero(), 1)}
        row["cpu seconds"] = round(time.process_time() - begin, 1)
        found.append((row, copy.deepcopy(net)))
        print(row, flush=True)
    return found


def refit(net: Sparse, digits: Digits, plan: Plan, seed: int) -> Sparse:
    """The frozen support without penalty."""
    refitted = Sparse(copy.deepcopy(net.model), net.pixels)
    frozen = penalize(refitted.model, ao.L1())
    support = Support.of(frozen)
    batches = ArrayBatches(digits.x[:, net.pixels], digits.target, 128, torch.Generator().manual_seed(seed))
    hooks = [lambda optimizer: support.freeze(optimizer, frozen)]
    Training(plan.refit_epochs, 2e-3, 128, options=FUSED).fit(refitted.model, batches, distilled, hooks=hooks)
    return refitted


def chosen(
    kind: str, found: list[tuple[dict[str, Any], Sparse]], digits: Digits, whole: Digits
) -> dict[str, Any] | None:
    """The smallest network whose validation error is within the bar, refitted on all rows."""
    plan = PLANS[kind]
    for row, net in found[::-1]:
        refitted = refit(net, digits, plan, row["seed"]) if plan.refit_epochs else net
        row |= {"validation": refitted.error(digits.valid), "refitted error": refitted.error(digits.test)}
        print(row, flush=True)
        if row["validation"] <= BARS[kind]:
            final = refit(net, whole, plan, row["seed"]) if plan.refit_epochs else net
            assert final.nonzero() <= net.nonzero()
            return row | {"error": final.error(digits.test)}
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--kind", nargs="+", choices=list(PLANS), default=["structured", "unstructured"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[6, 7, 8])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--dense", type=Path, help="folder that keeps the dense networks")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {"dense": [], "rows": [], "chosen": []}
    for seed in arguments.seeds:
        digits = Digits.read(arguments.data, seed)
        start = Sparse(kept(digits, seed, arguments.dense), torch.arange(784))
        digits = digits.taught(start.model)
        known = {"seed": seed, "validation": start.error(digits.valid), "error": start.error(digits.test)}
        print("dense", known, flush=True)
        results["dense"].append(known)
        for kind in arguments.kind:
            found = run(kind, start, digits, seed)
            results["rows"] += [row for row, _ in found]
            if (best := chosen(kind, found, digits, digits.whole(start.model))) is not None:
                results["chosen"].append(best)
                print("chosen", best, flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    for kind in arguments.kind:
        errors = [row["error"] for row in results["chosen"] if row["kind"] == kind]
        if errors:
            spread = np.std(errors, ddof=1) if len(errors) > 1 else 0.0
            print(f"{kind}: test error {np.mean(errors):.2f} % (sd {spread:.2f}) over {len(errors)} seeds")


if __name__ == "__main__":
    main()
