"""Ridge's intervals and strengths: the formula written out, the worst bias, coverage within the bound, Longley."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import alphaomega as ao
from alphaomega.inference.noise import NoiseNotEstimable
from longley import LONGLEY


def sample(rng, n=40, p=5):
    X = rng.standard_normal((n, p)) * np.logspace(-1, 1, p) + 3
    return X, X[:, 0] - 0.1 * X[:, 4] + rng.standard_normal(n)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(("n", "p"), [(40, 5), (12, 20)])
def test_formula(rng, n, p, standardize):
    X, y = sample(rng, n, p)
    table = ao.inference.ridge(X, y, 0.3, bound=2.0, noise_variance=1.7, standardize=standardize)
    Z, Q = X - X.mean(0), np.diag(X.var(0)) if standardize else np.eye(p)
    inverse = np.linalg.inv(Z.T @ Z + n * 0.3 * Q)
    np.testing.assert_allclose(table.coef, inverse @ Z.T @ (y - y.mean()), rtol=1e-8, atol=1e-11)
    covariance = 1.7 * inverse @ Z.T @ Z @ inverse
    np.testing.assert_allclose(table.standard_error, np.sqrt(np.diag(covariance)), rtol=1e-8)
    # no w within the bound has a larger bias, and one reaches it
    operator = -n * 0.3 * inverse @ Q
    units = np.sqrt(np.diag(Q))
    w = rng.standard_normal((p, 500))
    w *= 2.0 / np.linalg.norm(units[:, None] * w, axis=0)
    assert (abs(operator @ w).max(1) <= table.largest_bias * (1 + 1e-9)).all()
    for j in range(p):
        worst = operator[j] / units**2
        worst *= 2.0 / np.linalg.norm(units * worst)
        assert abs(operator[j] @ worst) == pytest.approx(table.largest_bias[j])
    fit = ao.path(X, y, penalty=ao.L2(), alphas=[0.3], standardize=standardize, tol=1e-14)
    np.testing.assert_allclose(table.coef, fit.coef[0], atol=1e-7)


def test_margin_is_the_folded_normal_quantile(rng):
    table = ao.inference.ridge(*sample(rng), 0.3, bound=2.0, noise_variance=1.7, level=0.8)
    t, c = table.largest_bias / table.standard_error, table.margin / table.standard_error
    np.testing.assert_allclose(stats.norm.cdf(c - t) - stats.norm.cdf(-c - t), 0.8, rtol=1e-9)
    excluded = (table.lower > 0) | (table.upper < 0)
    np.testing.assert_array_equal(table.p < 0.2, excluded)


def test_without_shrinkage_it_is_least_squares(rng):
    X, y = sample(rng)
    table = ao.inference.ridge(X, y, 1e-12, bound=1.0)
    plain = ao.inference.ols(X, y)
    np.testing.assert_allclose(table.coef, plain.coef[1:], rtol=1e-8)
    np.testing.assert_allclose(table.standard_error, plain.standard_error[1:], rtol=1e-8)
    np.testing.assert_allclose(table.margin, stats.norm.ppf(0.95) * table.standard_error, rtol=1e-6)


def test_bias_is_stated(rng):
    X, y = sample(rng)
    table = ao.inference.ridge(X, y, 0.3)
    plain = ao.inference.ols(X, y).coef[1:]
    np.testing.assert_allclose(table.bias, table.coef - plain, atol=1e-10)
    assert table.bound == pytest.approx(np.linalg.norm(plain))
    assert (abs(table.bias) <= table.largest_bias * (1 + 1e-9)).all()
    assert table.to_frame().columns == ["name", "coef", "standard_error", "bias", "largest_bias", "p", "lower", "upper"]
    assert np.isnan(ao.inference.ridge(*sample(rng, 8, 20), 0.3, bound=1.0, noise_variance=1.0).bias).all()


def test_it_covers_where_the_naive_interval_does_not():
    """Coefficients on the edge of the bound, in the direction that ridge shrinks most."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 2)) @ [[1, 0.95], [0, np.sqrt(1 - 0.95**2)]]
    truth = np.array([1.0, -1.0])
    covered, naive = np.zeros(2), np.zeros(2)
    for _ in range(500):
        y = X @ truth + rng.standard_normal(30)
        table = ao.inference.ridge(X, y, 0.3, bound=np.sqrt(2), noise_variance=1.0)
        covered += (table.lower < truth) & (truth < table.upper)
        naive += abs(table.coef - truth) < stats.norm.ppf(0.95) * table.standard_error
    assert (covered >= 0.87 * 500).all() and (naive < 0.5 * 500).all()


def test_integer_weights_equal_repeated_rows(rng):
    X, y = sample(rng)
    weights = rng.integers(0, 4, len(y))
    for standardize in (False, True):
        weighted = ao.inference.ridge(X, y, 0.3, weights=weights, standardize=standardize)
        repeated = ao.inference.ridge(X.repeat(weights, 0), y.repeat(weights), 0.3, standardize=standardize)
        for name in ("coef", "lower", "upper", "p", "bias"):
            np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-8)
    for rule in ("hkb", "lawless-wang"):
        assert ao.inference.ridge_alpha(X, y, rule, weights) == pytest.approx(
            ao.inference.ridge_alpha(X.repeat(weights, 0), y.repeat(weights), rule)
        )


class TestLongley:
    """MASS (Venables & Ripley), the example of lm.ridge: the price deflator on the other columns; lambda = n alpha."""

    @pytest.fixture
    def longley(self):
        table = np.array(LONGLEY.split(), dtype=float).reshape(16, 7)
        return np.column_stack([table[:, 2:], table[:, 0]]), table[:, 1]

    def test_strengths(self, longley):
        assert 16 * ao.inference.ridge_alpha(*longley) == pytest.approx(0.006836982, abs=5e-10)
        assert 16 * ao.inference.ridge_alpha(*longley, "lawless-wang") == pytest.approx(0.05267247, abs=5e-9)

    def test_generalised_cross_validation(self, longley):
        """GCV as lm.ridge counts it, without the intercept among the degrees of freedom, has its minimum at 0.0057 on
        the grid of step 0.0001; on the grid of step 0.001 that is 0.006, as printed in the book."""
        X, y = longley
        grid = np.arange(0.0, 0.1, 1e-4)
        path = ao.path(X, y, penalty=ao.L2(), alphas=grid / 16, standardize=True, tol=1e-14)
        squares = np.linalg.svd((X - X.mean(0)) / X.std(0), compute_uv=False) ** 2
        freedom = (squares / (squares + 16 * path.alphas[:, None])).sum(1)
        residual = y - path.coef @ X.T - path.intercept[:, None]
        score = (residual**2).sum(1) / (16 - freedom) ** 2
        best = 16 * path.alphas[np.argmin(score)]
        assert best == pytest.approx(0.0057, abs=1e-9)
        assert np.round(best, 3) == 0.006


def test_a_constant_column_is_known_to_its_bound_only(rng):
    X, y = sample(rng)
    X[:, 2] = 7.0
    for standardize in (False, True):
        table = ao.inference.ridge(X, y, 0.3, bound=2.0, standardize=standardize)
        found = (table.coef[2], table.lower[2], table.upper[2], table.p[2])
        np.testing.assert_allclose(found, (0.0, -2.0, 2.0, 1.0), atol=1e-12)


class TestBadInput:
    def test_no_bound(self, rng):
        with pytest.raises(ValueError, match=r"do not determine least squares.*pass bound=, or use ao\.posterior"):
            ao.inference.ridge(*sample(rng, 8, 20), 0.3, noise_variance=1.0)

    def test_no_noise(self, rng):
        with pytest.raises(NoiseNotEstimable, match="pass noise_variance="):
            ao.inference.ridge(*sample(rng, 8, 20), 0.3, bound=1.0)

    @pytest.mark.parametrize("name", ["alpha", "bound"])
    @pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan])
    def test_numbers(self, rng, name, value):
        with pytest.raises(ValueError, match=f"{name} must be a finite number > 0"):
            ao.inference.ridge(*sample(rng), **{"alpha": 1.0, name: value})

    def test_strengths(self, rng):
        X, y = sample(rng)
        with pytest.raises(ValueError, match="rule must be 'hkb' or 'lawless-wang', got 'gcv'"):
            ao.inference.ridge_alpha(X, y, "gcv")
        with pytest.raises(ValueError, match="needs at least 3 columns, X has 2"):
            ao.inference.ridge_alpha(X[:, :2], y)
        with pytest.raises(ValueError, match="combination of others"):
            ao.inference.ridge_alpha(np.column_stack([X, X[:, 0]]), y)
        with pytest.raises(ValueError, match="8 rows cannot determine 21 coefficients and a residual variance"):
            ao.inference.ridge_alpha(*sample(rng, 8, 20))
