"""Iterative dropout: the held-out error over what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from .theme import FEATURE_COLORS, MARK, figure

WIDE = 50  # times the smallest size from which on the axis is logarithmic

if TYPE_CHECKING:
    from ..model_selection import IterativeDropout


def dropout_figure(found: IterativeDropout, *, color: str = FEATURE_COLORS[0], height: int = 440) -> go.Figure:
    """The mean held-out error of every stage with a band of one standard error; the cut and the smallest are marked.

    Cuts on halves of the rows, where they were made, stand as ticks at the bottom; the cut of the L1 penalty as a
    diamond where its error was measured.

    Parameters
    ----------
    found : IterativeDropout
        Fitted.
    color : str
        Of the curve.
    height : int, default 440
        Pixels.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> X = np.random.default_rng(0).standard_normal((40, 3))
    >>> found = ao.IterativeDropout(ao.OLS(), folds=4).fit(X, X[:, 0])
    >>> [trace.name for trace in dropout_figure(found).data][:2]
    ['standard error', 'held-out error']
    """
    sizes, mean = found.sizes_, found.errors_.mean(0)
    error = found.errors_.std(0, ddof=1) / np.sqrt(len(found.errors_))
    what = {"features": "columns", "samples": "rows"}.get(found.drop, found.drop)
    result = figure(f"Iterative dropout: {found.n_left_:,} of {sizes[0]:,} {what} stay", height)
    band = np.concatenate([mean + error, (mean - error)[::-1]])
    result.add_trace(
        go.Scatter(
            x=np.concatenate([sizes, sizes[::-1]]), y=band, fill="toself", fillcolor=color, opacity=0.22,
            line={"width": 0}, mode="lines", hoverinfo="skip", name="standard error", showlegend=False,
        )
    )  # fmt: skip
    result.add_trace(
        go.Scatter(
            x=sizes, y=mean, mode="lines+markers", line={"color": color, "width": 2}, marker={"size": 5},
            name="held-out error", customdata=error,
            hovertemplate=f"%{{x}} {what}<br>error %{{y:.4g}} ± %{{customdata:.2g}}<extra></extra>",
        )
    )  # fmt: skip
    lowest, highest = float((mean - error).min()), float((mean + error).max())
    one_shot = found.one_shot_
    wide = _wide(found)
    if one_shot is not None and np.isfinite(one_shot.error) and (len(one_shot.left) or not wide):
        result.add_trace(
            go.Scatter(
                x=[len(one_shot.left)], y=[one_shot.error], mode="markers", name=one_shot.name,
                marker={"symbol": "diamond", "size": 11, "color": FEATURE_COLORS[1]},
                hovertemplate=f"%{{x}} {what}<br>error %{{y:.4g}}",
            )
        )  # fmt: skip
        lowest, highest = min(lowest, one_shot.error), max(highest, one_shot.error)
    if len(found.cuts_) and found.drop != "samples":
        result.add_trace(
            go.Scatter(
                x=found.cuts_, y=np.full(len(found.cuts_), lowest - 0.05 * (highest - lowest)), mode="markers",
                marker={"symbol": "line-ns-open", "size": 12, "color": MARK, "opacity": 0.6},
                name="cuts on halves of the rows", hovertemplate=f"%{{x}} {what}",
            )
        )  # fmt: skip
    _mark(result, found)
    result.update_layout(
        xaxis={"title": {"text": f"{what} left"}, "autorange": "reversed"}
        | ({"type": "log", "dtick": 1} if wide else {}),
        yaxis={"title": {"text": "held-out error"}},
    )
    return result


def _wide(found: IterativeDropout) -> bool:
    """Whether the sizes span so much that the last stages, where the cut falls, need a logarithmic axis."""
    return bool(found.sizes_[0] > WIDE * found.sizes_[-1])


def _mark(result: go.Figure, found: IterativeDropout) -> None:
    """The smallest error and the one-standard-error cut."""
    marks = {"minimum": found.n_min_, "1-SE": found.n_1se_}
    if found.n_min_ == found.n_1se_:
        marks = {"minimum = 1-SE": found.n_min_}
    place = np.log10 if _wide(found) else np.asarray  # a logarithmic axis takes annotations at the logarithm
    for row, (name, size) in enumerate(marks.items()):
        left = place(size) < place(found.sizes_[[0, -1]]).mean()  # reversed axis: small sizes stand on the right
        result.add_vline(x=size, line={"color": MARK, "width": 1, "dash": "solid" if name == "minimum" else "dash"})
        result.add_annotation(
            text=f"<b>{name}</b>: {size:,}", x=float(place(size)), xref="x", y=1, yref="paper", yanchor="top",
            xanchor="right" if left else "left", xshift=-6 if left else 6, yshift=-4 - 18 * row,
        )  # fmt: skip
