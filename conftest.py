"""Doctests that need PyTorch are collected only where it is installed; the header of a run says which it was."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

TORCH = find_spec("torch") is not None
#: Where torch is missing, these modules cannot be imported to look for doctests; tests/networks is skipped by itself.
_NETWORK_PAGES = ("m02_networks", "m03_per_layer", "m08_one_neuron_to_deep", "m12_networks", "m22_large_regularized")
collect_ignore_glob = (
    [] if TORCH else ["src/alphaomega/networks/[!_]*.py", *(f"docs/claims/{page}.rst" for page in _NETWORK_PAGES)]
)


def pytest_report_header(config: pytest.Config) -> str:
    """One line that says whether networks are tested."""
    if TORCH:
        return "networks: tested (PyTorch is installed)"
    return 'networks: NOT tested, PyTorch is missing; install it with: python -m pip install ".[networks]"'
