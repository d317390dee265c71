"""Criteria along a path, and how stable a selection is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from .axes import AlphaAxis, add_alpha_axis, add_counts_axis, null_alpha
from .theme import CONTEXT, FEATURE_COLORS, MARK, figure, plain_text, significant

if TYPE_CHECKING:
    from ..model_selection import Criteria, Stability

Floats = NDArray[np.float64]
NAMES = {"aic": "AIC", "bic": "BIC", "ebic": "EBIC", "cp": "Cp", "gcv": "GCV"}
TALLEST = 1.35  # of what a criterion spans to the left of its minimum
ROW_HEIGHT = 22
MOST_BARS = 30


def criteria_figure(
    found: Criteria, *, names: tuple[str, ...] = ("aic", "bic", "ebic", "gcv"), height: int = 440
) -> go.Figure:
    """Each criterion against alpha, from 0 at its smallest to 1 at the null model; a dot marks the smallest.

    Parameters
    ----------
    found : Criteria
        From `ao.criteria(path)`.
    names : tuple of {"aic", "bic", "ebic", "cp", "gcv"}
    height : int, default 440
        Pixels.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> X = np.random.default_rng(0).standard_normal((30, 3))
    >>> drawn = criteria_figure(ao.criteria(ao.path(X, X[:, 0], n_alphas=5, alpha_min_ratio=0.1)), names=("gcv",))
    >>> [trace.name for trace in drawn.data][:1]
    ['GCV']
    """
    path = found.path
    axis = AlphaAxis.of(path.alphas)
    result = figure("Criteria against alpha", height)
    for position, name in enumerate(names):
        values, best = getattr(found, name), found.index(name)
        span = (values[0] - values[best]) or 1.0
        color = FEATURE_COLORS[position % len(FEATURE_COLORS)]
        scaled = (values - values[best]) / span
        hover = f"{NAMES[name]} %{{customdata:.6g}}<br>alpha %{{x:.4g}}<extra></extra>"
        result.add_trace(
            go.Scatter(
                x=axis.x, y=scaled, mode="lines", name=NAMES[name], line={"color": color, "width": 2},
                customdata=values, hovertemplate=hover, legendgroup=name,
            )
        )  # fmt: skip
        marker = {"color": color, "size": 11, "line": {"width": 1.5, "color": "#ffffff"}}
        result.add_trace(
            go.Scatter(
                x=[axis.x[best]], y=[0.0], mode="markers", marker=marker, showlegend=False, legendgroup=name,
                name=f"{NAMES[name]}, smallest",
                hovertemplate=f"smallest {NAMES[name]} at alpha %{{x:.4g}}<extra></extra>",
            )
        )  # fmt: skip
    legend = {"orientation": "v", "x": 1, "xanchor": "right", "y": 0.98, "yanchor": "top"}  # the counts stand on top
    title = {"text": "0 at the smallest, 1 at the null model"}
    result.update_layout(yaxis={"title": title, "range": [-0.06, TALLEST]}, legend=legend)
    add_counts_axis(result, axis, path)
    add_alpha_axis(result, axis, path.loss, null_alpha(path))
    return result


def stability_figure(found: Stability, *, most: int = MOST_BARS) -> go.Figure:
    """How often each feature was selected, longest bar first; the threshold is a line, what reaches it is coloured.

    Parameters
    ----------
    found : Stability
        From `ao.stability_selection`.
    most : int, default 30
        How many features to show.

    References
    ----------
    N. Meinshausen, P. Bühlmann (2010), Stability selection, JRSS B 72.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> X = np.random.default_rng(0).standard_normal((40, 4))
    >>> found = ao.stability_selection(X, X[:, 2], n_resamples=10)
    >>> stability_figure(found).layout.yaxis.ticktext[0]
    'x2'
    """
    order = np.argsort(-found.probability, kind="stable")[:most]
    names = found.names()
    result = figure("Selection probability over half-samples", 150 + ROW_HEIGHT * len(order))
    chosen = found.probability[order] >= found.threshold
    result.add_trace(
        go.Bar(
            x=found.probability[order],
            y=np.arange(len(order)),
            orientation="h",
            marker={"color": np.where(chosen, FEATURE_COLORS[0], CONTEXT).tolist()},
            name="probability",
            customdata=[plain_text(names[j], 40) for j in order],
            hovertemplate="%{customdata}: %{x:.2f}<extra></extra>",
            showlegend=False,
        )
    )
    result.add_vline(x=found.threshold, line={"color": MARK, "width": 1.5, "dash": "dash"})
    result.add_annotation(
        text=f"threshold {significant(found.threshold, 2)}", x=found.threshold, xref="x", y=1, yref="paper",
        xanchor="right", yanchor="bottom", xshift=-4, yshift=2,
    )  # fmt: skip
    result.update_layout(
        xaxis={"title": {"text": f"share of {2 * found.n_pairs} half-samples that select it"}, "range": [0, 1.02]},
        yaxis={
            "tickvals": list(range(len(order))),
            "ticktext": [plain_text(names[j], 22) for j in order],
            "range": [len(order) - 0.4, -0.6],
            "ticks": "",
            "automargin": True,
            "zeroline": False,
        },
        margin={"t": 84, "b": 72, "l": 24},
    )
    if len(order) < len(names):
        result.add_annotation(
            text=f"the {len(order)} most often selected of {len(names):,} features", x=1, y=0, xref="paper",
            yref="paper", xanchor="right", yanchor="top", yshift=-48,
        )  # fmt: skip
    return result
