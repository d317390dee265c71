"""The L1 diamond and the L2 disc, with the real loss contours of two features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ..losses import Loss
from .theme import CONTEXT, MARK, color_of, figure, plain_text, significant
from .touching import Touching, profile_loss, touching

Floats = NDArray[np.float64]
GRID_POINTS = 61
N_CONTOURS = 12
FARTHEST = 2.2  # radii of the balls that the window may reach out to the unpenalised fit


def geometry_figure(
    X2: ArrayLike,
    y: ArrayLike,
    loss: str | Loss = "squared",
    *,
    names: Sequence[str] = ("first feature", "second feature"),
    offset: ArrayLike | None = None,
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
    y, loss, offset, alpha
        As for `touching`.
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
    'w1: age'
    """
    return touching_figure(touching(X2, y, loss, offset=offset, alpha=alpha), names=names, height=height)


def touching_figure(
    found: Touching, *, names: Sequence[str] = ("first feature", "second feature"), height: int = 520
) -> go.Figure:
    """The picture of a `Touching` already found; see `geometry_figure`."""
    result = figure("The L1 diamond and the L2 disc", height)
    first, second = _window(found)
    _add_contours(result, found, _grid(first), _grid(second))
    _add_ball(result, "L1", found.l1, np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]]) * abs(found.l1).sum())
    angle = np.linspace(0, 2 * np.pi, 181)
    _add_ball(result, "L2", found.l2, np.column_stack([np.cos(angle), np.sin(angle)]) * np.sqrt((found.l2**2).sum()))
    result.update_layout(
        xaxis={"title": {"text": f"w1: {plain_text(names[0], 30)}"}, "range": first, "constrain": "domain"},
        yaxis={
            "title": {"text": f"w2: {plain_text(names[1], 30)}"},
            "range": second,
            "scaleanchor": "x",
            "constrain": "domain",
        },
        margin={"t": 84, "b": 60},
    )
    _add_free(result, found)
    return result


def _window(found: Touching) -> tuple[list[float], list[float]]:
    """A square that holds both balls, and the unpenalised fit where it is not too far off to see them."""
    radius = max(abs(found.l1).sum(), float(np.sqrt((found.l2**2).sum())))
    goal = found.free.clip(-FARTHEST * radius, FARTHEST * radius)
    low, high = np.minimum(-radius, goal), np.maximum(radius, goal)
    half = 0.5 * 1.12 * float((high - low).max())
    centre = (low + high) / 2
    return [float(centre[0] - half), float(centre[0] + half)], [float(centre[1] - half), float(centre[1] + half)]


def _grid(limits: list[float]) -> Floats:
    return np.linspace(limits[0], limits[1], GRID_POINTS)


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
    low, high = float(root.min()), float(root.max())
    step = (high - low) / N_CONTOURS
    start = at - step * np.floor((at - low) / step) if step > 0 else at  # so that one ring is the touched contour
    rings = {"coloring": "lines", "start": start, "end": high, "size": step or 1}
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
            name=f"{name} {shape} touches at ({significant(w[0], 3)}, {significant(w[1], 3)})",
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
    """The unpenalised fit: a cross, or at the border an arrow's worth of words where it lies outside."""
    limits = np.array([result.layout.xaxis.range, result.layout.yaxis.range], dtype=float)
    room = 0.04 * (limits[:, 1] - limits[:, 0])
    at = found.free.clip(limits[:, 0] + room, limits[:, 1] - room)
    inside = bool((at == found.free).all())
    place = f"({significant(found.free[0], 3)}, {significant(found.free[1], 3)})"
    result.add_trace(
        go.Scatter(
            x=at[:1],
            y=at[1:],
            mode="markers",
            marker={"symbol": "x" if inside else "x-open", "size": 10, "color": MARK},
            showlegend=False,
            name="unpenalised",
            hovertemplate=f"unpenalised: {place}<extra></extra>",
        )
    )
    right = at[0] < limits[0].mean()
    result.add_annotation(
        text="unpenalised" if inside else f"unpenalised, outside at {place}",
        x=at[0],
        y=at[1],
        xanchor="left" if right else "right",
        xshift=10 if right else -10,
    )
