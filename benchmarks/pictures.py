"""Pictures for the docs: time against gap, and time against size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .peers import PEERS
from .runner import OURS
from .scaling import slope

COLOURS = dict(zip(PEERS, ("#d1495b", "#00798c", "#edae49", "#6a4c93", "#3d5a80", "#8d99ae", "#2e933c")))
FLOOR = 1e-12  # gaps below are drawn here: rounding
PANEL = (3.2, 2.6)  # inches


def _figure(count: int, columns: int) -> tuple[Any, list[Any]]:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.hashsalt": "alphaomega", "font.size": 9, "axes.spines.top": False}
    matplotlib.rcParams["axes.spines.right"] = False
    from matplotlib import pyplot

    columns = min(columns, count)
    rows = -(-count // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(PANEL[0] * columns, PANEL[1] * rows), layout="constrained", squeeze=False
    )
    for axis in axes.ravel()[count:]:
        axis.set_visible(False)
    return figure, list(axes.ravel())


def _save(figure: Any, file: Path) -> None:
    from matplotlib import pyplot

    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def race(rows: list[dict], file: Path) -> None:
    """Each problem a panel, each solver a line from its own tolerance to the one that reaches the gap."""
    from matplotlib.ticker import NullFormatter

    problems = list(dict.fromkeys(row["problem"] for row in rows))
    figure, axes = _figure(len(problems), 4)
    for axis, problem in zip(axes, problems):
        for solver in PEERS:
            own = [r for r in rows if (r["problem"], r["solver"]) == (problem, solver) and r.get("gap") is not None]
            own = [row for row in own if "seconds" in row]
            if own:
                gap = np.maximum([row["gap"] for row in own], FLOOR)
                marker = {"marker": "*", "markersize": 11} if solver == OURS else {"marker": "o", "markersize": 4}
                axis.plot([r["seconds"] for r in own], gap, color=COLOURS[solver], label=solver, lw=1, **marker)
        axis.axhline(1e-6, color="0.6", lw=0.8, ls=":")
        axis.set(xscale="log", yscale="log", title=problem, xlabel="seconds", ylabel="largest gap of the path")
        axis.xaxis.set_minor_formatter(NullFormatter())
    handles = {text: line for axis in axes for line, text in zip(*axis.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), frameon=False)
    _save(figure, file)


def scaling(tables: list[list[dict]], file: Path) -> None:
    """Time against the number of columns and of rows, beside a line of slope one."""
    figure, axes = _figure(len(tables), 2)
    for axis, rows in zip(axes, tables):
        which = rows[0]["against"]
        size, seconds = (np.array([row[key] for row in rows], dtype=float) for key in (which, "seconds"))
        axis.plot(size, seconds, marker="o", color=COLOURS[OURS])
        axis.plot(size, seconds[-1] * size / size[-1], color="0.6", lw=0.8, ls=":")
        fixed = f"n = {rows[0]['n']}" if which == "p" else f"p = {rows[0]['p']}"
        title = f"{fixed}: slope {slope(rows):.2f}"
        axis.set(xscale="log", yscale="log", title=title, xlabel=which, ylabel="seconds")
    _save(figure, file)
