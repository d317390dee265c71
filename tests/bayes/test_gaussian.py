"""The posterior under a normal prior: closed form, evidence, and the published maximum."""

from __future__ import annotations

import numpy as np
import polars
import pytest
import scipy.sparse
from scipy import stats
from sklearn.datasets import load_diabetes

import alphaomega as ao
from alphaomega.fitting import ConvergenceWarning
from alphaomega.inference.noise import NoiseNotEstimable

SHAPES = [(40, 5), (12, 30)]


def sample(rng, n, p):
    X = rng.standard_normal((n, p)) + rng.uniform(-3, 3, p)
    return X, X[:, 0] - 0.5 * X[:, 1] + rng.standard_normal(n) + 4


def written_out(X, y, variances, noise):
    """Posterior mean and covariance of (b, w) with a flat prior of b, from the normal equations."""
    A = np.column_stack([np.ones(len(X)), X])
    precision = A.T @ A / noise + np.diag(np.append(0.0, 1 / variances))
    covariance = np.linalg.inv(precision)
    return covariance @ A.T @ y / noise, covariance


@pytest.mark.parametrize(("n", "p"), SHAPES)
@pytest.mark.parametrize("kind", ["one scale", "per coordinate", "per group"])
def test_closed_form(rng, n, p, kind):
    X, y = sample(rng, n, p)
    groups = np.arange(p) % 2
    scale = {"one scale": 0.7, "per coordinate": np.linspace(0.2, 2, p), "per group": [0.3, 1.5]}[kind]
    prior = ao.priors.Gaussian(scale, groups=groups if kind == "per group" else None)
    variances = np.broadcast_to(np.asarray(scale)[groups] if kind == "per group" else scale, p) ** 2
    found = ao.posterior(X, y, prior, noise_variance=1.7)
    mean, covariance = written_out(X, y, variances, 1.7)
    np.testing.assert_allclose(found.mean, mean[1:], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.covariance(), covariance[1:, 1:], rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(found.deviation, np.sqrt(np.diag(covariance)[1:]), rtol=1e-8)
    assert found.intercept_mean == pytest.approx(mean[0])
    assert found.intercept_deviation == pytest.approx(np.sqrt(covariance[0, 0]))
    lower, upper = found.interval(0.8)
    np.testing.assert_allclose(lower, found.mean - stats.norm.ppf(0.9) * found.deviation)
    np.testing.assert_allclose(upper, found.mean + stats.norm.ppf(0.9) * found.deviation)
    rows = np.column_stack([np.ones(3), X[:3] + 1])
    center, low, high = found.predict(X[:3] + 1, 0.8)
    spread = np.sqrt(1.7 + (rows @ covariance * rows).sum(1))
    np.testing.assert_allclose(center, rows @ mean)
    np.testing.assert_allclose(
        [low, high], [center - stats.norm.ppf(0.9) * spread, center + stats.norm.ppf(0.9) * spread]
    )


@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_mean_is_the_ridge_fit(rng, n, p):
    """Mode and mean coincide: the penalised fit of the prior, and ridge at the alpha that is stated."""
    X, y = sample(rng, n, p)
    for prior in (ao.priors.Gaussian(0.7), ao.priors.Gaussian()):
        found = ao.posterior(X, y, prior, noise_variance=1.3)
        fit = ao.path(X, y, penalty=found.prior.penalty(n, 1.3), alphas=[1.0], tol=1e-15)
        np.testing.assert_allclose(found.mean, fit.coef[0], atol=1e-8)
        ridge = ao.path(X, y, penalty=ao.L2(), alphas=[found.alpha], tol=1e-15)
        np.testing.assert_allclose(found.mean, ridge.coef[0], atol=1e-8)


@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_evidence_is_the_density_of_y(rng, n, p):
    """The intercept's flat prior leaves the density of y's contrasts, times that of integrating the mean out."""
    X, y = sample(rng, n, p)
    found = ao.posterior(X, y, ao.priors.Gaussian(0.7), noise_variance=1.3)
    contrasts = np.linalg.svd(np.ones((1, n)))[2][1:]
    law = stats.multivariate_normal(cov=contrasts @ (1.3 * np.eye(n) + 0.49 * X @ X.T) @ contrasts.T)
    assert found.log_evidence == pytest.approx(law.logpdf(contrasts @ y) - np.log(n) / 2)
    plain = ao.posterior(X, y, ao.priors.Gaussian(0.7), noise_variance=1.3, intercept=False)
    whole = stats.multivariate_normal(cov=1.3 * np.eye(n) + 0.49 * X @ X.T)
    assert plain.log_evidence == pytest.approx(whole.logpdf(y))


@pytest.mark.parametrize("known", [{}, {"noise_variance": 1.3}])
def test_learnt_numbers_are_a_maximum(rng, known):
    X, y = sample(rng, 60, 6)
    found = ao.posterior(X, y, ao.priors.Gaussian(), **known)
    for scale in (0.99, 1.01):
        for noise in (1.0,) if known else (0.99, 1.0, 1.01):
            prior = ao.priors.Gaussian(found.scale * scale)
            other = ao.posterior(X, y, prior, noise_variance=found.noise_variance * noise)
            assert other.log_evidence < found.log_evidence
    fixed = ao.posterior(X, y, ao.priors.Gaussian(0.5))
    for noise in (0.99, 1.01):
        other = ao.posterior(X, y, ao.priors.Gaussian(0.5), noise_variance=fixed.noise_variance * noise)
        assert other.log_evidence < fixed.log_evidence


def test_diabetes_evidence_maximum():
    """Flat hyperpriors, y centred beforehand and its mean not counted: recomputed from the published iteration
    (MacKay 1992; scikit-learn's BayesianRidge with all four hyperparameters at zero)."""
    X, y = load_diabetes(return_X_y=True)
    found = ao.posterior(X, y - y.mean(), ao.priors.Gaussian(), intercept=False)
    assert 1 / found.noise_variance == pytest.approx(3.41019506e-4, rel=1e-6)
    assert found.scale**-2 == pytest.approx(1.14622933e-5, rel=1e-6)
    assert found.log_evidence == pytest.approx(-2405.771308, rel=1e-9)


def test_integer_weights_equal_repeated_rows(rng):
    X, y = sample(rng, 40, 5)
    weights = rng.integers(0, 4, 40)
    weighted = ao.posterior(X, y, ao.priors.Gaussian(), weights=weights)
    repeated = ao.posterior(X.repeat(weights, 0), y.repeat(weights), ao.priors.Gaussian())
    for name in ("mean", "deviation", "noise_variance", "scale", "log_evidence", "alpha", "intercept_deviation", "df"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-7)


def test_every_form_of_x_and_names(rng):
    X, y = sample(rng, 40, 3)
    plain = ao.posterior(X, y, ao.priors.Gaussian(1.0))
    for form in (scipy.sparse.csr_array(X), polars.DataFrame(X, schema=list("abc"))):
        found = ao.posterior(form, y, ao.priors.Gaussian(1.0))
        np.testing.assert_allclose(found.mean, plain.mean, rtol=1e-8)
        np.testing.assert_allclose(found.predict(form), plain.predict(X))
    table = found.to_frame(0.8)
    assert table.columns == ["name", "mean", "deviation", "lower", "upper"] and table["name"].to_list() == list("abc")


def test_standardize_acts_per_standard_deviation(rng):
    X, y = sample(rng, 40, 4)
    spread = np.logspace(-2, 2, 4)
    plain = ao.posterior((X - X.mean(0)) / X.std(0), y, ao.priors.Gaussian(0.5))
    scaled = ao.posterior(X * spread, y, ao.priors.Gaussian(0.5), standardize=True)
    np.testing.assert_allclose(scaled.mean * X.std(0) * spread, plain.mean, rtol=1e-7)
    np.testing.assert_allclose(scaled.deviation * X.std(0) * spread, plain.deviation, rtol=1e-7)


def test_draws_have_the_moments(rng):
    X, y = sample(rng, 12, 30)
    found = ao.posterior(X, y, ao.priors.Gaussian(0.7), noise_variance=1.0)
    draws = found.draw(draws=20000, chains=2, seed=3)
    coef = draws["coef"].reshape(-1, 30)
    np.testing.assert_allclose(coef.mean(0), found.mean, atol=5 * 0.7 / 200)
    np.testing.assert_allclose(np.cov(coef.T), found.covariance(), atol=0.02)
    assert draws["intercept"].std() == pytest.approx(found.intercept_deviation, rel=0.03)
    np.testing.assert_array_equal(draws["coef"], found.draw(draws=20000, chains=2, seed=3)["coef"])


class TestBadInput:
    def test_no_noise_to_learn(self, rng):
        X, _ = sample(rng, 8, 20)
        with pytest.raises(NoiseNotEstimable, match=r"y does not vary.*pass noise_variance="):
            ao.posterior(X, np.ones(8), ao.priors.Gaussian())

    def test_columns_that_fit_every_row(self, rng):
        X, _ = sample(rng, 8, 5)
        with pytest.raises(NoiseNotEstimable, match=r"largest without any noise.*pass noise_variance="):
            ao.posterior(X, X @ np.arange(5.0), ao.priors.Gaussian())

    def test_no_effect_at_all_is_said(self):
        rng = np.random.default_rng(3)
        X, y = rng.standard_normal((50, 3)), rng.standard_normal(50)
        y -= X @ np.linalg.lstsq(X, y)[0]
        with pytest.warns(ConvergenceWarning, match="evidence is largest at a prior scale of 0"):
            found = ao.posterior(X, y, ao.priors.Gaussian(), intercept=False)
        assert (found.mean == 0).all() and (found.deviation == 0).all()

    def test_no_effect_is_told_from_rounding(self):
        """Towards a scale of 0 the evidence is flat to its last digits, and has maxima there that mean nothing."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((72, 2000))
        with pytest.warns(ConvergenceWarning, match="evidence is largest at a prior scale of 0"):
            assert ao.posterior(X, X[:, 0] + rng.standard_normal(72), ao.priors.Gaussian()).scale == 0

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"prior": ao.L2()}, TypeError, r"prior must be a prior, got the penalty .*use its prior\("),
            ({"prior": "gaussian"}, TypeError, r"prior must be a prior such as ao\.priors\.Gaussian\(1\.0\)"),
            ({"noise_variance": 0.0}, ValueError, "noise_variance must be a finite number > 0, got 0"),
            ({"noise_variance": np.inf}, ValueError, "noise_variance must be a finite number > 0, got inf"),
            ({"chains": 1}, ValueError, "chains must be at least 2 and draws at least 10"),
            ({"loss": "poisson"}, ValueError, "loss must be 'squared' or 'logistic', got 'poisson'"),
        ],
    )
    def test_arguments(self, rng, arguments, error, message):
        with pytest.raises(error, match=message):
            ao.posterior(*sample(rng, 20, 3), **{"prior": ao.priors.Gaussian(1.0), **arguments})

    def test_level_and_columns(self, rng):
        found = ao.posterior(*sample(rng, 20, 3), ao.priors.Gaussian(1.0))
        with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), e.g. 0.9, got 90"):
            found.interval(90)
        with pytest.raises(ValueError, match="X has 2 columns"):
            found.predict(np.ones((4, 2)))
