"""LeNet-300-100 on MNIST: how small can it get, and at what test error?

    python benchmarks/networks_lenet.py mnist.npz [--kind structured unstructured plain] [--seeds 9 10 11] [--json FILE]

For each seed five dense networks are trained with dropout; then a path over alpha, from the first of them to sparse
ones, on 50,000 rows, by `Proximal(Adam)`. Structured: groups by input of every layer, the support settled by
`identify` (dual averaging); unstructured: L1. From the sparsest network on, the support is frozen, made compact and
refitted without penalty (structured: with some dropout of pixels), until one is good enough. Both penalties are
reweighted between alphas (a group or weight w gets a factor proportional to 1 / (|w| + c m), m their mean and c = 1
for groups, .1 for weights), so that what is large is shrunk less. The loss of path and refit mixes the labels with the
softened mean of the dense networks' outputs (distillation, temperature 3, share .9).

The other 10,000 training rows choose, drawn at random. Training rows are harder for small networks than the test
images, and it matters which are drawn: so the choice is relative. It is the smallest network whose validation error is
above that of the dense network it comes from by at most LOSSES (.3 points structured, .4 unstructured). The chosen
support is then refitted on all 60,000 rows. No augmentation; every error is that of the last epoch. "plain" is a path
of the same penalties with neither reweighting, distillation, identification nor refit.

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
TEACHERS = 5  # dense networks, the start of the path among them
LOSSES = {"structured": 0.3, "unstructured": 0.4, "plain": 0.3, "plain L1": 0.4}  # points above the dense network
FUSED = {"fused": True}


@dataclass(frozen=True)
class Plan:
    """Factors of the layers (one alpha for all starves the second layer first), alphas, epochs of refits and alphas.

    `dropout` is that of the pixels while a network is refitted.
    """

    factors: tuple[float, float, float]
    alphas: tuple[float, ...]
    refit_epochs: int
    dropout: float = 0.0
    epochs: int = 6


PLANS = {
    "structured": Plan((1.2, 1.5, 16.0), (3e-5, 6e-5, 1e-4, 1.5e-4, 2e-4, 2.2e-4, 2.4e-4, 2.6e-4, 2.8e-4), 60, 0.1),
    "unstructured": Plan((1.0, 0.6, 0.3), (3e-4, 1e-3, 1.5e-3, 2e-3, 2.4e-3, 2.8e-3, 3.2e-3), 50),
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


class Mean(nn.ModuleList):
    """The mean of several networks' outputs."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([model(x) for model in self]).mean(0)


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


def kept(digits: Digits, seed: int, folder: Path | None) -> Mean:
    """The dense networks, from the folder where they are there already."""
    if folder is None:
        return Mean(dense(digits, 1000 * k + seed).model for k in range(TEACHERS))
    file = folder / f"dense-{seed}.pt"
    if not file.exists():
        torch.save(kept(digits, seed, None), file)
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
            pull = 1.1 * mean / (w.abs() + 0.1 * mean)
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
    noisy = nn.Sequential(nn.Dropout(plan.dropout), *refitted.model)
    torch.manual_seed(seed)
    Training(plan.refit_epochs, 2e-3, 128, options=FUSED).fit(noisy, batches, distilled, hooks=hooks)
    return refitted


def chosen(
    kind: str, found: list[tuple[dict[str, Any], Sparse]], digits: Digits, whole: Digits, limit: float
) -> dict[str, Any] | None:
    """The smallest network whose validation error is within the limit, refitted on all rows."""
    plan = PLANS[kind]
    for row, net in found[::-1]:
        refitted = refit(net, digits, plan, row["seed"]) if plan.refit_epochs else net
        row |= {"validation": refitted.error(digits.valid), "refitted error": refitted.error(digits.test)}
        print(row, flush=True)
        if row["validation"] <= limit:
            final = refit(net, whole, plan, row["seed"]) if plan.refit_epochs else net
            assert final.nonzero() <= net.nonzero()
            return row | {"error": final.error(digits.test)}
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--kind", nargs="+", choices=list(PLANS), default=["structured", "unstructured"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[9, 10, 11])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--dense", type=Path, help="folder that keeps the dense networks")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {"dense": [], "rows": [], "chosen": []}
    for seed in arguments.seeds:
        digits = Digits.read(arguments.data, seed)
        teacher = kept(digits, seed, arguments.dense)
        start, digits = Sparse(teacher[0], torch.arange(784)), digits.taught(teacher)
        known = {"seed": seed, "validation": start.error(digits.valid), "error": start.error(digits.test)}
        print("dense", known, flush=True)
        results["dense"].append(known)
        for kind in arguments.kind:
            found = run(kind, start, digits, seed)
            results["rows"] += [row for row, _ in found]
            limit = round(known["validation"] + LOSSES[kind], 2)
            if (best := chosen(kind, found, digits, digits.whole(teacher), limit)) is not None:
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
