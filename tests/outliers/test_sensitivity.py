"""How far a row pulls: exact for least squares, bounded where the theory bounds it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor

import alphaomega as ao
from alphaomega.outliers.methods import absolute


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((90, 3)) * [1, 10, 0.1]
    return X, 2 + X @ [1.0, -0.1, 5.0] + rng.standard_normal(90)


@pytest.fixture(scope="module")
def found(data):
    return ao.outliers.sensitivity(*data, distances=[0, 2, 20, 200, 2000], shares=[0, 0.1, 0.3], n_repeats=3)


def of(found, values, name):
    return values[:, found.methods.index(name)]


def test_least_squares_moves_by_the_influence_of_the_row(data, found):
    """w changes by (X'X)^-1 x_i d: linear and without bound."""
    X, _ = data
    A = np.column_stack([np.ones(90), X])
    step = np.linalg.solve(A.T @ A, A[found.row]) * found.noise
    expected = np.linalg.norm(step[1:] * X.std(0)) * found.distances / found.noise
    np.testing.assert_allclose(of(found, found.coef_moved, "OLS")[0], expected, rtol=1e-8, atol=1e-12)
    others = np.delete(A, found.row, axis=0) @ step
    predictions = np.sqrt((others**2).mean()) * found.distances / found.noise
    np.testing.assert_allclose(of(found, found.prediction_moved, "OLS")[0], predictions, rtol=1e-8, atol=1e-12)


def test_penalties_on_w_do_not_bound_the_pull_of_y(found):
    for name in ("OLS", "ridge", "lasso"):
        moved = of(found, found.prediction_moved, name)[0]
        assert moved[-1] > 5 * moved[-2] > 0  # ten times the distance
    for name in ("Huber", "absolute", "IPOD"):
        moved = of(found, found.prediction_moved, name)[0]
        assert moved[-1] <= moved[2] + 1e-6 and moved[-1] < 0.5


def test_only_the_hard_shift_bounds_the_pull_of_x(found):
    assert of(found, found.prediction_moved, "IPOD")[1][-1] < 0.5
    assert of(found, found.prediction_moved, "Huber")[1][-1] > 0.5


def test_contamination(found):
    hurt = {name: of(found, found.contaminated, name)[:, -1] / of(found, found.contaminated, name)[:, 0]
            for name in found.methods}  # fmt: skip
    assert hurt["IPOD"].max() < 1.3
    assert min(hurt[name].min() for name in ("OLS", "ridge", "lasso")) > 1.5
    assert hurt["absolute"][0] < 1.3 < hurt["absolute"][1]


def test_absolute_is_median_regression(data):
    X, y = data
    fit, reference = absolute(X, y), QuantileRegressor(quantile=0.5, alpha=0.0, solver="highs").fit(X, y)
    ours, theirs = (abs(y - X @ coef - b).sum() for coef, b in ((fit.coef, fit.intercept),
                                                               (reference.coef_, reference.intercept_)))  # fmt: skip
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_tables_words_and_picture(found):
    frame = found.to_frame()
    assert len(frame) == 2 * 6 * 5 and set(frame["moved"]) == {"y", "x"}
    lasso = frame.filter((frame["method"] == "lasso") & (frame["moved"] == "x"))
    np.testing.assert_array_equal(lasso["prediction_moved"], of(found, found.prediction_moved, "lasso")[1])
    assert len(found.contamination_frame()) == 2 * 6 * 3
    first, second, third = found.statements
    assert "does not by itself resist outliers in y" in first and "bounds the pull of y and not that of x" in second
    assert "IPOD (y and x)" in third
    assert len(found.plot().data) == 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"row": 90}, "row must lie between 0 and 89"),
        ({"shares": [0.6]}, r"shares must lie in \[0, 0.5\)"),
        ({"distances": [-1.0]}, "distances must be finite numbers >= 0"),
    ],
)
def test_bad_arguments(data, options, message):
    with pytest.raises(ValueError, match=message):
        ao.outliers.sensitivity(*data, **options)


def test_too_few_rows(rng):
    with pytest.raises(ValueError, match=r"10 rows are too few .* penalty=alpha \* ao.L1\(\)"):
        ao.outliers.sensitivity(rng.standard_normal((10, 8)), np.arange(10.0))
