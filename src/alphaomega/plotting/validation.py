"""Cross-validation curves."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..losses import Loss
from ..results import CrossValidation
from .axes import AlphaAxis, add_alpha_axis, add_counts_axis, null_alpha
from .theme import FEATURE_COLORS, MARK, figure, significant

Floats = NDArray[np.float64]
OFF_SCALE = 2.5


def cross_validation_figure(cv: CrossValidation, *, color: str = FEATURE_COLORS[0], height: int = 440) -> go.Figure:
    """The mean held-out score over folds with a band of one standard error; alpha_min and alpha_1se marked.

    Where scores at weak penalties are many times the best and the null model's, the axis stops short of them and says
    so.

    Parameters
    ----------
    cv : CrossValidation
        Of a path with m alphas.
    color : str
        Of the curve and its band.
    height : int, default 440
        Pixels.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, 2nd ed., section 7.10.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((30, 3))
    >>> cv = ao.cross_validate(X, X[:, 0] + rng.standard_normal(30), n_alphas=5, folds=3)
    >>> [trace.name for trace in cross_validation_figure(cv).data][:2]
    ['standard error', 'mean over 3 folds']
    """
    axis = AlphaAxis.of(cv.path.alphas)
    mean, error = cv.mean, cv.standard_error
    result = figure("Cross-validation", height)
    chosen = f": minimum at alpha {significant(cv.alpha_min, 3)}, 1-SE at {significant(cv.alpha_1se, 3)}"
    result.update_layout(title={"text": result.layout.title.text + chosen})
    result.add_trace(
        go.Scatter(
            x=np.concatenate([axis.x, axis.x[::-1]]),
            y=np.concatenate([mean + error, (mean - error)[::-1]]),
            fill="toself",
            fillcolor=color,
            opacity=0.22,
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            name="standard error",
        )
    )
    result.add_trace(
        go.Scatter(
            x=axis.x,
            y=mean,
            mode="lines",
            line={"color": color, "width": 2},
            name=f"mean over {len(cv.scores)} folds",
            customdata=np.column_stack([cv.path.alphas, error, cv.path.n_nonzero]),
            hovertemplate="alpha %{customdata[0]:.4g}<br>score %{y:.4g} ± %{customdata[1]:.2g}"
            "<br>%{customdata[2]} non-zero<extra></extra>",
        )
    )
    result.update_layout(showlegend=False, yaxis={"title": {"text": f"{score_name(cv.path.loss)}, held out"}})
    limit_scores(result, [mean - error], [mean + error], float(mean[0]))
    add_counts_axis(result, axis, cv.path)
    add_alpha_axis(result, axis, cv.path.loss, null_alpha(cv.path))
    _mark(result, cv, axis, color)
    return result


def score_name(loss: Loss) -> str:
    """What a score of this loss is called."""
    return "mean squared error" if loss.name == "squared" else "mean deviance"


def limit_scores(result: go.Figure, lows: list[Floats], highs: list[Floats], anchor: float) -> None:
    """Set the range of y; where it would be many times the span from the best score to `anchor`, cut it and say so."""
    low, high = float(min(np.nanmin(part) for part in lows)), float(max(np.nanmax(part) for part in highs))
    ceiling = max(anchor, low) + (OFF_SCALE - 1) * max(anchor - low, 0.1 * abs(anchor))
    if high > ceiling:
        high = ceiling
        result.add_annotation(
            text="▴ larger errors lie off the scale",
            x=1,
            y=1,
            xref="paper",
            yref="paper",
            xanchor="right",
            yanchor="top",
            xshift=-6,
            yshift=-40,
        )
    room = 0.06 * ((high - low) or 1.0)
    result.update_yaxes(range=[low - room, high + room])


def _mark(result: go.Figure, cv: CrossValidation, axis: AlphaAxis, color: str) -> None:
    """The lines and points at alpha_min and alpha_1se."""
    marks = [("minimum", cv.index_min), ("1-SE", cv.index_1se)]
    if cv.index_min == cv.index_1se:
        marks = [("minimum = 1-SE", cv.index_min)]
    middle = float(np.mean(axis.limits()))
    for row, (name, k) in enumerate(marks):
        x = float(axis.x[k])
        anchor = "left" if np.log10(x) > middle else "right"  # the text goes to the roomier side
        result.add_vline(x=x, line={"color": MARK, "width": 1, "dash": "dash" if name == "1-SE" else "solid"})
        symbol = "circle-open" if name == "1-SE" else "circle"
        marker = {"color": color, "size": 10, "symbol": symbol, "line": {"width": 2, "color": color}}
        result.add_trace(go.Scatter(x=[x], y=[cv.mean[k]], mode="markers", marker=marker, hoverinfo="skip", name=name))
        result.add_annotation(
            text=f"<b>{name}</b>: {cv.path.n_nonzero[k]:,} non-zero",
            x=float(np.log10(x)),
            xref="x",
            y=1,
            yref="paper",
            xanchor=anchor,
            yanchor="top",
            xshift=6 if anchor == "left" else -6,
            yshift=-4 - 18 * row,
        )
