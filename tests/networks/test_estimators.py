"""The scikit-learn face, and priors."""

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")
from sklearn.base import clone  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402
from torch import nn  # noqa: E402

import alphaomega as ao  # noqa: E402
from alphaomega.networks import (  # noqa: E402
    FullBatch,
    NetworkClassifier,
    NetworkRegressor,
    Prior,
    Schedule,
    Training,
    UnitGroupL1,
    alpha_to_prior,
    identify,
    penalize,
    prior_to_alpha,
    priors,
)
from alphaomega.networks.training import sample_loss  # noqa: E402

QUICK = Schedule(Training(epochs=30, lr=0.02, batch_size=32), Training(epochs=6, lr=0.01, batch_size=32), FullBatch(10))


def table(n=300):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((n, 4)), columns=["width", "height", "noise", "dust"])
    frame["kind"] = rng.choice(["round", "square"], n)
    y = 1e4 * (frame["width"] * frame["height"] + (frame["kind"] == "square")) + 500 * rng.standard_normal(n)
    return frame, y.to_numpy()


def test_without_hidden_layer_it_is_the_linear_model():
    X, y = table(100)
    network = NetworkRegressor((), ao.ElasticNet(0.5)).fit(X, y)
    linear = ao.Regressor(penalty=ao.ElasticNet(0.5)).fit(X, y)
    np.testing.assert_array_equal(network.predict(X), linear.predict(X))
    assert network.alpha_ == linear.alpha_ and "kind=square" in network.selected_features_
    for labels in (np.where(y > 0, "a", "b"), np.digitize(y, [-5000, 5000])):
        network = NetworkClassifier((), ao.L1(), alpha=0.01).fit(X, labels)
        linear = ao.Classifier(ao.L1(), alpha=0.01).fit(X, labels)
        np.testing.assert_array_equal(network.predict_proba(X), linear.predict_proba(X))


def test_a_hidden_layer_sees_the_product_and_names_the_inputs_it_needs():
    X, y = table()
    model = NetworkRegressor((24,), UnitGroupL1("inputs"), alpha="1se", schedule=QUICK).fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > 0.8
    assert ao.Regressor().fit(X[:200], y[:200]).score(X[200:], y[200:]) < 0.4
    assert {"width", "height"} <= set(model.selected_features_)
    assert "one standard error" in model.alpha_choice_ and list(model.feature_names_in_) == list(X.columns)
    again = clone(model).fit(X[:200], y[:200])
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X.rename(columns={"width": "girth"}))


def test_a_classifier_gives_probabilities_and_labels():
    X, y = table()
    labels = np.where(y > 0, "large", "small")
    model = NetworkClassifier((24,), alpha=1e-3, schedule=QUICK).fit(X, labels)
    assert model.score(X, labels) > 0.85 and list(model.classes_) == ["large", "small"]
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1)
    assert model.alpha_ == 1e-3 and model.alpha_choice_ == "alpha = 0.001, as given."


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (NetworkRegressor(activation="relu6"), "activation must be one of"),
        (NetworkRegressor(alpha="best"), "alpha must be 'cv', '1se' or a number"),
        (NetworkRegressor(alpha=-1.0), "alphas must be finite and >= 0"),
        (NetworkRegressor(validation=0.0), "validation must be a share"),
    ],
)
def test_bad_input_is_named(model, message):
    X, y = table(40)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # scikit-learn's own checks fit nonsense on purpose
@pytest.mark.parametrize("kind", [NetworkRegressor, NetworkClassifier])
def test_scikit_learn_s_own_checks(kind):
    results = check_estimator(kind((8,), alpha=1e-3, schedule=QUICK), on_skip=None, on_fail=None)
    failed = [(result["check_name"], result["exception"]) for result in results if result["status"] == "failed"]
    assert not failed
    assert sum(result["status"] == "passed" for result in results) > 40


def test_priors_go_there_and_back_and_leave_biases_flat():
    for kind in ("gaussian", "laplace"):
        for alpha in (0.0, 1e-3, 2.0):
            assert prior_to_alpha(alpha_to_prior(alpha, 50, kind), 50) == pytest.approx(alpha, rel=1e-12)
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
    found = priors(penalize(model, 0.01 * ao.L2(), per_layer={"2": 0.02 * ao.L1()}), 50)
    assert found["0.weight"].precision == pytest.approx(0.5) and found["2.weight"].scale == pytest.approx(1.0)
    assert found["0.bias"].sd == found["2.bias"].sd == np.inf
    with pytest.raises(TypeError, match="no single Gaussian or Laplace prior"):
        priors(penalize(model, ao.ElasticNet(0.5)), 50)
    with pytest.raises(ValueError, match="kind must be one of"):
        alpha_to_prior(1.0, 5, "cauchy")
    with pytest.raises(ValueError, match="standard deviation must be > 0"):
        prior_to_alpha(Prior("gaussian", 0.0), 5)


@pytest.mark.parametrize(("kind", "penalty"), [("gaussian", ao.L2()), ("laplace", ao.L1())])
def test_the_penalised_fit_maximises_the_posterior(kind, penalty):
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.standard_normal((60, 3)))
    y = x[:, 0] + torch.from_numpy(rng.standard_normal(60))
    model = nn.Linear(3, 1).double()
    prior = Prior(kind, 0.3)
    density = (
        torch.distributions.Normal(0, prior.sd) if kind == "gaussian" else torch.distributions.Laplace(0, prior.scale)
    )
    identify(
        penalize(model, prior_to_alpha(prior, 60) * penalty), [(x, y)], sample_loss("squared"), FullBatch(500, 1e-10)
    )

    def log_posterior(weight, bias):  # unit noise variance
        return density.log_prob(weight).sum() - 0.5 * ((x @ weight + bias - y) ** 2).sum()

    weight, bias = model.weight.detach()[0], model.bias.detach()
    best = log_posterior(weight, bias)
    for _ in range(200):
        step = 1e-3 * torch.from_numpy(rng.standard_normal(4))
        assert log_posterior(weight + step[:3], bias + step[3]) < best
