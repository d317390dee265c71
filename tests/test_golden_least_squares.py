"""Least squares, ridge, lasso and LARS: published and certified numbers, each with its source."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn import datasets

import alphaomega as ao
from longley import LONGLEY

R = json.loads((Path(__file__).parent / "golden" / "least_squares.json").read_text())
TRAIN = 342  # rows of diabetes fitted on in least_squares.R; the other 100 are the test part


def held_out_error(fit, X, y):
    """The mean squared error and its standard error, as tables print them."""
    errors = (y - fit.predict(X)) ** 2
    return errors.mean(), errors.std(ddof=1) / np.sqrt(len(errors))


def matches_r(model, record):
    """Coefficients to 1e-6 of their size, and both errors with their standard errors."""
    X, y = datasets.load_diabetes(return_X_y=True)
    model.fit(X[:TRAIN], y[:TRAIN])
    np.testing.assert_allclose(np.append(model.intercept_, model.coef_), record["coef"], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(model.coef_ == 0, np.array(record["coef"][1:]) == 0)
    np.testing.assert_allclose(held_out_error(model, X[:TRAIN], y[:TRAIN]), record["train"], rtol=1e-8)
    np.testing.assert_allclose(held_out_error(model, X[TRAIN:], y[TRAIN:]), record["test"], rtol=1e-6)


def test_least_squares_is_that_of_r():
    model = ao.OLS()
    matches_r(model, R["ols"])
    for name in ("standard_error", "t", "p", "sigma", "r2"):
        np.testing.assert_allclose(getattr(model.inference_, name), R["ols"][name], rtol=1e-6)


def test_ridge_is_that_of_r():
    """MASS::lm.ridge penalises lambda |b|^2 beside the sum of squares, columns over their 1/n deviation."""
    lam = R["ridge"]["lambda"]
    matches_r(ao.Ridge(alpha=lam / TRAIN, tol=1e-12), R["ridge"])
    assert ao.convert_alpha(lam, source="sklearn.Ridge", n=TRAIN) == lam / TRAIN


def test_lasso_is_that_of_r():
    matches_r(ao.Lasso(alpha=R["lasso"]["lambda"], tol=1e-13), R["lasso"])


CERTIFIED = [
    -3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683, -1.03322686717359,
    -0.511041056535807e-01, 1829.15146461355,
]  # fmt: skip
CERTIFIED_ERROR = [
    890420.383607373, 84.9149257747669, 0.334910077722432e-01, 0.488399681651699, 0.214274163161675,
    0.226073200069370, 455.478499142212,
]  # fmt: skip


def test_longley_to_the_certified_digits():
    """Columns so collinear that normal equations in double precision keep few digits."""
    table = np.array(LONGLEY.split(), dtype=float).reshape(16, 7)
    model = ao.OLS().fit(table[:, 1:], table[:, 0])
    found = model.inference_
    np.testing.assert_allclose(found.coef, CERTIFIED, rtol=1e-9)
    np.testing.assert_allclose(found.standard_error, CERTIFIED_ERROR, rtol=1e-9)
    assert found.sigma == pytest.approx(304.854073561965, rel=1e-10)
    assert found.r2 == pytest.approx(0.995479004577296, rel=1e-12)
    np.testing.assert_allclose(np.append(model.intercept_, model.coef_), CERTIFIED, rtol=1e-6)
    assert model.certificate_.gap <= 1e-6


#: Efron, Hastie, Johnstone, Tibshirani (2004), Least angle regression: diabetes, the order of the lasso and the largest
#: absolute correlation at each step; at the eleventh hdl leaves, at the twelfth it returns; the last is least squares.
LARS_ORDER = ["bmi", "ltg", "map", "hdl", "sex", "glu", "tc", "tch", "ldl", "age", "-hdl", "hdl"]
LARS_CORRELATIONS = [949.435, 889.314, 452.896, 316.073, 130.130, 88.784, 68.965, 19.981, 5.478, 5.088, 2.182, 1.310]
DIABETES = ["age", "sex", "bmi", "map", "tc", "ldl", "hdl", "tch", "ltg", "glu"]


def test_lars_order_and_correlations_on_diabetes():
    X, y = datasets.load_diabetes(return_X_y=True)
    knots = np.array(LARS_CORRELATIONS)
    around = np.append(np.sort(np.concatenate([knots + 2e-3, knots - 2e-3]))[::-1] / len(y), 0.0)
    fit = ao.path(X, y, alphas=around, tol=1e-13)
    support = fit.coef != 0
    for step, change in enumerate(LARS_ORDER):
        before, after = support[2 * step], support[2 * step + 1]
        changed = np.flatnonzero(before != after)
        assert [DIABETES[j] for j in changed] == [change.lstrip("-")]
        assert after[changed[0]] == (not change.startswith("-"))
    for k in (9, -1):  # all active columns are equally correlated with the residual, and at the end not at all
        residual = y - X @ fit.coef[k] - fit.intercept[k]
        np.testing.assert_allclose(abs(X.T @ residual)[support[k]], fit.alphas[k] * len(y), rtol=1e-6, atol=1e-6)


def test_least_squares_on_diabetes():
    """Efron et al. (2004); scikit-learn's copy of the data differs in the last digits, hence five digits."""
    X, y = datasets.load_diabetes(return_X_y=True)
    fit = ao.inference.ols(X, y)
    errors = [59.749, 61.222, 66.534, 65.422, 416.684, 339.035, 212.533, 161.476, 171.902, 65.984]
    np.testing.assert_allclose(fit.standard_error[1:], errors, rtol=2e-5)
    assert fit.sigma == pytest.approx(54.15418, rel=2e-5)
    assert fit.r2 == pytest.approx(0.5177494, rel=2e-5)
    assert fit.df == 431
    path = ao.path(X, y, alphas=[0.0], tol=1e-13)
    np.testing.assert_allclose(np.append(path.intercept, path.coef), fit.coef, atol=1e-6)


PROSTATE = ["lcavol", "lweight", "age", "lbph", "svi", "lcp", "gleason", "pgg45"]


@pytest.fixture(scope="module")
def prostate(shared_data):
    """ESL's prostate data, scaled by mean and deviation (ddof 1) of all 97 rows; 67 rows to train on, 30 to test."""
    import pandas

    frame = pandas.read_csv(shared_data("prostate/prostate.csv"))
    X = frame[PROSTATE].to_numpy(dtype=float)
    X = (X - X.mean(0)) / X.std(0, ddof=1)
    y, train = frame["lpsa"].to_numpy(), frame["train"].to_numpy(dtype=bool)
    return X[train], y[train], X[~train], y[~train]


@pytest.mark.shared
def test_prostate_least_squares(prostate):
    """Hastie, Tibshirani, Friedman (2009), tables 3.2 and 3.3."""
    X, y, X_test, y_test = prostate
    model = ao.OLS().fit(polars.DataFrame(X, schema=PROSTATE), y)
    table = model.summary().to_frame()
    assert table["name"].to_list() == ["intercept", *PROSTATE]
    coef = [2.465, 0.680, 0.263, -0.141, 0.210, 0.305, -0.288, -0.021, 0.267]
    np.testing.assert_allclose(table["coefficient"], coef, atol=5e-4)
    errors = [0.09, 0.13, 0.10, 0.10, 0.10, 0.12, 0.15, 0.15, 0.15]
    np.testing.assert_allclose(table["standard error"], errors, atol=5e-3)
    np.testing.assert_allclose(table["t"], [27.60, 5.37, 2.75, -1.40, 2.06, 2.47, -1.87, -0.15, 1.74], atol=5e-3)
    error, deviation = held_out_error(model, polars.DataFrame(X_test, schema=PROSTATE), y_test)
    assert (round(error, 3), round(deviation, 3)) == (0.521, 0.179)
    assert round(np.mean((y_test - y.mean()) ** 2), 3) == 1.057


@pytest.mark.shared
def test_prostate_ridge(prostate):
    """Table 3.3 at five degrees of freedom, lambda 23.999 on the sum of squares; 0.490 with the proper intercept."""
    X, y, X_test, y_test = prostate
    model = ao.Ridge(alpha=23.999 / 67, standardize=False, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.coef_, [0.421, 0.239, -0.048, 0.162, 0.227, 0.000, 0.041, 0.132], atol=5e-4)
    squares = np.linalg.svd(X - X.mean(0), compute_uv=False) ** 2
    assert (squares / (squares + 23.999)).sum() == pytest.approx(5, abs=1e-3)
    assert round(held_out_error(model, X_test, y_test)[0], 3) == 0.490


@pytest.mark.shared
def test_prostate_lasso(prostate):
    """Table 3.3: the lasso on training columns of deviation 1 (ddof 1), alpha 0.208, on the scale of all rows."""
    X, y, X_test, y_test = prostate
    scale = X.std(0, ddof=1)
    model = ao.Lasso(alpha=0.208, standardize=False, tol=1e-12).fit(X / scale, y)
    np.testing.assert_allclose(model.coef_ / scale, [0.533, 0.169, 0, 0.002, 0.093, 0, 0, 0], atol=5e-4)
    assert list(np.flatnonzero(model.coef_)) == [0, 1, 3, 4]
    assert model.intercept_ == pytest.approx(2.468, abs=5e-4)
    error, deviation = held_out_error(model, X_test / scale, y_test)
    assert (round(error, 3), round(deviation, 3)) == (0.479, 0.164)
