"""Ensembles: members are the fits they would be alone, and decide together."""

from __future__ import annotations

import numpy as np
import polars
import pytest
from scipy.special import expit
from sklearn.base import clone

import alphaomega as ao

MODELS = {
    "lasso": lambda: ao.Lasso(alpha=0.1, tol=1e-10),
    "ridge": lambda: ao.Ridge(alpha=0.5, tol=1e-10),
    "elastic net": lambda: ao.ElasticNetRegressor(alpha=0.1, tol=1e-10),
    "logistic": lambda: ao.LogisticRegression(alpha=0.02, tol=1e-10),
    "classifier": lambda: ao.Classifier(alpha=0.02, tol=1e-10),
    "poisson": lambda: ao.PoissonRegressor(alpha=0.02, tol=1e-10),
}


def data_of(name, rng, n=70, p=6):
    X = rng.standard_normal((n, p))
    eta = X[:, 0] - 0.7 * X[:, 1]
    if name == "logistic":
        return X, np.where(rng.random(n) < expit(2 * eta), "yes", "no")
    if name == "classifier":
        return X, np.array(["a", "b", "c"])[np.digitize(eta + 0.5 * rng.standard_normal(n), [-0.5, 0.5])]
    if name == "poisson":
        return X, rng.poisson(np.exp(0.5 * eta))
    return X, eta + 0.5 * rng.standard_normal(n)


@pytest.mark.parametrize("kind", ["bootstrap", "half", "pairs"])
@pytest.mark.parametrize("name", MODELS)
def test_members_are_separate_fits(name, kind, rng):
    X, y = data_of(name, rng)
    team = ao.Ensemble(MODELS[name](), n_models=4, resampling=kind, seed=1).fit(X, y)
    assert len(team.coefs_) == (8 if kind == "pairs" else 4)
    for coef, intercept, weights in zip(team.coefs_, team.intercepts_, team.weights_):
        alone = MODELS[name]().fit(X, y, sample_weight=weights)
        assert coef == pytest.approx(alone.coef_.reshape(coef.shape), abs=2e-4)
        assert intercept == pytest.approx(np.reshape(alone.intercept_, np.shape(intercept)), abs=1e-3)


@pytest.mark.parametrize("name", ["lasso", "logistic", "classifier", "poisson"])
def test_the_mean_is_a_linear_model(name, rng):
    X, y = data_of(name, rng)
    team = ao.Ensemble(MODELS[name](), n_models=6).fit(X, y)
    eta = X @ team.coef_.T + team.intercept_
    expected = team.path_.loss.predict(eta, team.path_.classes)
    if team.path_.loss.classifies:
        assert (team.predict(X) == expected).all()
        assert team.predict_proba(X).sum(1) == pytest.approx(1.0)
    else:
        assert team.predict(X) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["logistic", "classifier"])
def test_votes_are_counted(name, rng):
    X, y = data_of(name, rng)
    team = ao.Ensemble(MODELS[name](), n_models=5, combine="vote").fit(X, y)
    votes = []
    for weights in team.weights_:
        votes.append(MODELS[name]().fit(X, y, sample_weight=weights).predict(X))
    share = (np.array(votes)[..., None] == team.classes_).mean(0)
    assert team.predict_proba(X) == pytest.approx(share)
    assert (team.predict(X) == team.classes_[share.argmax(1)]).all()
    assert 0 <= team.oob_misclassified_ < 0.5


def test_out_of_bag_rows_are_predicted_by_those_that_left_them_out(rng):
    X, y = data_of("lasso", rng)
    team = ao.Ensemble(MODELS["lasso"](), n_models=8).fit(X, y)
    errors = []
    for row in range(len(y)):
        out = team.weights_[:, row] == 0
        if out.any():
            mean = (team.coefs_[out] @ X[row] + team.intercepts_[out]).mean()
            errors.append((y[row] - mean) ** 2)
    assert team.oob_rows_ == len(errors)
    assert team.oob_error_ == pytest.approx(np.mean(errors))
    lower, upper = team.interval(0.9)
    assert (lower <= upper).all()
    assert team.to_frame().columns == ["feature", "single", "mean", "lower", "upper", "frequency"]


def test_alpha_is_chosen_once_and_names_are_kept(rng):
    X, y = data_of("lasso", rng)
    frame = polars.DataFrame(X, schema=list("uvwxyz")).with_columns(kind=polars.Series(["p", "q"] * 35))
    team = ao.Ensemble(ao.Lasso(), n_models=5).fit(frame, y)
    assert team.alpha_ == team.single_.alpha_ == ao.Lasso().fit(frame, y).alpha_
    assert team.feature_names_ == [*"uvwxyz", "kind=q"]
    assert team.predict(frame[:3]).shape == (3,)
    assert clone(team).get_params()["n_models"] == 5


def test_offsets_and_bad_requests(rng):
    X, y = data_of("poisson", rng)
    offset = np.linspace(0, 0.5, len(y))
    team = ao.Ensemble(MODELS["poisson"](), n_models=3).fit(X, y, offset=offset)
    assert team.predict(X, offset).shape == y.shape
    with pytest.raises(ValueError, match="fitted with an offset"):
        team.predict(X)
    with pytest.raises(ValueError, match="combine='vote' needs classes"):
        ao.Ensemble(MODELS["lasso"](), combine="vote").fit(X, y)
    with pytest.raises(ValueError, match="combine must be 'mean' or 'vote'"):
        ao.Ensemble(MODELS["lasso"](), combine="median").fit(X, y)
    with pytest.raises(ValueError, match="resampling must be one of bootstrap, half, pairs"):
        ao.Ensemble(MODELS["lasso"](), resampling="jackknife").fit(X, y)
    with pytest.raises(TypeError, match="must be a penalised model of alphaomega"):
        ao.Ensemble("lasso").fit(X, y)
