"""What is held beyond X: no copy of it, whatever its order and precision, and no dense one of a sparse matrix."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse

import alphaomega as ao

N, P = 400, 16_000
GRID = {"n_alphas": 3, "alpha_min_ratio": 0.5}
FORMS = {
    "F": np.asfortranarray,
    "C": np.ascontiguousarray,
    "float32, F": lambda X: np.asfortranarray(X, np.float32),
    "float32, C": lambda X: np.ascontiguousarray(X, np.float32),
}
CALLS: dict[str, Callable] = {
    "path": lambda X, y: ao.path(X, y, **GRID),
    "standardised": lambda X, y: ao.path(X, y, standardize=True, **GRID),
    "logistic": lambda X, y: ao.path(X, y > 0, "logistic", **GRID),
    "ridge": lambda X, y: ao.path(X, y, penalty=ao.L2(), **GRID),
    "five folds": lambda X, y: ao.cross_validate(X, y, folds=5, **GRID).path,
}


def peak_of(work: Callable[[], ao.Path]) -> tuple[ao.Path, int]:
    """What the work gives, and the most bytes that were held during it."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def data(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((p, n), dtype=np.float32).T
    return X, X[:, :10].sum(1) + rng.standard_normal(n)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("call", CALLS)
def test_dense_x_is_never_copied(form, call):
    """Less than a copy in float32 is held, whatever X is; one in float64 would be twice that."""
    X, y = data(N, P)
    given = FORMS[form](X)
    CALLS[call](given[:, :20], y)  # compile
    ao.path(given[:, :300], y, n_alphas=10)  # ... what larger working sets need, too
    fit, peak = peak_of(lambda: CALLS[call](given, y))
    assert peak - fit.coef.nbytes < N * P * 4
    assert fit.gap.max() <= 1e-6 and fit.coef.dtype == np.float64


@pytest.mark.parametrize("call", CALLS)
def test_sparse_x_is_never_made_dense(call):
    rng = np.random.default_rng(0)
    X = scipy.sparse.random_array((500, 40_000), density=0.005, format="csc", rng=rng)
    y = X[:, :10].sum(1) + 0.1 * rng.standard_normal(500)
    fit, peak = peak_of(lambda: CALLS[call](X, y))
    assert peak < 0.3 * 500 * 40_000 * 8
    assert fit.gap.max() <= 1e-6


def test_float32_is_certified_in_float64():
    """A gap of 1e-10 in sums over rows whose mean is far from zero: float32 keeps no such digits."""
    X, y = data(500, 60)
    X = X + np.float32(100)
    fit = ao.path(X, y, n_alphas=10, tol=1e-10)
    exact = ao.path(X.astype(np.float64), y, alphas=fit.alphas, tol=1e-10)
    assert fit.gap.max() <= 1e-10
    np.testing.assert_allclose(fit.coef, exact.coef, rtol=0, atol=1e-9 * abs(exact.coef).max())


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_million_dense_columns(dtype):
    X, y = data(200, 1_000_000)
    X = np.asfortranarray(X, dtype)
    fit, peak = peak_of(lambda: ao.path(X, y, n_alphas=30, alpha_min_ratio=0.1))
    assert peak - fit.coef.nbytes < 0.5 * X.nbytes
    assert fit.gap.max() <= 1e-6 and fit.reads < 20


@pytest.mark.slow
def test_sparse_supports_of_thousands():
    rng = np.random.default_rng(0)
    X = scipy.sparse.random_array((20_000, 100_000), density=5e-4, format="csc", rng=rng)
    w = np.where(np.arange(100_000) < 3000, rng.standard_normal(100_000), 0.0)
    y = X @ w + 0.1 * rng.standard_normal(20_000)
    fit, peak = peak_of(lambda: ao.path(X, y, n_alphas=20, alpha_min_ratio=0.02))
    assert fit.n_nonzero.max() > 2000 and fit.gap.max() <= 1e-6
    assert peak - fit.coef.nbytes < 0.5 * 20_000 * 100_000 * 8  # dense, X has 16 GB; Gram and factor reserve 3.7 GB
