"""Outliers: residual against leverage, and shifts over the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ..outliers import MeanShift, ShiftPath
from .theme import CONTEXT, FEATURE_COLORS, MARK, figure, plain_text, significant

KEPT, FLAGGED = FEATURE_COLORS[0], FEATURE_COLORS[1]
MOST_LABELS = 20
MOST_NAMED = 6  # lines of a path with a place in the legend
HIGH_LEVERAGE = 2.0  # times the mean leverage: the rule of Hoaglin and Welsch (1978)


def outlier_figure(found: MeanShift, *, names: Sequence[str] | None = None, height: int = 440) -> go.Figure:
    """Each row's residual, in standard errors, against its leverage; flagged rows are marked and numbered.

    Outliers of high leverage that a method misses lie far right, with small residuals. Where w is penalised leverage is
    not defined, and the rows are drawn in order.

    Parameters
    ----------
    found : MeanShift
        From `alphaomega.outliers.mean_shift`.
    names : sequence of n texts, optional
        What to call each row; default its number, counted from 0.
    height : int, default 440
        Pixels.

    References
    ----------
    P. Rousseeuw and B. van Zomeren (1990), Unmasking multivariate outliers and leverage points, JASA 85.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> x = np.arange(10.0)
    >>> found = ao.outliers.mean_shift(x[:, None], x + 0.1 * (-1) ** x + 5 * (x == 7), "hard", alpha=1.0)
    >>> [(trace.name, len(trace.x)) for trace in outlier_figure(found).data]
    [('kept', 9), ('flagged', 1)]
    """
    ordered = not found.leverage.any()
    x = np.arange(len(found.scores)) if ordered else found.leverage
    called = [str(row) for row in range(len(found.scores))] if names is None else [plain_text(name) for name in names]
    flagged = found.shifts != 0
    result = figure(f"Outliers, {found.threshold} threshold: {flagged.sum():,} of {len(x):,} rows flagged", height)
    for name, rows, color, symbol in (("kept", ~flagged, KEPT, "circle"), ("flagged", flagged, FLAGGED, "diamond")):
        place = np.flatnonzero(rows)
        result.add_trace(
            go.Scatter(
                x=x[place],
                y=found.scores[place],
                mode="markers",
                marker={"color": color, "symbol": symbol, "size": 9 if name == "flagged" else 7, "opacity": 0.8},
                name=name,
                text=[called[row] for row in place],
                customdata=np.column_stack([found.residuals, found.shifts])[place],
                hovertemplate="row %{text}<br>residual %{customdata[0]:.4g}, shift %{customdata[1]:.4g}<br>"
                "%{y:.3g} standard errors<extra></extra>",
            )
        )
    result.add_hline(y=0, line={"color": MARK, "width": 1})
    _name_rows(result, found, x, called)
    if not ordered:
        usual = HIGH_LEVERAGE * float(found.leverage.mean())
        result.add_vline(x=usual, line={"color": MARK, "width": 1, "dash": "dot"})
        right = usual > 0.6 * float(found.leverage.max())
        result.add_annotation(
            text="high leverage ▸", x=usual, xref="x", y=1, yref="paper", yanchor="top",
            xanchor="right" if right else "left", xshift=-4 if right else 4,
        )  # fmt: skip
    result.update_layout(
        xaxis={"title": {"text": "row" if ordered else "leverage"}},
        yaxis={"title": {"text": "residual, in standard errors"}},
    )
    return result


def _name_rows(result: go.Figure, found: MeanShift, x: np.ndarray, called: list[str]) -> None:
    """The flagged rows of the largest scores, by name; those that would overlap share one text."""
    strongest = found.flagged[np.argsort(-abs(found.scores[found.flagged]), kind="stable")[:MOST_LABELS]]
    if not strongest.size:
        return
    span = np.array([np.ptp(x) or 1.0, np.ptp(found.scores) or 1.0])
    places = np.column_stack([x, found.scores]) / span
    left = sorted(strongest.tolist())
    while left:
        first = left.pop(0)
        near = [row for row in left if (abs(places[row] - places[first]) < [0.06, 0.14]).all()]
        left = [row for row in left if row not in near]
        group = [first, *near]
        text = ", ".join(called[row] for row in group[:4]) + (", …" if len(group) > 4 else "")
        top = group[int(np.argmax(abs(found.scores[group])))]
        up = found.scores[top] >= 0
        result.add_annotation(
            text=text, x=float(np.mean(x[group])), y=float(found.scores[top]), yshift=14 if up else -14
        )


def shift_path_figure(path: ShiftPath, *, height: int = 440) -> go.Figure:
    """The size of every row's shift over the threshold; the rows of the smallest BIC are named.

    Parameters
    ----------
    path : ShiftPath
        From `alphaomega.outliers.shift_path`.
    height : int, default 440
        Pixels.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> x = np.arange(10.0)
    >>> path = ao.outliers.shift_path(x[:, None], x + 0.1 * (-1) ** x + 5 * (x == 7), "hard")
    >>> shift_path_figure(path).data[-1].name
    'row 7'
    """
    best = path.index_bic
    named = np.flatnonzero(path.shifts[best])
    others = np.setdiff1d(np.flatnonzero(path.shifts.any(0)), named)
    result = figure(f"Shifts over the {path.threshold} threshold", height)
    chosen = f": {len(named):,} rows at the smallest BIC, alpha {significant(path.alphas[best], 3)}"
    result.update_layout(title={"text": result.layout.title.text + chosen})
    style = {"shape": "hv" if path.threshold == "hard" else "linear"}
    gap = np.append(path.alphas, np.nan)
    result.add_trace(
        go.Scatter(
            x=np.tile(gap, len(others)),
            y=np.column_stack([path.shifts.T[others], np.full(len(others), np.nan)]).ravel(),
            mode="lines",
            line={"color": CONTEXT, "width": 1, **style},
            name="other rows",
            hoverinfo="skip",
        )
    )
    for position, row in enumerate(named):
        result.add_trace(
            go.Scatter(
                x=path.alphas,
                y=path.shifts[:, row],
                mode="lines",
                line={"color": FEATURE_COLORS[position % len(FEATURE_COLORS)], "width": 2, **style},
                name=f"row {row}",
                showlegend=len(named) <= MOST_NAMED,
                hovertemplate="alpha %{x:.4g}<br>shift %{y:.4g}",
            )
        )
    result.add_vline(x=float(path.alphas[best]), line={"color": MARK, "width": 1, "dash": "dash"})
    result.update_layout(
        xaxis={"title": {"text": "threshold alpha, in the units of y"}, "type": "log"},
        yaxis={"title": {"text": "shift of the row, in the units of y"}},
    )
    return result
