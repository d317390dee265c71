"""What every test shares: one BLAS thread, a seeded generator, the optional data folder beside the checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from threadpoolctl import threadpool_limits

collect_ignore = ["golden"]  # the scripts that made the golden numbers
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread():
    """Sums in the same order on every machine, and no threads fighting over small matrices."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in every run of a test."""
    return np.random.default_rng(20240229)


@pytest.fixture(scope="session")
def diabetes() -> tuple[np.ndarray, np.ndarray]:
    """442 patients, 10 measurements, the progression of the disease a year later."""
    return load_diabetes(return_X_y=True)


@pytest.fixture
def counts(rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, counts that depend on its first column, and the logarithm of their exposure."""
    X = rng.standard_normal((80, 3))
    exposure = rng.uniform(0.5, 3.0, 80)
    return X, rng.poisson(exposure * np.exp(0.4 * X[:, 0] + 0.5)), np.log(exposure)


@pytest.fixture(scope="session")
def shared_data():
    """`shared_data("prostate/prostate.csv")`: a file of the optional data folder; the test is skipped without it."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"optional data file {name} is not beside the checkout (expected at {path})")
        return path

    return find
