"""Laws of cross-validation: it is what separate fits would give, whatever the folds are called and rows weigh."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alphaomega as ao
from alphaomega.results import CrossValidation
from problems import LOSSES, MAIN_PENALTIES, PENALTIES, problem

EVERY_LOSS = pytest.mark.parametrize("loss", LOSSES)
FOLDS = 5
GRID = {"n_alphas": 10, "alpha_min_ratio": 1e-2, "tol": 1e-10}


def folds_of(y: np.ndarray) -> np.ndarray:
    """Fold ids 0..4, every class in each fold."""
    ids = np.empty(len(y), dtype=int)
    ids[np.argsort(y, kind="stable")] = np.arange(len(y)) % FOLDS
    return ids


def separate_scores(case, y, loss, penalty, ids, alphas, **options):
    """The held-out deviance of every fold, each fitted by itself on a slice."""
    scores = np.empty((ids.max() + 1, len(alphas)))
    weights = np.ones(len(y)) if case.weights is None else case.weights
    for fold in range(len(scores)):
        train, held = ids != fold, ids == fold
        sample = {name: values[train] for name, values in case.sample.items()}
        fit = ao.path(case.X[train], y[train], loss, penalty, alphas=alphas, tol=1e-10, **sample, **options)
        offset = None if case.offset is None else case.offset[held]
        for k, alpha in enumerate(fit.alphas):
            eta = fit.decision(case.X[held], alpha, offset)
            target = fit.loss.target(y).values[held]
            scores[fold, k] = np.average(fit.loss.deviance(target, eta), weights=weights[held])
    return scores


@EVERY_LOSS
@pytest.mark.parametrize("penalty", MAIN_PENALTIES)
@pytest.mark.parametrize("name", ["tall", "wide"])
def test_scores_equal_separate_fits(name, loss, penalty):
    case = problem(name)
    y, made = case.y(loss), PENALTIES[penalty](case.X.shape[1])
    ids = folds_of(y)
    cv = ao.cross_validate(case.X, y, loss, made, folds=ids, **GRID)
    assert cv.scores.shape == (FOLDS, 10)
    expected = separate_scores(case, y, loss, made, ids, cv.path.alphas)
    np.testing.assert_allclose(cv.scores, expected, rtol=1e-5, atol=1e-8)
    whole = ao.path(case.X, y, loss, made, **GRID)
    np.testing.assert_allclose(cv.path.coef, whole.coef, atol=1e-6)
    assert (cv.path.gap <= 1e-6).all()


@EVERY_LOSS
@pytest.mark.parametrize("name", ["weights, some zero", "offset", "sparse counts", "constant columns"])
def test_scores_equal_separate_fits_standardised(name, loss):
    """Each fold standardises by its own training rows; weights, offsets and sparse columns go along."""
    case = problem(name)
    y = case.y(loss)
    ids = folds_of(y)
    cv = ao.cross_validate(case.X, y, loss, standardize=True, folds=ids, **GRID, **case.sample)
    expected = separate_scores(case, y, loss, ao.L1(), ids, cv.path.alphas, standardize=True)
    np.testing.assert_allclose(cv.scores, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("penalty", ["L1", "group"])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("name", ["wide", "weights, some zero"])
def test_ten_folds_choose_what_ten_separate_fits_choose(name, standardize, penalty, loss):
    """Fold scores to 1e-6 of the largest, and the same alpha_min."""
    case = problem(name)
    y, made = case.y(loss), PENALTIES[penalty](case.X.shape[1])
    ids = np.empty(len(y), dtype=int)
    ids[np.argsort(y, kind="stable")] = np.arange(len(y)) % (10 if name != "wide" else 5)
    cv = ao.cross_validate(case.X, y, loss, made, standardize=standardize, folds=ids, **GRID, **case.sample)
    expected = separate_scores(case, y, loss, made, ids, cv.path.alphas, standardize=standardize)
    np.testing.assert_allclose(cv.scores, expected, rtol=0, atol=1e-6 * expected.max())
    weights = np.bincount(ids, case.weights)
    assert cv.alpha_min == cv.path.alphas[np.argmin(weights @ expected)]


def test_squared_scores_are_mean_squared_errors():
    case = problem("tall")
    y, ids = case.y("squared"), np.arange(80) % FOLDS
    cv = ao.cross_validate(case.X, y, alphas=[0.1], folds=ids)
    for fold in range(FOLDS):
        fit = ao.path(case.X[ids != fold], y[ids != fold], alphas=[0.1])
        error = np.mean((y[ids == fold] - fit.predict(case.X[ids == fold], 0.1)) ** 2)
        assert cv.scores[fold, 0] == pytest.approx(error, rel=1e-6)


@EVERY_LOSS
def test_integer_weights_are_repeated_rows(loss):
    case = problem("tall")
    y, counts = case.y(loss), np.random.default_rng(5).integers(0, 4, 80)
    ids = folds_of(y)
    rows = np.repeat(np.arange(80), counts)
    for folds, repeated_folds in ((ids, ids[rows]), (FOLDS, FOLDS)):  # given, and drawn
        weighted = ao.cross_validate(case.X, y, loss, weights=counts, folds=folds, **GRID)
        repeated = ao.cross_validate(case.X[rows], y[rows], loss, folds=repeated_folds, **GRID)
        np.testing.assert_allclose(weighted.path.alphas, repeated.path.alphas, rtol=1e-9)
        np.testing.assert_allclose(weighted.scores, repeated.scores, rtol=1e-6)
        np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-6)
        np.testing.assert_allclose(weighted.standard_error, repeated.standard_error, rtol=1e-6)
        assert weighted.alpha_1se == pytest.approx(repeated.alpha_1se, rel=1e-9)


@EVERY_LOSS
def test_rows_of_weight_zero_do_not_exist(loss):
    case = problem("tall")
    y, weights = case.y(loss), np.ones(80)
    weights[::7] = 0
    alive = weights > 0
    one = ao.cross_validate(case.X, y, loss, weights=weights, folds=FOLDS, **GRID)
    other = ao.cross_validate(case.X[alive], y[alive], loss, folds=FOLDS, **GRID)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    [str, float, lambda ids: [f"site {k}" for k in ids], lambda ids: ids * 100 - 7, lambda ids: ids % 2 == 0],
    ids=["text", "floats", "names", "any integers", "booleans"],
)
def test_folds_may_be_called_anything(name):
    case = problem("tall")
    y, ids = case.y("squared"), np.arange(80) % 4
    labels = np.array(name(ids) if name not in (str, float) else ids.astype(name))
    cv = ao.cross_validate(case.X, y, folds=labels, **GRID)
    order = np.unique(labels, return_inverse=True)[1]
    np.testing.assert_array_equal(cv.folds, order)
    np.testing.assert_allclose(cv.scores, ao.cross_validate(case.X, y, folds=order, **GRID).scores, rtol=1e-12)


def test_drawn_folds_are_even_stratified_and_seeded():
    case = problem("tall")
    y = np.where(np.arange(80) < 25, "rare", "common")
    one, same, other = (ao.cross_validate(case.X, y, "logistic", folds=10, seed=s, **GRID) for s in (3, 3, 4))
    np.testing.assert_array_equal(one.folds, same.folds)
    assert (one.folds != other.folds).any()
    assert np.ptp(np.bincount(one.folds)) <= 2
    assert np.ptp(np.bincount(one.folds[y == "rare"], minlength=10)) <= 1


def test_as_many_folds_as_rows_is_leave_one_out():
    case = problem("wide")
    y = case.y("squared")
    cv = ao.cross_validate(case.X, y, folds=30, **GRID)
    assert cv.scores.shape == (30, 10) and len(set(cv.folds)) == 30
    np.testing.assert_allclose(cv.mean, cv.scores.mean(0))


@EVERY_LOSS
def test_threads_do_not_matter(loss):
    case = problem("tall")
    y = case.y(loss)
    one, two = (ao.cross_validate(case.X, y, loss, folds=folds_of(y), n_threads=k, **GRID) for k in (1, 2))
    np.testing.assert_allclose(one.scores, two.scores, rtol=1e-8)


@EVERY_LOSS
def test_inputs_are_never_modified(loss):
    case = problem("tall")
    arrays = [case.X.copy(), case.y(loss).copy(), folds_of(case.y(loss)), np.ones(80)]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    X, y, ids, weights = arrays
    ao.cross_validate(X, y, loss, folds=ids, weights=weights, standardize=True, **GRID)
    for array, old in zip(arrays, before):
        np.testing.assert_array_equal(array, old)


PATH = ao.path(np.eye(6), np.arange(6.0), n_alphas=8)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    scores=st.lists(st.lists(st.floats(0, 1e6), min_size=8, max_size=8), min_size=2, max_size=6),
    weights=st.lists(st.floats(0.1, 10), min_size=6, max_size=6),
)
def test_alpha_1se_is_never_below_alpha_min(scores, weights):
    """The largest alpha whose mean score is within one standard error of the smallest mean score."""
    scores = np.array(scores)
    cv = CrossValidation(PATH, scores, np.arange(6) % len(scores), np.array(weights[: len(scores)]))
    assert cv.alpha_1se >= cv.alpha_min
    best, chosen = cv.index_min, cv.index_1se
    bar = cv.mean[best] + cv.standard_error[best]
    assert cv.mean[best] == cv.mean.min() and cv.mean[chosen] <= bar
    assert (cv.mean[:chosen] > bar).all()


def test_scores_that_are_infinite_leave_the_choice_to_the_others():
    scores = np.array([[np.inf, 3.0, 2.0, 2.5, np.inf, 9, 9, 9], [4.0, 3.5, 2.2, 2.1, 5.0, 9, 9, 9]])
    cv = CrossValidation(PATH, scores, np.arange(6) % 2, np.ones(2))
    assert cv.index_min == 2 and cv.alpha_1se >= cv.alpha_min


def test_a_fold_without_weight_counts_for_nothing():
    scores = np.random.default_rng(0).uniform(1, 2, (3, 8))
    with_empty = CrossValidation(PATH, scores, np.arange(6) % 3, np.array([2.0, 1.0, 0.0]))
    without = CrossValidation(PATH, scores[:2], np.arange(6) % 2, np.array([2.0, 1.0]))
    np.testing.assert_allclose(with_empty.mean, without.mean)
    np.testing.assert_allclose(with_empty.standard_error, without.standard_error)


def test_the_curve_as_a_table():
    case = problem("tall")
    cv = ao.cross_validate(case.X, case.y("squared"), **GRID)
    frame = cv.to_frame()
    assert frame.columns == ["alpha", "mean_score", "standard_error", "n_nonzero"]
    np.testing.assert_array_equal(frame["mean_score"].to_numpy(), cv.mean)


@pytest.mark.parametrize("heavy", [1e4, 1e9])
def test_a_fold_that_weighs_more_than_all_others_together_keeps_its_digits(heavy):
    rng = np.random.default_rng(5)
    X, ids = rng.standard_normal((60, 300)), np.arange(60) % 6
    y, weights = X[:, :3].sum(1) + rng.standard_normal(60), np.where(ids == 0, heavy, 1.0)
    cv = ao.cross_validate(X, y, weights=weights, folds=ids)
    expected = []
    for fold in range(6):
        own = ids != fold
        path = ao.path(X[own], y[own], weights=weights[own], alphas=cv.path.alphas)
        left = y[~own] - path.intercept[:, None] - path.coef @ X[~own].T
        expected.append((left**2).mean(1))
    np.testing.assert_allclose(cv.scores, expected, rtol=1e-6)
