"""The L1 diamond and the L2 disc, with the real loss contours of two features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from ..fitting import path, read_data
from ..losses import Loss, Squared
from ..penalties import L1, L2
from ..results import Path
from .theme import CONTEXT, MARK, color_of, figure, number, plain_text

Floats = NDArray[np.float64]
GRID_POINTS = 61
MOST_CELLS = 4_000_000  # rows times grid points for which a curved loss is evaluated
NEWTON_STEPS = 30
MOST_CONTOURS = 14
LARGEST_ALPHA_RATIO = 1e6


@dataclass(frozen=True, eq=False)
class Touching:
    """Two features, one level of loss, and the two fits on that level: the smallest ||w||_1 and the smallest ||w||_2.

    Attributes
    ----------
    free, l1, l2 : (2,) coefficients per standard deviation: unpenalised, L1, L2.
    alpha_l1, alpha_l2 : the strengths at which L1 and L2 reach them.
    level : J at both `l1` and `l2`.
    loss : the loss, and `X` (n, 2), `y` (n,) what it was evaluated on, X standardised.
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

    def surface(self, first: Floats, second: Floats) -> Floats:
        """J, minimised over the intercept, at every pair of coefficients: shape (len(second), len(first))."""
        w = np.stack(np.meshgrid(first, second), -1).reshape(-1, 2)
        return profile_loss(self, w).reshape(len(second), len(first))


def touching(X2: ArrayLike, y: ArrayLike, loss: str | Loss = "squared", *, alpha: float | None = None) -> Touching:
    """Where the L1 diamond and the L2 disc touch the same contour of the loss of two features.

    By default alpha is the weakest L1 penalty that still leaves one coefficient exactly zero, so that the diamond
    touches with its corner; where that would leave less than a tenth of the unpenalised ||w||_1, both are non-zero and
    alpha is 0.4 of the alpha at which L1 keeps no feature.

    Parameters
    ----------
    X2 : array of shape (n, 2)
        Two features, in any units; they are standardised.
    y : array of shape (n,)
    loss : name or Loss
        Any loss with one linear predictor.
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
    deviation = matrix.std(0)
    if not (deviation > 0).all():
        raise ValueError("both columns of X2 must vary; choose two features that are not constant")
    data = read_data(matrix, y, loss, None, None)
    if data.target.values.ndim == 2:
        raise ValueError(
            "the geometry needs a loss with one linear predictor; pass one class against the rest, loss='logistic'"
        )
    standard, target = (matrix - matrix.mean(0)) / deviation, np.asarray(y)
    lasso = path(standard, target, loss=loss, penalty=L1(), n_alphas=40, alpha_min_ratio=1e-3, tol=1e-9)
    free = path(standard, target, loss=loss, penalty=L2(), alphas=[1e-9 * lasso.alphas[0]]).coef[0]
    strength = _corner_alpha(lasso, free) if alpha is None else alpha
    corner = lasso.at(strength)
    found = Touching(free, corner.coef, free, strength, 0.0, 0.0, data.loss, standard, data.target.values)
    level = float(profile_loss(found, corner.coef[None])[0])
    alpha_l2, ridge = _ridge_at(found, level, target)
    return Touching(free, corner.coef, ridge, strength, alpha_l2, level, data.loss, standard, data.target.values)


def _corner_alpha(lasso: Path, free: Floats) -> float:
    """The weakest alpha of the grid with one non-zero coefficient, if its fit is not negligible."""
    single = np.flatnonzero(lasso.n_nonzero == 1)
    if single.size and abs(lasso.coef[single[-1]]).sum() > 0.1 * abs(free).sum():
        return float(lasso.alphas[single[-1]])
    return float(0.4 * lasso.alphas[0])


def _ridge_at(found: Touching, level: float, target: NDArray) -> tuple[float, Floats]:
    """The L2 fit whose loss is `level`: the loss grows with alpha, so its root is bracketed."""

    def fit(log_alpha: float) -> Floats:
        alpha = float(np.exp(log_alpha))
        return path(found.X, target, loss=found.loss, penalty=L2(), alphas=[alpha], tol=1e-10).coef[0]

    def excess(log_alpha: float) -> float:
        return float(profile_loss(found, fit(log_alpha)[None])[0]) - level

    low, high = np.log(found.alpha_l1 / LARGEST_ALPHA_RATIO), np.log(found.alpha_l1 * LARGEST_ALPHA_RATIO)
    if not (excess(low) < 0 < excess(high)):
        raise ValueError(
            "alpha leaves no contour for both penalties to touch; choose one between 0 and the null model's"
        )
    root = float(brentq(excess, low, high, xtol=1e-10))
    return float(np.exp(root)), fit(root)


def profile_loss(found: Touching, w: Floats) -> Floats:
    """min over b of J(w, b) for each of G pairs of coefficients (G, 2), shape (G,)."""
    y, X, loss = found.y, found.X, found.loss
    if isinstance(loss, Squared):
        gram, cross, centred = X.T @ X / len(y), X.T @ (y - y.mean()) / len(y), y - y.mean()
        return centred @ centred / (2 * len(y)) - w @ cross + ((w @ gram) * w).sum(1) / 2
    eta, column = X @ w.T, y[:, None]
    shift = np.zeros(len(w))
    for _ in range(NEWTON_STEPS):
        slope = loss.gradient(column, eta + shift).mean(0)
        curvature = loss.curvature(column, eta + shift).mean(0)
        step = np.clip(slope / np.maximum(curvature, 1e-12), -2.0, 2.0)
        shift = shift - step
        if abs(step).max() < 1e-10:
            break
    return loss.value(column, eta + shift).mean(0)


def geometry_figure(
    X2: ArrayLike,
    y: ArrayLike,
    loss: str | Loss = "squared",
    *,
    names: Sequence[str] = ("first feature", "second feature"),
    alpha: float | None = None,
    height: int = 520,
) -> go.Figure:
    """Why L1 selects and L2 does not: the loss contours of two features, diamond and disc touching one of them.

    Of all pairs of coefficients that fit equally well (the bold contour), L1 takes the one with the smallest
    |w1| + |w2|, L2 the one with the smallest w1^2 + w2^2. The contours are those of this data, the intercept re-fitted
    at every point.

    Parameters
    ----------
    X2 : array of shape (n, 2)
        Two features, in any units; they are standardised.
    y, loss, alpha
        As for `touching`. For a curved loss and many rows, an evenly spaced part of the rows is used throughout.
    names : two feature names
    height : int, default 520
        Pixels.

    Raises
    ------
    ValueError
        As `touching`.

    References
    ----------
    R. Tibshirani (1996), Regression shrinkage and selection via the lasso, JRSS B 58, figure 2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 2))
    >>> chart = geometry_figure(X, X[:, 0] + rng.standard_normal(50), names=("age", "bmi"))
    >>> chart.layout.xaxis.title.text
    'age, coefficient per standard deviation'
    """
    matrix, target = np.asarray(X2, dtype=float), np.asarray(y)
    squared = isinstance(loss, Squared) or loss == "squared"
    if not squared and len(target) * GRID_POINTS**2 > MOST_CELLS:
        keep = np.unique(np.linspace(0, len(target) - 1, MOST_CELLS // GRID_POINTS**2).astype(int))
        matrix, target = matrix[keep], target[keep]
    found = touching(matrix, target, loss, alpha=alpha)
    result = figure("The L1 diamond and the L2 disc", height)
    first, second = _window(found)
    _add_contours(result, found, np.linspace(*first, GRID_POINTS), np.linspace(*second, GRID_POINTS))
    _add_ball(result, "L1", found.l1, np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]]) * abs(found.l1).sum())
    angle = np.linspace(0, 2 * np.pi, 181)
    _add_ball(result, "L2", found.l2, np.column_stack([np.cos(angle), np.sin(angle)]) * np.sqrt((found.l2**2).sum()))
    quantity = "coefficient per standard deviation"
    result.update_layout(
        xaxis={"title": {"text": f"{plain_text(names[0], 30)}, {quantity}"}, "range": first, "constrain": "domain"},
        yaxis={
            "title": {"text": f"{plain_text(names[1], 30)}, {quantity}"},
            "range": second,
            "scaleanchor": "x",
            "constrain": "domain",
        },
        margin={"t": 84, "b": 60},
    )
    _add_free(result, found)
    return result


def _window(found: Touching) -> tuple[list[float], list[float]]:
    """A square that holds both balls and the unpenalised fit, with room for the contours around it."""
    radius = max(abs(found.l1).sum(), float(np.sqrt((found.l2**2).sum())))
    low = np.minimum(-radius, np.minimum(found.free, 0.0))
    high = np.maximum(radius, np.maximum(found.free, 0.0))
    half = 0.5 * 1.12 * float((high - low).max())
    centre = (low + high) / 2
    return [float(centre[0] - half), float(centre[0] + half)], [float(centre[1] - half), float(centre[1] + half)]


def _add_contours(result: go.Figure, found: Touching, first: Floats, second: Floats) -> None:
    surface = found.surface(first, second)
    best = float(profile_loss(found, found.free[None])[0])
    scale = [[0, CONTEXT], [1, CONTEXT]]
    root = np.sqrt(np.maximum(surface - best, 0.0))  # evenly spaced rings for a quadratic bowl
    at = float(np.sqrt(max(found.level - best, 0.0)))
    shared: dict[str, Any] = {
        "x": first,
        "y": second,
        "z": root,
        "showscale": False,
        "hoverinfo": "skip",
        "colorscale": scale,
    }
    step = max(at / 3, float(root.max()) / MOST_CONTOURS)
    rings = {"coloring": "lines", "start": step, "end": float(root.max()), "size": step}
    result.add_trace(go.Contour(contours=rings, line={"width": 1, "smoothing": 1}, name="loss", **shared))
    bold = {"coloring": "lines", "start": at, "end": at, "size": 1}
    shared["colorscale"] = [[0, MARK], [1, MARK]]
    result.add_trace(
        go.Contour(contours=bold, line={"width": 2.5, "smoothing": 1}, name="the touched contour", **shared)
    )


def _add_ball(result: go.Figure, name: str, w: Floats, outline: Floats) -> None:
    color = color_of(name)
    shape = "diamond" if name == "L1" else "disc"
    result.add_trace(
        go.Scatter(
            x=outline[:, 0],
            y=outline[:, 1],
            mode="lines",
            fill="toself",
            fillcolor=f"rgba{(*(int(color[k : k + 2], 16) for k in (1, 3, 5)), 0.09)}",
            line={"color": color, "width": 2},
            hoverinfo="skip",
            name=f"{name} {shape} touches at ({number(w[0])}, {number(w[1])})",
        )
    )
    result.add_trace(
        go.Scatter(
            x=w[:1],
            y=w[1:],
            mode="markers",
            marker={
                "color": color,
                "size": 12,
                "symbol": "diamond" if name == "L1" else "circle",
                "line": {"width": 1.5, "color": "#ffffff"},
            },
            showlegend=False,
            name=f"{name} fit",
            hovertemplate=f"{name}: (%{{x:.4g}}, %{{y:.4g}})<extra></extra>",
        )
    )


def _add_free(result: go.Figure, found: Touching) -> None:
    result.add_trace(
        go.Scatter(
            x=found.free[:1],
            y=found.free[1:],
            mode="markers",
            marker={"symbol": "x", "size": 10, "color": MARK},
            showlegend=False,
            name="unpenalised",
            hovertemplate="unpenalised: (%{x:.4g}, %{y:.4g})<extra></extra>",
        )
    )
    right = found.free[0] < float(np.mean(result.layout.xaxis.range))
    result.add_annotation(
        text="unpenalised",
        x=found.free[0],
        y=found.free[1],
        xanchor="left" if right else "right",
        xshift=10 if right else -10,
    )
