"""How far one row pulls each method, and what contamination does."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..outliers import Sensitivity
from .theme import FEATURE_COLORS, figure

DASHES = ("solid", "dash", "dot", "solid", "dash", "solid")
TITLES = (
    "y of one row pulled away",
    "columns of one row pulled away",
    "y of many rows moved",
    "y and columns of many rows moved",
)


def sensitivity_figure(found: Sensitivity, *, height: int = 640) -> go.Figure:
    """Four panels: predictions against one row's distance, errors on clean rows against the share of moved rows.

    Parameters
    ----------
    found : Sensitivity
        From `alphaomega.outliers.sensitivity`.
    height : int, default 640
        Pixels.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 2))
    >>> y = X[:, 0] + rng.standard_normal(40)
    >>> found = ao.outliers.sensitivity(X, y, distances=[0, 9], shares=[0, 0.1], n_repeats=1)
    >>> len(sensitivity_figure(found).data)
    24
    """
    result = make_subplots(rows=2, cols=2, subplot_titles=TITLES, vertical_spacing=0.22, horizontal_spacing=0.1)
    blank = figure("What one row, and many, do to each method", height).layout
    result.update_layout(template=blank.template, title=blank.title, height=height, margin={"t": 132, "r": 24})
    panels = ((found.distances, found.prediction_moved), (found.shares, found.contaminated))
    for line, (axis, values) in enumerate(panels):
        for kind in range(2):
            for k, name in enumerate(found.methods):
                color = FEATURE_COLORS[k % len(FEATURE_COLORS)]
                result.add_trace(
                    go.Scatter(
                        x=axis, y=values[kind, k], mode="lines+markers", name=name, legendgroup=name,
                        showlegend=line == kind == 0, line={"color": color, "width": 2, "dash": DASHES[k % 6]},
                        marker={"size": 5}, hovertemplate=f"{name}<br>%{{x:.3g}}: %{{y:.3g}}<extra></extra>",
                    ),
                    row=line + 1, col=kind + 1,
                )  # fmt: skip
    result.update_layout(legend={"y": 1.09, "yanchor": "bottom"})
    result.update_xaxes(title_text="distance, in standard deviations", row=1)
    result.update_xaxes(title_text="share of training rows moved", tickformat=".0%", row=2)
    result.update_yaxes(title_text="predictions moved / noise", row=1, col=1)
    result.update_yaxes(title_text="error on clean rows / noise", row=2, col=1)
    result.update_yaxes(rangemode="tozero")
    return result
