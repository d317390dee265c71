"""One network under four penalties, side by side on the same rows: what a study shows of networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from ..penalties import L1, L2, Penalty
from .path_results import NetworkPath
from .paths import Schedule, path
from .training import ArrayBatches, BatchLoss, Training, feed_forward, mean_loss, sample_loss
from .units import UnitGroupL1

N_ALPHAS = 8
L2_ENDS = (1e-4, 1.0)
RATIO = 1e-2


def compare(
    X: ArrayLike,
    y: ArrayLike,
    loss: str = "squared",
    hidden: Sequence[int] = (32,),
    test: float = 0.25,
    schedule: Schedule | None = None,
) -> Any:
    """Train a ReLU network without penalty, with L2, L1 and input groups, alpha chosen on held-out rows, and test each
    once.

    Parameters
    ----------
    X, y : arrays of shape (n, p) and (n,)
        y numeric, counts for "poisson", 0/1 for "logistic", class positions 0..K-1 for "multinomial". Columns are
        standardised by the training rows, a numeric y too.
    loss : {"squared", "logistic", "multinomial", "poisson", "huber"}
    hidden : sequence of int, default (32,)
        Units of each hidden layer.
    test : float in (0, 1), default 0.25
        Share of the rows that only the reported test score sees.
    schedule : Schedule, optional
        Training, identification and seed.

    Returns
    -------
    polars.DataFrame
        One row per penalty: penalty, alpha, train_score and test_score (mean deviance; squared error in units of y's
        variance), n_nonzero weights, inputs with any weight.

    Raises
    ------
    ValueError
        As for `path`.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville (2016), Deep Learning, section 7.1.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((80, 3))
    >>> ao.networks.compare(X, X[:, 0] ** 2)["penalty"].to_list()
    ['none', 'L2', 'L1', 'input groups']
    """
    import polars

    plan = schedule or Schedule(Training(40, 3e-3, 32), Training(8, 2e-3, 32))
    data, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if not 0 < test < 1:
        raise ValueError(f"test must be a share in (0, 1), got {test!r}")
    order = np.random.default_rng(plan.seed).permutation(len(target))
    held, rows = np.split(order, [max(1, round(test * len(order)))])
    spread = data[rows].std(0)
    data = (data - data[rows].mean(0)) / np.where(spread > 0, spread, 1.0)
    if loss in ("squared", "huber"):
        target = (target - target[rows].mean()) / (target[rows].std() or 1.0)
    outputs = int(target.max()) + 1 if loss == "multinomial" else 1
    found = []
    make = partial(feed_forward, data.shape[1], hidden, outputs)
    for name, result in each_penalty(make, data[rows], target[rows], loss, plan):
        fit = result.best()
        tensors = (torch.from_numpy(data[held]).float(), torch.from_numpy(target[held]).float())
        score = 2 * mean_loss(result.model(fit), ArrayBatches(*tensors, 4096), sample_loss(loss))
        found.append(
            {
                "penalty": name,
                "alpha": fit.alpha,
                "train_score": fit.train_score,
                "test_score": score,
                "n_nonzero": fit.n_nonzero,
                "inputs": int(fit.state["0.weight"].any(0).sum()),
            }
        )
    return polars.DataFrame(found)


def each_penalty(
    make: Callable[[], torch.nn.Module],
    X: ArrayLike,
    y: ArrayLike,
    loss: str | BatchLoss,
    schedule: Schedule,
    n_alphas: int = N_ALPHAS,
) -> Iterator[tuple[str, NetworkPath]]:
    """The paths of one network under each penalty, by name; `make` builds it, with the same weights every time."""
    penalties: dict[str, tuple[Penalty, ArrayLike | None]] = {
        "none": (L2(), [0.0]),
        "L2": (L2(), np.geomspace(*L2_ENDS, n_alphas)),
        "L1": (L1(), None),
        "input groups": (UnitGroupL1("inputs"), None),
    }
    for name, (penalty, alphas) in penalties.items():
        with torch.random.fork_rng():
            torch.manual_seed(schedule.seed)
            model = make()
        yield name, path(model, X, y, loss, penalty, alphas, n_alphas, RATIO, schedule=schedule)
