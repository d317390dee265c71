"""The alpha axis that the figures share: logarithmic, strong penalty on the left, both ends named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..losses import Loss
from ..results import Path
from .theme import significant

Floats = NDArray[np.float64]
MOST_TICKS = 7


@dataclass(frozen=True)
class AlphaAxis:
    """Where each alpha of a decreasing grid is drawn: at itself, alpha = 0 a step beyond the smallest positive one."""

    alphas: Floats
    x: Floats

    @classmethod
    def of(cls, alphas: Floats) -> AlphaAxis:
        """The axis of a grid."""
        positive = alphas[alphas > 0]
        if not positive.size:
            return cls(alphas, np.ones_like(alphas))
        span = positive.max() / positive.min()
        beyond = positive.min() / max(span**0.12, 1.5)
        return cls(alphas, np.where(alphas > 0, alphas, beyond))

    def position(self, alpha: float) -> float:
        """The x of one alpha."""
        return float(alpha) if alpha > 0 else float(self.x.min())

    def ticks(self) -> tuple[list[float], list[str]]:
        """Tick positions and their labels."""
        positive = self.alphas[self.alphas > 0]
        values: list[float] = []
        if positive.size:
            low, high = np.log10(positive.min()), np.log10(positive.max())
            step = max(1, int(np.ceil((high - low) / MOST_TICKS)))
            decades = np.arange(np.floor(low), np.ceil(high) + 1, step)
            mantissas = (1, 2, 5) if high - low < 1.7 else (1,)
            values = [float(m * 10.0**d) for d in decades for m in mantissas]
            values = [v for v in values if positive.min() * 0.999 <= v <= positive.max() * 1.001]
            values = values or [float(v) for v in np.unique([positive.min(), positive.max()])]
        labels = [power_label(v) for v in values]
        if (self.alphas == 0).any():
            values, labels = [*values, self.position(0.0)], [*labels, "0"]
        return values, labels

    def limits(self) -> list[float]:
        """The range in log10, reversed: the strongest penalty on the left."""
        high, low = np.log10(self.x.max()), np.log10(self.x.min())
        return [high, low] if high > low else [high + 0.5, low - 0.5]


def power_label(value: float) -> str:
    """A tick label, powers of ten beyond four digits.

    Examples
    --------
    >>> power_label(0.01), power_label(1e-6), power_label(2e5)
    ('0.01', '10<sup>-6</sup>', '2·10<sup>5</sup>')
    """
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    exponent = int(np.floor(np.log10(value) + 1e-9))
    mantissa = value / 10.0**exponent
    power = f"10<sup>{exponent}</sup>"
    return power if abs(mantissa - 1) < 1e-6 else f"{mantissa:.2g}·{power}"


def add_alpha_axis(figure: go.Figure, axis: AlphaAxis, loss: Loss, null_from: float | None) -> None:
    """Set the x axis and name both of its ends; `null_from` is the alpha from which the null model holds, if any."""
    values, labels = axis.ticks()
    title = {"text": "alpha", "standoff": 14}
    figure.update_layout(
        xaxis={"type": "log", "range": axis.limits(), "tickvals": values, "ticktext": labels, "title": title}
    )
    null = "as alpha → ∞" if null_from is None else f"at alpha ≥ {significant(null_from, 3)}"
    left = f"null model<br>{null}"
    unpenalised = "least squares" if loss.name == "squared" else "unpenalised"
    right = f"{unpenalised}<br>at alpha = 0"
    for x, text, anchor in ((0, f"◂ {left}", "left"), (1, right.replace("<br>", " ▸<br>"), "right")):
        figure.add_annotation(
            text=text, x=x, y=0, xref="paper", yref="paper", xanchor=anchor, yanchor="top", align=anchor, yshift=-26
        )


def add_counts_axis(figure: go.Figure, axis: AlphaAxis, path: Path) -> None:
    """Write the numbers of non-zero coefficients along the top."""
    limits = axis.limits()
    wanted = np.linspace(limits[0], limits[1], MOST_TICKS)
    nearest = np.unique([int(abs(np.log10(axis.x) - at).argmin()) for at in wanted])
    figure.add_trace(  # an axis is drawn only when a trace uses it
        go.Scatter(
            x=axis.x, y=np.full(len(axis.x), np.nan), xaxis="x2", hoverinfo="skip", showlegend=False, name="counts"
        )
    )
    figure.update_layout(
        xaxis2={
            "overlaying": "x",
            "matches": "x",
            "side": "top",
            "type": "log",
            "range": limits,
            "tickvals": [float(axis.x[k]) for k in nearest],
            "ticktext": [f"{path.n_nonzero[k]:,}" for k in nearest],
            "showgrid": False,
            "title": {"text": "non-zero coefficients", "standoff": 6, "font": {"size": 12}},
        }
    )


def null_alpha(path: Path) -> float | None:
    """The alpha from which on every coefficient is zero, None when the grid holds none."""
    at_null = path.alphas[path.n_nonzero == 0]
    return float(at_null.min()) if at_null.size else None
