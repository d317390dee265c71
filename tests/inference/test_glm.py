"""Unpenalised generalised linear models and robust standard errors: laws, published numbers, another package."""

from __future__ import annotations

import numpy as np
import polars
import pytest
import scipy.sparse
from scipy import stats
from scipy.special import expit
from sklearn.datasets import load_iris

import alphaomega as ao
from alphaomega.inference.triangle import NotIdentified

ROBUST = ("HC0", "HC1", "HC2", "HC3")


def sample(rng, loss, n=120):
    X = rng.standard_normal((n, 3))
    eta = X @ [0.8, -0.5, 0.0] - 0.2
    draw = {
        "logistic": lambda: np.where(rng.uniform(size=n) < expit(eta), "yes", "no"),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "multinomial": lambda: rng.choice(["a", "b", "c"], n),
        "huber": lambda: eta + rng.standard_t(3, n),
    }
    return X, draw[loss]()


KINDS = [(loss, kind) for loss in ("logistic", "poisson", "multinomial") for kind in ("classical", "HC0")]
KINDS.append(("huber", "HC0"))


@pytest.mark.parametrize(("loss", "kind"), KINDS)
def test_integer_weights_equal_repeated_rows(rng, loss, kind):
    X, y = sample(rng, loss)
    weights, offset = rng.integers(0, 4, len(y)), rng.uniform(-1, 1, len(y))
    weighted = ao.inference.glm(X, y, loss, weights, offset, covariance=kind)
    repeated = ao.inference.glm(
        X.repeat(weights, 0), y.repeat(weights), loss, offset=offset.repeat(weights), covariance=kind
    )
    for name in ("coef", "standard_error", "p", "lower", "upper", "deviance", "null_deviance"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-6)


@pytest.mark.parametrize("loss", ["logistic", "poisson", "multinomial", "huber"])
def test_the_fit_is_that_of_the_path_at_alpha_zero(rng, loss):
    X, y = sample(rng, loss)
    table = ao.inference.glm(X, y, loss, covariance="HC0")
    fit = ao.path(X, y, loss, alphas=[0.0], tol=1e-14)
    full = np.column_stack([np.atleast_1d(fit.intercept[0]), np.atleast_2d(fit.coef[0])])
    expected = full[0] if len(full) == 1 else (full[1:] - full[0]).ravel()
    np.testing.assert_allclose(table.coef, expected, atol=1e-5)


@pytest.mark.parametrize("loss", ["logistic", "poisson", "multinomial"])
def test_information_is_the_curvature_of_the_loss(rng, loss):
    """Second differences of the deviance at the fit give the inverse covariance."""
    X, y = sample(rng, loss)
    table = ao.inference.glm(X, y, loss)
    found = ao.losses.find(loss)
    target = found.target(y).values
    A = np.column_stack([np.ones(len(y)), X])

    def total(theta):
        eta = A @ theta.reshape(-1, A.shape[1]).T
        return found.value(target, eta[:, 0] if target.ndim == 1 else np.column_stack([np.zeros(len(y)), eta])).sum()

    size, h = len(table.coef), 1e-3
    steps = h * np.eye(size)
    corners = [[(1, 1), 1], [(1, -1), -1], [(-1, 1), -1], [(-1, -1), 1]]
    hessian = np.array(
        [
            [sum(s * total(table.coef + a * u + b * v) for (a, b), s in corners) / (4 * h * h) for u in steps]
            for v in steps
        ]
    )
    np.testing.assert_allclose(np.sqrt(np.diag(np.linalg.inv(hessian))), table.standard_error, rtol=1e-5)
    width = stats.norm.ppf(0.975) * table.standard_error
    np.testing.assert_allclose([table.coef - width, table.coef + width], [table.lower, table.upper])
    np.testing.assert_allclose(table.p, 2 * stats.norm.sf(abs(table.coef / table.standard_error)))


def test_two_classes_of_the_multinomial_are_the_logistic(rng):
    X, y = sample(rng, "logistic")
    two, one = (ao.inference.glm(X, y, loss, covariance="HC1") for loss in ("multinomial", "logistic"))
    np.testing.assert_allclose(two.coef, one.coef, rtol=1e-8)
    np.testing.assert_allclose(two.standard_error, one.standard_error, rtol=1e-8)


def test_counts_of_dobson():
    """Dobson (1990), An Introduction to Generalized Linear Models, p. 93: the example of R's ?glm, as R prints it."""
    counts = [18, 17, 15, 20, 10, 20, 25, 13, 12]
    frame = polars.DataFrame({"outcome": list("123") * 3, "treatment": list("111222333")})
    table = ao.inference.glm(frame, counts, "poisson")
    assert table.names == ("intercept", "outcome=2", "outcome=3", "treatment=2", "treatment=3")
    np.testing.assert_allclose(table.coef, [3.045, -0.4543, -0.2930, 0, 0], atol=5e-4)
    np.testing.assert_allclose(table.standard_error, [0.1709, 0.2022, 0.1927, 0.2, 0.2], atol=5e-5)
    np.testing.assert_allclose(table.z[:3], [17.815, -2.247, -1.520], atol=1e-3)
    assert table.deviance == pytest.approx(5.1291, abs=5e-5)
    assert table.null_deviance == pytest.approx(10.5814, abs=5e-5)


class TestStatsmodels:
    @pytest.mark.parametrize("kind", ROBUST)
    def test_robust_least_squares(self, rng, kind):
        api = pytest.importorskip("statsmodels.api")
        X = rng.standard_normal((60, 3))
        y = X[:, 0] + rng.standard_normal(60) * (1 + abs(X[:, 1]))
        own, peer = ao.inference.ols(X, y, covariance=kind), api.OLS(y, api.add_constant(X)).fit(cov_type=kind)
        np.testing.assert_allclose(own.standard_error, peer.bse, rtol=1e-9)

    @pytest.mark.parametrize("kind", ["nonrobust", "HC0"])
    @pytest.mark.parametrize("loss", ["logistic", "poisson"])
    def test_glm(self, rng, loss, kind):
        api = pytest.importorskip("statsmodels.api")
        X, y = sample(rng, loss)
        number = (y == "yes").astype(float) if loss == "logistic" else y
        family = api.families.Binomial() if loss == "logistic" else api.families.Poisson()
        offset = rng.uniform(-1, 1, len(y))
        peer = api.GLM(number, api.add_constant(X), family, offset=offset).fit(cov_type=kind, tol=1e-12)
        own = ao.inference.glm(X, y, loss, offset=offset, covariance="classical" if kind == "nonrobust" else kind)
        np.testing.assert_allclose(own.coef, peer.params, rtol=1e-7)
        np.testing.assert_allclose(own.standard_error, peer.bse, rtol=1e-7)
        assert own.deviance == pytest.approx(peer.deviance)
        assert own.null_deviance == pytest.approx(peer.null_deviance)

    def test_multinomial(self):
        api = pytest.importorskip("statsmodels.api")
        X, y = load_iris(return_X_y=True)
        X, y = X[:, :2], np.roll(y, 7)  # mixed classes, else they are separable
        peer = api.MNLogit(y, api.add_constant(X)).fit(disp=0, tol=1e-10)
        own = ao.inference.glm(X, y, "multinomial")
        np.testing.assert_allclose(own.coef, peer.params.T.ravel(), rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(own.standard_error, peer.bse.T.ravel(), rtol=1e-6)
        assert own.reference == "0" and own.to_frame()["class"].to_list() == ["1"] * 3 + ["2"] * 3


@pytest.mark.parametrize("kind", ROBUST)
def test_robust_weights_equal_repeated_rows(rng, kind):
    X, y, weights = rng.standard_normal((40, 3)), rng.standard_normal(40), rng.integers(0, 4, 40)
    weighted = ao.inference.ols(X, y, weights, covariance=kind)
    repeated = ao.inference.ols(X.repeat(weights, 0), y.repeat(weights), covariance=kind)
    np.testing.assert_allclose(weighted.standard_error, repeated.standard_error, rtol=1e-9)
    assert kind in weighted.guarantee


def test_robust_intervals_hold_where_classical_ones_fail():
    """Errors that grow with x: over 400 data sets the classical 90 % interval misses, HC3 covers."""
    covered = {"classical": 0, "HC3": 0}
    for seed in range(400):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal(100)
        y = x + rng.standard_normal(100) * x**2
        for kind in covered:
            table = ao.inference.ols(x[:, None], y, covariance=kind, level=0.9)
            covered[kind] += table.lower[1] < 1 < table.upper[1]
    assert covered["classical"] < 0.75 * 400
    assert abs(covered["HC3"] / 400 - 0.9) < 0.05


def test_sparse_and_many_blocks(rng, monkeypatch):
    X, y = sample(rng, "poisson")
    X = np.where(abs(X) > 0.5, X, 0.0)
    expected = ao.inference.glm(X, y, "poisson", covariance="HC1")
    monkeypatch.setattr("alphaomega.inference.triangle.BLOCK_BYTES", 1)
    for form in (scipy.sparse.csr_array(X), polars.DataFrame(X)):
        found = ao.inference.glm(form, y, "poisson", covariance="HC1")
        np.testing.assert_allclose(found.standard_error, expected.standard_error, rtol=1e-8)


class TestBadInput:
    def test_separable_classes(self, rng):
        X = rng.standard_normal((40, 2))
        with pytest.raises(NotIdentified, match=r"separate the classes.*Every alpha > 0 has a finite fit"):
            ao.inference.glm(X, X[:, 0] > 0)

    def test_empty_cell(self, rng):
        X = (rng.uniform(size=(60, 1)) < 0.5) * 1.0
        with pytest.raises(NotIdentified, match="separate rows with zero counts"):
            ao.inference.glm(X, np.where(X[:, 0] > 0, 0, rng.poisson(3.0, 60)), "poisson")

    def test_collinear(self, rng):
        X, y = sample(rng, "logistic")
        with pytest.raises(NotIdentified, match="column 'x3' is constant or a linear combination"):
            ao.inference.glm(np.column_stack([X, X[:, 0] - X[:, 1]]), y)

    def test_more_columns_than_rows_names_what_works(self, rng):
        with pytest.raises(NotIdentified, match=r"9 rows cannot determine 21 coefficients.*debiased and ao.posterior"):
            ao.inference.glm(rng.standard_normal((9, 20)), np.arange(9) % 2)

    def test_squared(self, rng):
        with pytest.raises(ValueError, match=r"for the squared loss use ao\.inference\.ols"):
            ao.inference.glm(rng.standard_normal((9, 2)), np.arange(9), "squared")

    def test_no_likelihood(self, rng):
        with pytest.raises(ValueError, match=r"loss='huber' is no likelihood.*pass covariance='HC1'"):
            ao.inference.glm(*sample(rng, "huber"), "huber")

    def test_unknown_covariance(self, rng):
        with pytest.raises(ValueError, match="covariance must be one of classical, HC0, HC1, HC2, HC3, got 'HC4'"):
            ao.inference.ols(rng.standard_normal((9, 2)), np.arange(9), covariance="HC4")

    def test_a_row_that_fits_itself(self, rng):
        X = np.column_stack([rng.standard_normal(20), np.arange(20) == 7])
        with pytest.raises(NotIdentified, match=r"row 7 has leverage 1.*use covariance='HC1'"):
            ao.inference.ols(X, rng.standard_normal(20), covariance="HC3")
