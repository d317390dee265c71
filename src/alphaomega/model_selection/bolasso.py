"""Bolasso: the features that the lasso keeps on (nearly) every bootstrap resample, refitted without a penalty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import solvers
from ..arguments import read_data, reporting
from ..fitting import cross_validate, path
from ..losses import Loss
from ..penalties import L1, L2, Penalty
from ..problem import Control, Grid
from . import resampling
from .chosen import Chosen, Floats


@dataclass(frozen=True, eq=False)
class Bolasso(Chosen):
    """The features that a share of the bootstrap resamples keep, and the unpenalised fit on them.

    Attributes
    ----------
    alpha : the strength of every lasso.
    frequency : (p,) share of the resamples that keep the feature.
    threshold : the share from which it is selected.
    coef : (p,) or (K, p) of the unpenalised fit on the selected features, zero elsewhere.
    intercept : a number or (K,).
    redrawn : draws that were repeated, as a class or a level was lacking.
    """

    alpha: float
    frequency: Floats
    threshold: float
    coef: Floats
    intercept: Floats

    @property
    def share(self) -> Floats:
        """`frequency`."""
        return self.frequency

    def columns(self) -> dict[str, Floats]:
        """What the table shows of each feature."""
        return {"frequency": self.frequency}


def bolasso(
    X: Any,
    y: ArrayLike,
    loss: str | Loss = "squared",
    penalty: Penalty | None = None,
    alpha: float | str = "cv",
    threshold: float = 0.9,
    n_resamples: int = 100,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    standardize: bool = False,
    seed: int | None = 0,
    impute: str | None = None,
    progress: bool | Callable[[float], object] = False,
) -> Bolasso:
    """Keep the features that at least a share `threshold` of bootstrap lassos keep, and refit them without a penalty.

    Parameters
    ----------
    X, y, loss, penalty, weights, offset, standardize, impute, progress
        As for `ao.path`; the penalty must select (default L1()).
    alpha : "cv", "1se" or float, default "cv"
        Strength of every lasso: chosen once, by cross-validation on all rows, or given.
    threshold : float in (0, 1], default 0.9
        1 keeps the intersection of all supports, as first proposed; 0.9 is its soft version.
    n_resamples : int, default 100
    seed : int or None, default 0

    Returns
    -------
    Bolasso

    Raises
    ------
    ValueError
        On bad input, or if a class is too rare to be in every resample.

    References
    ----------
    F. Bach (2008), Bolasso: model consistent lasso estimation through the bootstrap, ICML.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 8))
    >>> found = ao.bolasso(X, X[:, 1] + X[:, 5] + rng.standard_normal(100), alpha=0.15)
    >>> found.selected.tolist()
    [1, 5]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must lie in (0, 1], got {threshold!r}")
    if isinstance(alpha, str) and alpha not in ("cv", "1se"):
        raise ValueError(f"alpha must be 'cv', '1se' or a number >= 0, got {alpha!r}")
    penalty = L1() if penalty is None else penalty
    data = read_data(X, y, loss, weights, offset, impute)
    common: dict[str, Any] = {"weights": data.weights, "offset": data.offset, "standardize": standardize}
    labels = np.asarray(y)
    matrix = data.design
    if isinstance(alpha, str):
        cv = cross_validate(matrix, labels, data.loss, penalty, seed=seed, **common)
        alphas = cv.path.alphas[: (cv.index_min if alpha == "cv" else cv.index_1se) + 1]
    else:
        alphas = np.array([float(alpha)])
    resamples = resampling.draw(data, "bootstrap", n_resamples, seed)
    problem = data.problem(penalty, standardize=standardize, intercept=True)
    with reporting(progress) as report:
        paths = resampling.solve(problem, resamples, Grid(alphas), Control(report=report))[1:]
    frequency = np.mean([_used(raw) for raw in paths], axis=0)
    chosen = np.flatnonzero(frequency >= threshold)
    size = data.design.shape[1]
    banned = np.ones(size)
    banned[~np.isin(np.arange(size), chosen)] = np.inf
    fit = path(matrix, labels, data.loss, L2(banned), alphas=[0.0], **common)
    return Bolasso(
        alpha=float(alphas[-1]),
        frequency=frequency,
        threshold=threshold,
        coef=fit.coef[0],
        intercept=fit.intercept[0],
        feature_names=data.encoder.names,
        redrawn=resamples.redrawn,
        message=resamples.message,
    )


def _used(raw: solvers.RawPath) -> NDArray[np.bool_]:
    coef = raw.coef[-1]
    return coef != 0 if coef.ndim == 1 else coef.any(1)
