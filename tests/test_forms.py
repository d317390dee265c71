"""Quadratic forms: solved exactly alone, with other penalties and bounds by proximal gradient; against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import lsq_linear

import alphaomega as ao

P = 12
FORMS = {
    "Tikhonov": lambda: ao.Tikhonov(np.diag(np.arange(1.0, P + 1)) + 0.5),
    "Tikhonov, sparse": lambda: ao.Tikhonov(scipy.sparse.diags_array(np.arange(1.0, P + 1))),
    "Smoothness": lambda: ao.Smoothness(2),
    "GraphLaplacian": lambda: ao.GraphLaplacian((np.add.outer(np.arange(P), np.arange(P)) % 3 == 0).astype(float)),
    "sum": lambda: 0.5 * ao.Smoothness() + 2 * ao.Tikhonov(np.eye(P)),
}
EVERY = pytest.mark.parametrize("name", FORMS)


def matrix(penalty):
    """Q from values alone."""
    eye = np.eye(P)
    single = np.array([float(penalty.value(e)) for e in eye])
    return np.array([[float(penalty.value(a + b)) - s - t for b, t in zip(eye, single)] for a, s in zip(eye, single)])


@pytest.fixture
def data(rng):
    X = rng.standard_normal((60, P)) + 2
    return X, X @ np.linspace(0, 1, P) + rng.standard_normal(60)


def closed_form(X, y, Q, alpha):
    centred = X - X.mean(0)
    return np.linalg.solve(centred.T @ centred / len(y) + alpha * Q, centred.T @ (y - y.mean()) / len(y))


@EVERY
def test_least_squares_has_a_closed_form(data, name):
    X, y = data
    penalty = FORMS[name]()
    path = ao.path(X, y, penalty=penalty, alphas=[10, 1, 0.01])
    for coef, alpha in zip(path.coef, path.alphas):
        np.testing.assert_allclose(coef, closed_form(X, y, matrix(penalty), alpha), atol=1e-9)
    assert path.gap.max() < 1e-9 and path.certificate == "stationarity" and path.message == ""
    np.testing.assert_allclose(path.intercept, y.mean() - path.coef @ X.mean(0), atol=1e-9)


@EVERY
def test_standardised_columns(data, name):
    X, y = data
    X = X * np.logspace(-2, 2, P)
    penalty = FORMS[name]()
    path = ao.path(X, y, penalty=penalty, alphas=[0.1], standardize=True)
    expected = closed_form(X / X.std(0), y, matrix(penalty), 0.1) / X.std(0)
    np.testing.assert_allclose(path.coef[0] * X.std(0), expected * X.std(0), atol=1e-9)


@pytest.mark.parametrize("standardize", [False, True])
def test_folds_are_separate_fits(data, standardize):
    X, y = data
    folds = np.arange(60) % 4
    cv = ao.cross_validate(X, y, penalty=ao.Smoothness(), alphas=[1, 0.1], folds=folds, standardize=standardize)
    for fold in range(4):
        held = folds == fold
        part = ao.path(X[~held], y[~held], penalty=ao.Smoothness(), alphas=[1, 0.1], standardize=standardize)
        errors = [((y[held] - part.predict(X[held], alpha)) ** 2).mean() for alpha in (1, 0.1)]
        np.testing.assert_allclose(cv.scores[fold], errors, rtol=1e-8)


@pytest.mark.parametrize("loss", ["logistic", "poisson", "multinomial"])
def test_an_identity_is_ridge_for_every_loss(data, loss):
    X, y = data
    X = X - 2
    target = {"logistic": y > y.mean(), "poisson": np.floor(abs(y)), "multinomial": np.digitize(y, [8, 14])}[loss]
    one, other = (
        ao.path(X, target, loss, penalty, alphas=[1, 0.1], tol=1e-12) for penalty in (ao.Tikhonov(np.eye(P)), ao.L2())
    )
    np.testing.assert_allclose(one.coef, other.coef, atol=1e-6)
    assert one.gap.max() < 1e-6


def test_beside_l1_it_is_the_lasso_on_more_rows(data):
    """||y - Xw||^2 / 2n + alpha (||w||_1 + w'Qw / 2): the rows sqrt(n alpha) D, D'D = Q, with y = 0."""
    X, y = data
    X, y = X - X.mean(0), y - y.mean()
    D = np.diff(np.eye(P), axis=0)
    for alpha in (0.5, 0.05):
        path = ao.path(X, y, penalty=ao.L1() + ao.Smoothness(), alphas=[alpha], intercept=False, tol=1e-9)
        more = np.vstack([X, np.sqrt(60 * alpha) * D])
        rows = len(more)
        lasso = ao.path(more, np.r_[y, np.zeros(P - 1)], alphas=[alpha * 60 / rows], intercept=False, tol=1e-13)
        np.testing.assert_allclose(path.coef, lasso.coef, atol=1e-7)
        assert (path.coef == 0).sum() == (lasso.coef == 0).sum()


def test_inside_bounds_it_is_bounded_least_squares(data):
    X, y = data
    centred = X - X.mean(0)
    penalty = ao.Bounded(ao.Smoothness(), lower=0, upper=0.6)
    path = ao.path(X, y, penalty=penalty, alphas=[0.3], tol=1e-9)
    rows = np.vstack([centred / np.sqrt(60), np.sqrt(0.3) * np.diff(np.eye(P), axis=0)])
    expected = lsq_linear(rows, np.r_[(y - y.mean()) / np.sqrt(60), np.zeros(P - 1)], (0, 0.6), tol=1e-14).x
    np.testing.assert_allclose(path.coef[0], expected, atol=1e-6)
    assert path.coef.min() >= 0 and path.coef.max() == 0.6


def test_smooth_coefficients_beat_ridge_where_the_truth_is_smooth():
    """M20: what is known of the coefficients, put into Omega, lowers the error of prediction."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 60))
    truth = np.sin(np.linspace(0, 3, 60))
    y = X @ truth + 2 * rng.standard_normal(80)
    errors = {}
    for name, penalty in (("ridge", ao.L2()), ("smooth", ao.Smoothness(2))):
        cv = ao.cross_validate(X, y, penalty=penalty, alphas=np.geomspace(1e5, 1e-3, 30), folds=5)
        errors[name] = np.linalg.norm(cv.path.at(cv.alpha_min).coef - truth)
    assert errors["smooth"] < 0.4 * errors["ridge"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ao.Tikhonov(np.ones((2, 3))), "matrix must be square"),
        (lambda: ao.Tikhonov([[1.0, 0.0], [1.0, 1.0]]), "matrix must be symmetric"),
        (lambda: ao.Tikhonov([[1.0, 2.0], [2.0, 1.0]]), "positive semidefinite, but has the eigenvalue -1"),
        (lambda: ao.Tikhonov([[np.nan]]), "NaN or infinity"),
        (lambda: ao.Tikhonov(np.eye(2)).value(np.ones(3)), "2 rows for 3 features"),
        (lambda: ao.Smoothness(0), "order must be a whole number >= 1"),
        (lambda: ao.GraphLaplacian([[0, -1], [-1, 0]]), "adjacency must be finite and >= 0"),
        (lambda: ao.GraphLaplacian([[0, 1], [0, 0]]), "adjacency must be symmetric"),
        (lambda: ao.GraphLaplacian(np.zeros((2, 2))).value(np.ones(3)), "2 rows for 3 features"),
    ],
)
def test_bad_parameters_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
