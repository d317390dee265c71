"""Where the L1 diamond and the L2 disc touch one contour of the loss of two features."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from ..arguments import read_data
from ..fitting import path
from ..losses import Loss, Squared
from ..penalties import L1, L2
from ..results import Path

Floats = NDArray[np.float64]
NEWTON_STEPS = 30
MOST_ROWS = 1_000  # of a curved loss, whose contours need every row at thousands of points
LARGEST_ALPHA_RATIO = 1e6
SMALLEST_CORNER = 0.02


@dataclass(frozen=True, eq=False)
class Touching:
    """Two features, one level of loss, and the two fits on that level: the smallest ||w||_1 and the smallest ||w||_2.

    Attributes
    ----------
    free, l1, l2 : (2,) coefficients per standard deviation: unpenalised, L1, L2.
    alpha_l1, alpha_l2 : the strengths at which L1 and L2 reach them.
    level : J at both `l1` and `l2`.
    loss : the loss, and `X` (n, 2), `y` (n,), `offset` (n,) what it was evaluated on, X standardised.
    """

    free: Floats
    l1: Floats
    l2: Floats
    alpha_l1: float
    alpha_l2: float
    level: float
    loss: Loss
    X: Floats
    y: Floats
    offset: Floats

    def surface(self, first: Floats, second: Floats) -> Floats:
        """J, minimised over the intercept, at every pair of coefficients: shape (len(second), len(first))."""
        w = np.stack(np.meshgrid(first, second), -1).reshape(-1, 2)
        return profile_loss(self, w).reshape(len(second), len(first))


def touching(
    X2: ArrayLike,
    y: ArrayLike,
    loss: str | Loss = "squared",
    *,
    offset: ArrayLike | None = None,
    alpha: float | None = None,
) -> Touching:
    """Where the L1 diamond and the L2 disc touch the same contour of the loss of two features.

    By default alpha is the weakest L1 penalty that still leaves one coefficient exactly zero, so that the diamond
    touches with its corner; where that would leave less than a fiftieth of the unpenalised ||w||_1, both are non-zero
    and alpha is 0.4 of the alpha at which L1 keeps no feature.

    Parameters
    ----------
    X2 : array of shape (n, 2)
        Two features, in any units; they are standardised.
    y : array of shape (n,)
        Of a curved loss, 1,000 evenly spaced rows are used where there are more.
    loss : name or Loss
        Any loss with one linear predictor.
    offset : array of shape (n,), optional
        Added to the linear predictor.
    alpha : float, optional
        The strength of the L1 fit.

    Raises
    ------
    ValueError
        If X2 has not two columns that vary, the loss has several linear predictors, or alpha leaves no contour to
        touch.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 2))
    >>> found = touching(X, 2 * X[:, 0] + 0.3 * X[:, 1] + rng.standard_normal(50))
    >>> bool(found.l1[1] == 0 and found.l2[1] != 0)
    True
    """
    matrix = np.asarray(X2, dtype=float)
    if matrix.ndim != 2 or matrix.shape[1] != 2:
        raise ValueError(f"X2 must have two columns, got shape {matrix.shape}")
    data = read_data(matrix, y, loss, None, offset)
    target, shift = np.asarray(y), np.zeros(len(matrix)) if data.offset is None else data.offset
    if not isinstance(data.loss, Squared) and len(matrix) > MOST_ROWS:
        keep = np.unique(np.linspace(0, len(matrix) - 1, MOST_ROWS).astype(int))
        matrix, target, shift = matrix[keep], target[keep], shift[keep]
    deviation = matrix.std(0)
    if not (deviation > 0).all():
        raise ValueError("both columns of X2 must vary; choose two features that are not constant")
    if data.target.values.ndim == 2:
        raise ValueError(
            "the geometry needs a loss with one linear predictor; pass one class against the rest, loss='logistic'"
        )
    fit = _Fits((matrix - matrix.mean(0)) / deviation, target, data.loss, shift)
    lasso = fit.lasso()
    free = fit.ridge(1e-9 * lasso.alphas[0])
    strength = _corner_alpha(lasso, free) if alpha is None else alpha
    edge = lasso.at(strength).coef
    found = Touching(free, edge, free, strength, 0.0, 0.0, data.loss, fit.X, data.loss.target(target).values, shift)
    level = float(profile_loss(found, edge[None])[0])
    alpha_l2, disc = _ridge_at(found, level, fit)
    return replace(found, l2=disc, alpha_l2=alpha_l2, level=level)


@dataclass(frozen=True, eq=False)
class _Fits:
    """Fits of the two standardised features."""

    X: Floats
    y: NDArray
    loss: Loss
    offset: Floats

    def lasso(self) -> Path:
        """The L1 path."""
        return path(self.X, self.y, self.loss, L1(), n_alphas=40, alpha_min_ratio=1e-3, offset=self.offset, tol=1e-9)

    def ridge(self, alpha: float) -> Floats:
        """The L2 fit at one alpha."""
        return path(self.X, self.y, self.loss, L2(), alphas=[alpha], offset=self.offset, tol=1e-9).coef[0]


def _corner_alpha(lasso: Path, free: Floats) -> float:
    """The weakest alpha of the grid with one non-zero coefficient, if its fit is not negligible."""
    single = np.flatnonzero(lasso.n_nonzero == 1)
    if single.size and abs(lasso.coef[single[-1]]).sum() > SMALLEST_CORNER * abs(free).sum():
        return float(lasso.alphas[single[-1]])
    return float(0.4 * lasso.alphas[0])


def _ridge_at(found: Touching, level: float, fits: _Fits) -> tuple[float, Floats]:
    """The L2 fit whose loss is `level`: the loss grows with alpha, so its root is bracketed."""

    def excess(log_alpha: float) -> float:
        return float(profile_loss(found, fits.ridge(float(np.exp(log_alpha)))[None])[0]) - level

    low, high = np.log(found.alpha_l1 / LARGEST_ALPHA_RATIO), np.log(found.alpha_l1 * LARGEST_ALPHA_RATIO)
    if not (excess(low) < 0 < excess(high)):
        raise ValueError(
            "alpha leaves no contour for both penalties to touch; choose one between 0 and the null model's"
        )
    root = float(brentq(excess, low, high, xtol=1e-10))
    return float(np.exp(root)), fits.ridge(float(np.exp(root)))


def profile_loss(found: Touching, w: Floats) -> Floats:
    """min over b of J(w, b) for each of G pairs of coefficients (G, 2), shape (G,)."""
    y, X, loss = found.y, found.X, found.loss
    if isinstance(loss, Squared):
        centred = y - found.offset - (y - found.offset).mean()
        gram, cross = X.T @ X / len(y), X.T @ centred / len(y)
        return centred @ centred / (2 * len(y)) - w @ cross + ((w @ gram) * w).sum(1) / 2
    eta, column = X @ w.T + found.offset[:, None], y[:, None]
    shift = np.zeros(len(w))
    for _ in range(NEWTON_STEPS):
        slope = loss.gradient(column, eta + shift).mean(0)
        curvature = loss.curvature(column, eta + shift).mean(0)
        step = np.clip(slope / np.maximum(curvature, 1e-12), -2.0, 2.0)
        shift = shift - step
        if abs(step).max() < 1e-10:
            break
    return loss.value(column, eta + shift).mean(0)
