"""Least angle regression step by step: its order and knots, the polyhedral p-values, the covariance test."""

from __future__ import annotations

import csv
import json
from itertools import islice
from pathlib import Path

import numpy as np
import polars
import pytest
from scipy import stats
from sklearn.datasets import load_diabetes
from sklearn.linear_model import lars_path

import alphaomega as ao
from alphaomega.inference.least_angle import least_angle

PROSTATE = ["lcavol", "lweight", "age", "lbph", "svi", "lcp", "gleason", "pgg45"]
ORDER = ("lcavol", "lweight", "svi", "lbph", "pgg45", "age", "lcp", "gleason")


@pytest.fixture(scope="module")
def prostate():
    """Rows with the inner products of the 67 training rows, columns standardised on them: all that the tests see."""
    golden = json.loads((Path(__file__).parents[1] / "golden" / "prostate.json").read_text())
    products, n = np.array(golden["products"]), golden["rows"]
    basis = np.linalg.qr(np.column_stack([np.ones(n), np.random.default_rng(0).standard_normal((n, 9))]))[0][:, 1:]
    table = np.sqrt(n) * basis @ np.linalg.cholesky(products).T
    return polars.DataFrame(table[:, :-1], schema=golden["names"]), table[:, -1] + golden["mean"]


class TestProstate:
    def test_covariance_test(self, prostate):
        """Lockhart et al. (2014), table 5: y is centred beforehand and its mean not counted, so 59 degrees."""
        X, y = prostate
        test = ao.inference.covariance_test(X, y - y.mean(), intercept=False)
        assert test.names == ORDER and test.df == 59
        expected = [0.000, 0.052, 0.174, 0.929, 0.353, 0.650, 0.050, 0.978]
        np.testing.assert_allclose(test.p, expected, atol=5.1e-4)

    def test_polyhedral(self, prostate):
        """Tibshirani et al. (2016): given the signs of all correlations too, as their software does."""
        published = ao.inference.lar(*prostate, given="published")
        assert published.names == ORDER
        expected = [0.000, 0.052, 0.058, 0.918, 0.023, 0.365, 0.800, 0.933]
        np.testing.assert_allclose(published.p, expected, atol=5.1e-4)

    def test_given_less_the_event_is_wider(self, prostate):
        exact, published = (ao.inference.lar(*prostate, given=given) for given in ("sequence", "published"))
        np.testing.assert_allclose(exact.coef, published.coef)
        assert (abs(exact.p - published.p) > 0.01).any()
        assert exact.p[:2] == pytest.approx(published.p[:2], abs=1e-6)

    @pytest.mark.shared
    def test_the_rows_themselves_give_the_same(self, prostate, shared_data):
        with shared_data("prostate/prostate.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["train"].startswith("T")]
        X = np.array([[float(row[name]) for name in PROSTATE] for row in rows])
        X, y = polars.DataFrame((X - X.mean(0)) / X.std(0), schema=PROSTATE), [float(row["lpsa"]) for row in rows]
        for test in (ao.inference.lar, ao.inference.covariance_test):
            np.testing.assert_allclose(test(X, y).p, test(*prostate).p, rtol=1e-7)


def test_diabetes_knots():
    """Efron et al. (2004): maximal |correlation| where each variable joins, until the lasso first drops one."""
    X, y = load_diabetes(return_X_y=True)
    X = (X - X.mean(0)) / np.linalg.norm(X - X.mean(0), axis=0)
    knots = ao.inference.lar(X, y).knots * len(y)
    np.testing.assert_allclose(
        knots[:8], [949.435, 889.316, 452.901, 316.074, 130.131, 88.782, 68.965, 19.981], rtol=3e-5
    )


@pytest.mark.parametrize(("n", "p"), [(50, 8), (20, 40)])
def test_scikit_learn_takes_the_same_steps(rng, n, p):
    X, y = rng.standard_normal((n, p)), rng.standard_normal(n)
    X, y = X - X.mean(0), y - y.mean()
    knots, active, _ = lars_path(X, y, method="lar")
    steps = list(islice(least_angle(X, y), 10))
    own = [step.column for step in steps]
    assert own == list(active)[: len(own)]
    np.testing.assert_allclose([step.knot for step in steps], knots[: len(own)] * n, rtol=1e-8)


def test_steps_until_nothing_is_left(rng):
    X, y = rng.standard_normal((12, 30)), rng.standard_normal(12)
    assert len(ao.inference.lar(X, y, noise_variance=1.0).names) == 11
    X = rng.standard_normal((40, 6))
    X[:, 3], X[:, 5] = X[:, 0] - X[:, 1], 2.0
    assert len(ao.inference.lar(X, rng.standard_normal(40)).names) == 4


@pytest.mark.parametrize("seed", range(3))
def test_the_same_steps_are_taken_just_inside_the_limits(seed):
    """Moving y along one coefficient keeps the sequence and its signs exactly while inside, and not outside."""
    from alphaomega.inference.covariance_test import _truncation

    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((30, 7)), rng.standard_normal(30)
    X, y = X - X.mean(0), y - y.mean()
    steps = list(least_angle(X, y))
    taken = [(step.column, step.sign) for step in steps]
    for k, step in enumerate(steps):
        law = _truncation(steps[: k + 1], y, 1.0, "sequence")
        for limit, outwards in ((law.lower, -1), (law.upper, 1)):
            for shift, same in ((-outwards * 1e-6, True), (outwards * 1e-6, False)):
                if np.isfinite(limit):
                    moved = y + step.direction * (limit + shift - law.value)
                    again = [(each.column, each.sign) for each in islice(least_angle(X, moved), k + 1)]
                    assert (again == taken[: k + 1]) == same


@pytest.mark.parametrize("given", ["sequence", "published"])
def test_p_values_are_uniform_after_the_true_feature(given):
    values, covered = [], []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((40, 6))
        steps = ao.inference.lar(X, 3 * X[:, 2] + rng.standard_normal(40), 3, noise_variance=1.0, given=given)
        if steps.names[0] == "x2":
            values.append(steps.p[2])
            covered.append(steps.lower[1] < 0 < steps.upper[1])
    assert len(values) > 240 and stats.kstest(values, "uniform").pvalue > 0.01
    assert abs(np.mean(covered) - 0.9) < 3 * np.sqrt(0.09 / len(covered))


def test_covariance_test_is_exponential_after_the_true_feature():
    statistics = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        X = np.linalg.qr(rng.standard_normal((200, 100)))[0]  # orthogonal columns: the limit holds soonest
        y = 30 * X[:, 2] + rng.standard_normal(200)
        test = ao.inference.covariance_test(X, y, 2, noise_variance=1.0, intercept=False)
        statistics.append(test.statistic[1])
    assert stats.kstest(statistics, "expon").pvalue > 0.01


def test_known_variance_uses_the_exponential(rng):
    X, y = rng.standard_normal((60, 5)), rng.standard_normal(60)
    known, estimated = ao.inference.covariance_test(X, y, noise_variance=1.0), ao.inference.covariance_test(X, y)
    np.testing.assert_allclose(known.p, stats.expon.sf(known.statistic))
    np.testing.assert_allclose(estimated.p, stats.f.sf(estimated.statistic, 2, 54))
    assert known.to_frame().columns == ["name", "statistic", "p"]


def test_integer_weights_equal_repeated_rows(rng):
    X, y, weights = rng.standard_normal((40, 4)), rng.standard_normal(40), rng.integers(0, 4, 40)
    for test in (ao.inference.lar, ao.inference.covariance_test):
        np.testing.assert_allclose(
            test(X, y, weights=weights).p, test(X.repeat(weights, 0), y.repeat(weights)).p, rtol=1e-7
        )


def test_bad_input(rng):
    X, y = rng.standard_normal((20, 3)), rng.standard_normal(20)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        ao.inference.lar(X, y, 0)
    with pytest.raises(ValueError, match="given must be 'sequence' or 'published', got 'all'"):
        ao.inference.lar(X, y, given="all")
    with pytest.raises(ValueError, match="pass noise_variance="):
        ao.inference.covariance_test(rng.standard_normal((5, 9)), y[:5])
