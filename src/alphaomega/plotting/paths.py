"""Coefficient paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..results import Path
from .axes import AlphaAxis, add_alpha_axis, add_counts_axis, null_alpha
from .theme import CONTEXT, DASHES, FEATURE_COLORS, MARK, figure, plain_text, significant, spread

Floats = NDArray[np.float64]
MOST_DRAWN = 80
OFF_SCALE = 3.0
LABEL_GAP = 16.0
LABEL_LENGTH = 20


def path_figure(
    path: Path,
    *,
    named: int | Sequence[int] = 12,
    standardized: bool = True,
    output: Any = None,
    marks: Mapping[str, float] | None = None,
    height: int = 480,
) -> go.Figure:
    """The coefficients over the path: alpha on a log axis, strongest penalty on the left, non-zero counts on top.

    The `named` strongest features (largest mean |coefficient| over the grid) are named at their line ends; the others
    that are ever non-zero stay grey, the 80 strongest of them drawn. alpha = 0 is drawn a step beyond the smallest
    positive alpha.

    Parameters
    ----------
    path : Path
        With m alphas and p features.
    named : int or sequence of feature positions, default 12
        How many features to name, or which (then in the order of their colours).
    standardized : bool, default True
        Draw coefficients per standard deviation of their column; False: in the columns' own units.
    output : class label, optional
        For the multinomial loss, the class whose coefficients are drawn; by default each feature's norm over classes.
    marks : mapping of label to alpha, optional
        Strengths to mark by a line, such as {"1-SE": cv.alpha_1se}; where coefficients at weaker penalties are many
        times those at the marks, the axis stops short of them and says so.
    height : int, default 480
        Pixels.

    Raises
    ------
    ValueError
        If `output` is not a class of this path.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, 2nd ed., figures 3.8 and 3.10.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> fit = ao.path(np.eye(4)[:, :2], [3.0, 1.0, 0.0, 0.0], n_alphas=5)
    >>> path_figure(fit).layout.xaxis.type
    'log'
    """
    values, quantity = drawn_coefficients(path, standardized, output)
    names, axis = path.names(), AlphaAxis.of(path.alphas)
    strength = abs(values).mean(0)
    order = np.argsort(-strength, kind="stable")
    order = order[strength[order] > 0]
    chosen = order[:named] if isinstance(named, int) else np.asarray(named, dtype=int)
    others = order[~np.isin(order, chosen)]
    rest = others[:MOST_DRAWN]
    result = figure(f"Coefficient paths: {plain_text(path.penalty.__class__.__name__)}", height)
    _add_context(result, axis, values[:, rest], len(others))
    for rank, j in enumerate(chosen):
        result.add_trace(
            go.Scatter(
                x=axis.x,
                y=values[:, j],
                name=plain_text(names[j], 60),
                mode="lines",
                line={"color": _color(rank), "dash": _dash(rank), "width": 2},
                customdata=path.alphas,
                hovertemplate="alpha %{customdata:.4g}<br>coefficient %{y:.4g}",
            )
        )
    drawn = values[:, np.append(chosen, rest)]
    limits = _limits(drawn, [path.index(alpha) for alpha in (marks or {}).values()])
    result.update_layout(yaxis={"title": {"text": quantity}, "range": limits}, showlegend=False)
    if "<br>" in quantity:
        result.update_layout(margin={"l": 82})
    add_counts_axis(result, axis, path)
    add_alpha_axis(result, axis, path.loss, null_alpha(path))
    for row, (label, alpha) in enumerate((marks or {}).items()):
        x = axis.position(alpha)
        result.add_vline(x=x, line={"color": MARK, "width": 1, "dash": "dash" if label == "1-SE" else "solid"})
        side = "left" if np.log10(x) > np.mean(axis.limits()) else "right"  # the text goes to the roomier side
        at = {"x": float(np.log10(x)), "y": 0, "yref": "paper", "xanchor": side, "yanchor": "bottom"}
        result.add_annotation(text=plain_text(label), xshift=2 if side == "left" else -2, yshift=15 * row, **at)
    if drawn.size and (drawn.min() < limits[0] or drawn.max() > limits[1]):
        text = "▴ larger coefficients lie off the scale"
        result.add_annotation(
            text=text, x=1, y=1, xref="paper", yref="paper", xanchor="right", yanchor="top", xshift=-6, yshift=-21
        )
    _name_line_ends(result, values[-1, chosen], [names[j] for j in chosen], limits)
    return result


def drawn_coefficients(path: Path, standardized: bool = True, output: Any = None) -> tuple[Floats, str]:
    """What `path_figure` draws, shape (m, p), and its name for the axis."""
    values = path.coef_standardized if standardized else path.coef
    unit = "coefficient per standard deviation" if standardized and path.standardized else "coefficient"
    if output is not None:
        labels = [] if path.classes is None or values.ndim == 2 else list(path.classes)
        if output not in labels:
            raise ValueError(f"output must be one of this path's classes {labels}, got {output!r}")
        return values[:, labels.index(output), :], f"{unit},<br>class {plain_text(output, 20)}"
    if values.ndim == 3:
        return np.sqrt((values**2).sum(1)), f"{unit},<br>norm over classes"
    return values, unit


def _color(rank: int) -> str:
    return FEATURE_COLORS[rank % len(FEATURE_COLORS)]


def _dash(rank: int) -> str:
    return DASHES[rank // len(FEATURE_COLORS) % len(DASHES)]


def _limits(values: Floats, marked: list[int | None]) -> list[float]:
    """The range of y with room at both ends; at most OFF_SCALE times the largest coefficient at the marked alphas."""
    low, high = min(values.min(initial=0.0), 0.0), max(values.max(initial=0.0), 0.0)
    bound = OFF_SCALE * max((abs(values[k]).max(initial=0.0) for k in marked if k is not None), default=0.0)
    if bound:
        low, high = max(low, -bound), min(high, bound)
    room = 0.05 * ((high - low) or 1.0)
    return [float(low - room), float(high + room)]


def _add_context(result: go.Figure, axis: AlphaAxis, values: Floats, n_others: int) -> None:
    """The lines without a name: one grey trace, broken by NaN between features."""
    drawn = values.shape[1]
    if not drawn:
        return
    gap = np.full((1, drawn), np.nan)
    x = np.tile(np.append(axis.x, np.nan), drawn).astype(np.float32)  # background: half the bytes are enough
    y = np.concatenate([values, gap]).T.ravel().astype(np.float32)
    line = {"color": CONTEXT, "width": 1}
    result.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", name="other features"))
    others = f"grey: {n_others:,} other feature{'s' if n_others > 1 else ''}"
    if drawn < n_others:
        others = f"grey: the {drawn} largest of {n_others:,} other features"
    result.add_annotation(
        text=others, x=0, y=1, xref="paper", yref="paper", xanchor="left", yanchor="top", xshift=6, yshift=-4
    )


def _name_line_ends(result: go.Figure, ends: Floats, names: list[str], limits: list[float]) -> None:
    """Write each name beside the end of its line, moved apart where they would overlap."""
    margin = result.layout.margin
    longest = max((len(plain_text(name, LABEL_LENGTH)) for name in names), default=0)
    result.update_layout(margin={"r": int(min(44 + 7.6 * longest, 200))})
    pixels = result.layout.height - margin.t - margin.b
    per_unit = pixels / (limits[1] - limits[0])
    order = np.argsort(ends, kind="stable")
    inside = ends.clip(limits[0], limits[1])
    wanted = [float((inside[k] - limits[0]) * per_unit) for k in order]
    placed = spread(wanted, LABEL_GAP, 0.0, float(pixels))
    for k, at, put in zip(order, wanted, placed):
        result.add_annotation(
            text=plain_text(names[k], LABEL_LENGTH),
            hovertext=plain_text(f"{names[k]}: {significant(ends[k], 3)}"),
            x=1,
            xref="paper",
            y=float(inside[k]),
            yref="y",
            xanchor="left",
            ax=26,
            ay=at - put,
            showarrow=True,
            arrowhead=0,
            arrowwidth=1.5,
            arrowcolor=_color(int(k)),
        )
