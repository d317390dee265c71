"""Tables (CSV, which the docs show) and pictures (SVG) of the results."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import pictures
from .problems import SUITES
from .results import Results
from .runner import OURS

REACHED = ("at the gap", "default, reaches the gap")
DEFAULT = ("default", "default, reaches the gap")


def write(results: Results, folder: Path) -> None:
    """All of them, from what the file of results holds."""
    content = results.content
    for suite in SUITES:
        rows = results.rows(suite)
        _table(folder / f"{suite}.csv", [_race_row(row, _ours(row, rows)) for row in rows])
    races = [row for row in content["rows"] if row["suite"] != "cv"]
    _table(folder / "summary.csv", list(_summary(races)))
    _table(folder / "versions.csv", [{"package": k, "version": v} for k, v in _versions(content).items()])
    for name, columns in OWN_TABLES.items():
        if name in content:
            _table(folder / f"{name}.csv", [{k: _digits(row[k]) for k in columns} for row in content[name]])
    if find_spec("matplotlib") is None:
        print('No pictures: matplotlib is missing; install it with: python -m pip install ".[docs]"')
        return
    for suite in ("path", "logistic", "poisson"):
        if results.rows(suite):
            pictures.race(results.rows(suite), folder / f"{suite}.svg")
    scaling = [content[name] for name in ("scaling-p", "scaling-n") if name in content]
    if scaling:
        pictures.scaling(scaling, folder / "scaling.svg")


OWN_TABLES = {
    "memory": ("case", "n", "p", "X", "peak", "share", "coef", "support"),
    "warmup": ("loss", "cache", "import", "first", "second", "extra"),
    "scaling-p": ("n", "p", "seconds", "reads", "support", "gap"),
    "scaling-n": ("n", "p", "seconds", "reads", "support", "gap"),
}


def _table(file: Path, rows: list[dict[str, Any]]) -> None:
    if rows:
        with file.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _digits(value: Any) -> Any:
    """Three digits of a number, plain where that is short."""
    if not isinstance(value, float):
        return value
    if 0 < abs(value) < 1e-3:
        return f"{value:.0e}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ours(row: dict, rows: Iterable[dict]) -> dict | None:
    """Our row of the same problem and task."""
    same = ("suite", "problem", "task")
    found = [r for r in rows if r["solver"] == OURS and all(r[key] == row[key] for key in same) and "seconds" in r]
    return found[0] if found else None


def _race_row(row: dict, ours: dict | None) -> dict[str, Any]:
    """One line of a suite's table."""
    result = {
        "problem": f"{row['problem']} {row['n']} x {row['p']}",
        "solver": row["solver"],
        "task": "10-fold CV" if row["task"] == "cv" else "path",
        "tolerance": f"{row['tol']:.0e} ({row['setting']})",
    }
    if "failure" in row:
        return result | {"seconds": row["failure"], "over ours": "", "gap": "", "reads": "", "peak MB": "", "runs": ""}
    reads = row["reads"]
    return result | {
        "seconds": f"{row['seconds']:.3f} ({row['fastest']:.3f} to {row['slowest']:.3f})",
        "over ours": _digits(row["seconds"] / ours["seconds"]) if ours else "",
        "gap": "" if row["gap"] is None else f"{max(row['gap'], 0):.0e}",
        "reads": "" if reads is None else f"{reads:.1f}",
        "peak MB": f"{row['peak']:.0f}",
        "runs": row["runs"],
    }


def _summary(rows: list[dict]) -> Iterable[dict[str, Any]]:
    """One line per problem: ours against the fastest peer at the same gap, and against the fastest at its default."""
    for suite, problem in dict.fromkeys((row["suite"], row["problem"]) for row in rows):
        timed = [r for r in rows if (r["suite"], r["problem"]) == (suite, problem) and "seconds" in r]
        ours = [row for row in timed if row["solver"] == OURS]
        if not ours:
            continue
        line = {"suite": suite, "problem": problem, "ours": _digits(ours[0]["seconds"])}
        for name, settings in (("at the gap", REACHED), ("at its default", DEFAULT)):
            peers = [row for row in timed if row["solver"] != OURS and row["setting"] in settings]
            best = min(peers, key=lambda row: row["seconds"], default=None)
            line[f"fastest peer {name}"] = f"{best['solver']} {_digits(best['seconds'])}" if best else "none"
            line[f"ours over it, {name}"] = _digits(ours[0]["seconds"] / best["seconds"]) if best else ""
            line[f"its gap, {name}"] = f"{best['gap']:.0e}" if best else ""
        line.pop("its gap, at the gap")
        yield line | {"our gap": f"{max(ours[0]['gap'], 0):.0e}", "our reads": _digits(ours[0]["reads"])}


def _versions(content: dict) -> dict[str, str]:
    """Every package that took part, and what ours stands on."""
    solvers = {row["solver"]: row["version"] for row in content["rows"] if "version" in row}
    return dict(sorted(solvers.items())) | {k: str(v) for k, v in content["machine"].items()}
