"""Beginning somewhere else: a start saves time and changes no result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

import alphaomega as ao
from problems import LOSSES, PENALTIES, problem


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_start_changes_nothing(loss, penalty, rng):
    """From far away, and from a violated bound or a column that is left out, the certified solution is the same."""
    case = problem("tall")
    y, how = case.y(loss), {"loss": loss, "penalty": PENALTIES[penalty](8), "standardize": True, "tol": 1e-10}
    cold = ao.path(case.X, y, alphas=[0.1, 0.01], **how)
    far = rng.standard_normal(cold.coef[0].shape)
    start = replace(cold.at(0.1), coef=far, intercept=rng.standard_normal(np.shape(cold.intercept[0])))
    warm = ao.path(case.X, y, alphas=[0.1, 0.01], start=start, **how)
    assert (warm.gap <= 1e-10).all()
    one, other = (fit.coef - fit.coef.mean(1, keepdims=True) if several(loss) else fit.coef for fit in (warm, cold))
    np.testing.assert_allclose(one, other, atol=2e-5 * abs(cold.coef).max())
    assert ((warm.coef == 0) == (cold.coef == 0)).all()


def several(loss):
    """Coefficients of several classes are unique up to a shift where no penalty holds them."""
    return loss == "multinomial"


@pytest.mark.parametrize("penalty", ["L1", "L2", "elastic net"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "multinomial"])
def test_a_start_where_columns_outnumber_rows(loss, penalty, rng):
    """Ridge is solved in as many coordinates as there are rows there, and has no use for it."""
    X = rng.standard_normal((20, 60))
    y = {"squared": X[:, 0], "logistic": X[:, 0] > 0}.get(loss, np.digitize(X[:, 0], [-0.5, 0.5]))
    how = {"loss": loss, "penalty": PENALTIES[penalty](60), "alphas": [0.1], "tol": 1e-10}
    cold = ao.path(X, y, **how)
    warm = ao.path(X, y, start=replace(cold.at(0.1), coef=rng.standard_normal(cold.coef[0].shape)), **how)
    np.testing.assert_allclose(warm.coef, cold.coef, atol=1e-5)


def test_a_start_on_a_column_that_is_out(rng):
    X, y = rng.standard_normal((50, 4)), rng.random(50) < 0.5
    X[:, 2] = 3.0
    how = {"loss": "logistic", "penalty": ao.L1([1, 1, 1, np.inf]), "alphas": [0.02]}
    cold = ao.path(X, y, **how)
    warm = ao.path(X, y, start=replace(cold.at(0.02), coef=np.ones(4)), **how)
    assert warm.coef[0, 2] == warm.coef[0, 3] == 0
    np.testing.assert_allclose(warm.coef, cold.coef, atol=1e-4)


def test_a_start_of_another_problem_is_named(rng):
    X, y = rng.standard_normal((20, 3)), rng.standard_normal(20)
    start = ao.path(X, y, alphas=[0.1]).at(0.1)
    with pytest.raises(ValueError, match=r"start has coefficients of shape \(3,\), but this problem's are \(2,\)"):
        ao.path(X[:, :2], y, start=start)


@pytest.mark.parametrize("loss", ["squared", "logistic", "multinomial"])
def test_restarted_estimators(loss):
    """The copy knows nothing but where to begin, once; without a number for alpha it begins at zero as ever."""
    case = problem("tall")
    y = case.y(loss)
    kind = ao.Regressor if loss == "squared" else ao.Classifier
    model = kind(penalty=ao.L1(), alpha=0.03, tol=1e-10).fit(case.X, y)
    kept = np.array([0, 2, 3, 5])
    warm = model.restarted(kept)
    assert not hasattr(warm, "coef_") and not hasattr(clone(warm), "coef_")
    warm.fit(case.X[:, kept], y)
    cold = clone(model).fit(case.X[:, kept], y)
    np.testing.assert_allclose(warm.coef_, cold.coef_, atol=1e-6)
    warm.fit(case.X, y)
    np.testing.assert_allclose(warm.coef_, model.coef_, atol=1e-6)
    chosen = kind(penalty=ao.L1(), folds=3, n_alphas=10).fit(case.X, y)
    assert chosen.restarted(kept).fit(case.X[:, kept], y).alpha_ > 0
