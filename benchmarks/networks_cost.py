"""What the prox adds to an optimizer step: Proximal(AdamW) against plain foreach AdamW on a 20-million-parameter MLP.

    python benchmarks/networks_cost.py [--device cpu] [--threads 1] [--rounds 25]

A process of its own for each penalty. There the same optimizer of the same model steps in turn without and with the
prox, each step behind a forward and a backward pass: two copies of a model would differ by where their arrays happen to
lie, and what else the machine does touches both. The median of the ratios is printed; the naive chain of array
operations for L1 stands beside them. On a CPU plain AdamW itself takes from 35 to 70 ms, as the memory of its
temporaries is at hand or has to be had from the system anew: a fresh process, like most training, is at the upper end.
Measured: the page "Networks: measured".
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn, optim

import alphaomega as ao
from alphaomega.networks import Proximal, UnitGroupL1, penalize

WIDTHS = (2000, 2000, 2000, 2000, 2000, 2000)
PENALTIES = {
    "L1": 1e-5 * ao.L1(),
    "elastic net": 1e-5 * ao.ElasticNet(0.5),
    "GroupL1 by neuron": 1e-5 * UnitGroupL1("neurons"),
    "GroupL1 by input": 1e-5 * UnitGroupL1("inputs"),
    "naive L1": None,
}
WARM = 3  # rounds that do not count


class Naive:
    """Soft threshold by one array operation after another."""

    def __init__(self, optimizer: optim.AdamW) -> None:
        self.optimizer = optimizer

    @torch.no_grad()
    def step(self) -> None:
        self.optimizer.step()
        for group in self.optimizer.param_groups:
            for w in group["params"]:
                if w.ndim == 2:
                    state = self.optimizer.state[w]
                    d = (state["exp_avg_sq"] / (1 - 0.999 ** state["step"].item())).sqrt() + 1e-8
                    t = 1e-3 * 1e-5 / d
                    w.copy_(w.sign() * (w.abs() - t).clamp(min=0))


def timed(step: Callable[[], object], device: str) -> float:
    if device != "cpu":
        torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(name: str, arguments: argparse.Namespace) -> None:
    """Time one penalty and print its line."""
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    device, kind = arguments.device, {"foreach": True} if arguments.device == "cpu" else {"fused": True}
    model = nn.Sequential(*(nn.Linear(a, b, device=device) for a, b in pairwise(WIDTHS)))
    optimizer = optim.AdamW(model.parameters(), 1e-3, **kind)
    x = torch.randn(64, WIDTHS[0], device=device)
    plain, with_prox = [], []

    def step(stepper: optim.AdamW | Proximal | Naive) -> float:
        optimizer.zero_grad()
        (model(x) - x).square().mean().backward()
        return timed(stepper.step, device)

    for _ in range(arguments.rounds + WARM):
        plain.append(step(optimizer))
        penalty = PENALTIES[name]
        if penalty is None:
            with_prox.append(step(Naive(optimizer)))
            continue
        proximal = Proximal(optimizer, penalize(model, penalty))
        with_prox.append(step(proximal))
        proximal.remove()
    ratio = statistics.median(b / a for a, b in zip(plain[WARM:], with_prox[WARM:]))
    medians = [1e3 * statistics.median(seconds[WARM:]) for seconds in (plain, with_prox)]
    print(f"{name:<18} {medians[0]:6.1f} ms plain {medians[1]:7.1f} ms with the prox {ratio:6.2f} times", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    size = sum(a * b + b for a, b in pairwise(WIDTHS))
    print(
        f"{size:,} parameters, {arguments.device}, {arguments.threads} threads, torch {torch.__version__}", flush=True
    )
    for name in PENALTIES:
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(name, arguments))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
