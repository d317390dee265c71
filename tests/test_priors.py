"""Priors are penalties: there and back, and the mode of the posterior is the penalised fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

import alphaomega as ao
from alphaomega import penalties
from alphaomega.priors import prior_of
from first_principles import Objective
from loss_formulas import residual
from problems import LOSSES, problem

GROUPS = [j // 2 for j in range(8)]
PRIORS = {
    "Gaussian": ao.priors.Gaussian(0.3),
    "Gaussian per coordinate": ao.priors.Gaussian(np.linspace(0.2, 2, 8)),
    "Gaussian per group": ao.priors.Gaussian([0.2, 0.5, 1.0, 2.0], groups=GROUPS),
    "Laplace": ao.priors.Laplace(0.2),
    "Laplace per coordinate": ao.priors.Laplace(np.linspace(0.02, 1, 8)),
    "Laplace per group": ao.priors.Laplace([0.1, 0.3, 0.5, 1.0], groups=GROUPS),
    "GroupLaplace": ao.priors.GroupLaplace(GROUPS, 0.1),
    "GroupLaplace per group": ao.priors.GroupLaplace(GROUPS, [0.05, 0.1, 0.2, 0.5]),
    "elastic net": ao.priors.Laplace(0.2) * ao.priors.Gaussian(0.4),
    "truncated": ao.priors.Truncated(ao.priors.Laplace(0.2), lower=0.0),
}
ONE_COORDINATE = {
    "Gaussian": (ao.priors.Gaussian(0.7), stats.norm(scale=0.7), (-np.inf, np.inf)),
    "Laplace": (ao.priors.Laplace(1.3), stats.laplace(scale=1.3), (-np.inf, np.inf)),
    "half Laplace": (ao.priors.Truncated(ao.priors.Laplace(1.3), lower=0), stats.expon(scale=1.3), (0, np.inf)),
    "box": (
        ao.priors.Truncated(ao.priors.Gaussian(2.0), -1, 3),
        stats.truncnorm(-0.5, 1.5, scale=2.0),
        (-1, 3),
    ),
    "elastic net": (ao.priors.Laplace(0.5) * ao.priors.Gaussian(0.8), None, (-np.inf, np.inf)),
    "elastic net in a box": (
        ao.priors.Truncated(ao.priors.Laplace(0.5) * ao.priors.Gaussian(0.8), -0.4, 1),
        None,
        (-0.4, 1),
    ),
}


@pytest.mark.parametrize("name", penalties.REGISTRY)
def test_penalty_to_prior_and_back(name, rng):
    penalty = penalties.REGISTRY[name](6)
    if prior_of.dispatch(type(penalty)) is prior_of.dispatch(object) and type(penalty).prior is ao.Penalty.prior:
        with pytest.raises(TypeError, match=f"{type(penalty).__name__} names no prior; give it a method prior"):
            penalty.prior(n=40)
        return
    if name == "weighted L1":  # its first coordinate is unpenalised: a flat prior
        penalty = ao.L1([0.5 + j / 6 for j in range(6)])
    again = penalty.prior(n=40, noise_variance=2.5, alpha=0.3).penalty(n=40, noise_variance=2.5)
    for w in rng.standard_normal((20, 6)):
        inside = abs(w) if name == "non-negative L1" else w.clip(-0.5, 0.5) if name == "box L2" else w
        assert again.value(inside) == pytest.approx(0.3 * penalty.value(inside), rel=1e-14)
        np.testing.assert_allclose(again.prox(w, 0.7), penalty.prox(w, 0.7 * 0.3), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", PRIORS)
def test_prior_to_penalty_and_back(name, rng):
    prior = PRIORS[name]
    again = prior.penalty(n=50, noise_variance=3.0).prior(n=50, noise_variance=3.0)
    w, other = abs(rng.standard_normal((2, 8)))
    assert again.log_density(w) == pytest.approx(prior.log_density(w), rel=1e-12)
    assert again.energy().value(other) == pytest.approx(prior.energy().value(other), rel=1e-12)


@pytest.mark.parametrize("name", ONE_COORDINATE)
def test_density_is_normalised_and_known(name):
    prior, known, (low, high) = ONE_COORDINATE[name]
    mass = integrate.quad(lambda w: np.exp(prior.log_density([w])), low, 0)[0]
    mass += integrate.quad(lambda w: np.exp(prior.log_density([w])), 0, high)[0]
    assert mass == pytest.approx(1, abs=1e-7)
    if known is not None:
        for w in (-0.3, 0.0, 0.9) if low < 0 else (0.0, 0.9):
            assert prior.log_density([w]) == pytest.approx(known.logpdf(w), rel=1e-12)


@pytest.mark.parametrize("name", ONE_COORDINATE)
def test_draws_follow_the_density(name):
    prior, known, (low, high) = ONE_COORDINATE[name]
    draws = prior.draw(4000, seed=7)
    assert draws.min() >= low and draws.max() <= high
    if known is None:
        grid = np.linspace(max(low, -8), min(high, 8), 4001)
        heights = np.exp([prior.log_density([w]) for w in grid])
        steps = np.append(0, integrate.cumulative_trapezoid(heights, grid))
        assert stats.kstest(draws, lambda w: np.interp(w, grid, steps)).pvalue > 0.001
    else:
        assert stats.kstest(draws, known.cdf).pvalue > 0.001


def test_group_density():
    """Two features: the norm has a Gamma(2) law of the prior's scale, the angle is uniform, and the mass is one."""
    prior = ao.priors.GroupLaplace([0, 0], 0.5)
    polar = integrate.quad(lambda r: 2 * np.pi * r * np.exp(prior.log_density([r, 0.0])), 0, np.inf)[0]
    assert polar == pytest.approx(1, abs=1e-9)
    draws = ao.priors.GroupLaplace(np.repeat(np.arange(3000), 2), 0.5).draw(6000, seed=1).reshape(-1, 2)
    assert stats.kstest(np.linalg.norm(draws, axis=1), stats.gamma(2, scale=0.5).cdf).pvalue > 0.001
    assert stats.kstest(np.arctan2(*draws.T), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 0.001


class Posterior:
    """log posterior density of (w, b), written out from the definition; w of shape (p,) or (p, K)."""

    def __init__(self, case, loss, prior, noise_variance):
        self.prior, self.loss, self.variance = prior, loss, noise_variance
        self.parts = Objective.of(case.dense, case.y(loss), loss, ao.L1(), **case.sample).in_double()
        self.total = len(case.dense) if case.weights is None else case.weights.sum()
        self.rate = self.total / noise_variance
        self.columns = np.hstack([np.ones((len(case.dense), 1)), case.dense])

    def score(self, coef, intercept):
        """The likelihood's share of the gradient, for [intercept, coefficients]."""
        eta = self.parts.eta(coef, intercept)
        force = residual(self.loss, self.parts.y, eta)
        return self.rate * self.columns.T @ (self.parts.weights * force.T).T

    def climb(self, coef, place, sign):
        """One-sided derivative of the log prior at a zero; exact for pieces of parabolas and for a single group."""
        at = [self.prior.log_density(coef + h * sign * place) for h in (0.0, 1e-4, 2e-4)]
        return (4 * at[1] - 3 * at[0] - at[2]) / 2e-4

    def slope(self, coef, place):
        """Derivative of the log prior where it has one: five points, within the coordinate's own sign."""
        h = 1e-3 * abs(coef[place != 0][0])
        at = [self.prior.log_density(coef + k * h * place) for k in (-2, -1, 1, 2)]
        return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)

    def newton_step(self, coef, intercept):
        """How far a Newton step moves the non-zero coordinates: the distance to the mode, to second order."""
        score = self.score(coef, intercept)
        free = np.ones(score.shape, dtype=bool)
        free[1:] = coef != 0
        for place in np.argwhere(coef != 0):
            score[(place[0] + 1, *place[1:])] += self.slope(coef, unit(coef, place))
        hessian = self.rate * self.parts._hessian(self.columns, self.parts.eta(coef, intercept))
        keep = free.ravel()
        return np.linalg.lstsq(hessian[np.ix_(keep, keep)], score.ravel()[keep], rcond=1e-10)[0]


def unit(coef, place):
    direction = np.zeros_like(coef)
    direction[tuple(place)] = 1.0
    return direction


@pytest.mark.filterwarnings("ignore:.*fits miss tol=1e-16")  # more digits than doubles hold: as exact as can be
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", PRIORS)
def test_mode_is_the_penalised_fit(name, loss):
    """The fit of the prior's penalty is that of the penalty itself at alpha, and no direction climbs from it."""
    case, prior, variance = (
        problem("tall"),
        PRIORS[name],
        1.0 if loss in ("logistic", "multinomial", "poisson") else 2.0,
    )
    posterior = Posterior(case, loss, prior, variance)
    n = posterior.total
    sample = {"loss": loss, "tol": 1e-16, **case.sample}
    fit = ao.path(case.X, case.y(loss), penalty=prior.penalty(n, variance), alphas=[1.0], **sample)
    # The same penalty with its strength taken out, as a user would write it.
    energy = prior.energy()
    direct = ao.path(case.X, case.y(loss), penalty=energy, alphas=[variance / n], **sample)
    np.testing.assert_allclose(fit.coef, direct.coef, atol=1e-8)
    coef, intercept = fit.coef[0].T, fit.intercept[0]
    assert np.count_nonzero(coef) >= 1
    if name != "truncated":
        # An objective known to 1e-16 fixes its minimiser to about the root of that.
        assert abs(posterior.newton_step(coef, intercept)).max() < 5e-8
    score = posterior.score(coef, intercept)
    for place in np.argwhere(coef == 0):
        for sign in (1.0, -1.0):
            if np.isfinite(prior.log_density(coef + 1e-4 * sign * unit(coef, place))):
                rise = sign * score[(place[0] + 1, *place[1:])] + posterior.climb(coef, unit(coef, place), sign)
                assert rise <= 1e-6 * posterior.rate


@pytest.mark.filterwarnings("ignore:.*fits miss tol=1e-16")
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", penalties.REGISTRY)
def test_fit_of_the_prior_is_that_of_its_penalty(name, loss):
    """Every penalty, named as a prior and turned back given n and the noise, has the same fit."""
    case, penalty, variance = problem("tall"), penalties.REGISTRY[name](8), 2.0 if loss in ("squared", "huber") else 1.0
    if name == "weighted L1":  # its first coordinate is unpenalised: a flat prior
        penalty = ao.L1([0.5 + j / 8 for j in range(8)])
    try:
        prior = penalty.prior(n=80, noise_variance=variance, alpha=0.05)
    except TypeError as refusal:
        assert "names no prior" in str(refusal)
        return
    sample = {"loss": loss, "tol": 1e-16, **case.sample}
    mode = ao.path(case.X, case.y(loss), penalty=prior.penalty(80, variance), alphas=[1.0], **sample)
    fit = ao.path(case.X, case.y(loss), penalty=penalty, alphas=[0.05], **sample)
    np.testing.assert_allclose(mode.coef, fit.coef, atol=1e-8)
    np.testing.assert_allclose(mode.intercept, fit.intercept, atol=1e-8)


def test_mode_with_weights_counts_total_weight():
    case = problem("weights, some zero")
    n = case.weights.sum()
    fit = ao.path(case.X, case.y("squared"), penalty=ao.priors.Gaussian(0.5).penalty(n, 2.0), alphas=[1], **case.sample)
    S, X = np.diag(case.weights), case.dense
    X, y = X - case.weights @ X / n, case.y("squared") - case.weights @ case.y("squared") / n
    mode = np.linalg.solve(X.T @ S @ X / 2.0 + np.eye(X.shape[1]) / 0.25, X.T @ S @ y / 2.0)
    np.testing.assert_allclose(fit.coef[0], mode, atol=1e-8)


class TestBadInput:
    @pytest.mark.parametrize("kind", [ao.priors.Gaussian, ao.priors.Laplace])
    @pytest.mark.parametrize(
        ("scale", "message"),
        [
            (0, "got 0; a scale of 0 fixes the coefficient at zero: drop the feature"),
            (np.inf, "got inf; an infinite scale is a flat prior: leave the coefficient unpenalised"),
            (-1.0, "finite number > 0, got -1"),
            ([1.0, np.nan], "got nan at position 1"),
            ([1.0, 0.0], "got 0 at position 1; a scale of 0"),
        ],
    )
    def test_scale(self, kind, scale, message):
        with pytest.raises(ValueError, match=message):
            kind(scale)

    def test_numbers(self):
        with pytest.raises(ValueError, match="noise_variance must be a finite number > 0, got 0"):
            ao.priors.Gaussian(1.0).penalty(n=10, noise_variance=0)
        with pytest.raises(ValueError, match="n must be a finite number > 0, got -3"):
            ao.L1().prior(n=-3)
        with pytest.raises(ValueError, match="alpha must be a finite number > 0, got 0"):
            ao.L1().prior(n=3, alpha=0)

    def test_no_density(self):
        with pytest.raises(ValueError, match=r"has strength 0 \(position 1\), so its prior is flat"):
            ao.L1([1.0, 0.0]).prior(n=10)
        with pytest.raises(ValueError, match=r"excludes a feature .* a point at zero"):
            ao.L2([1.0, np.inf]).prior(n=10)

    def test_scale_to_be_learnt(self):
        with pytest.raises(ValueError, match=r"Laplace\(\) leaves its scale to the data"):
            ao.priors.Laplace().penalty(n=10)

    def test_groups(self):
        for kind in (ao.priors.Gaussian, ao.priors.Laplace):
            with pytest.raises(ValueError, match=r"scale has shape \(3,\) but there are 2 groups"):
                kind([1.0, 2.0, 3.0], groups=[0, 0, 1]).penalty(n=10)
            with pytest.raises(ValueError, match=r"groups must be one label per feature, got shape \(2, 1\)"):
                kind([1.0, 2.0], groups=[[0], [1]])

    def test_a_users_own_penalty_is_told_what_to_add(self):
        class Own(ao.Penalty):
            def value(self, w):
                return (w**4).sum()

            def prox(self, w, step):
                return w

        with pytest.raises(TypeError, match="Own names no prior; give it a method prior"):
            Own().prior(n=10)

    def test_mixed_groups_have_a_mode_but_no_normaliser(self):
        prior = ao.priors.GroupLaplace([0, 0, 1], 1.0) * ao.priors.Gaussian(1.0)
        assert prior.penalty(n=10).value(np.ones(3)) > 0
        with pytest.raises(TypeError, match=r"no normalised density in closed form; use .penalty\(\)"):
            prior.log_density(np.ones(3))
