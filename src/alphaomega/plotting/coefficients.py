"""Coefficients of several fits side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from .theme import CONTEXT, PENALTY_SYMBOLS, color_of, figure, plain_text

Floats = NDArray[np.float64]
ROW_HEIGHT = 27
LABEL_LENGTH = 22
OFF_SCALE = 3.0
SYMBOLS = ("square", "diamond", "circle", "triangle-up", "pentagon", "star")


def coefficients_figure(
    coefs: Mapping[str, ArrayLike],
    names: Sequence[str],
    *,
    most: int = 20,
    quantity: str = "coefficient per standard deviation",
) -> go.Figure:
    """The coefficients of several fits on one line per feature; an exact zero is drawn hollow, on the zero line.

    The `most` features with the largest |coefficient| in any penalised fit are shown, largest first. Where the
    unpenalised fit ("none") is many times larger than all others, its far points are drawn as triangles at the border
    (their values in the hover text).

    Parameters
    ----------
    coefs : mapping of fit name to array of shape (p,) or (K, p)
        For K classes the norm over the classes is drawn.
    names : sequence of p feature names
    most : int, default 20
        How many features to show.
    quantity : str
        Title of the horizontal axis.

    Raises
    ------
    ValueError
        If there is no fit, or one has another number of coefficients than there are names.

    Examples
    --------
    >>> chart = coefficients_figure({"L2": [0.4, -0.1], "L1": [0.5, 0.0]}, ["age", "bmi"])
    >>> chart.layout.yaxis.ticktext
    ('age', 'bmi')
    """
    values = {name: np.asarray(coef, dtype=float) for name, coef in coefs.items()}
    if not values:
        raise ValueError("coefs is empty; pass at least one fit by name")
    for name, coef in values.items():
        if coef.shape[-1] != len(names):
            raise ValueError(f"{name!r} has {coef.shape[-1]} coefficients but there are {len(names)} names")
    if any(coef.ndim == 2 for coef in values.values()):
        values = {name: np.sqrt((np.atleast_2d(coef) ** 2).sum(0)) for name, coef in values.items()}
        quantity = f"{quantity}, norm over classes"
    shown = strongest_features(values, most)
    result = figure("Coefficients side by side", 148 + ROW_HEIGHT * len(shown))
    limit = _limit(values, shown)
    offsets = np.linspace(-0.24, 0.24, len(values)) if len(values) > 1 else np.zeros(1)
    for position, (name, coef) in enumerate(values.items()):
        _add_fit(result, name, coef[shown], limit, (position, float(offsets[position])))
    low = min((float(coef[shown].min(initial=0.0)) for coef in values.values()), default=0.0)
    high = max((float(coef[shown].max(initial=0.0)) for coef in values.values()), default=0.0)
    low, high = max(low, -limit), min(high, limit)
    room = 0.06 * ((high - low) or 1.0)
    a_line_each(result, [names[j] for j in shown], quantity)
    result.update_layout(xaxis={"range": [low - room, high + room]})
    beyond = any((abs(coef[shown]) > limit).any() for coef in values.values())
    remark(result, strongest_of(len(shown), len(names)), "▸ beyond the scale" if beyond else "")
    return result


def a_line_each(result: go.Figure, names: Sequence[str], quantity: str) -> None:
    """Axes of a figure with one line per name, first on top, and a quantity along it."""
    result.update_layout(
        xaxis={"title": {"text": quantity}},
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [plain_text(name, LABEL_LENGTH) for name in names],
            "range": [len(names) - 0.45, -0.55],
            "ticks": "",
            "ticklabelstandoff": 6,
            "zeroline": False,
            "automargin": True,
        },
        margin={"t": 84, "b": 72, "l": 24},
    )


def strongest_of(shown: int, total: int) -> str:
    """What the reader does not see; "" where nothing is left out."""
    return f"the {shown} strongest of {total:,} features" if shown < total else ""


def remark(result: go.Figure, *texts: str) -> None:
    """Remarks under the right end of the axis, those that say something."""
    text = "; ".join(filter(None, texts))
    if text:
        at = {"x": 1, "y": 0, "xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "top", "yshift": -48}
        result.add_annotation(text=text, **at)


def strongest_features(values: Mapping[str, Floats], most: int) -> NDArray[np.intp]:
    """Positions of the features with the largest |coefficient| in any penalised fit, largest first."""
    ranked = [coef for name, coef in values.items() if name != "none"] or list(values.values())
    strength = np.max([abs(coef) for coef in ranked], axis=0)
    return np.argsort(-strength, kind="stable")[:most]


def _limit(values: Mapping[str, Floats], shown: NDArray[np.intp]) -> float:
    """The largest |coefficient| drawn to scale: the penalised fits decide, unless the other is not far off."""
    largest = {name: float(abs(coef[shown]).max(initial=0.0)) for name, coef in values.items()}
    penalised = max((size for name, size in largest.items() if name != "none"), default=0.0) or max(largest.values())
    return max(largest.values()) if max(largest.values()) <= OFF_SCALE * penalised else 1.25 * penalised


def _add_fit(result: go.Figure, name: str, coef: Floats, limit: float, place: tuple[int, float]) -> None:
    position, offset = place
    color = color_of(name, position)
    symbol = PENALTY_SYMBOLS.get(name, SYMBOLS[position % len(SYMBOLS)])
    drawn = coef.clip(-limit, limit)
    beyond = np.where(coef > limit, "triangle-right", "triangle-left")
    symbols = np.where(coef == 0, f"{symbol}-open", np.where(abs(coef) > limit, beyond, symbol))
    rows = np.arange(len(coef)) + offset
    stems = np.column_stack([np.zeros_like(drawn), drawn, np.full_like(drawn, np.nan)]).ravel()
    result.add_trace(
        go.Scatter(
            x=stems,
            y=np.repeat(rows, 3),
            mode="lines",
            line={"color": CONTEXT, "width": 1},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    result.add_trace(
        go.Scatter(
            x=drawn,
            y=rows,
            mode="markers",
            name=plain_text(name, 30),
            marker={"color": color, "size": 8, "symbol": symbols, "line": {"width": 1.5, "color": color}},
            customdata=coef,
            hovertemplate="%{customdata:.5g}",
        )
    )
