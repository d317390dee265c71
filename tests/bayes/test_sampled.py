"""Posteriors known by draws: against integrals on a grid, between samplers, and what is said when chains disagree."""

from __future__ import annotations

import sys

import numpy as np
import polars
import pytest
from scipy import stats
from scipy.special import expit

import alphaomega as ao
from alphaomega.bayes import gibbs
from alphaomega.bayes.polya_gamma import polya_gamma
from alphaomega.fitting import ConvergenceWarning
from alphaomega.inference.noise import NoiseNotEstimable

GRID = np.linspace(-4, 4, 401)


def moments(log_density, *axes):
    """Means and deviations of a density given on a grid, axis by axis."""
    mesh = np.meshgrid(*axes, indexing="ij")
    logs = log_density(*mesh)
    mass = np.exp(logs - logs.max())
    mass /= mass.sum()
    means = [float((mass * values).sum()) for values in mesh]
    return means, [float(np.sqrt((mass * (values - mean) ** 2).sum())) for values, mean in zip(mesh, means)]


def agrees(draws, mean, deviation, digits=5.0):
    """Mean and deviation of draws (chains, draws), to so many Monte-Carlo errors."""
    from alphaomega.bayes.diagnostics import effective_draws

    size = float(effective_draws(draws))
    assert abs(draws.mean() - mean) < digits * deviation / np.sqrt(size)
    assert abs(draws.std() / deviation - 1) < digits * np.sqrt(1.5 / size)


class TestAgainstIntegrals:
    @pytest.fixture
    def pair(self, rng):
        X = rng.standard_normal((15, 2)) @ [[1.0, 0.6], [0.0, 0.8]]
        return X, X @ [0.7, -0.2] + 0.8 * rng.standard_normal(15)

    @pytest.mark.parametrize(
        ("loss", "prior"),
        [
            ("squared", ao.priors.Laplace(0.4)),
            ("squared", ao.priors.Laplace([0.2, 1.0])),
            ("squared", ao.priors.GroupLaplace([0, 0], 0.3)),
            ("squared", ao.priors.Laplace(0.4) * ao.priors.Gaussian(0.5)),
            ("logistic", ao.priors.Laplace([0.2, 1.0])),
            ("logistic", ao.priors.GroupLaplace([0, 0], 0.3)),
            pytest.param("logistic", ao.priors.Laplace(0.4) * ao.priors.Gaussian(0.5), marks=pytest.mark.slow),
        ],
    )
    def test_two_coefficients(self, pair, prior, loss):
        X, y = pair
        y = y if loss == "squared" else y > 0
        found = ao.losses.find(loss)
        target = found.target(y).values
        how = {"noise_variance": 0.64} if loss == "squared" else {"draws": 600}

        def log_density(v, w):
            eta = np.multiply.outer(v, X[:, 0]) + np.multiply.outer(w, X[:, 1])
            energy = np.array([prior.energy().value(np.array(point)) for point in zip(v.ravel(), w.ravel())])
            return -found.value(target, eta).sum(-1) / how.get("noise_variance", 1.0) - energy.reshape(v.shape)

        axis = np.linspace(-3, 3, 121) if loss == "squared" else np.linspace(-3, 5, 161)
        means, deviations = moments(log_density, axis, axis)
        draws = ao.posterior(X, y, prior, intercept=False, loss=loss, **how).draws["coef"]
        for j in range(2):
            agrees(draws[..., j], means[j], deviations[j])

    def test_noise_variance_learnt(self, rng):
        """One coefficient and the logarithm of the noise variance, whose density is flat."""
        x = rng.standard_normal(12)
        y = 0.8 * x + rng.standard_normal(12)

        def log_density(w, log_noise):
            misfit = ((y - np.multiply.outer(w, x)) ** 2).sum(-1)
            return -misfit / (2 * np.exp(log_noise)) - 6 * log_noise - abs(w) / 0.5

        means, deviations = moments(log_density, GRID, np.linspace(-3, 4, 301))
        found = ao.posterior(x[:, None], y, ao.priors.Laplace(0.5), intercept=False)
        agrees(found.draws["coef"][..., 0], means[0], deviations[0])
        agrees(np.log(found.draws["noise_variance"]), means[1], deviations[1])

    @pytest.mark.parametrize("kind", [pytest.param("Laplace", marks=pytest.mark.slow), "Gaussian"])
    def test_scale_learnt_for_classes(self, rng, kind):
        """One coefficient and the logarithm of its half-Cauchy scale."""
        x = rng.standard_normal(30)
        x -= x.mean()
        y = rng.uniform(size=30) < expit(1.2 * x)
        unit = 1 / np.sqrt((x**2).mean())

        def log_density(w, log_scale):
            scale = np.exp(log_scale)
            likelihood = -np.logaddexp(0, np.where(y, -1, 1) * np.multiply.outer(w, x)).sum(-1)
            prior = -abs(w) / scale if kind == "Laplace" else -(w**2) / (2 * scale**2)
            return likelihood + prior - np.log1p((scale / unit) ** 2)  # 1 / scale cancels the step of its logarithm

        means, deviations = moments(log_density, np.linspace(-4, 6, 401), np.linspace(-12, 9, 801))
        prior = getattr(ao.priors, kind)()
        found = ao.posterior(x[:, None], y, prior, intercept=False, loss="logistic", draws=800)
        agrees(found.draws["coef"][..., 0], means[0], deviations[0])
        agrees(np.log(found.draws["scale"]), means[1], deviations[1], digits=6.0)

    def test_intercept_of_classes(self, rng):
        x = rng.standard_normal(40) + 2
        y = rng.uniform(size=40) < expit(x - 1)

        def log_density(w, b):
            eta = np.multiply.outer(w, x) + b[..., None]
            return -np.logaddexp(0, np.where(y, -1, 1) * eta).sum(-1) - w**2 / 2

        means, deviations = moments(log_density, np.linspace(-3, 4, 201), np.linspace(-9, 7, 201))
        found = ao.posterior(x[:, None], y, ao.priors.Gaussian(1.0), loss="logistic", draws=600)
        agrees(found.draws["coef"][..., 0], means[0], deviations[0])
        agrees(found.draws["intercept"], means[1], deviations[1])


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_rows_and_columns_give_the_same_posterior(rng, monkeypatch, loss):
    """The two ways to draw the coefficients: from inner products of columns, and of rows."""
    X = rng.standard_normal((20, 6))
    y = X[:, 0] + rng.standard_normal(20)
    y = y if loss == "squared" else y > 0
    found = ao.posterior(X, y, ao.priors.Laplace(0.5), loss=loss, draws=500)
    monkeypatch.setattr(gibbs, "Narrow", gibbs.Wide)
    other = ao.posterior(X, y, ao.priors.Laplace(0.5), loss=loss, draws=500, seed=1)
    for j in range(6):  # both are drawn: their difference is 1.4 times as uncertain
        agrees(found.draws["coef"][..., j], other.mean[j], other.deviation[j], digits=6.0)


def test_more_columns_than_rows():
    """With so few rows the noise may be anything: the chains say that they disagree, and what mends it does."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 60))
    y = 3 * X[:, 7] + rng.standard_normal(30)
    with pytest.warns(ConvergenceWarning, match=r"for 'noise_variance'.*give noise_variance="):
        ao.posterior(X, y, ao.priors.Laplace())
    found = ao.posterior(X, y, ao.priors.Laplace(), noise_variance=1.0)
    lower, _ = found.interval(0.9)
    assert np.argmax(abs(found.mean)) == 7 and lower[7] > 0 and not found.message
    assert max(float(np.max(values)) for values in found.r_hat.values()) < 1.05


def test_a_scale_near_zero_is_found_quickly():
    """Where nothing matters, drawing the scale with w fixed alone would creep: 97 draws in 4,000 were independent."""
    rng = np.random.default_rng(20240229)
    X, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    found = ao.posterior(X, y, ao.priors.Laplace())
    assert found.effective_draws["scale"] > 1000


def test_units_of_y_do_not_matter_where_all_is_learnt(rng):
    X, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    plain, larger = (ao.posterior(X, scale * y, ao.priors.Laplace()) for scale in (1.0, 1e4))
    np.testing.assert_allclose(larger.draws["coef"], 1e4 * plain.draws["coef"], rtol=1e-6)
    np.testing.assert_allclose(larger.draws["noise_variance"], 1e8 * plain.draws["noise_variance"], rtol=1e-6)


def test_seeds(rng):
    X, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    first, again, other = (ao.posterior(X, y, ao.priors.Laplace(0.3), seed=seed).draws["coef"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_integer_weights_equal_repeated_rows(rng, loss):
    X, y, weights = rng.standard_normal((30, 3)), rng.standard_normal(30), rng.integers(0, 4, 30)
    y = y if loss == "squared" else y > 0
    how = {"loss": loss, "draws": 200}
    weighted = ao.posterior(X, y, ao.priors.Laplace(0.3), weights=weights, **how)
    repeated = ao.posterior(X.repeat(weights, 0), y.repeat(weights), ao.priors.Laplace(0.3), **how)
    np.testing.assert_allclose(weighted.draws["coef"], repeated.draws["coef"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("tilt", [0.0, 0.3, 1.6, 4.0, 30.0])
def test_polya_gamma(tilt):
    """Mean, variance and Laplace transform of PG(1, tilt), Polson, Scott, Windle (2013), section 2."""
    draws = polya_gamma(np.full(60_000, tilt), np.random.default_rng(5))
    mean = np.tanh(tilt / 2) / (2 * tilt) if tilt else 0.25
    variance = (np.sinh(tilt) - tilt) / (4 * tilt**3 * np.cosh(tilt / 2) ** 2) if tilt else 1 / 24
    assert abs(draws.mean() - mean) < 4 * np.sqrt(variance / 60_000)
    assert draws.var() == pytest.approx(variance, rel=0.06)
    for t in (0.5, 3.0, 20.0):
        shrunk = np.exp(-t * draws)
        exact = np.cosh(tilt / 2) / np.cosh(np.sqrt((tilt**2 / 2 + t) / 2))
        assert abs(shrunk.mean() - exact) < 4 * shrunk.std() / np.sqrt(60_000)


@pytest.mark.parametrize("ratio", [1e-6, 1.0, 1e6])
def test_inverse_gaussian(ratio):
    mean, shape = np.full(50_000, 2.0 * ratio), np.full(50_000, 3.0)
    draws = gibbs.inverse_gaussian(mean, shape, np.random.default_rng(2))
    assert stats.kstest(draws, stats.invgauss(2.0 * ratio / 3.0, scale=3.0).cdf).pvalue > 1e-3


class TestChains:
    def test_too_few_draws_are_said(self, rng):
        X, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
        with pytest.warns(ConvergenceWarning, match=r"worth too few draws .*use more draws="):
            found = ao.posterior(X, y, ao.priors.Laplace(0.3), draws=12)
        assert "not to be trusted" in found.message

    def test_disagreement_is_said(self, rng, monkeypatch):
        """Chains held apart on purpose: each is shifted by its number."""
        run, shift = gibbs.run, iter(range(9))

        def apart(*arguments):
            chain = run(*arguments)
            return gibbs.Chain(chain.coef + next(shift), chain.noise_variance, chain.scale)

        monkeypatch.setattr(gibbs, "run", apart)
        X, y = rng.standard_normal((30, 2)), rng.standard_normal(30)
        with pytest.warns(ConvergenceWarning, match=r"the chains disagree \(R-hat [2-9]"):
            ao.posterior(X, y, ao.priors.Laplace(0.3), draws=300)

    def test_diagnostics_are_those_of_arviz(self, rng):
        arviz = pytest.importorskip("arviz")
        from alphaomega.bayes.diagnostics import effective_draws, r_hat

        walk = np.cumsum(rng.standard_normal((4, 500)), axis=1) * 0.05 + rng.standard_normal((4, 500))
        for draws in (rng.standard_normal((4, 500)), walk, rng.standard_normal((4, 500)) * [[1], [1], [1], [3]]):
            assert float(r_hat(draws)) == pytest.approx(float(arviz.rhat(draws)), rel=1e-6)
            assert float(effective_draws(draws)) == pytest.approx(float(arviz.ess(draws)), rel=0.02)


class TestOutput:
    def test_arviz(self, rng):
        arviz = pytest.importorskip("arviz")
        frame = polars.DataFrame(rng.standard_normal((30, 2)), schema=["size", "age"])
        y = rng.standard_normal(30)
        for prior, extra in ((ao.priors.Laplace(), {"noise_variance", "scale"}), (ao.priors.Gaussian(1.0), set())):
            data = ao.posterior(frame, y, prior).to_arviz()
            assert isinstance(data, arviz.InferenceData)
            assert set(data.posterior.data_vars) == {"coef", "intercept"} | extra
            assert data.posterior["coef"].shape == (4, 1000, 2)
            assert list(data.posterior["feature"].values) == ["size", "age"]

    def test_arviz_is_optional(self, rng, monkeypatch):
        found = ao.posterior(rng.standard_normal((30, 2)), rng.standard_normal(30), ao.priors.Gaussian(1.0))
        monkeypatch.setitem(sys.modules, "arviz", None)
        with pytest.raises(ImportError, match=r'python -m pip install "alphaomega\[bayes\]"'):
            found.to_arviz()

    def test_chances(self, rng):
        X = rng.standard_normal((60, 2))
        y = np.where(X[:, 0] + rng.standard_normal(60) > 0, "yes", "no")
        found = ao.posterior(X, y, ao.priors.Gaussian(1.0), loss="logistic", draws=300)
        chance, lower, upper = found.predict(X[:5], 0.8)
        assert (lower < chance).all() and (chance < upper).all()
        values = X[:5] @ found.draws["coef"].reshape(-1, 2).T + found.draws["intercept"].ravel()
        np.testing.assert_allclose(chance, expit(values).mean(1))
        assert found.model.classes == ("no", "yes") and found.noise_variance == 1.0
        assert found.alpha == pytest.approx(1 / 60)

    def test_new_y(self, rng):
        X, y = rng.standard_normal((80, 2)), rng.standard_normal(80)
        found = ao.posterior(X, y, ao.priors.Laplace(0.3))
        center, lower, upper = found.predict(rng.standard_normal((400, 2)), 0.9)
        assert (lower < center).all() and np.mean(upper - lower) == pytest.approx(2 * 1.645, rel=0.15)


class TestBadInput:
    def test_noise_not_estimable(self, rng):
        with pytest.raises(NoiseNotEstimable, match=r"9 degrees of freedom cannot tell.*pass noise_variance="):
            ao.posterior(rng.standard_normal((10, 12)), rng.standard_normal(10), ao.priors.Laplace(1.0))

    def test_a_prior_without_a_sampler(self, rng):
        X, y = rng.standard_normal((20, 3)), rng.standard_normal(20)
        with pytest.raises(TypeError, match=r"is not at hand; use Gaussian, Laplace, .*or fit its mode: ao\.path"):
            ao.posterior(X, y, ao.priors.Truncated(ao.priors.Laplace(1.0), lower=0.0))

    def test_logistic(self, rng):
        X, y = rng.standard_normal((20, 3)), np.arange(20) % 2
        with pytest.raises(ValueError, match="the logistic loss has no noise_variance"):
            ao.posterior(X, y, ao.priors.Laplace(1.0), noise_variance=1.0, loss="logistic")
        with pytest.raises(ValueError, match=r"weights are counts .*found 0.5 at row 0"):
            ao.posterior(X, y, ao.priors.Laplace(1.0), weights=np.full(20, 0.5), loss="logistic")
        with pytest.raises(ValueError, match="exactly two classes, y has 3"):
            ao.posterior(X, np.arange(20) % 3, ao.priors.Laplace(1.0), loss="logistic")
