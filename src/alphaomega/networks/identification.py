"""The identification phase: little gradient noise, so that zeros stay zero; the support, frozen; the KKT report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn, optim

from .metric import Metric
from .penalizing import Penalized
from .proximal import step_of
from .stationarity import Stationarity
from .steps import Step, whole
from .training import Batches, BatchLoss, Diverged, Training, full_gradient, mean_loss

GROWTH, DECAY = 2.0, 0.9  # of the curvature guess, when a step fails and after each that does not
SLACK = {torch.float32: 1e-6, torch.float64: 1e-13}  # relative rounding of a mean loss


@dataclass(frozen=True)
class FullBatch:
    """Proximal gradient with momentum on the whole data, no noise; stops when stationary.

    `passes` bounds the gradients over the data; it ends when the move of a step is below `tol` of the largest gradient
    entry.
    """

    passes: int = 300
    tol: float = 1e-5


@dataclass(frozen=True)
class DualAveraging:
    """Stochastic steps, but thresholds act on the average of all gradients so far, whose noise dies away.

    w_t = prox of (a_t / sqrt(t)) Omega at w_0 - V_t / sqrt(t)
    V_t = sum_i lr sqrt(i) gradient_i,  a_t = sum_i lr sqrt(i)
    """

    passes: int = 10
    lr: float = 0.01


@dataclass(frozen=True, eq=False)
class Support:
    """Which entries of each penalised parameter are not zero, by parameter name (boolean tensors of its shape)."""

    masks: dict[str, Tensor]

    @classmethod
    def of(cls, penalized: Penalized) -> Support:
        """The support of the weights as they are."""
        return cls({entry.name: whole(entry.parameter.detach()) != 0 for entry in penalized.penalized})

    @property
    def n_nonzero(self) -> int:
        """Non-zero weights in all."""
        return sum(int(mask.sum()) for mask in self.masks.values())

    def apply(self, model: nn.Module) -> None:
        """Zero everything outside the support, in place: averages of weights (EMA, SWA) fill zeros in again."""
        parameters = dict(model.named_parameters())
        missing = [name for name in self.masks if name not in parameters]
        if missing:
            raise ValueError(f"the model has no parameter {missing[0]!r}; the support was taken from another model")
        with torch.no_grad():
            for name, mask in self.masks.items():
                parameters[name].masked_fill_(~mask.to(parameters[name].device), 0)

    def freeze(self, optimizer: optim.Optimizer, penalized: Penalized) -> Any:
        """Keep the zeros zero through every step of `optimizer`; returns the hook, whose `.remove()` ends it."""
        pairs = [(entry.parameter, ~self.masks[entry.name]) for entry in penalized.penalized]

        def zero(*_: Any) -> None:
            with torch.no_grad():
                for parameter, outside in pairs:
                    parameter.masked_fill_(outside.to(parameter.device), 0)

        zero()
        return optimizer.register_step_post_hook(zero)


@dataclass(frozen=True, eq=False)
class Identification:
    """What `identify` found.

    Attributes
    ----------
    support : which weights are not zero.
    stationarity : the KKT report, before any debiasing.
    objective : J + alpha * Omega at the start and after each pass.
    """

    support: Support
    stationarity: Stationarity
    objective: tuple[float, ...]

    @property
    def passes(self) -> int:
        """Passes over the data that the phase took."""
        return len(self.objective)


def identify(
    penalized: Penalized,
    batches: Batches,
    loss: BatchLoss,
    phase: FullBatch | DualAveraging | None = None,
    debias: Training | None = None,
) -> Identification:
    """Settle which weights are zero, after training, by a short phase with little or no gradient noise.

    Whether a weight whose optimum is zero stays at exactly zero depends on gradient noise over alpha, not on the
    learning rate. The model is in evaluation mode meanwhile (no dropout, fixed normalisation statistics), so that J is
    one function.

    Parameters
    ----------
    penalized : Penalized
        From `penalize`; its model is changed in place.
    batches : iterable of (inputs, target)
        All training data, to be read again and again (a list, a DataLoader).
    loss : callable
        loss(model(inputs), target): per sample, or its mean over the batch.
    phase : FullBatch or DualAveraging, default FullBatch()
        DualAveraging where full passes cost too much.
    debias : Training, optional
        Then refit the non-zero weights without penalty, the zeros frozen; None leaves the shrunken weights.

    Returns
    -------
    Identification

    Raises
    ------
    ValueError
        If there are no batches.
    Diverged
        If the loss is not finite; the model keeps its last good weights.

    References
    ----------
    L. Xiao (2010), Dual averaging methods for regularized stochastic learning and online optimization, JMLR 11; Z.-S.
    Huang and C.-P. Lee (2022), Training structured neural networks through manifold identification and variance
    reduction, ICLR.

    Examples
    --------
    >>> import torch, alphaomega as ao
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> model = torch.nn.Linear(2, 1)
    >>> penalized = ao.networks.penalize(model, 0.25 * ao.L1())
    >>> half_square = lambda output, y: 0.5 * (output[:, 0] - y) ** 2
    >>> found = ao.networks.identify(penalized, [(x, torch.tensor([2.0, 0.4, -2.0, -0.4]))], half_square)
    >>> model.weight.detach().round(decimals=3), found.support.n_nonzero
    (tensor([[1.5000, 0.0000]]), 1)
    """
    model, phase = penalized.model, phase or FullBatch()
    training = model.training
    model.eval()
    try:
        if isinstance(phase, FullBatch):
            objective = _full_batch(penalized, batches, loss, phase)
        else:
            objective = _dual_averaging(penalized, batches, loss, phase)
        full_gradient(model, batches, loss)
        report = penalized.stationarity()
        model.zero_grad()
    finally:
        model.train(training)
    support = Support.of(penalized)
    if debias is not None:
        debias.fit(model, batches, loss, hooks=[lambda optimizer: support.freeze(optimizer, penalized)])
        model.train(training)
    return Identification(support, report, tuple(objective))


@dataclass(eq=False)
class Weights:
    """The trainable parameters as one point: proximal steps, moves along lines, distances."""

    parameters: list[Tensor]
    steps: list[Step | None]

    @classmethod
    def of(cls, penalized: Penalized) -> Weights:
        """All parameters that require gradients; those without a penalty take plain steps."""
        entries = [entry for entry in penalized.entries if entry.parameter.requires_grad]
        steps = [None if entry.penalty is None else step_of(penalized, entry) for entry in entries]
        return cls([entry.parameter.detach() for entry in entries], steps)

    def put(self, point: list[Tensor]) -> None:
        """Write a point into the model."""
        for parameter, value in zip(self.parameters, point):
            parameter.copy_(value)

    def copied(self) -> list[Tensor]:
        """The model's point."""
        return [parameter.clone() for parameter in self.parameters]

    def prox(self, point: list[Tensor], size: float) -> list[Tensor]:
        """The proximal step of `size` at a point, which is overwritten."""
        for value, step in zip(point, self.steps):
            if step is not None:
                step(value, Metric(size))
        return point


def inner(a: list[Tensor], b: list[Tensor]) -> float:
    """The scalar product of two points."""
    return sum(float((x.double() * y.double()).sum()) for x, y in zip(a, b))


@torch.no_grad()
def _full_batch(penalized: Penalized, batches: Batches, loss: BatchLoss, phase: FullBatch) -> list[float]:
    """Monotone FISTA with backtracking and restart (Beck and Teboulle 2009; O'Donoghue and Candes 2015)."""
    model, weights = penalized.model, Weights.of(penalized)
    slack = SLACK.get(weights.parameters[0].dtype, 1e-3)
    here = weights.copied()
    previous, momentum, curvature = here, 1.0, 1.0
    best = mean_loss(model, batches, loss) + float(penalized.value())
    objective = [_finite(best, 0)]
    for _ in range(phase.passes):
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = (momentum - 1) / following
        point = [x + ahead * (x - old) for x, old in zip(here, previous)]
        weights.put(point)
        with torch.enable_grad():
            value = full_gradient(model, batches, loss)
        gradient = [torch.zeros_like(p) if g is None else g for p, g in zip(weights.parameters, _gradients(penalized))]
        rounding = slack * abs(value)
        while True:
            trial = weights.prox([x - g / curvature for x, g in zip(point, gradient)], 1 / curvature)
            move = [x - old for x, old in zip(trial, point)]
            weights.put(trial)
            reached = mean_loss(model, batches, loss)
            bound = value + inner(gradient, move) + curvature / 2 * inner(move, move) + rounding
            if reached <= bound or curvature > 1e15:
                break
            curvature *= GROWTH
        total = reached + float(penalized.value())
        if total > best + rounding and momentum > 1:
            momentum, previous = 1.0, here  # the momentum overshot: begin again from the best point
            continue
        previous, here, momentum, best = here, trial, following, total
        objective.append(_finite(total, len(objective)))
        largest = max(float(g.abs().max()) for g in gradient)
        if curvature * max(float(m.abs().max()) for m in move) <= phase.tol * largest:
            break
        if curvature * inner(move, move) > rounding:
            curvature *= DECAY
    weights.put(here)
    return objective


@torch.no_grad()
def _dual_averaging(penalized: Penalized, batches: Batches, loss: BatchLoss, phase: DualAveraging) -> list[float]:
    model, weights = penalized.model, Weights.of(penalized)
    center, total, mass, count = weights.copied(), [torch.zeros_like(p) for p in weights.parameters], 0.0, 0
    objective = []
    for _ in range(phase.passes):
        good = weights.copied()
        for inputs, target in batches:
            with torch.enable_grad():
                model.zero_grad()
                loss(model(inputs), target).mean().backward()
            count += 1
            share = phase.lr * count**0.5
            mass += share
            for accumulated, gradient in zip(total, _gradients(penalized)):
                if gradient is not None:
                    accumulated.add_(gradient, alpha=share)
            root = count**0.5
            weights.put(weights.prox([x - accumulated / root for x, accumulated in zip(center, total)], mass / root))
        reached = mean_loss(model, batches, loss) + float(penalized.value())
        if not math.isfinite(reached):
            weights.put(good)
        objective.append(_finite(reached, count))
    return objective


def _gradients(penalized: Penalized) -> list[Tensor | None]:
    return [entry.parameter.grad for entry in penalized.entries if entry.parameter.requires_grad]


def _finite(value: float, step: int) -> float:
    if not math.isfinite(value):
        raise Diverged(
            f"the loss was {value} at step {step} of the identification; look for NaN and huge values in the data"
        )
    return value
