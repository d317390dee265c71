"""`networks.path`: a network trained along alpha, from dense to sparse, each alpha beginning where the last ended."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ..penalties import L1, Penalty
from .checkpoints import Checkpoint
from .identification import FullBatch, Support, identify
from .path_results import Fit, NetworkPath
from .penalizing import Penalized, penalize
from .splitting import Split, split
from .training import ArrayBatches, BatchLoss, Training, evaluate, sample_loss

EVALUATION_ROWS = 4096  # rows at a time where no gradient is kept
BISECTIONS = 60


@dataclass(frozen=True)
class Schedule:
    """How the path trains: `dense` at the smallest alpha, `step` at each following one, `identify` after each.

    With `patience`, training at an alpha stops early after so many epochs without a better validation score, and the
    best epoch's weights are kept.
    """

    dense: Training = field(default_factory=Training)
    step: Training = field(default_factory=lambda: Training(epochs=5))
    identify: FullBatch | None = field(default_factory=lambda: FullBatch(passes=30))
    seed: int = 0
    patience: int | None = None


def path(
    model: nn.Module | Penalized,
    X: ArrayLike | Tensor,
    y: ArrayLike | Tensor,
    loss: str | BatchLoss = "squared",
    penalty: Penalty | None = None,
    alphas: ArrayLike | None = None,
    n_alphas: int = 20,
    alpha_min_ratio: float = 1e-3,
    validation: float | tuple[Any, Any] = 0.2,
    schedule: Schedule | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> NetworkPath:
    """Train J + alpha * Omega for a grid of alphas, from dense to sparse with warm starts.

    The all-zero deep network is always stationary, so the path starts dense at the smallest alpha and only then turns
    sparse. Paths of non-convex problems are not unique: this is the branch reached from the dense fit, the same for the
    same seed. It ends early once no penalised weight is left.

    Parameters
    ----------
    model : torch.nn.Module or Penalized
        Any network; not changed. A Penalized brings its own penalties per layer.
    X, y : arrays or tensors, rows first
        Moved to the model's device and floating type; class positions 0..K-1 for the multinomial loss, 0/1 for the
        logistic.
    loss : {"squared", "logistic", "multinomial", "poisson", "huber"} or callable
        On the model's output, before any link; a callable gives one number per row.
    penalty : Penalty, default L1()
        On all affine weights, where `model` is a plain module.
    alphas : array of shape (m,), optional
        The grid, any order.
    n_alphas, alpha_min_ratio : int and float
        Without `alphas`: so many from alpha_max down to the ratio times it. alpha_max is the smallest alpha at which
        the gradient of the untrained model moves no weight away from zero (exact for a linear model at zero, a guess
        for a deep one).
    validation : float in (0, 1), or (X, y), default 0.2
        Rows to choose alpha by: a share drawn with the schedule's seed, or rows of their own.
    schedule : Schedule, optional
        Training at the first and at each following alpha, identification, seed.
    checkpoint : folder, optional
        Each finished alpha is written there at once; the same call goes on behind the last one, also after the process
        was killed.
    progress : bool, default False
        Show a progress bar on standard error.

    Returns
    -------
    NetworkPath

    Raises
    ------
    ValueError
        On bad input, or if the checkpoint belongs to another model, data or schedule; the message says what differs.
    Diverged
        If a loss is not finite; finished alphas stay in the checkpoint.

    References
    ----------
    I. Lemhadri et al. (2021), LassoNet: a neural network with feature sparsity, JMLR 22 (dense to sparse with warm
    starts).

    Examples
    --------
    >>> import numpy as np, torch, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 5))
    >>> model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    >>> fit = ao.networks.path(model, X, np.sin(X[:, 0]), alphas=[0.1, 0.01])
    >>> bool(fit.n_nonzero[0] <= fit.n_nonzero[1])
    True
    """
    plan = schedule or Schedule()
    working = copy.deepcopy(model)
    if isinstance(working, Penalized):
        if penalty is not None:
            raise ValueError(
                "penalty is given twice: the model comes with its own; pass the plain module, or leave penalty out"
            )
        penalized = working
    else:
        penalized = penalize(working, L1() if penalty is None else penalty)
    data = split(penalized.model, X, y, validation, plan.seed)
    per_row = sample_loss(loss)
    grid = _grid(penalized, data, per_row, alphas, n_alphas, alpha_min_ratio)
    store = Checkpoint.open(checkpoint, _fingerprint(penalized, data, loss, grid, plan))
    fits: list[Fit] = []
    for position, alpha in enumerate(_shown(grid, progress)):
        fit = store.load(position)
        if fit is None:
            fit = _fit(penalized.at(alpha), data, per_row, plan, position)
            store.save(position, fit)
        penalized.model.load_state_dict(fit.state)
        fits.append(fit)
        if fit.n_nonzero == 0:
            break
    return NetworkPath(tuple(fits[::-1]), penalized.model, loss if isinstance(loss, str) else None)


@dataclass(eq=False)
class Watch:
    """Early stopping: looks at the validation rows after each epoch and remembers the best weights."""

    model: nn.Module
    data: Split
    loss: BatchLoss
    patience: int
    best: float = math.inf
    waited: int = 0
    state: dict[str, Tensor] = field(default_factory=dict)

    def __call__(self, epoch: int) -> bool:
        """Whether to stop."""
        held = ArrayBatches(self.data.held_inputs, self.data.held_target, EVALUATION_ROWS)
        score = evaluate(self.model.eval(), held, self.loss).mean().item()
        self.model.train()
        if score < self.best:
            self.best, self.waited, self.state = score, 0, copy.deepcopy(self.model.state_dict())
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self) -> None:
        """Put the best weights back."""
        if self.state:
            self.model.load_state_dict(self.state)


def _fit(penalized: Penalized, data: Split, loss: BatchLoss, plan: Schedule, position: int) -> Fit:
    """Train at one alpha from the weights as they are. Random numbers depend on seed and position alone."""
    training = plan.dense if position == 0 else plan.step
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed + 1000 * position)
        generator = torch.Generator().manual_seed(plan.seed + 1000 * position)
        batches = ArrayBatches(data.inputs, data.target, training.batch_size, generator)
        watch = None if plan.patience is None else Watch(penalized.model, data, loss, plan.patience)
        training.fit(penalized.model, batches, loss, penalized, watch)
        if watch is not None:
            watch.restore()
        violation = math.nan
        if plan.identify is not None:
            whole = ArrayBatches(data.inputs, data.target, EVALUATION_ROWS)
            violation = identify(penalized, whole, loss, plan.identify).stationarity.relative
    model = penalized.model.eval()
    held = 2 * evaluate(model, ArrayBatches(data.held_inputs, data.held_target, EVALUATION_ROWS), loss).double()
    seen = 2 * evaluate(model, ArrayBatches(data.inputs, data.target, EVALUATION_ROWS), loss).double()
    return Fit(
        alpha=penalized.alpha,
        score=held.mean().item(),
        score_error=(held.std() / len(held) ** 0.5).item(),
        train_score=seen.mean().item(),
        support={name: int(mask.sum()) for name, mask in Support.of(penalized).masks.items()},
        units={e.name: int(e.read(e.parameter.detach()).flatten(1).any(1).sum()) for e in penalized.penalized},
        violation=violation,
        state={name: value.detach().cpu().clone() for name, value in model.state_dict().items()},
    )


def _grid(
    penalized: Penalized, data: Split, loss: BatchLoss, alphas: ArrayLike | None, n_alphas: int, ratio: float
) -> list[float]:
    """Increasing alphas."""
    if alphas is not None:
        grid = np.unique(np.atleast_1d(np.asarray(alphas, dtype=float)))
        if not np.isfinite(grid).all() or (grid < 0).any():
            raise ValueError(f"alphas must be finite and >= 0, got {grid[~(np.isfinite(grid) & (grid >= 0))][0]:g}")
        return grid.tolist()
    if n_alphas < 1 or not 0 < ratio <= 1:
        raise ValueError(f"n_alphas must be >= 1 and alpha_min_ratio in (0, 1], got {n_alphas} and {ratio}")
    with torch.enable_grad():
        value = loss(penalized.model(data.inputs[:EVALUATION_ROWS]), data.target[:EVALUATION_ROWS]).mean()
        gradients = torch.autograd.grad(value, [entry.parameter for entry in penalized.penalized], allow_unused=True)
    low, high = 0.0, 1.0
    while not _stays_zero(penalized, gradients, high):
        low, high = high, 2 * high
        if high > 1e30:
            raise ValueError("no alpha makes every penalised weight zero (a pure L2, say); pass alphas=")
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if _stays_zero(penalized, gradients, middle) else (middle, high)
    return np.geomspace(ratio * high, high, n_alphas).tolist()


def _stays_zero(penalized: Penalized, gradients: tuple[Tensor | None, ...], alpha: float) -> bool:
    """Whether a proximal step from zero weights, along these gradients, stays at zero."""
    for entry, gradient in zip(penalized.penalized, gradients):
        if gradient is not None:
            assert entry.penalty is not None
            if bool(entry.penalty.prox(-entry.read(gradient), alpha).any()):
                return False
    return True


def _fingerprint(penalized: Penalized, data: Split, loss: Any, grid: list[float], plan: Schedule) -> dict[str, str]:
    """What must be the same for a path to go on, each as text that can be shown."""
    start = sum(float(p.detach().double().sum()) for p in penalized.model.parameters())
    shapes = {name: tuple(value.shape) for name, value in penalized.model.state_dict().items()}
    rows = {key: (tuple(value.shape), float(value.double().sum())) for key, value in vars(data).items()}
    penalties = {entry.name: repr(entry.stated) for entry in penalized.penalized}
    return {
        "model": f"{shapes}, sum of initial weights {start:.10g}",
        "data": str(rows),
        "loss": loss if isinstance(loss, str) else getattr(loss, "__qualname__", type(loss).__name__),
        "alphas": str(grid),
        "penalties": str(penalties),
        "schedule": str(asdict(replace(plan, dense=_plain(plan.dense), step=_plain(plan.step)))),
    }


def _plain(training: Training) -> Training:
    """The training with its optimizer by name, which unlike an address is the same in every process."""
    name: Any = getattr(training.optimizer, "__qualname__", type(training.optimizer).__name__)
    return replace(training, optimizer=name)


def _shown(grid: list[float], progress: bool) -> Iterator[float]:
    if not progress:
        yield from grid
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(grid, "alphas", console=Console(stderr=True))
