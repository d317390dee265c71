"""convert_alpha: every convention is tested by what the package minimises, not by the formula that converts it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.linear_model as linear
import sklearn.svm

import alphaomega as ao
from alphaomega.conversion import CONVENTIONS

RNG = np.random.default_rng(7)
N, P = 60, 4
X = RNG.standard_normal((N, P))
NOISY = X @ np.array([1.5, -1.0, 0.5, 0.0]) + 0.7 * RNG.standard_normal(N) + 2.0
EVENT = (NOISY + RNG.standard_normal(N) > 2).astype(int)
COUNTS = RNG.poisson(np.exp(0.3 * X[:, 0] + 0.5))
WEIGHTS = RNG.integers(1, 4, N).astype(float)
BATCH = 5


def fit(y, alpha, penalty, loss="squared", weights=None):
    return ao.path(X, y, loss=loss, penalty=penalty, alphas=[alpha], weights=weights, tol=1e-12).coef[0]


SKLEARN = {
    "sklearn.Lasso": (linear.Lasso(alpha=0.2, tol=1e-12), ao.L1(), "squared"),
    "sklearn.ElasticNet": (linear.ElasticNet(alpha=0.3, l1_ratio=0.4, tol=1e-12), ao.ElasticNet(0.4), "squared"),
    "sklearn.Ridge": (linear.Ridge(alpha=9.0), ao.L2(), "squared"),
    "sklearn.LogisticRegression": (linear.LogisticRegression(C=0.3, tol=1e-10, max_iter=1000), ao.L2(), "logistic"),
    "sklearn.PoissonRegressor": (linear.PoissonRegressor(alpha=0.2, tol=1e-10, max_iter=1000), ao.L2(), "poisson"),
    "sklearn.TweedieRegressor": (
        linear.TweedieRegressor(power=1, alpha=0.2, tol=1e-10, max_iter=1000, link="log"),
        ao.L2(),
        "poisson",
    ),
}


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("package", SKLEARN)
def test_equal_strength_gives_scikit_learns_coefficients(package, weights):
    model, penalty, loss = SKLEARN[package]
    y = {"squared": NOISY, "logistic": EVENT, "poisson": COUNTS}[loss]
    peer = model.fit(X, y, sample_weight=weights)
    value = peer.C if package.endswith("LogisticRegression") else peer.alpha
    total = N if weights is None else weights.sum()
    alpha = ao.convert_alpha(value, source=package, n=N, weight_sum=total)
    np.testing.assert_allclose(fit(y, alpha, penalty, loss, weights), np.ravel(peer.coef_), atol=2e-6)


def test_ridge_classifier_is_ridge_on_plus_and_minus_one():
    peer = linear.RidgeClassifier(alpha=4.0).fit(X, EVENT)
    alpha = ao.convert_alpha(4.0, source="sklearn.RidgeClassifier", n=N)
    np.testing.assert_allclose(fit(2.0 * EVENT - 1, alpha, ao.L2()), np.ravel(peer.coef_), atol=1e-7)


def _rss(w, b):
    return ((NOISY - X @ w - b) ** 2).sum()


def _nll(w, b):
    eta = X @ w + b
    return (np.logaddexp(0, eta) - EVENT * eta).sum()


def _gamma_deviance(w, b):
    mean, y = np.exp(X @ w + b), np.exp(NOISY / 3)
    return 2 * (np.log(mean / y) + y / mean - 1).sum()


def _gamma_mean_loss(w, b):
    return _gamma_deviance(w, b) / (2 * N)


def _hinge(w, b):
    return np.maximum(1 - (2 * EVENT - 1) * (X @ w + b), 0).sum()


def _squares(w, b):
    return _rss(w, b) / (2 * N)


def _logistic(w, b):
    return _nll(w, b) / N


def _l1(w):
    return abs(w).sum()


def _l2(w):
    return w @ w / 2


SD = NOISY.std()
FACTOR = np.array([1.0, 2.0, 3.0, 4.0])

#: package -> (its stated objective at strength v, J, Omega, the arguments the conversion needs)
STATED = {
    "alphaomega": (lambda v, w, b: _squares(w, b) + v * _l1(w), _squares, _l1, {}),
    "sklearn.Lasso": (lambda v, w, b: _rss(w, b) / (2 * N) + v * _l1(w), _squares, _l1, {}),
    "sklearn.ElasticNet": (
        lambda v, w, b: _rss(w, b) / (2 * N) + v * (0.4 * _l1(w) + 0.3 * w @ w),
        _squares,
        lambda w: 0.4 * _l1(w) + 0.6 * _l2(w),
        {},
    ),
    "sklearn.Ridge": (lambda v, w, b: _rss(w, b) + v * w @ w, _squares, _l2, {"n": N}),
    "sklearn.RidgeClassifier": (lambda v, w, b: _rss(w, b) + v * w @ w, _squares, _l2, {"n": N}),
    "sklearn.LogisticRegression": (lambda v, w, b: v * _nll(w, b) + w @ w / 2, _logistic, _l2, {"n": N}),
    "sklearn.LinearSVC": (lambda v, w, b: v * _hinge(w, b) + w @ w / 2, lambda w, b: _hinge(w, b) / N, _l2, {"n": N}),
    "sklearn.PoissonRegressor": (
        lambda v, w, b: _gamma_deviance(w, b) / (2 * N) + v / 2 * w @ w,
        _gamma_mean_loss,
        _l2,
        {},
    ),
    "sklearn.GammaRegressor": (
        lambda v, w, b: _gamma_deviance(w, b) / (2 * N) + v / 2 * w @ w,
        _gamma_mean_loss,
        _l2,
        {},
    ),
    "sklearn.TweedieRegressor": (
        lambda v, w, b: _gamma_deviance(w, b) / (2 * N) + v / 2 * w @ w,
        _gamma_mean_loss,
        _l2,
        {},
    ),
    "sklearn.SGDRegressor": (lambda v, w, b: _rss(w, b) / (2 * N) + v / 2 * w @ w, _squares, _l2, {}),
    "sklearn.SGDClassifier": (lambda v, w, b: _nll(w, b) / N + v * _l1(w), _logistic, _l1, {}),
    "sklearn.MLPRegressor": (
        lambda v, w, b: _rss(w, b) / (2 * N) + v / (2 * BATCH) * w @ w,
        _squares,
        _l2,
        {"batch_size": BATCH},
    ),
    "sklearn.MLPClassifier": (
        lambda v, w, b: _nll(w, b) / N + v / (2 * BATCH) * w @ w,
        _logistic,
        _l2,
        {"batch_size": BATCH},
    ),
    "sklearn.MLPRegressor.lbfgs": (lambda v, w, b: _rss(w, b) / (2 * N) + v / (2 * N) * w @ w, _squares, _l2, {"n": N}),
    "sklearn.MLPClassifier.lbfgs": (lambda v, w, b: _nll(w, b) / N + v / (2 * N) * w @ w, _logistic, _l2, {"n": N}),
    "glmnet": (
        lambda v, w, b: _rss(w, b) / (2 * N) + v / SD * w @ w / 2,
        _squares,
        _l2,
        {"sd_y": SD, "l1_ratio": 0},
    ),
    "glmnet.binomial": (
        lambda v, w, b: _nll(w, b) / N + v * (FACTOR / FACTOR.mean() * abs(w)).sum(),
        _logistic,
        lambda w: (FACTOR * abs(w)).sum(),
        {"penalty_factor": FACTOR},
    ),
    "glmnet.multinomial": (lambda v, w, b: _nll(w, b) / N + v * _l1(w), _logistic, _l1, {}),
    "glmnet.poisson": (lambda v, w, b: _gamma_mean_loss(w, b) + v * _l2(w), _gamma_mean_loss, _l2, {"l1_ratio": 0}),
    "skglm.Lasso": (lambda v, w, b: _rss(w, b) / (2 * N) + v * _l1(w), _squares, _l1, {}),
    "celer.Lasso": (lambda v, w, b: _rss(w, b) / (2 * N) + v * _l1(w), _squares, _l1, {}),
    "celer.LogisticRegression": (lambda v, w, b: v * _nll(w, b) + _l1(w), _logistic, _l1, {"n": N}),
    "adelie": (lambda v, w, b: _nll(w, b) / N / 3 + v * _l1(w), _logistic, _l1, {"n_outputs": 3}),
    "glum": (lambda v, w, b: _gamma_deviance(w, b) / (2 * N) + v * _l1(w), _gamma_mean_loss, _l1, {}),
    "statsmodels.OLS": (lambda v, w, b: 0.5 * _rss(w, b) / N + v * w @ w / 2, _squares, _l2, {}),
    "statsmodels.GLM": (lambda v, w, b: _nll(w, b) / N + v * _l1(w), _logistic, _l1, {}),
    "statsmodels.discrete": (lambda v, w, b: _nll(w, b) + v * _l1(w), _logistic, _l1, {"n": N}),
    "spark": (lambda v, w, b: _nll(w, b) / N + v * _l1(w), _logistic, _l1, {}),
    "keras.L1": (lambda v, w, b: _nll(w, b) / N + v * _l1(w), _logistic, _l1, {}),
    "keras.L2": (lambda v, w, b: _nll(w, b) / N + v * w @ w, _logistic, _l2, {}),
    "torch.SGD": (lambda v, w, b: _nll(w, b) / N + v / 2 * w @ w, _logistic, _l2, {}),
    "torch.Adam": (lambda v, w, b: _nll(w, b) / N + v / 2 * w @ w, _logistic, _l2, {}),
}


@pytest.mark.parametrize("package", CONVENTIONS)
def test_stated_objective_is_ours_up_to_a_factor(package):
    objective, data_term, omega, needs = STATED[package]
    value = 0.37
    alpha = ao.convert_alpha(value, source=package, **needs)
    points = [(RNG.standard_normal(P), RNG.standard_normal()) for _ in range(5)]
    ratios = [objective(value, w, b) / (data_term(w, b) + alpha * omega(w)) for w, b in points]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-12)


@pytest.mark.parametrize("package", CONVENTIONS)
def test_there_and_back(package):
    needs = STATED[package][3]
    alpha = ao.convert_alpha(0.37, source=package, **needs)
    assert ao.convert_alpha(alpha, source="alphaomega", target=package, **needs) == pytest.approx(0.37, rel=1e-14)


def test_between_two_packages():
    found = ao.convert_alpha(2.0, source="sklearn.LogisticRegression", target="keras.L2", n=50)
    assert found == pytest.approx(1 / (50 * 2.0) / 2)


class TestGlmnet:
    """Golden numbers of R glmnet 4.1, thresh 1e-24."""

    X = np.array([[1, 2, 1], [2, 1, 0], [3, 4, 0], [4, 3, 1], [5, 6, 1], [6, 5, 0], [7, 9, 1], [8, 7, 1]], dtype=float)
    y = np.array([1.5, 2.5, 2.0, 4.5, 5.0, 5.5, 9.0, 7.0])

    def check(self, penalty, alpha, expected, loss="squared", y=None, standardize=True):
        y = self.y if y is None else np.array(y)
        found = ao.path(self.X, y, loss, penalty, alphas=[alpha], standardize=standardize, tol=1e-13)
        np.testing.assert_allclose([found.intercept[0], *found.coef[0]], expected, atol=2e-7)

    def test_lasso(self):
        alpha = ao.convert_alpha(0.3, source="glmnet")
        self.check(ao.L1(), alpha, [0.7019550303073, 0.5726826057987, 0.2756521249155, 0.1137314653832])

    @pytest.mark.parametrize(
        ("standardize", "expected"),
        [
            (False, [0.0740118909979, 0.6214278100745, 0.3302565706840, 0.3634021188058]),
            (True, [0.2388301222122, 0.5478894102565, 0.3388205265486, 0.5657961541546]),
        ],
    )
    def test_quadratic_part_of_gaussian_acts_at_lambda_over_sd(self, standardize, expected):
        alpha = ao.convert_alpha(0.3, source="glmnet", l1_ratio=0, sd_y=self.y.std())
        self.check(ao.L2(), alpha, expected, standardize=standardize)

    def test_elastic_net_by_its_two_parts(self):
        a = ao.convert_alpha(0.3 * 0.4, source="glmnet", l1_ratio=1)
        b = ao.convert_alpha(0.3 * 0.6, source="glmnet", l1_ratio=0, sd_y=self.y.std())
        self.check(a * ao.L1() + b * ao.L2(), 1.0, [0.4201672299430, 0.5510565434865, 0.3197559181782, 0.3939315244699])
        with pytest.raises(ValueError, match="convert lambda \\* l1_ratio"):
            ao.convert_alpha(0.3, source="glmnet", l1_ratio=0.4, sd_y=1.0)

    def test_penalty_factor(self):
        alpha = ao.convert_alpha(0.3, source="glmnet", penalty_factor=[1, 2, 3])
        expected = [0.2921617161696, 0.7162541254152, 0.2399339933972, 0.0]
        self.check(ao.L1([1, 2, 3]), alpha, expected, standardize=False)

    def test_binomial_elastic_net(self):
        alpha = ao.convert_alpha(0.05, source="glmnet.binomial", l1_ratio=0.5)
        self.check(
            ao.ElasticNet(0.5), alpha, [-3.1975032474400, 0, 0.7036760658497, 0], "logistic", [0, 0, 1, 0, 1, 0, 1, 1]
        )

    def test_poisson_ridge(self):
        alpha = ao.convert_alpha(0.2, source="glmnet.poisson", l1_ratio=0)
        expected = [-0.1125004367491, 0.1679915365285, 0.0815432567767, 0.2325172953005]
        self.check(ao.L2(), alpha, expected, "poisson", [1, 2, 1, 3, 5, 4, 8, 7])


def test_statsmodels_coefficients():
    api = pytest.importorskip("statsmodels.api")
    alpha = 0.2
    centred, response = X - X.mean(0), NOISY - NOISY.mean()
    peer = api.OLS(response, centred).fit_regularized(
        alpha=ao.convert_alpha(alpha, "alphaomega", "statsmodels.OLS"), L1_wt=0
    )
    np.testing.assert_allclose(fit(NOISY, alpha, ao.L2()), peer.params, atol=1e-7)
    design = np.column_stack([np.ones(N), X])
    strength = ao.convert_alpha(0.05, "alphaomega", "statsmodels.discrete", n=N)
    peer = api.Logit(EVENT, design).fit_regularized(alpha=np.array([0.0] + P * [strength]), disp=0, acc=1e-12)
    np.testing.assert_allclose(fit(EVENT, 0.05, ao.L1(), "logistic"), peer.params[1:], atol=1e-4)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_torch_weight_decay_reaches_the_ridge_solution(optimizer):
    torch = pytest.importorskip("torch")
    design = torch.tensor(X - X.mean(0))
    response = torch.tensor(NOISY - NOISY.mean())
    w = torch.zeros(P, dtype=torch.float64, requires_grad=True)
    wd = ao.convert_alpha(0.4, "alphaomega", f"torch.{optimizer}")
    stepper = getattr(torch.optim, optimizer)([w], lr=0.3 if optimizer == "SGD" else 0.02, weight_decay=wd)
    for _ in range(1500):
        stepper.zero_grad()
        ((response - design @ w) ** 2).mean().div(2).backward()
        stepper.step()
    np.testing.assert_allclose(w.detach().numpy(), fit(NOISY, 0.4, ao.L2()), atol=1e-6)


def test_sklearn_network_of_one_neuron_is_ridge():
    from sklearn.neural_network import MLPRegressor

    alpha = 3.0
    options = {"solver": "lbfgs", "tol": 1e-14, "max_iter": 10_000, "max_fun": 100_000, "random_state": 0}
    peer = MLPRegressor(hidden_layer_sizes=(), alpha=alpha, **options)
    peer.fit(X, NOISY)
    own = fit(NOISY, ao.convert_alpha(alpha, source="sklearn.MLPRegressor.lbfgs", n=N), ao.L2())
    np.testing.assert_allclose(own, peer.coefs_[0][:, 0], atol=1e-5)


def test_linear_svc_sums_over_rows():
    once = sklearn.svm.LinearSVC(C=0.4, loss="squared_hinge", tol=1e-10, max_iter=100_000).fit(X, EVENT)
    alpha = ao.convert_alpha(0.4, source="sklearn.LinearSVC", n=N)
    doubled = ao.convert_alpha(alpha, target="sklearn.LinearSVC", source="alphaomega", n=2 * N)
    twice = sklearn.svm.LinearSVC(C=doubled, loss="squared_hinge", tol=1e-10, max_iter=100_000)
    twice.fit(np.vstack([X, X]), np.concatenate([EVENT, EVENT]))
    np.testing.assert_allclose(once.coef_, twice.coef_, atol=1e-5)


class TestMistakes:
    def test_unknown_package_is_answered_with_the_known_ones(self):
        with pytest.raises(ValueError, match=r"did you mean 'sklearn.Ridge'.*glmnet"):
            ao.convert_alpha(1.0, source="sklearn.Rigde")

    @pytest.mark.parametrize(
        ("package", "needed"),
        [("sklearn.Ridge", "n="), ("sklearn.MLPClassifier", "batch_size="), ("statsmodels.discrete", "n=")],
    )
    def test_missing_argument_is_named(self, package, needed):
        with pytest.raises(TypeError, match=f"{package}.*pass {needed}"):
            ao.convert_alpha(1.0, source=package)

    def test_missing_deviation_of_y(self):
        with pytest.raises(TypeError, match="sd_y="):
            ao.convert_alpha(1.0, source="glmnet", l1_ratio=0)

    def test_adamw_is_no_penalty(self):
        with pytest.raises(ValueError, match="decoupled"):
            ao.convert_alpha(0.01, source="torch.AdamW")

    @pytest.mark.parametrize("value", [-1.0, math.nan, "a"])
    def test_bad_value(self, value):
        with pytest.raises(ValueError, match="value must be a number >= 0"):
            ao.convert_alpha(value, source="sklearn.Lasso")

    def test_zero_and_infinite_c(self):
        assert ao.convert_alpha(0.0, "alphaomega", "sklearn.LogisticRegression", n=9) == math.inf
        assert ao.convert_alpha(math.inf, "sklearn.LogisticRegression", n=9) == 0
        with pytest.raises(ValueError, match="C > 0"):
            ao.convert_alpha(0.0, "sklearn.LogisticRegression", n=9)

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="n must be a finite number > 0"):
            ao.convert_alpha(1.0, "sklearn.Ridge", n=0)
        with pytest.raises(ValueError, match="l1_ratio must lie in"):
            ao.convert_alpha(1.0, "glmnet", l1_ratio=2)

    def test_case_does_not_matter(self):
        assert ao.convert_alpha(1.0, "SKLEARN.ridge", n=4) == 0.25
