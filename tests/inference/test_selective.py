"""Inference after selection by the lasso: the event it conditions on, uniform p-values, coverage."""

from __future__ import annotations

import numpy as np
import polars
import pytest
import scipy.sparse
from scipy import stats

import alphaomega as ao
from alphaomega.inference.noise import NoiseNotEstimable

BETA = np.array([0.8, 0.0, -0.5, 0.0, 0.0, 0.3, 0.0, 0.0])


def sample(seed, n=60, beta=BETA):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, len(beta)))
    X[:, 1:] += 0.5 * X[:, :-1]
    return X, X @ beta + rng.standard_normal(n) + 3


def polyhedron(X, y, alpha, active, signs):
    """Lee et al. (2016), proposition 4.2: A y <= b for n alpha = lambda, on centred data, active and inactive rows."""
    n = len(y)
    X = X - X.mean(0)
    inside, outside = X[:, active], np.delete(X, active, axis=1)
    inverse = np.linalg.inv(inside.T @ inside)
    lean = outside.T @ inside @ inverse @ signs
    cross = outside.T @ (np.eye(n) - inside @ inverse @ inside.T) / (n * alpha)
    A = np.vstack([-np.diag(signs) @ inverse @ inside.T, cross, -cross])
    b = np.concatenate([-n * alpha * signs * (inverse @ signs), 1 - lean, 1 + lean])
    return A, b


@pytest.mark.parametrize("seed", range(6))
def test_limits_are_those_of_the_polyhedron(seed):
    """The truncation of Lee et al. (2016), equations 5.3 and 5.4, over all rows of the polyhedron."""
    X, y = sample(seed)
    table = ao.inference.selective(X, y, 0.15, noise_variance=1.7)
    A, b = polyhedron(X, y, 0.15, table.indices, np.sign(table.penalised))
    assert (A @ (y - y.mean()) < b).all()
    inside = (X - X.mean(0))[:, table.indices]
    for k, direction in enumerate(np.linalg.pinv(inside)):
        along = direction / (direction @ direction)
        rest = y - y.mean() - along * (direction @ y)
        slope, room = A @ along, b - A @ rest
        falls, rises = slope < -1e-10, slope > 1e-10
        lower = (room[falls] / slope[falls]).max(initial=-np.inf)
        upper = (room[rises] / slope[rises]).min(initial=np.inf)
        np.testing.assert_allclose(table.limits[k], [lower, upper], rtol=1e-8)
        assert table.coef[k] == pytest.approx(direction @ y)
        assert table.deviation[k] == pytest.approx(np.sqrt(1.7 * direction @ direction))


@pytest.mark.parametrize("seed", range(4))
def test_the_same_features_are_selected_just_inside_the_limits(seed):
    X, y = sample(seed)
    table = ao.inference.selective(X, y, 0.15, noise_variance=1.0)
    inside = (X - X.mean(0))[:, table.indices]
    for k, direction in enumerate(np.linalg.pinv(inside)):
        along, width = direction / (direction @ direction), 1e-5
        for limit, outwards in zip(table.limits[k], (-1, 1)):
            if np.isfinite(limit):
                for step, same in ((-outwards * width, True), (outwards * width, False)):
                    moved = y + along * (limit + step - table.coef[k])
                    fit = ao.path(X, moved, alphas=[0.15], tol=1e-14)
                    kept = np.array_equal(np.sign(fit.coef[0, table.indices]), np.sign(table.penalised))
                    assert kept == same


def test_p_and_interval_agree(rng):
    for seed in range(20):
        table = ao.inference.selective(*sample(seed), alpha=0.15, level=0.8)
        excluded = (table.lower > 0) | (table.upper < 0)
        np.testing.assert_array_equal(table.p < 0.2, excluded)
        assert (table.lower <= table.upper).all()


def test_far_from_every_knot_it_is_ordinary_inference():
    """Large effects are selected whatever happens: nothing is conditioned on, and the interval is the textbook one."""
    X, y = sample(0, beta=np.array([40.0, -50.0, 60.0]))
    table = ao.inference.selective(X, y, 0.1, noise_variance=1.0)
    centred = X - X.mean(0)
    deviation = np.sqrt(np.diag(np.linalg.inv(centred.T @ centred)))
    np.testing.assert_allclose(table.lower, table.coef - stats.norm.ppf(0.95) * deviation, rtol=1e-9)
    np.testing.assert_allclose(table.upper, table.coef + stats.norm.ppf(0.95) * deviation, rtol=1e-9)


def pivots(draws, alpha, beta=BETA, noise_variance=1.0):
    """For each data set one selected feature: its p-value at the true coefficient of the selected model."""
    values, covered, total = [], 0, 0
    for seed in range(draws):
        X, y = sample(1000 + seed, beta=beta)
        table = ao.inference.selective(X, y, alpha, noise_variance=noise_variance)
        if not len(table.names):
            continue
        truth = np.linalg.lstsq((X - X.mean(0))[:, table.indices], (X - X.mean(0)) @ beta)[0]
        hit = (table.lower < truth) & (truth < table.upper)
        covered, total = covered + hit.mean(), total + 1  # features of one data set depend on each other
        k = seed % len(table.names)
        law = stats.truncnorm(*((table.limits[k] - truth[k]) / table.deviation[k]), truth[k], table.deviation[k])
        values.append(law.cdf(table.coef[k]))
    return np.array(values), covered / total


def test_pivot_is_uniform_and_intervals_cover():
    values, coverage = pivots(250, 0.15)
    assert stats.kstest(values, "uniform").pvalue > 0.005
    assert abs(coverage - 0.9) < 3 * np.sqrt(0.09 / 250)


def test_null_p_values_are_uniform_where_naive_ones_are_not():
    """No feature matters: the lasso still selects some, and least squares on those finds them significant."""
    honest, naive = [], []
    for seed in range(250):
        X, y = sample(seed, beta=np.zeros(8))
        table = ao.inference.selective(X, y, 0.1, noise_variance=1.0)
        if len(table.names):
            k = seed % len(table.names)
            honest.append(table.p[k])
            naive.append(ao.inference.ols(X[:, table.indices], y).p[1 + k])
    assert len(honest) > 150
    assert stats.kstest(honest, "uniform").pvalue > 0.01
    assert stats.kstest(naive, "uniform").pvalue < 1e-6


def test_sparse_and_named_columns():
    X, y = sample(3)
    plain = ao.inference.selective(X, y, 0.15)
    frame = polars.DataFrame(X, schema=list("abcdefgh"))
    for form in (frame, scipy.sparse.csr_array(X), np.asfortranarray(X)):
        other = ao.inference.selective(form, y, 0.15)
        np.testing.assert_allclose(other.p, plain.p, rtol=1e-8)
    table = ao.inference.selective(frame, y, 0.15).to_frame()
    assert table.columns == ["name", "coef", "p", "lower", "upper"]
    assert table["name"].to_list() == ["abcdefgh"[j] for j in plain.indices]


def test_integer_weights_equal_repeated_rows(rng):
    X, y = sample(5)
    weights = rng.integers(0, 4, len(y))
    weighted = ao.inference.selective(X, y, 0.15, weights=weights)
    repeated = ao.inference.selective(X.repeat(weights, axis=0), y.repeat(weights), 0.15)
    for name in ("coef", "p", "lower", "upper", "noise_variance"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-8)


def test_standardize_competes_on_standard_deviations():
    X, y = sample(6)
    spread = np.logspace(-2, 2, X.shape[1])
    plain = ao.inference.selective((X - X.mean(0)) / X.std(0), y, 0.15)
    scaled = ao.inference.selective(X * spread + 7, y, 0.15, standardize=True)
    np.testing.assert_array_equal(plain.indices, scaled.indices)
    np.testing.assert_allclose(scaled.p, plain.p, rtol=1e-7)
    np.testing.assert_allclose(scaled.coef * (X.std(0) * spread)[scaled.indices], plain.coef, rtol=1e-8)


def test_more_columns_than_rows():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((40, 200))
    table = ao.inference.selective(X, 3 * X[:, 17] + rng.standard_normal(40), 0.5, noise_variance=1.0)
    assert "x17" in table.names and table.p[table.names.index("x17")] < 0.01


def test_nothing_selected():
    table = ao.inference.selective(*sample(0), alpha=100.0)
    assert table.to_frame().height == 0 and table.to_frame().columns == ["name", "coef", "p", "lower", "upper"]


class TestBadInput:
    def test_noise_not_estimable(self):
        X = np.random.default_rng(0).standard_normal((20, 30))
        with pytest.raises(
            NoiseNotEstimable, match=r"20 rows leave no residual degrees of freedom after 31.*pass noise"
        ):
            ao.inference.selective(X, X[:, 0], 0.1)

    def test_no_noise_at_all(self):
        X, _ = sample(0)
        with pytest.raises(NoiseNotEstimable, match="fits y without error"):
            ao.inference.selective(X, X @ BETA, 0.1)

    @pytest.mark.parametrize("alpha", [0, -1.0, np.nan, np.inf])
    def test_alpha(self, alpha):
        with pytest.raises(ValueError, match="alpha must be a finite number > 0"):
            ao.inference.selective(*sample(0), alpha=alpha)

    def test_level_and_variance(self):
        with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), e.g. 0.9, got 90"):
            ao.inference.selective(*sample(0), alpha=0.1, level=90)
        with pytest.raises(ValueError, match="noise_variance must be a finite number > 0, got 0"):
            ao.inference.selective(*sample(0), alpha=0.1, noise_variance=0)

    def test_on_a_knot(self):
        X, y = sample(0)
        top = ao.path(X, y).alphas[0]
        with pytest.raises(ValueError, match="is just entering or leaving"):
            ao.inference.selective(X, y, top)

    def test_collinear_selection(self):
        X, y = sample(0)
        with pytest.raises(ValueError, match=r"(combination of other selected columns|just entering or leaving)"):
            ao.inference.selective(np.column_stack([X, X[:, 0]]), y, 0.1, noise_variance=1.0)
