"""Training and test error against alpha."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ..losses import Loss
from ..results import Path
from .axes import AlphaAxis, add_alpha_axis
from .theme import MARK, color_of, figure, plain_text, significant
from .validation import limit_scores, score_name

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Mean deviances over a grid: `alphas`, `train` and `test` of shape (m,); `chosen` is the alpha to mark, if any."""

    alphas: Floats
    train: Floats
    test: Floats
    chosen: float | None = None

    @classmethod
    def of(
        cls, path: Path, train: tuple[Any, ArrayLike], test: tuple[Any, ArrayLike], chosen: float | None = None
    ) -> ErrorCurve:
        """The curve of a path on two sets of rows, each (X, y)."""
        return cls(path.alphas, mean_deviances(path, *train), mean_deviances(path, *test), chosen)


def mean_deviances(path: Path, X: Any, y: ArrayLike, offset: ArrayLike | None = None) -> Floats:
    """The mean deviance of every fit of a path on rows of data, shape (m,).

    Raises
    ------
    ValueError
        If y holds a label that the path does not know.
    """
    values = path.loss.target(y).values if path.classes is None else _coded(path, np.asarray(y))
    return np.array([path.loss.deviance(values, path.decision(X, alpha, offset)).mean() for alpha in path.alphas])


def _coded(path: Path, y: NDArray) -> Floats:
    assert path.classes is not None
    matches = y[:, None] == path.classes
    unknown = np.flatnonzero(~matches.any(1))
    if unknown.size:
        raise ValueError(f"y holds {y[unknown[0]]!r} at row {unknown[0]}, which is not a class of this path")
    return matches.astype(float) if len(path.classes) > 2 or path.coef.ndim == 3 else matches[:, 1].astype(float)


def error_figure(
    curves: Mapping[str, ErrorCurve], loss: Loss, *, null_error: float | None = None, height: int = 460
) -> go.Figure:
    """Training error (dashed) and test error (solid) against alpha, one colour a penalty, the chosen alphas marked.

    Parameters
    ----------
    curves : mapping of penalty name to ErrorCurve
        `ErrorCurve.of(path, (X_train, y_train), (X_test, y_test))`.
    loss : Loss
        Names the error: mean squared error, or mean deviance.
    null_error : float, optional
        Test error of the intercept-only model, drawn as a line.
    height : int, default 460
        Pixels.

    Raises
    ------
    ValueError
        If there is no curve.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, 2nd ed., figure 2.11.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> curve = ErrorCurve(np.array([1.0, 0.1]), np.array([2.0, 1.0]), np.array([2.1, 1.3]), chosen=0.1)
    >>> [trace.name for trace in error_figure({"L1": curve}, ao.Squared()).data]
    ['L1', 'L1, training', 'L1, test', 'L1, chosen', 'training', 'test', 'chosen alpha']
    """
    if not curves:
        raise ValueError("curves is empty; pass at least one ErrorCurve by name")
    axis = AlphaAxis.of(np.sort(np.concatenate([curve.alphas for curve in curves.values()]))[::-1])
    result = figure("Training and test error", height)
    for position, (name, curve) in enumerate(curves.items()):
        _add_curve(result, plain_text(name), curve, axis, color_of(name, position))
    anchor = max(float(curve.test[0]) for curve in curves.values())
    _add_line_kinds(result, any(curve.chosen is not None for curve in curves.values()))
    parts = [part for curve in curves.values() for part in (curve.train, curve.test)]
    if null_error is not None:
        anchor, parts = null_error, [*parts, np.array([null_error])]
        result.add_hline(y=null_error, line={"color": MARK, "width": 1, "dash": "dot"})
        result.add_annotation(
            text="null model", x=0, xref="paper", y=null_error, xanchor="left", yanchor="bottom", xshift=6
        )
    limit_scores(result, parts, parts, anchor)
    result.update_layout(yaxis={"title": {"text": score_name(loss)}})
    add_alpha_axis(result, axis, loss, None)
    return result


def _add_curve(result: go.Figure, name: str, curve: ErrorCurve, axis: AlphaAxis, color: str) -> None:
    x = [axis.position(alpha) for alpha in curve.alphas]
    swatch = {"color": color, "symbol": "square", "size": 11}
    result.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=swatch, name=name, legendgroup=name))
    for kind, values, dash in (("training", curve.train, "dash"), ("test", curve.test, "solid")):
        result.add_trace(
            go.Scatter(
                x=x,
                y=values,
                mode="lines",
                line={"color": color, "dash": dash, "width": 2},
                name=f"{name}, {kind}",
                legendgroup=name,
                showlegend=False,
                customdata=curve.alphas,
                hovertemplate="alpha %{customdata:.4g}<br>error %{y:.4g}",
            )
        )
    if curve.chosen is not None:
        k = int(abs(np.log(np.maximum(curve.alphas, 1e-300)) - np.log(max(curve.chosen, 1e-300))).argmin())
        result.add_trace(
            go.Scatter(
                x=[x[k]],
                y=[curve.test[k]],
                mode="markers",
                marker={"color": color, "size": 11, "line": {"width": 1.5, "color": "#ffffff"}},
                name=f"{name}, chosen",
                legendgroup=name,
                showlegend=False,
                hovertemplate=f"chosen alpha {significant(curve.chosen, 3)}<br>test error %{{y:.4g}}",
            )
        )


def _add_line_kinds(result: go.Figure, marked: bool) -> None:
    """Legend entries, in no penalty's colour, for what dashes, lines and dots mean."""
    for kind, dash in (("training", "dash"), ("test", "solid")):
        line = {"color": MARK, "dash": dash, "width": 2}
        result.add_trace(go.Scatter(x=[None], y=[None], mode="lines", line=line, name=kind))
    if marked:
        marker = {"color": MARK, "size": 10}
        result.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name="chosen alpha"))
