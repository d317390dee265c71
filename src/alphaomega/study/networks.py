"""Rows of small networks under the same penalties, on the same rows, where PyTorch is installed.

PyTorch is imported only when the first network is trained.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ..diagnostics.uniqueness import linear_predictor
from .comparison import Setting, errors_of
from .results import Fit, NetworkFit, Part

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]

HIDDEN = 32
EPOCHS, STEP_EPOCHS = 40, 8  # at the weakest alpha, and at each following one
LEARNING_RATE = 3e-3
N_ALPHAS = 6
PASSES = 10  # of the whole data, to settle which weights are zero
SMALLEST_BATCH, BATCHES = 32, 20  # a pass takes at most so many batches: the time grows with the rows, but slowly
MOST_ROWS, MOST_CELLS = 50_000, 30_000_000
FEWEST_ROWS = 500  # fewer would be no fair trial of many rows
PENALTIES = ("none", "L2", "L1", "input groups")
MISSING = 'networks: PyTorch is not installed; pip install "alphaomega[networks]" adds rows of small networks.'
LARGE = "networks: left out, as {n:,} rows x {p:,} features are more than the small budget of a study takes in."


@dataclass(frozen=True, eq=False)
class Trial:
    """What the networks of one study share: the rows they train on, and how to read their output.

    `X` (n, p) standardised and `y` (n,), or with the offset (n, 2), of the rows trained on; `start` (K,) the last bias;
    `size` and `middle` bring the output of a squared loss back to y's units.
    """

    setting: Setting
    X: NDArray[np.float32]
    y: NDArray[np.float32]
    start: Floats
    size: float = 1.0
    middle: float = 0.0

    @property
    def n_outputs(self) -> int:
        """K: outputs of the network."""
        return self.start.size

    def loss(self) -> Any:
        """The loss by name, or with the offset taken from a second column of y."""
        from ..networks.training import sample_loss

        base = sample_loss(self.setting.loss.name)
        return base if self.y.ndim == 1 else lambda eta, y: base(eta[:, 0] + y[:, 1], y[:, 0])

    def model(self) -> torch.nn.Module:
        """The network; its last bias starts at the mean-only model."""
        import torch

        from ..networks.training import feed_forward

        model = feed_forward(self.X.shape[1], [HIDDEN], self.n_outputs)
        with torch.no_grad():
            list(model.parameters())[-1].copy_(torch.as_tensor(self.start))
        return model

    def predictor(self, model: torch.nn.Module, part: Part) -> Floats:
        """The network's linear predictor on some rows, (n,) or (n, K)."""
        import torch

        blocks = []
        with torch.no_grad():
            for start in range(0, len(part.y), MOST_ROWS):
                rows = np.arange(start, min(start + MOST_ROWS, len(part.y)))
                blocks.append(model(torch.from_numpy(standardized(self.setting, part, rows))).double().numpy())
        eta = np.concatenate(blocks)
        eta = eta if part.y.ndim == 2 else self.size * eta[:, 0] + self.middle
        return eta if part.offset is None or eta.ndim == 2 else eta + part.offset


def available() -> bool:
    """Whether PyTorch can be imported."""
    return importlib.util.find_spec("torch") is not None


def rows_trained_on(setting: Setting) -> NDArray[np.intp]:
    """The training rows that fit in the budget, drawn with the seed; none where too few would."""
    n, p = setting.train.X.shape
    most = min(n, MOST_ROWS, MOST_CELLS // p)
    if most < min(n, FEWEST_ROWS):
        return np.empty(0, dtype=np.intp)
    return np.sort(np.random.default_rng(setting.seed).permutation(n)[:most])


def note_of(setting: Setting, rows: NDArray[np.intp]) -> str:
    """What the networks are, in one sentence."""
    n, p = setting.train.X.shape
    if not len(rows):
        return LARGE.format(n=n, p=p)
    share = "" if len(rows) == n else f", trained on {len(rows):,} of the {n:,} training rows"
    return (
        f"networks: one hidden layer of {HIDDEN} ReLU units{share}; {EPOCHS} epochs of Adam, then {N_ALPHAS} alphas of "
        f"{STEP_EPOCHS} epochs each, alpha by a fifth of the training rows; non-zero: features that are used."
    )


def trial_of(setting: Setting, rows: NDArray[np.intp], null: Floats) -> Trial:
    """The trial on some training rows; `null` is the intercept of the mean-only model, a number or (K,)."""
    part = setting.train
    X, y = standardized(setting, part, rows), part.y[rows]
    offset = None if part.offset is None else part.offset[rows]
    start = np.atleast_1d(null).astype(float)
    if y.ndim == 2:
        return Trial(setting, X, y.argmax(1).astype(np.float32), start)
    if setting.loss.constant_curvature:
        y = y if offset is None else y - offset
        size, middle = float(y.std()) or 1.0, float(y.mean())
        return Trial(setting, X, ((y - middle) / size).astype(np.float32), np.zeros(1), size, middle)
    columns = y if offset is None else np.column_stack([y, offset])
    return Trial(setting, X, columns.astype(np.float32), start)


def standardized(setting: Setting, part: Part, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Rows as dense float32, each column with the training rows' mean 0 and deviation 1."""
    block = part.X.tocsr()[rows].toarray() if scipy.sparse.issparse(part.X) else part.X[rows]
    return ((block - setting.center) / setting.scale).astype(np.float32)


def network_rows(trial: Trial) -> Iterator[NetworkFit]:
    """The network under each penalty, a row each."""
    from ..networks.comparison import each_penalty
    from ..networks.identification import FullBatch
    from ..networks.paths import Schedule
    from ..networks.training import Training

    batch = max(SMALLEST_BATCH, -(-len(trial.y) // BATCHES))
    dense, step = (Training(epochs, LEARNING_RATE, batch) for epochs in (EPOCHS, STEP_EPOCHS))
    schedule = Schedule(dense, step, FullBatch(PASSES), trial.setting.seed)
    with one_thread():
        start = time.perf_counter()
        for name, path in each_penalty(trial.model, trial.X, trial.y, trial.loss(), schedule, N_ALPHAS):
            yield _row(trial, name, path, start)
            start = time.perf_counter()


def _row(trial: Trial, name: str, path: Any, start: float) -> NetworkFit:
    setting, fit = trial.setting, path.best()
    model = path.model(fit)
    weights = [value.double().numpy() for key, value in fit.state.items() if key.endswith("weight")]
    eta = trial.predictor(model, setting.test)
    return NetworkFit(
        name=name,
        alpha=fit.alpha,
        train=errors_of(setting.loss, setting.train, trial.predictor(model, setting.train)),
        test=errors_of(setting.loss, setting.test, eta),
        n_nonzero=int(weights[0].any(0).sum()),
        n_weights=sum(array.size for array in weights),
        n_used=fit.n_nonzero,
        l1_norm=float(sum(abs(array).sum() for array in weights)),
        l2_norm=float(np.sqrt(sum((array**2).sum() for array in weights))),
        validation_error=fit.score * trial.size**2,
        deviances=setting.loss.deviance(setting.test.y, eta),
        seconds=time.perf_counter() - start,
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread: faster for small networks, and the same sums on every machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def verdict(setting: Setting, chosen: Fit, networks: list[NetworkFit]) -> str:
    """Whether the network that validation prefers beats the recommended linear fit, row by row on the test part."""
    best = min(networks, key=lambda network: network.validation_error)
    linear = setting.loss.deviance(setting.test.y, linear_predictor(setting.test, chosen.solution))
    saved = linear - best.deviances
    mean, spread = float(saved.mean()), float(saved.std(ddof=1) / np.sqrt(len(saved)))
    against = f"{best.label} against {chosen.label}"
    if mean > 2 * spread:
        share = mean / float(linear.mean())
        return f"{against}: its test error is {share:.0%} smaller, beyond the noise: a linear model misses structure."
    if not mean >= -2 * spread:
        return f"{against}: its test error is larger, beyond the noise: nothing here asks for more than a linear model."
    return f"{against}: their test errors are within the noise: nothing here asks for more than a linear model."
