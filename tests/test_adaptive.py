"""Adaptive and relaxed lasso: their special cases are the lasso and least squares; folds choose for themselves."""

from __future__ import annotations

import numpy as np
import pytest

import alphaomega as ao


@pytest.fixture
def data(rng):
    X = rng.standard_normal((80, 15))
    return X, X[:, :3] @ [3.0, -2.0, 1.5] + rng.standard_normal(80)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_power_zero_is_the_lasso(data, loss):
    X, y = data
    y = y if loss == "squared" else np.where(y > 0, "yes", "no")
    one = ao.adaptive(X, y, loss, power=0, folds=5, n_alphas=20)
    other = ao.cross_validate(X, y, loss, folds=one.folds, n_alphas=20, standardize=True)
    np.testing.assert_allclose(one.path.coef, other.path.coef, atol=1e-8)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-3)
    assert one.index_min == other.index_min


def test_weights_are_made_in_every_fold(data):
    X, y = data
    folds = np.arange(80) % 4
    cv = ao.adaptive(X, y, folds=folds, n_alphas=20)
    held = folds == 2
    pilot = ao.cross_validate(X[~held], y[~held], penalty=ao.L2(), folds=5, standardize=True)
    weights = 1 / abs(pilot.path.at(pilot.alpha_min).coef * X[~held].std(0))
    part = ao.path(X[~held], y[~held], penalty=ao.L1(weights), alphas=cv.path.alphas, standardize=True)
    errors = [((y[held] - part.predict(X[held], alpha)) ** 2).mean() for alpha in cv.path.alphas]
    np.testing.assert_allclose(cv.scores[2], errors, rtol=1e-6)


def test_adaptive_weights_take_fewer_false_features(data):
    lasso = ao.cross_validate(*data, folds=5, standardize=True)
    adapted = ao.adaptive(*data, folds=5)
    assert set(np.flatnonzero(adapted.path.coef[adapted.index_min])) >= {0, 1, 2}
    assert adapted.path.n_nonzero[adapted.index_min] < lasso.path.n_nonzero[lasso.index_min]


def test_the_ends_of_the_relaxed_lasso(data):
    X, y = data
    found = ao.relaxed(X, y, folds=5, n_alphas=20, gammas=[0, 1])
    lasso = ao.cross_validate(X, y, folds=5, alphas=found.path.alphas, standardize=True)
    np.testing.assert_allclose(found.scores[:, :, 1], lasso.scores, rtol=1e-3)
    for k in (3, 8):
        support = np.flatnonzero(found.path.coef[k])
        A = np.column_stack([X[:, support], np.ones(80)])
        np.testing.assert_allclose(found.refits[k][[*support, -1]], np.linalg.lstsq(A, y, rcond=None)[0], atol=1e-6)
        assert np.count_nonzero(found.refits[k][:-1]) == len(support)
    k, g = found.best
    assert found.to_frame()["mean_score"].min() == found.scores.mean(0)[k, g]
    assert found.gamma == 0 and set(np.flatnonzero(found.coef)) >= {0, 1, 2}
    np.testing.assert_allclose(found.coef, found.refits[k][:-1])


def test_relaxed_logistic(data):
    X, y = data
    found = ao.relaxed(X, y > 0, "logistic", folds=4, n_alphas=10)
    assert found.scores.shape == (4, 10, 5) and np.isfinite(found.scores).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, y: ao.adaptive(X, y, power=-1), "power must be a finite number >= 0"),
        (lambda X, y: ao.relaxed(X, y, gammas=[2.0]), r"gammas must be numbers in \[0, 1\]"),
        (lambda X, y: ao.relaxed(X, np.arange(80) % 3, "multinomial"), "needs a loss with one output"),
    ],
)
def test_bad_input(data, call, message):
    with pytest.raises(ValueError, match=message):
        call(*data)
