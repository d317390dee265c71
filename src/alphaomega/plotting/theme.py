"""One look for every figure: colours, fonts, escaped labels."""

from __future__ import annotations

import html
import math
from typing import Any

import plotly.graph_objects as go

#: Each 3:1 or more against both backgrounds, and distinct to colour-blind eyes (after Okabe and Ito).
PENALTY_COLORS = {
    "none": "#777c85",
    "L2": "#0072B2",
    "L1": "#D55E00",
    "elastic net": "#009477",
    "input groups": "#A8569A",
}
PENALTY_SYMBOLS = {"none": "x-thin", "L2": "square", "L1": "diamond", "elastic net": "circle"}
FEATURE_COLORS = ("#0072B2", "#D55E00", "#009477", "#A8569A", "#A1760A", "#7468D6")
DASHES = ("solid", "dash", "dot")
CONTEXT = "rgba(128,134,144,0.38)"
GRID = "rgba(128,134,144,0.20)"
MARK = "#777c85"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
BACKGROUNDS = {"light": "#ffffff", "dark": "#14171c"}
VEILS = {"light": "rgba(255,255,255,0.75)", "dark": "rgba(20,23,28,0.75)"}  # behind text, so that lines do not cut it
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
INKS = {"light": "#1d2129", "dark": "#e6e8ec"}


def template(theme: str = "light") -> go.layout.Template:
    """The look of every figure, as a plotly template: `figure.update_layout(template=template("dark"))`.

    Parameters
    ----------
    theme : {"light", "dark"}

    Raises
    ------
    ValueError
        If there is no such theme.

    Examples
    --------
    >>> template("dark").layout.font.color
    '#e6e8ec'
    """
    if theme not in INKS:
        raise ValueError(f"theme must be one of {sorted(INKS)}, got {theme!r}")
    ink, background = INKS[theme], BACKGROUNDS[theme]
    axis = {
        "gridcolor": GRID,
        "linecolor": MARK,
        "tickcolor": MARK,
        "zerolinecolor": "rgba(128,134,144,0.65)",
        "zerolinewidth": 1,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "title": {"standoff": 10},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": ink},
            "title": {"font": {"size": 16}, "x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 12}},
            "paper_bgcolor": background,
            "plot_bgcolor": background,
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"font": {"family": FONT, "size": 13}, "align": "left", "namelength": -1},
            "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
            "annotationdefaults": {"font": {"size": 12}, "showarrow": False, "bgcolor": VEILS[theme]},
        }
    )


def figure(title: str, height: int) -> go.Figure:
    """An empty figure in the house style; `title` must be trusted or already escaped."""
    return go.Figure(
        layout={
            "template": template(),
            "title": {"text": f"<b>{title}</b>"},
            "height": height,
            "margin": {"l": 64, "r": 24, "t": 96, "b": 78},
        }
    )


def plain_text(text: Any, longest: int | None = None) -> str:
    """Text as plotly shall show it, character by character: its pseudo-HTML is escaped, long text loses its middle.

    Parameters
    ----------
    text : anything
        Shown as `str(text)`; characters that do not print become spaces.
    longest : int, optional
        Most characters to keep.

    Examples
    --------
    >>> plain_text("a<b>")
    'a&lt;b&gt;'
    >>> plain_text("a very long column name", 11)
    'a ver…name'
    """
    clean = "".join(character if character.isprintable() else " " for character in str(text)).strip() or "(no name)"
    if longest is not None and len(clean) > longest:
        head = longest // 2
        clean = clean[:head].rstrip() + "…" + clean[len(clean) - (longest - head - 1) :].lstrip()
    return html.escape(clean, quote=False)


def color_of(name: str, position: int = 0) -> str:
    """The colour of a penalty, the same in every figure; others take theirs by position."""
    return PENALTY_COLORS.get(name, FEATURE_COLORS[position % len(FEATURE_COLORS)])


def significant(value: float, digits: int = 4) -> str:
    """A number for people: a few significant digits, thousands apart, powers of ten beyond a million.

    Examples
    --------
    >>> significant(3127.4), significant(1.234e-7), significant(0.0), significant(float("nan"))
    ('3,127', '1.234×10⁻⁷', '0', '–')
    """
    value = float(value)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 6:
        text = f"{value:,.{max(digits - 1 - exponent, 0)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa = f"{value / 10.0**exponent:.{digits - 1}f}".rstrip("0").rstrip(".")
        text = f"{mantissa}×10{str(exponent).translate(SUPERSCRIPTS)}"
    return text.replace("-", "−")


def spread(positions: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move sorted positions apart to at least `gap`, as little as possible, inside [low, high] as far as they fit.

    Examples
    --------
    >>> spread([0.0, 1.0, 50.0], 10.0, 0.0, 100.0)
    [0.0, 10.0, 50.0]
    """
    gap = min(gap, (high - low) / max(len(positions) - 1, 1))
    blocks: list[list[float]] = []  # [mean wanted start, count]: labels that touch move as one block
    for position in positions:
        blocks.append([position, 1.0])
        while len(blocks) > 1 and blocks[-2][0] + blocks[-2][1] * gap > blocks[-1][0]:
            start, count = blocks.pop()
            previous = blocks[-1]
            wanted = (previous[0] * previous[1] + (start - previous[1] * gap) * count) / (previous[1] + count)
            blocks[-1] = [wanted, previous[1] + count]
    placed = [start + k * gap for start, count in blocks for k in range(int(count))]
    for k in range(len(placed)):
        placed[k] = max(placed[k], low + k * gap)
    for k in range(len(placed) - 1, -1, -1):
        placed[k] = min(placed[k], high - (len(placed) - 1 - k) * gap)
    return placed
