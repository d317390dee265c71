"""Penalties and grids that do not depend on the units of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ..losses import Loss
from ..penalties import L1, L2, Penalty
from .results import Part

if TYPE_CHECKING:
    from .comparison import Setting

Floats = NDArray[np.float64]
POWER_STEPS = 20
LARGE_WORK = 5e6
STRONGEST, WEAKEST = 1e2, 1e-5  # the ends of a ridge path, in units of the largest eigenvalue of the curvature


def elastic_net(l1_ratio: float, size: float) -> Penalty:
    """l1_ratio ||w||_1 + (1 - l1_ratio) / (2 size) ||w||_2^2.

    With the standard deviation of y as `size` for least squares (1 for other losses) both parts grow alike when
    y changes its units, as in J. Friedman, T. Hastie, R. Tibshirani (2010), where y is standardised.

    Examples
    --------
    >>> import numpy as np
    >>> float(elastic_net(0.5, 2.0).value(np.array([4.0])))
    4.0
    """
    return l1_ratio * L1() + ((1 - l1_ratio) / size) * L2()


def target_scale(loss: Loss, part: Part) -> float:
    """The standard deviation of a squared loss's target, less its offset; 1 for other losses, which have no units."""
    if not loss.constant_curvature:
        return 1.0
    return float(np.std(part.y if part.offset is None else part.y - part.offset))


def ridge_alphas(setting: Setting, null_eta: Floats) -> Floats:
    """A geometric grid from 100 times to 1e-5 times the largest curvature: from hardly any w to hardly any penalty.

    Ridge shrinks the direction of curvature c by c / (c + alpha), so its grid belongs to the curvature of J, not to its
    gradient, which alone has the units of y.
    """
    curvature = setting.loss.curvature(setting.train.y, null_eta)
    mean = float(np.mean(curvature if curvature.ndim == 1 else np.linalg.eigvalsh(curvature.mean(0))[-1]))
    largest = mean * _largest_eigenvalue(setting.train.X, setting.scale, setting.center)
    return np.geomspace(STRONGEST, WEAKEST, effort(setting).ridge_alphas) * largest


@dataclass(frozen=True)
class Effort:
    """How finely a study searches."""

    n_alphas: int
    ridge_alphas: int
    l1_ratios: tuple[float, ...]
    note: str = ""


FINE = Effort(100, 50, (0.1, 0.5, 0.9))
COARSE = Effort(
    30,
    20,
    (0.5,),
    "large data for this family: a coarse grid of 30 alphas (20 for L2) and one elastic net, l1_ratio 0.5.",
)


def effort(setting: Setting) -> Effort:
    """A coarse search where curved losses meet large data: cells of X, times classes, times folds."""
    if setting.loss.constant_curvature:
        return FINE
    n, p = len(setting.train.y), setting.train.X.shape[1]
    classes = 1 if setting.train.y.ndim == 1 else setting.train.y.shape[1]
    return COARSE if n * p * classes * setting.folds > LARGE_WORK else FINE


def _largest_eigenvalue(X: NDArray | scipy.sparse.sparray, scale: Floats, center: Floats) -> float:
    """Of the correlation matrix of the columns, by power steps; enough digits to place a grid."""
    n, p = X.shape
    vector = np.random.default_rng(0).standard_normal(p)
    for _ in range(POWER_STEPS):
        scaled = vector / np.linalg.norm(vector) / scale
        fit = X @ scaled - center @ scaled
        vector = (X.T @ fit - center * fit.sum()) / (n * scale)
    return max(float(np.linalg.norm(vector)), 1e-12)
