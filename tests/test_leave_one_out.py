"""Ridge's leave-one-out errors: one decomposition gives what as many refits as rows give."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import RidgeCV

import alphaomega as ao

ALPHAS = np.array([10.0, 1.0, 0.1, 0.01])
SHAPES = {"tall": (24, 5), "wide": (12, 30)}


def data(name: str) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(len(name))
    n, p = SHAPES[name]
    X = rng.standard_normal((n, p)) * rng.uniform(0.5, 3, p) + rng.standard_normal(p)
    return X, 3 + X[:, 0] - X[:, 1] + rng.standard_normal(n), rng


def refitted(X, y, penalty, intercept, **sample) -> np.ndarray:
    """The weighted mean squared error of each row under a fit without it, at every alpha."""
    n = len(y)
    weights, errors = sample.get("weights", np.ones(n)), np.empty((n, len(ALPHAS)))
    for i in range(n):
        rest = np.arange(n) != i
        part = {name: values[rest] for name, values in sample.items()}
        fit = ao.path(X[rest], y[rest], penalty=penalty, alphas=ALPHAS, intercept=intercept, tol=1e-12, **part)
        errors[i] = y[i] - fit.coef @ X[i] - fit.intercept - sample.get("offset", np.zeros(n))[i]
    return weights @ errors**2 / weights.sum()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("sample", ["plain", "weights", "offset"])
@pytest.mark.parametrize("kind", ["equal", "weights, some zero"])
def test_leave_one_out_is_as_many_refits(name, intercept, sample, kind):
    X, y, rng = data(name)
    n, p = X.shape
    given = {"plain": {}, "weights": {"weights": rng.uniform(0.2, 3, n)}, "offset": {"offset": rng.uniform(-1, 1, n)}}
    penalty = ao.L2() if kind == "equal" else ao.L2(np.r_[0.0, 0.0, rng.uniform(0.5, 2, p - 3), np.inf])
    fit = ao.path(X, y, penalty=penalty, alphas=ALPHAS, intercept=intercept, **given[sample])
    expected = refitted(X, y, penalty, intercept, **given[sample])
    np.testing.assert_allclose(ao.criteria(fit).loo, expected, rtol=1e-8)


@pytest.mark.parametrize("name", SHAPES)
def test_standardised_refits_keep_the_deviations_of_all_rows(name):
    X, y, rng = data(name)
    weights = rng.uniform(0.2, 3, len(y))
    fit = ao.path(X, y, penalty=ao.L2(), alphas=ALPHAS, weights=weights, standardize=True)
    expected = refitted(X / fit.scale, y, ao.L2(), True, weights=weights)
    np.testing.assert_allclose(ao.criteria(fit).loo, expected, rtol=1e-8)


@pytest.mark.parametrize("name", SHAPES)
def test_it_is_cross_validation_with_a_fold_per_row(name):
    X, y, rng = data(name)
    options = {"penalty": ao.L2(), "alphas": ALPHAS, "weights": rng.uniform(0.2, 3, len(y))}
    cv = ao.cross_validate(X, y, folds=np.arange(len(y)), **options)
    np.testing.assert_allclose(ao.criteria(cv.path).loo, cv.mean, rtol=1e-8)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("intercept", [True, False])
def test_scikit_learn_finds_the_same(name, intercept):
    """Their penalty is that of a sum over rows: alpha (n - 1) of ours, for fits to n - 1 rows."""
    X, y, _ = data(name)
    n = len(y)
    peer = RidgeCV(ALPHAS * (n - 1), fit_intercept=intercept, store_cv_results=True).fit(X, y)
    fit = ao.path(X, y, penalty=ao.L2(), alphas=ALPHAS, intercept=intercept)
    found = ao.criteria(fit)
    np.testing.assert_allclose(found.loo, peer.cv_results_.mean(0), rtol=1e-8)
    assert found.alpha("loo") == pytest.approx(peer.alpha_ / (n - 1))


def test_a_weight_is_so_many_rows_that_go_together():
    X, y, rng = data("tall")
    counts = rng.integers(0, 4, len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    one = ao.criteria(ao.path(X, y, penalty=ao.L2(), alphas=ALPHAS, weights=counts))
    other = ao.criteria(ao.path(X[rows], y[rows], penalty=ao.L2(), alphas=ALPHAS))
    np.testing.assert_allclose(one.loo, other.loo, rtol=1e-9)
    np.testing.assert_allclose(one.gcv, other.gcv, rtol=1e-9)
    np.testing.assert_array_equal(one.to_frame()["loo"], one.loo)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("form", [scipy.sparse.csr_array, np.ascontiguousarray, np.asfortranarray])
def test_every_form_of_x_gives_the_same(name, form):
    X, y, _ = data(name)
    X = np.where(abs(X) > 1, X, 0.0)
    one, other = (ao.criteria(ao.path(given, y, penalty=ao.L2(), alphas=ALPHAS)) for given in (X, form(X)))
    np.testing.assert_allclose(other.loo, one.loo, rtol=1e-9)
    np.testing.assert_allclose(other.df, one.df, rtol=1e-9)


def test_many_rows_are_worked_on_in_parts(monkeypatch):
    from alphaomega.model_selection import leave_one_out

    X, y, rng = data("tall")
    fit = ao.path(X, y, penalty=ao.L2(), alphas=ALPHAS, weights=rng.uniform(0.2, 3, len(y)))
    whole = ao.criteria(fit).loo
    monkeypatch.setattr(leave_one_out, "NUMBERS", 50)  # two directions, two alphas at once
    np.testing.assert_allclose(ao.criteria(fit).loo, whole, rtol=1e-10)


def test_a_row_that_determines_its_own_fit_has_no_error_without_it():
    X, y, _ = data("tall")
    X[:, 0] = np.arange(len(y)) == 3
    fit = ao.path(X, y, penalty=ao.L2(np.r_[0.0, np.ones(4)]), alphas=ALPHAS)
    assert np.isinf(ao.criteria(fit).loo).all()
    with pytest.raises(ValueError, match="alpha='loo' finds no alpha with a finite score"):
        ao.Ridge(alpha="loo", penalty_weights=[0.0, 1.0, 1.0, 1.0, 1.0]).fit(X, y)


def test_other_fits_are_not_linear_in_y():
    X, y, _ = data("tall")
    for loss, penalty in (("squared", ao.L1()), ("huber", ao.L2()), ("squared", ao.Bounded(ao.L2(), lower=0))):
        found = ao.criteria(ao.path(X, y, loss, penalty, alphas=ALPHAS))
        assert "loo" not in found.to_frame().columns
        with pytest.raises(TypeError, match="needs the squared loss and the penalty L2 without bounds"):
            found.alpha("loo")


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("rule", ["loo", "gcv"])
def test_the_estimator_takes_the_smallest_score(name, rule):
    X, y, rng = data(name)
    weights = rng.uniform(0.2, 3, len(y))
    model = ao.Ridge(alpha=rule).fit(X, y, sample_weight=weights)
    found = ao.criteria(ao.path(X, y, penalty=ao.L2(), standardize=True, weights=weights))
    assert model.alpha_ == found.alpha(rule)
    assert model.cv_ is None and "over 100 alphas" in model.alpha_choice_
    np.testing.assert_allclose(model.coef_, found.path.at(model.alpha_).coef, rtol=1e-9)


def test_only_ridge_has_these_rules():
    X, y, _ = data("tall")
    with pytest.raises(ValueError, match=r"alpha must be 'cv', '1se', 'loo', 'gcv' or a number >= 0, got 'aic'"):
        ao.Ridge(alpha="aic").fit(X, y)
    with pytest.raises(ValueError, match=r"alpha must be 'cv', '1se' or a number >= 0, got 'loo'"):
        ao.Lasso(alpha="loo").fit(X, y)
