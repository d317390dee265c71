"""Intervals of coefficients beside point estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from .coefficients import ROW_HEIGHT, a_line_each, remark, strongest_features, strongest_of
from .theme import PENALTY_SYMBOLS, color_of, figure, plain_text

Floats = NDArray[np.float64]


def interval_figure(
    intervals: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]],
    estimates: Mapping[str, ArrayLike],
    names: Sequence[str],
    *,
    most: int = 20,
    title: str = "How sure each coefficient is",
    quantity: str = "coefficient per standard deviation",
) -> go.Figure:
    """One line per feature: each interval as a bar with a tick at its center, and on it the fit of the same name.

    The `most` features with the largest |center| are shown, largest first; an estimate of exactly zero is hollow.

    Parameters
    ----------
    intervals : mapping of name to (center, lower, upper), each of shape (p,)
    estimates : mapping of name to array of shape (p,)
        A name that is among the intervals stands on their line, in their colour.
    names : sequence of p feature names
    most : int, default 20
        How many features to show.
    title, quantity : str
        Title of the figure, and of the horizontal axis.

    Raises
    ------
    ValueError
        If there is no interval, or an array has another length than `names`.

    Examples
    --------
    >>> chart = interval_figure({"L2": ([0.4], [0.1], [0.7])}, {"L2": [0.35]}, ["age"])
    >>> [trace.name for trace in chart.data]
    ['L2: interval', 'L2: fit']
    """
    bars = {name: np.array(values, dtype=float) for name, values in intervals.items()}
    points = {name: np.asarray(values, dtype=float) for name, values in estimates.items()}
    if not bars:
        raise ValueError("intervals is empty; pass at least one by name")
    for name, values in [*bars.items(), *points.items()]:
        if values.shape[-1] != len(names):
            raise ValueError(f"{name!r} has {values.shape[-1]} coefficients but there are {len(names)} names")
    shown = strongest_features({name: values[0] for name, values in bars.items()}, most)
    result = figure(title, 148 + (ROW_HEIGHT + 7) * len(shown))
    places = dict(zip(bars, np.linspace(-0.2, 0.2, len(bars)) if len(bars) > 1 else [0.0]))
    for position, (name, values) in enumerate(bars.items()):
        _add_bars(result, name, values[:, shown], (position, float(places[name])))
    for position, (name, values) in enumerate(points.items()):
        _add_points(result, name, values[shown], (position, float(places.get(name, 0.0))))
    a_line_each(result, [names[j] for j in shown], quantity)
    remark(result, strongest_of(len(shown), len(names)))
    return result


def _add_bars(result: go.Figure, name: str, values: Floats, place: tuple[int, float]) -> None:
    position, offset = place
    center, lower, upper = values
    result.add_trace(
        go.Scatter(
            x=center,
            y=np.arange(len(center)) + offset,
            mode="markers",
            name=f"{plain_text(name, 30)}: interval",
            marker={"color": color_of(name, position), "size": 9, "symbol": "line-ns", "line": {"width": 2}},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": upper - center,
                "arrayminus": center - lower,
                "thickness": 2.5,
                "width": 0,
                "color": color_of(name, position),
            },
            customdata=np.column_stack([lower, upper]),
            hovertemplate="%{x:.4g}, %{customdata[0]:.4g} to %{customdata[1]:.4g}",
        )
    )
    result.data[-1].marker.line.color = color_of(name, position)


def _add_points(result: go.Figure, name: str, values: Floats, place: tuple[int, float]) -> None:
    position, offset = place
    symbol = PENALTY_SYMBOLS.get(name, "circle")
    color = color_of(name, position)
    result.add_trace(
        go.Scatter(
            x=values,
            y=np.arange(len(values)) + offset,
            mode="markers",
            name=f"{plain_text(name, 30)}: fit",
            marker={
                "color": color,
                "size": 8,
                "symbol": np.where(values == 0, f"{symbol}-open", symbol),
                "line": {"width": 1.5, "color": color},
            },
            hovertemplate="%{x:.5g}",
        )
    )
