"""Bias, variance and noise against alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from .axes import AlphaAxis, add_alpha_axis
from .theme import FEATURE_COLORS, MARK, figure, significant
from .validation import limit_scores

if TYPE_CHECKING:
    from ..diagnostics import BiasVariance

COLORS = {"bias²": FEATURE_COLORS[1], "bias": FEATURE_COLORS[1], "bias and noise": FEATURE_COLORS[1]}
COLORS |= {"variance": FEATURE_COLORS[0], "noise": MARK}


def bias_variance_figure(found: BiasVariance, *, height: int = 440) -> go.Figure:
    """The parts of the expected error and their total against alpha; a dot marks the smallest total.

    Parameters
    ----------
    found : BiasVariance
        From `ao.bias_variance`.
    height : int, default 440
        Pixels.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, 2nd ed., figure 7.3.

    Examples
    --------
    >>> import alphaomega as ao
    >>> found = ao.bias_variance(ao.diagnostics.sparse(5, 2), n_alphas=5, n_resamples=10)
    >>> [trace.name for trace in bias_variance_figure(found).data]
    ['bias²', 'variance', 'noise', 'total', 'smallest total']
    """
    axis = AlphaAxis.of(found.alphas)
    result = figure("Bias and variance", height)
    hover = "alpha %{customdata:.4g}<br>%{y:.4g}"
    for name, values in found.parts.items():
        line = {"color": COLORS[name], "width": 2, "dash": "dot" if name == "noise" else "solid"}
        result.add_trace(
            go.Scatter(
                x=axis.x, y=values, mode="lines", name=name, line=line, customdata=found.alphas, hovertemplate=hover
            )
        )
    total = {"color": FEATURE_COLORS[2], "width": 3}
    result.add_trace(
        go.Scatter(
            x=axis.x, y=found.total, mode="lines", name="total", line=total, customdata=found.alphas,
            hovertemplate=hover,
        )
    )  # fmt: skip
    best = found.index_min
    marker = {"color": FEATURE_COLORS[2], "size": 11, "line": {"width": 1.5, "color": "#ffffff"}}
    result.add_trace(
        go.Scatter(
            x=[axis.x[best]], y=[found.total[best]], mode="markers", marker=marker, name="smallest total",
            hovertemplate=f"smallest at alpha {significant(found.alpha_min, 3)}: %{{y:.4g}}<extra></extra>",
        )
    )  # fmt: skip
    lines = [*found.parts.values(), found.total, np.zeros(1)]
    limit_scores(result, lines, lines, float(found.total[0]))
    result.update_layout(yaxis={"title": {"text": found.error}})
    add_alpha_axis(result, axis, found.loss, None)
    return result
