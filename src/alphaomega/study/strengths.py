"""Penalties and grids that do not depend on the units of the target."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ..losses import Loss
from ..penalties import L1, L2, Penalty
from .results import Part

Floats = NDArray[np.float64]
POWER_STEPS = 20
STRONGEST, WEAKEST = 1e2, 1e-5  # the ends of a ridge path, in units of the largest eigenvalue of the curvature
N_ALPHAS = 100


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


def ridge_alphas(loss: Loss, part: Part, null_eta: Floats, scale: Floats, center: Floats) -> Floats:
    """A geometric grid from 100 times to 1e-5 times the largest curvature: from hardly any w to hardly any penalty.

    Ridge shrinks the direction of curvature c by c / (c + alpha), so its grid belongs to the curvature of J, not to its
    gradient, which alone has the units of y.
    """
    curvature = loss.curvature(part.y, null_eta)
    mean = float(np.mean(curvature if curvature.ndim == 1 else np.linalg.eigvalsh(curvature.mean(0))[-1]))
    largest = mean * _largest_eigenvalue(part.X, scale, center)
    return np.geomspace(STRONGEST, WEAKEST, N_ALPHAS) * largest


def _largest_eigenvalue(X: NDArray | scipy.sparse.sparray, scale: Floats, center: Floats) -> float:
    """Of the correlation matrix of the columns, by power steps; enough digits to place a grid."""
    n, p = X.shape
    vector = np.random.default_rng(0).standard_normal(p)
    for _ in range(POWER_STEPS):
        scaled = vector / np.linalg.norm(vector) / scale
        fit = X @ scaled - center @ scaled
        vector = (X.T @ fit - center * fit.sum()) / (n * scale)
    return max(float(np.linalg.norm(vector)), 1e-12)
