"""Training: batches, losses by the names of the linear models, and a loop that stops at the first bad loss."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from .penalizing import Penalized
from .proximal import Proximal

Batches = Iterable[tuple[Tensor, Tensor]]
BatchLoss = Callable[[Tensor, Tensor], Tensor]

SCHEDULES = ("constant", "cosine")


class Diverged(FloatingPointError):
    """The loss stopped being finite; the model holds the last good weights, the message says since when."""


def _squared(eta: Tensor, y: Tensor) -> Tensor:
    return (_column(eta, y) - y) ** 2 / 2


def _logistic(eta: Tensor, y: Tensor) -> Tensor:
    return functional.softplus(_column(eta, y)) - y * _column(eta, y)


def _multinomial(eta: Tensor, y: Tensor) -> Tensor:
    return functional.cross_entropy(eta, y.long(), reduction="none")


def _poisson(eta: Tensor, y: Tensor) -> Tensor:
    column = _column(eta, y)
    return column.exp() - y * column + torch.xlogy(y, y) - y


def _huber(eta: Tensor, y: Tensor) -> Tensor:
    from ..losses import Huber

    return functional.huber_loss(_column(eta, y), y, reduction="none", delta=Huber().delta)


#: The losses of `alphaomega.losses` on a network's output, one number per sample.
SAMPLE_LOSSES: dict[str, BatchLoss] = {
    "squared": _squared,
    "logistic": _logistic,
    "multinomial": _multinomial,
    "poisson": _poisson,
    "huber": _huber,
}


def _column(eta: Tensor, y: Tensor) -> Tensor:
    """The output as y is shaped: (n, 1) for a y of (n,) loses its axis, which would otherwise broadcast to (n, n)."""
    if eta.shape == y.shape:
        return eta
    if eta.ndim == y.ndim + 1 and eta.shape[-1] == 1:
        return eta.squeeze(-1)
    raise ValueError(
        f"the model's output has shape {tuple(eta.shape)} but the target {tuple(y.shape)}; they must match"
    )


def sample_loss(loss: str | BatchLoss) -> BatchLoss:
    """The per-sample loss called `loss`, or `loss` itself."""
    if callable(loss):
        return loss
    if loss not in SAMPLE_LOSSES:
        known = ", ".join(SAMPLE_LOSSES)
        raise ValueError(f"unknown loss {loss!r}; choose one of {known}, or pass loss(output, target) per sample")
    return SAMPLE_LOSSES[loss]


def feed_forward(
    inputs: int, hidden: Iterable[int], outputs: int, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """A network of Linear layers with an activation behind each hidden one."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, int(width)), activation()]
        inputs = int(width)
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


@dataclass(frozen=True, eq=False)
class ArrayBatches:
    """Rows of two tensors in batches, drawn anew on each pass when there is a generator; without one in order."""

    inputs: Tensor
    target: Tensor
    batch_size: int
    generator: torch.Generator | None = None

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.target)
        if self.generator is None:
            for start in range(0, n, self.batch_size):
                yield self.inputs[start : start + self.batch_size], self.target[start : start + self.batch_size]
            return
        order = torch.randperm(n, generator=self.generator)
        for start in range(0, n, self.batch_size):
            rows = order[start : start + self.batch_size].to(self.target.device)
            yield self.inputs[rows], self.target[rows]


@dataclass(frozen=True)
class Training:
    """How a network is trained: which optimizer, how long, in which batches.

    Attributes
    ----------
    epochs : passes over the data.
    lr : learning rate at the start.
    batch_size : rows in a batch.
    optimizer : called with the parameters and `lr=`; default torch.optim.Adam.
    schedule : "cosine" (to zero at the end) or "constant".
    metric : as in `Proximal`.
    options : further arguments of the optimizer.
    """

    epochs: int = 20
    lr: float = 1e-3
    batch_size: int = 128
    optimizer: Callable[..., optim.Optimizer] = optim.Adam
    schedule: str = "cosine"
    metric: str = "optimizer"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch_size < 1 or not self.lr > 0:
            raise ValueError(
                f"Training needs epochs >= 0, batch_size >= 1 and lr > 0, got {self.epochs}, {self.batch_size}, "
                f"{self.lr}"
            )
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {self.schedule!r}")

    def fit(
        self,
        model: nn.Module,
        batches: Batches,
        loss: BatchLoss,
        penalized: Penalized | None = None,
        after_epoch: Callable[[int], bool] | None = None,
        hooks: Iterable[Callable[[optim.Optimizer], Any]] = (),
    ) -> None:
        """Train `model` on the mean of `loss`, with the prox of `penalized` if given, until `after_epoch` says to stop.

        Raises
        ------
        Diverged
            At the end of the first epoch with a loss that is not finite; the weights are those before that epoch.
        """
        stock = self.optimizer([p for p in model.parameters() if p.requires_grad], lr=self.lr, **self.options)
        optimizer = stock if penalized is None else Proximal(stock, penalized, self.metric)
        for hook in hooks:
            hook(stock)
        try:
            self._epochs(model, optimizer, batches, loss, after_epoch)
        finally:
            if isinstance(optimizer, Proximal):
                optimizer.remove()

    def _epochs(
        self,
        model: nn.Module,
        optimizer: optim.Optimizer,
        batches: Batches,
        loss: BatchLoss,
        after_epoch: Callable[[int], bool] | None,
    ) -> None:
        model.train()
        step = 0
        for epoch in range(self.epochs):
            good = copy.deepcopy(model.state_dict())
            losses: list[Tensor] = []
            for inputs, target in batches:
                for group in optimizer.param_groups:
                    group["lr"] = self._rate(epoch)
                optimizer.zero_grad()
                value = loss(model(inputs), target).mean()
                value.backward()
                optimizer.step()
                losses.append(value.detach())
            stop_if_not_finite(torch.stack(losses), step, model, good)
            step += len(losses)
            if after_epoch is not None and after_epoch(epoch):
                return

    def _rate(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        if self.schedule == "constant":
            return self.lr
        return self.lr * 0.5 * (1 + math.cos(math.pi * epoch / max(self.epochs, 1)))


def stop_if_not_finite(losses: Tensor, first: int, model: nn.Module, good: dict[str, Any]) -> None:
    """Put the `good` state back and raise `Diverged` if any loss is not finite.

    One look per epoch: no device is waited for at each step.
    """
    bad = (~torch.isfinite(losses)).nonzero()
    if len(bad):
        model.load_state_dict(good)
        step = first + int(bad[0])
        raise Diverged(
            f"the loss was {losses[int(bad[0])].item()} at step {step + 1}; the model has its weights from before "
            f"step {first + 1}. Lower lr, or look for NaN and huge values in the data"
        )


def full_gradient(model: nn.Module, batches: Batches, loss: BatchLoss) -> float:
    """J over all batches, each row weighing the same; its gradient is left in the parameters' `.grad`."""
    for parameter in model.parameters():
        parameter.grad = None
    total, rows = 0.0, 0
    for inputs, target in batches:
        value = loss(model(inputs), target).mean() * len(target)
        value.backward()
        total += value.item()
        rows += len(target)
    _check_rows(rows)
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.div_(rows)
    return total / rows


@torch.no_grad()
def evaluate(model: nn.Module, batches: Batches, loss: BatchLoss) -> Tensor:
    """The loss of each row (n,), or of each batch where `loss` gives its mean."""
    parts = [loss(model(inputs), target) for inputs, target in batches]
    return torch.cat([part.reshape(-1) for part in parts])


@torch.no_grad()
def mean_loss(model: nn.Module, batches: Batches, loss: BatchLoss) -> float:
    """J over all batches, each row weighing the same."""
    total, rows = 0.0, 0
    for inputs, target in batches:
        total += loss(model(inputs), target).mean().item() * len(target)
        rows += len(target)
    _check_rows(rows)
    return total / rows


def _check_rows(rows: int) -> None:
    if rows == 0:
        raise ValueError("there are no batches; pass a list or a DataLoader, which can be read more than once")
