"""Numbers from the literature and from other packages, each with its source."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

import alphaomega as ao

GOLDEN = Path(__file__).parent / "golden"
GLMNET = json.loads((GOLDEN / "glmnet.json").read_text())["records"]
CVXPY = json.loads((GOLDEN / "cvxpy.json").read_text())
LOSS = {"gaussian": "squared", "binomial": "logistic", "poisson": "poisson", "multinomial": "multinomial"}
BUNDLED = ("diabetes", "breast_cancer", "wine")


def read_csv(path) -> np.ndarray:
    import pandas

    return pandas.read_csv(path).to_numpy(dtype=float)


def glmnet_data(name, shared_data):
    if name in BUNDLED:
        return getattr(datasets, f"load_{name}")(return_X_y=True)
    folder = "glmnet_examples"
    return read_csv(shared_data(f"{folder}/{name}_x.csv.gz")), read_csv(shared_data(f"{folder}/{name}_y.csv"))[:, 0]


def marked(records):
    """The records as parameters; those on data that is not bundled carry the marker `shared`."""
    parameters = []
    for record in records:
        label = "-".join(str(record[key]) for key in ("data", "family", "l1_ratio", "lambda") if not record.get("cv"))
        marks = [] if record["data"] in BUNDLED else [pytest.mark.shared]
        parameters.append(pytest.param(record, id=label or f"{record['data']}-{record['family']}", marks=marks))
    return parameters


@pytest.mark.parametrize("record", marked([r for r in GLMNET if not r.get("cv")]))
def test_glmnet_solutions(record, shared_data):
    """R glmnet at thresh 1e-16: the same objective for every family, on columns scaled by their 1/n deviation."""
    X, y = glmnet_data(record["data"], shared_data)
    p = X.shape[1]
    penalty = ao.GroupL1(np.arange(p)) if record["grouped"] else ao.ElasticNet(record["l1_ratio"])
    fit = ao.path(X, y, LOSS[record["family"]], penalty, alphas=[record["lambda"]], standardize=True, tol=1e-10)
    expected = np.array(record["coef"])
    coef, intercept = np.atleast_2d(fit.coef[0]), np.atleast_1d(fit.intercept[0])
    scale = np.sqrt(X.var(0))
    tolerance = 3e-6 * (1 + abs(expected[:, 1:] * scale).max())  # glmnet is off by so much where columns correlate
    np.testing.assert_allclose(coef * scale, expected[:, 1:] * scale, atol=tolerance)
    np.testing.assert_array_equal((abs(coef * scale) > 1e-5).any(0), (abs(expected[:, 1:] * scale) > 1e-5).any(0))
    center = expected[:, 0].mean() if len(expected) > 1 else 0.0
    np.testing.assert_allclose(intercept, expected[:, 0] - center, rtol=2e-6, atol=tolerance)
    if not record["grouped"]:
        top = ao.path(X, y, LOSS[record["family"]], penalty, n_alphas=2, standardize=True).alphas[0]
        assert top == pytest.approx(record["lambda_max"], rel=1e-9)


@pytest.mark.parametrize("record", marked([r for r in GLMNET if r.get("cv")]))
def test_glmnet_cross_validation(record, shared_data):
    """cv.glmnet with fold ids i mod 10 and a given grid: curve, standard errors, both choices."""
    X, y = glmnet_data(record["data"], shared_data)
    folds = np.arange(len(y)) % 10
    cv = ao.cross_validate(
        X, y, LOSS[record["family"]], alphas=record["lambda"], standardize=True, folds=folds, tol=1e-9
    )
    compared = slice(50 if record["family"] == "binomial" else None)  # further on cv.glmnet caps certainty at 1 - 1e-5
    np.testing.assert_allclose(cv.mean[compared], record["cvm"][compared], rtol=1e-5)
    np.testing.assert_allclose(cv.standard_error[compared], record["cvsd"][compared], rtol=1e-5)
    if record["family"] == "binomial":
        return
    assert cv.alpha_min == pytest.approx(record["lambda_min"], rel=1e-9)
    assert cv.alpha_1se == pytest.approx(record["lambda_1se"], rel=1e-9)


def named_penalty(name):
    group = ao.GroupL1(CVXPY["groups"])
    return {
        "group": group,
        "sparse group": 0.5 * ao.L1() + 0.5 * group,
        "group + L2": group + 0.5 * ao.L2(),
        "non-negative group": ao.Bounded(group, lower=0),
        "box": ao.Bounded(0.5 * ao.L1() + 0.5 * ao.L2(), lower=-0.3, upper=0.2),
    }[name]


@pytest.mark.parametrize(
    "record", CVXPY["records"], ids=lambda record: f"{record['loss']}-{record['penalty']}-{record['alpha']}"
)
def test_interior_point_solutions(record):
    """Group norms and bounds by a general convex solver, good to about seven digits."""
    X, y, weights = np.array(CVXPY["X"]), np.array(CVXPY["targets"][record["loss"]]), np.array(CVXPY["weights"])
    fit = ao.path(X, y, record["loss"], named_penalty(record["penalty"]), alphas=[record["alpha"]], weights=weights)
    assert fit.gap[0] <= 1e-6
    np.testing.assert_allclose(fit.coef[0], record["coef"], atol=1e-5)
    np.testing.assert_allclose(np.atleast_1d(fit.intercept[0]), record["intercept"], atol=1e-5)


@pytest.mark.shared
def test_glmnet_quickstart_lasso(shared_data):
    """The lasso of glmnet's QuickStart data at lambda 0.1, to twelve digits."""
    X, y = glmnet_data("QuickStart", shared_data)
    fit = ao.path(X, y, alphas=[0.1], standardize=True, tol=1e-12)
    expected = np.zeros(20)
    expected[[0, 2, 4, 5, 6, 7, 10, 13, 19]] = [
        1.320586971172, 0.675096707427, -0.817381718033, 0.521438262102, 0.004839590578, 0.319412027381,
        0.142499777711, -1.059983663711, -1.021871306359,
    ]  # fmt: skip
    np.testing.assert_allclose(fit.coef[0], expected, atol=1e-6)
    assert fit.intercept[0] == pytest.approx(0.150931883345, abs=1e-6)
    assert set(np.flatnonzero(fit.coef[0])) == set(np.flatnonzero(expected))


@pytest.mark.shared
def test_glmnet_quickstart_cross_validation(shared_data):
    X, y = glmnet_data("QuickStart", shared_data)
    cv = ao.cross_validate(X, y, standardize=True, folds=np.arange(100) % 10 + 1)
    assert cv.path.alphas[0] == pytest.approx(1.630762082, rel=1e-9)
    assert cv.alpha_min == pytest.approx(0.06896888915, rel=1e-9)
    assert cv.alpha_1se == pytest.approx(0.1322761402, rel=1e-9)
    assert cv_of_glmnet(X, y, cv.alpha_min) == pytest.approx(1.02156176, rel=1e-6)
    assert cv.mean[cv.index_min] == pytest.approx(1.02156176, rel=1e-4)  # exact solutions in place of interpolated ones


def cv_of_glmnet(X, y, alpha):
    """The error as cv.glmnet finds it: every fold has a grid of its own, and coefficients are interpolated at alpha."""
    errors = np.zeros(len(y))
    for fold in range(10):
        test = np.arange(len(y)) % 10 == fold
        path = ao.path(X[~test], y[~test], standardize=True, tol=1e-12)
        rows = np.column_stack([path.intercept, path.coef])[::-1]
        at = np.array([np.interp(alpha, path.alphas[::-1], row) for row in rows.T])
        errors[test] = y[test] - at[0] - X[test] @ at[1:]
    return np.mean(errors**2)
