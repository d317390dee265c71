"""One alpha per layer by marginal likelihood: Laplace's approximation, L2 on the weights, flat priors on the biases."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from numpy.typing import ArrayLike
from torch import Tensor, func, nn

from ..penalties import L2
from .identification import FullBatch, identify
from .penalizing import Entry, Penalized, penalize
from .splitting import tensors
from .training import ArrayBatches, BatchLoss, Training, sample_loss

MOST_PARAMETERS = 5000  # the curvature is a full matrix: its factor takes the cube of that
START = 1e-2  # alpha of every layer in the first round
ROWS = 256  # whose Jacobians are held at a time
LARGEST_ALPHA = 1e8  # a layer that the evidence sends to zero stops here
JITTER = 1e-10  # of the largest curvature: biases that nothing depends on have none


@dataclass(frozen=True, eq=False)
class LayerEvidence:
    """What `evidence` found.

    Attributes
    ----------
    alphas : the strength of L2 on each penalised weight, by parameter name.
    noise_variance : of y around the network's output for the squared loss, else 1.
    effective : how many of each layer's weights the data determine, between 0 and their number.
    log_evidence : log p(y | alphas), up to Laplace's approximation, after each round.
    model : the network at its penalised fit under these alphas; `penalized` the same with its penalties.
    """

    alphas: dict[str, float]
    noise_variance: float
    effective: dict[str, float]
    log_evidence: tuple[float, ...]
    penalized: Penalized = field(repr=False)

    @property
    def model(self) -> nn.Module:
        """The fitted network."""
        return self.penalized.model


def evidence(
    model: nn.Module,
    X: ArrayLike | Tensor,
    y: ArrayLike | Tensor,
    loss: str | BatchLoss = "squared",
    training: Training | None = None,
    rounds: int = 20,
    exclude: str | Iterable[str] | None = None,
) -> LayerEvidence:
    """Choose the L2 strength of each layer by the evidence, without held-out rows.

    log p(y | alphas) ~ log p(y | w) + log p(w | alphas) - 1/2 log det(H + A) + const at the penalised fit w, H the
    Gauss-Newton curvature of the log likelihood over all parameters, A the layers' precisions n alpha_l (over the
    noise variance for the squared loss), zero for biases, which are integrated over a flat prior. Each round fits, then
    moves A_l to gamma_l / ||w_l||^2 with gamma_l the effective parameters (MacKay's fixed point).

    Parameters
    ----------
    model : torch.nn.Module
        Any network of at most 5,000 parameters; not changed. Its forward must take a batch of one row.
    X, y, loss
        As for `path`.
    training : Training, optional
        Before the first round, whose alphas are all 0.01; then full-batch steps to the penalised fit.
    rounds : int, default 20
        At most; it ends when no alpha moves by more than a thousandth.
    exclude : name, pattern, or several, optional
        As in `penalize`.

    Returns
    -------
    LayerEvidence

    Raises
    ------
    ValueError
        On bad input, or if the model has more than 5,000 parameters (choose by `path` and validation instead).

    References
    ----------
    D. MacKay (1992), A practical Bayesian framework for backpropagation networks, Neural Computation 4; A. Immer et al.
    (2021), Scalable marginal likelihood estimation for model selection in deep learning, ICML.

    Examples
    --------
    >>> import numpy as np, torch, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 3))
    >>> found = ao.networks.evidence(torch.nn.Linear(3, 1), X, X @ [1.0, 0.5, 0.0] + rng.standard_normal(100))
    >>> 0.5 < found.noise_variance < 1.5, 1 < found.effective["weight"] < 3
    (True, True)
    """
    working = copy.deepcopy(model).double()
    count = sum(p.numel() for p in working.parameters() if p.requires_grad)
    if count > MOST_PARAMETERS:
        raise ValueError(
            f"the model has {count:,} trainable parameters, evidence takes {MOST_PARAMETERS:,}; choose alpha by "
            "validation along networks.path instead"
        )
    inputs, target = tensors(X, y, next(working.parameters()), "")
    per_row = sample_loss(loss)
    entries = penalize(working, START * L2(), exclude=exclude).penalized
    alphas = {entry.name: START for entry in entries}
    if training is not None:
        training.fit(working, ArrayBatches(inputs, target, training.batch_size), per_row, _with(working, alphas))
    logs: list[float] = []
    noise, effective = 1.0, dict.fromkeys(alphas, 0.0)
    for _ in range(rounds):
        identify(_with(working, alphas), [(inputs, target)], per_row, FullBatch(500, 1e-7))
        point = _Point.at(working, entries, inputs, target, per_row)
        noise, effective, log = point.judge(alphas, noise if logs else None, loss == "squared")
        logs.append(log)
        before, alphas = alphas, point.moved(effective, noise)
        if all(abs(math.log(alphas[name] / before[name])) < 1e-3 for name in alphas):
            break
    penalized = _with(working, alphas)
    identify(penalized, [(inputs, target)], per_row, FullBatch(500, 1e-7))
    return LayerEvidence(alphas, noise, effective, tuple(logs), penalized)


def _with(model: nn.Module, alphas: dict[str, float]) -> Penalized:
    return penalize(model, None, per_layer={name: alpha * L2() for name, alpha in alphas.items()})


@dataclass(frozen=True, eq=False)
class _Point:
    """A fit: its summed loss, its Gauss-Newton curvature, and where each layer's weights lie among the parameters."""

    n: int
    total: float
    curvature: Tensor
    slices: dict[str, Tensor]
    squares: dict[str, float]

    @classmethod
    def at(cls, model: nn.Module, entries: list[Entry], inputs: Tensor, target: Tensor, loss: BatchLoss) -> _Point:
        parameters = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
        position, slices = 0, {}
        ours = {id(entry.parameter): entry.name for entry in entries}
        for name, parameter in model.named_parameters():
            if name in parameters:
                if id(parameter) in ours:
                    slices[ours[id(parameter)]] = torch.arange(position, position + parameter.numel())
                position += parameter.numel()

        def output(values: dict[str, Tensor], row: Tensor) -> Tensor:
            return func.functional_call(model, values, (row[None],))[0]

        def row_loss(eta: Tensor, label: Tensor) -> Tensor:
            return loss(eta[None], label[None]).sum()

        curvature = torch.zeros(position, position, dtype=torch.float64)
        total = 0.0
        model.eval()
        for x, label in ArrayBatches(inputs, target, ROWS):
            slopes = func.vmap(func.jacrev(output), (None, 0))(parameters, x)
            jacobian = torch.cat([part.flatten(2) for part in slopes.values()], 2)
            with torch.no_grad():
                eta = model(x)
                total += float(loss(eta, label).sum())
            bend = func.vmap(func.jacrev(func.jacrev(row_loss)))(eta, label)
            curvature += torch.einsum("nkp,nkl,nlq->pq", jacobian, bend, jacobian)
        squares = {entry.name: float((entry.parameter.detach() ** 2).sum()) for entry in entries}
        return cls(len(target), total, curvature, slices, squares)

    def judge(
        self, alphas: dict[str, float], noise: float | None, squared: bool
    ) -> tuple[float, dict[str, float], float]:
        """The noise variance, each layer's effective parameters, and the log evidence under `alphas`."""
        noise = (2 * self.total / self.n if noise is None else noise) if squared else 1.0
        scale = self.n / noise
        precision = torch.zeros(len(self.curvature), dtype=torch.float64)
        for name, places in self.slices.items():
            precision[places] = scale * alphas[name]
        full = self.curvature / noise + precision.diag()
        full.diagonal().add_(JITTER * full.diagonal().max())
        factor = torch.linalg.cholesky(full)
        spread = torch.cholesky_inverse(factor).diagonal()
        effective = {
            name: float(len(places) - scale * alphas[name] * spread[places].sum())
            for name, places in self.slices.items()
        }
        prior = sum(
            (len(places) * math.log(scale * alphas[name]) - scale * alphas[name] * self.squares[name]) / 2
            for name, places in self.slices.items()
        )
        normal = self.n / 2 * math.log(2 * math.pi * noise) if squared else 0.0
        free = len(self.curvature) - sum(len(places) for places in self.slices.values())
        integral = free / 2 * math.log(2 * math.pi) - float(factor.diagonal().log().sum())
        log = -self.total / noise - normal + prior + integral
        if squared:
            noise = 2 * self.total / max(self.n - sum(effective.values()) - free, 1.0)
        return noise, effective, log

    def moved(self, effective: dict[str, float], noise: float) -> dict[str, float]:
        """MacKay's next alphas."""
        return {
            name: min(max(effective[name], 1e-12) * noise / (self.n * max(self.squares[name], 1e-300)), LARGEST_ALPHA)
            for name in self.slices
        }
