"""The debiased lasso: what it is on orthogonal columns, how it scales, what it refuses; the scaled lasso's noise."""

from __future__ import annotations

import numpy as np
import polars
import pytest
import scipy.sparse
from scipy import stats

import alphaomega as ao
from alphaomega.inference.noise import NoiseNotEstimable
from alphaomega.inference.scaled_lasso import Sample, scaled_lasso


def sample(seed=0, n=60, p=90):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    X[:, 1:] += 0.5 * X[:, :-1]
    return X, 2 * X[:, 3] - X[:, 40] + rng.standard_normal(n)


def test_on_orthogonal_columns_it_is_least_squares():
    rng = np.random.default_rng(1)
    X = np.linalg.qr(np.column_stack([np.ones(50), rng.standard_normal((50, 8))]))[0][:, 1:] * 3
    y = 1.5 * X[:, 2] + rng.standard_normal(50)
    table = ao.inference.debiased(X, y, noise_variance=1.0)
    np.testing.assert_allclose(table.coef, X.T @ (y - y.mean()) / 9, rtol=1e-6)
    np.testing.assert_allclose(table.standard_error, 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(table.overlap, 0, atol=1e-8)


def test_the_estimate_is_its_formula():
    """w_j + z_j'(y - Xw) / z_j'x_j: any z whose products with the residual and column are these gives the same."""
    X, y = sample()
    table = ao.inference.debiased(X, y, features=[3, 5])
    again = ao.inference.debiased(X, y, noise_variance=4 * table.noise_variance, alpha=table.alpha, features=[3, 5])
    np.testing.assert_allclose(again.coef, table.coef, rtol=1e-6)
    np.testing.assert_allclose(again.standard_error, 2 * table.standard_error, rtol=1e-8)
    np.testing.assert_allclose(table.upper - table.coef, stats.norm.ppf(0.95) * table.standard_error)
    np.testing.assert_allclose(table.p, 2 * stats.norm.sf(abs(table.coef / table.standard_error)))
    assert (table.overlap < 0.5).all() and table.initial[0] != 0 and table.initial[1] == 0


def test_units_do_not_matter():
    X, y = sample()
    units, shift = np.logspace(-3, 3, X.shape[1]), np.linspace(-50, 50, X.shape[1])
    plain = ao.inference.debiased(X, y, features=[3, 5, 40])
    moved = ao.inference.debiased(X * units + shift, 10 * y - 7, features=[3, 5, 40])
    np.testing.assert_allclose(moved.coef * units[[3, 5, 40]], 10 * plain.coef, rtol=1e-5)
    np.testing.assert_allclose(moved.standard_error * units[[3, 5, 40]], 10 * plain.standard_error, rtol=1e-5)
    assert moved.noise_variance == pytest.approx(100 * plain.noise_variance, rel=1e-5)
    assert moved.alpha == pytest.approx(10 * plain.alpha, rel=1e-5)


def test_integer_weights_equal_repeated_rows(rng):
    X, y = sample()
    weights = rng.integers(0, 4, len(y))
    weighted = ao.inference.debiased(X, y, weights=weights, features=[3, 5])
    repeated = ao.inference.debiased(X.repeat(weights, 0), y.repeat(weights), features=[3, 5])
    for name in ("coef", "standard_error", "p", "noise_variance", "alpha", "overlap"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-4)


def test_names_and_forms_of_x():
    X, y = sample(p=70)
    names = [f"gene {j}" for j in range(70)]
    plain = ao.inference.debiased(X, y, features=[40, 3])
    for form in (polars.DataFrame(X, schema=names), scipy.sparse.csr_array(X)):
        asked = ["gene 40", "gene 3"] if isinstance(form, polars.DataFrame) else [40, 3]
        np.testing.assert_allclose(ao.inference.debiased(form, y, features=asked).coef, plain.coef, rtol=1e-6)
    table = ao.inference.debiased(polars.DataFrame(X, schema=names), y, features=["gene 3"]).to_frame()
    assert table["name"].to_list() == ["gene 3"]
    assert table.columns == ["name", "coef", "standard_error", "z", "p", "lower", "upper"]


def test_progress_ends_at_one():
    told = []
    ao.inference.debiased(*sample(), features=[0, 1, 2, 3], progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_scaled_lasso_finds_the_noise():
    """Over 60 data sets with more columns than rows the noise deviation is right to a few percent."""
    found = []
    for seed in range(60):
        X, y = sample(seed, n=100, p=150)
        X = (X - X.mean(0)) / X.std(0)
        found.append(scaled_lasso(Sample(X, y - y.mean(), 100.0, True)).noise_variance)
    assert np.sqrt(np.mean(found)) == pytest.approx(1.0, abs=0.04)


def test_scaled_lasso_is_where_its_noise_is_its_own():
    X, y = sample()
    X = (X - X.mean(0)) / X.std(0)
    part = Sample(X, y - y.mean(), len(y), True)
    fit = scaled_lasso(part)
    coef = part.lasso(part.response, np.array([fit.alpha]))[0]
    residual = part.response - X @ coef
    deviation = np.sqrt(residual @ residual / len(y))
    assert fit.alpha == pytest.approx(deviation * np.sqrt(2 * np.log(X.shape[1]) / len(y)), rel=1e-3)


class TestBadInput:
    def test_twins(self):
        X, y = sample()
        X[:, 7] = 5 - 2 * X[:, 3]
        with pytest.raises(ValueError, match=r"columns 'x3' and 'x7' cannot be told apart.*drop one"):
            ao.inference.debiased(X, y, features=[3])

    def test_constant(self):
        X, y = sample()
        X[:, 7] = 5.0
        with pytest.raises(ValueError, match="column 'x7' does not vary"):
            ao.inference.debiased(X, y)
        assert len(ao.inference.debiased(X, y, features=[3, 8]).names) == 2

    def test_no_noise(self):
        X, _ = sample()
        with pytest.raises(NoiseNotEstimable, match=r"fit y without error.*pass noise_variance="):
            ao.inference.debiased(X, X[:, 0])
        with pytest.raises(NoiseNotEstimable, match="y does not vary"):
            ao.inference.debiased(X, np.ones(60))

    @pytest.mark.parametrize("name", ["alpha", "noise_variance"])
    @pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan])
    def test_numbers(self, name, value):
        with pytest.raises(ValueError, match=f"{name} must be a finite number > 0"):
            ao.inference.debiased(*sample(), **{name: value})

    @pytest.mark.parametrize("asked", ["x1000", 90, -1])
    def test_unknown_feature(self, asked):
        with pytest.raises(ValueError, match="which is no column of X nor a position below 90"):
            ao.inference.debiased(*sample(), features=[asked])
