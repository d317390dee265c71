"""Plotly figures of the gallery from one local copy of plotly.js: the site makes no request to another host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.io
from plotly.io._base_renderers import HtmlRenderer
from plotly.offline import get_plotlyjs

NAME = "plotly.min.js"


def use_local_plotly(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the library on pages that hold a figure, before the figures."""
    if "plotly-graph-div" in context.get("body", ""):
        app.add_js_file(NAME, priority=100, loading_method=None)


def write_plotly(app: Any, error: Exception | None) -> None:
    """Put the installed plotly.js among the static files."""
    if error is None and app.builder.format == "html":
        target = Path(app.outdir) / "_static" / NAME
        target.parent.mkdir(exist_ok=True)
        target.write_text(get_plotlyjs(), encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Figures are written without their library."""
    plotly.io.renderers["site"] = HtmlRenderer(include_plotlyjs=False, config={"displayModeBar": False})
    plotly.io.renderers.default = "site"
    app.connect("html-page-context", use_local_plotly)
    app.connect("build-finished", write_plotly)
    return {"parallel_read_safe": True}
