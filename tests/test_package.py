"""What holds of the package as a whole: quick to import, quiet, complete."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import alphaomega as ao
from alphaomega import designs, losses, penalties

HEAVY = ("pandas", "polars", "plotly", "torch", "rich", "sklearn", "numba", "scipy", "matplotlib", "typer")


def fresh(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_import_takes_less_than_300_ms():
    code = "import time; start = time.perf_counter(); import alphaomega; print(time.perf_counter() - start)"
    assert min(float(fresh(code)) for _ in range(3)) < 0.3


def test_import_has_no_side_effects():
    code = (
        "import os, sys, logging, warnings\n"
        "before = dict(os.environ), len(logging.root.handlers), list(warnings.filters)\n"
        "import alphaomega\n"
        "assert before == (dict(os.environ), len(logging.root.handlers), list(warnings.filters))\n"
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    assert fresh(code) == ""


@pytest.mark.parametrize("name", ao.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert inspect.getdoc(getattr(ao, name))


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'Laso'"):
        ao.Laso  # noqa: B018


@pytest.mark.parametrize(
    ("module", "base"), [(penalties, penalties.Penalty), (losses, losses.Loss), (designs, designs.Design)], ids=str
)
def test_registries_are_complete(module, base):
    """Whatever concrete class a module exports stands in its registry, alone or inside a compound."""
    exported = {
        value
        for name in module.__all__
        if inspect.isclass(value := getattr(module, name)) and issubclass(value, base) and not inspect.isabstract(value)
    }
    entries = module.REGISTRY.values()
    if base is losses.Loss:
        found = set(entries)
    elif base is penalties.Penalty:
        found = {type(part) for make in entries for part in parts(make(4))}
    else:
        import numpy as np

        found = {type(make(np.eye(3))) for make in entries}
    assert exported <= found


def parts(penalty):
    """The penalty and everything it is made of."""
    inner = getattr(penalty, "parts", None) or [
        part for part in [getattr(penalty, "penalty", None)] if part is not None
    ]
    return [penalty, *(deep for part in inner for deep in parts(part))]


@pytest.mark.parametrize("name", ["coef", "alphas", "gap"])
def test_results_are_frozen(name):
    path = ao.path([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0], n_alphas=2)
    with pytest.raises(AttributeError):
        setattr(path, name, None)
