"""One self-contained HTML file from a finished study: works offline, no network, nothing to install."""

from .page import render, write

__all__ = ["render", "write"]
