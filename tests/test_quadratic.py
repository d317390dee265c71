"""The quadratic solver: its two ways, sweeps with jumps and compiled Newton steps, find one minimiser."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from alphaomega.penalties import Terms
from alphaomega.solvers import descent
from alphaomega.solvers.quadratic import LeftOut, Quadratic

ALPHAS = np.geomspace(1, 1e-3, 30)


def terms_of(kind: str, rng: np.random.Generator, m: int) -> Terms:
    l1, quadratic = np.ones(m), np.zeros(m)
    lower, upper = np.full(m, -np.inf), np.full(m, np.inf)
    if kind == "elastic net":
        l1, quadratic = 0.5 * l1, quadratic + 0.5
    elif kind == "weights":
        l1 = rng.choice([0.0, 0.1, 1.0, np.inf], m)
    elif kind == "box":
        lower, upper = -rng.uniform(0, 0.2, m), rng.uniform(0, 0.2, m)
    return Terms(l1=l1, quadratic=quadratic, lower=lower, upper=upper)


@pytest.mark.parametrize("kind", ["L1", "elastic net", "weights", "box"])
@pytest.mark.parametrize("correlation", [0.0, 0.9, 0.999])
@pytest.mark.parametrize("m", [1, 8, 60])
def test_sweeps_with_jumps_and_newton_agree(kind, correlation, m, monkeypatch):
    rng = np.random.default_rng(m)
    X = rng.standard_normal((80, m))
    for j in range(1, m):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * X[:, j]
    gram, b = X.T @ X / 80, X.T @ (X[:, 0] + rng.standard_normal(80)) / 80
    terms, found = terms_of(kind, rng, m), []
    for small in (descent.SMALL, 0):
        monkeypatch.setattr(descent, "SMALL", small)
        monkeypatch.setattr(descent, "EASY", 10 * m**2)  # few sweeps, many jumps
        working = Quadratic()
        working.grow(gram, b)
        if small:
            monkeypatch.setattr(working, "_step_and_sweep", lambda *a: pytest.fail("left to the compiled Newton steps"))
        found.append(working.follow(terms, ALPHAS, np.full(len(ALPHAS), 1e-10)))
    np.testing.assert_allclose(found[0], found[1], atol=1e-7)
    scale = np.where(np.isinf(terms.l1), np.inf, terms.l1)
    for alpha, v in zip(ALPHAS, found[0]):  # stationarity: one coordinate alone cannot do better
        pull = b - gram @ v + np.diag(gram) * v
        with np.errstate(invalid="ignore"):
            alone = np.sign(pull) * np.maximum(abs(pull) - alpha * scale, 0) / (np.diag(gram) + alpha * terms.quadratic)
        np.testing.assert_allclose(v, alone.clip(terms.lower, terms.upper), atol=1e-8)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_a_small_first_fit_does_without_the_large_kernels(loss):
    script = f"""
import sys, numpy as np, alphaomega as ao
rng = np.random.default_rng(0)
X = rng.standard_normal((100, 30))
y = X[:, 0] + rng.standard_normal(100)
ao.path(X, y > 0 if {loss!r} == "logistic" else y, {loss!r})
print("alphaomega.solvers.kernels" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("intercept", [True, False])
def test_the_gram_without_some_rows_is_that_of_the_others(intercept):
    rng = np.random.default_rng(2)
    X, share = rng.standard_normal((60, 90)) + rng.standard_normal(90), rng.dirichlet(np.ones(60))
    kept = np.arange(60) % 5 != 0

    def moments(rows):
        own = share[rows] / share[rows].sum()
        mean = own @ X[rows] if intercept else np.zeros(90)
        centred = X[rows] - mean
        return centred.T @ (own[:, None] * centred), mean

    whole, part = Quadratic(), Quadratic()
    gram, means = moments(slice(None))
    whole.grow(gram, np.zeros(90))
    expected, own = moments(kept)
    places = rng.permutation(90)[:80]
    for start, stop in ((0, 3), (3, 50), (50, 80)):  # more than a tile, and more than its first room
        at, fresh = places[:stop], places[start:stop]
        products = X[~kept][:, at].T @ (share[~kept, None] * X[~kept][:, fresh])
        part.grow_within(whole, at, np.arange(start, stop), LeftOut(means, products, share[kept].sum(), own[at]))
    np.testing.assert_allclose(part.gram[:80, :80], expected[np.ix_(places, places)], atol=1e-13)
    np.testing.assert_array_equal(part.b[:80], np.arange(80))
