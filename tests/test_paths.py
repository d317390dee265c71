"""Every solution of a path is optimal: its gap by first principles, its coefficients by other solvers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn import linear_model

import alphaomega as ao
from alphaomega.designs import REGISTRY as DESIGNS
from brute_force import brute_force
from first_principles import Objective
from problems import LOSSES, MAIN_PENALTIES, PENALTIES, PROBLEMS, problem

TOLERANCE = 1e-6
OTHER_PENALTIES = tuple(name for name in PENALTIES if name not in MAIN_PENALTIES)
KINDS = ("dense", "sparse", "standardised")
#: Every combination of these is in the default run; `combinations` adds some of the rest, the slow tests all.
MAIN_LOSSES = ("squared", "logistic", "multinomial", "poisson")
MAIN_PROBLEMS = (
    "tall",
    "wide",
    "collinear",
    "duplicated columns",
    "weights, some zero",
    "offset",
    "scales 1e-8 to 1e8",
)


def combinations():
    """(kind, problem, loss, penalty): every main one, and each other problem and loss with a kind and a penalty."""
    every = list(product(KINDS[:2], MAIN_PROBLEMS, MAIN_LOSSES, MAIN_PENALTIES))
    for (i, name), (j, loss) in product(enumerate(PROBLEMS), enumerate(LOSSES)):
        if name not in MAIN_PROBLEMS or loss not in MAIN_LOSSES:
            every.append((KINDS[(i + j) // 4 % 2], name, loss, MAIN_PENALTIES[(i + j) % 4]))
    return every


def output_last(coef: np.ndarray) -> np.ndarray:
    """(K, p) -> (p, K); (p,) as it is."""
    return coef.T


def of_kind(case, kind):
    """The problem on a sparse matrix, on a dense one, or as it is."""
    return {"sparse": case.sparse, "dense": case.as_dense, "standardised": lambda: case}[kind]()


def check_every_gap(case, loss, penalty, every=1, **options):
    """Fit the default path and recompute certificates, each or one in so many, without the library's help."""
    y = case.y(loss)
    fit = ao.path(case.X, y, loss, penalty, **case.sample, **options)
    assert fit.message == ""
    assert len(fit.alphas) == 100 and (np.diff(fit.alphas) < 0).all()
    assert fit.gap.max() <= TOLERANCE
    scale = fit.scale if options.get("standardize") else np.ones(fit.coef.shape[-1])
    objective = Objective.of(case.dense / scale, y, loss, penalty, weights=case.weights, offset=case.offset)
    null_loss = objective.null_loss()
    assert fit.null_loss == pytest.approx(null_loss, rel=1e-9)
    stated = penalty.terms(objective.shape) is not None
    assert fit.certificate == ("duality gap" if stated else "stationarity")
    for k in range(99, -1, -every):
        coef, alpha = output_last(fit.coef[k] * scale), fit.alphas[k]
        assert fit.n_nonzero[k] == np.count_nonzero(coef.reshape(len(coef), -1).any(1))
        if stated:
            gap = objective.distance(coef, fit.intercept[k], alpha, TOLERANCE * null_loss)
            assert -1e-9 <= gap / null_loss <= TOLERANCE, f"alpha {k}: {gap / null_loss:.2e}"
        else:
            assert objective.violation(coef, fit.intercept[k], alpha) <= TOLERANCE


@pytest.mark.parametrize(("kind", "name", "loss", "penalty"), combinations())
def test_every_gap_of_the_default_path(kind, name, loss, penalty):
    case = of_kind(problem(name), kind)
    check_every_gap(case, loss, PENALTIES[penalty](case.X.shape[1]), every=9)


@pytest.mark.parametrize("penalty", OTHER_PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_gap_of_other_penalties(loss, penalty):
    case = problem("duplicated columns")
    check_every_gap(case, loss, PENALTIES[penalty](case.X.shape[1]), every=9)


@pytest.mark.slow
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_gap_over_the_whole_grid(kind, name, loss, penalty):
    case = of_kind(problem(name), kind)
    check_every_gap(case, loss, PENALTIES[penalty](case.X.shape[1]), standardize=kind == "standardised")


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", MAIN_PENALTIES)
@pytest.mark.parametrize("name", ["weights, some zero", "sparse counts"])
def test_sparse_and_dense_give_the_same_path(name, loss, penalty):
    case = problem(name)
    made, y = PENALTIES[penalty](case.X.shape[1]), case.y(loss)
    options = {"n_alphas": 6, "tol": 1e-9, **case.sample}
    dense, sparse = ao.path(case.dense, y, loss, made, **options), ao.path(case.sparse().X, y, loss, made, **options)
    np.testing.assert_allclose(sparse.alphas, dense.alphas, rtol=1e-12)
    np.testing.assert_allclose(sparse.coef, dense.coef, atol=1e-6)
    np.testing.assert_allclose(sparse.intercept, dense.intercept, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_gives_the_path_of_the_dense_array(design, loss):
    case = problem("weights, some zero")
    options = {"n_alphas": 5, "tol": 1e-10, **case.sample}
    dense, other = (ao.path(X, case.y(loss), loss, **options) for X in (case.X, DESIGNS[design](case.X)))
    np.testing.assert_allclose(other.alphas, dense.alphas, rtol=1e-9)
    np.testing.assert_allclose(other.coef, dense.coef, atol=1e-6)
    np.testing.assert_allclose(other.intercept, dense.intercept, atol=1e-6)


def sklearn_models(loss, penalty, n):
    """alpha -> scikit-learn's own solver of the same objective, at tight tolerance."""
    tight = {"tol": 1e-12, "max_iter": 1_000_000}
    return {
        ("squared", "L1"): lambda alpha: linear_model.Lasso(alpha, **tight),
        ("squared", "elastic net"): lambda alpha: linear_model.ElasticNet(alpha, l1_ratio=0.5, **tight),
        ("squared", "L2"): lambda alpha: linear_model.Ridge(alpha * n, solver="svd"),
        ("logistic", "L2"): lambda alpha: linear_model.LogisticRegression(
            C=1 / (n * alpha), solver="newton-cholesky", tol=1e-12
        ),
        ("poisson", "L2"): lambda alpha: linear_model.PoissonRegressor(
            alpha=alpha, solver="newton-cholesky", tol=1e-12, max_iter=1000
        ),
        ("multinomial", "L2"): lambda alpha: linear_model.LogisticRegression(
            C=1 / (n * alpha), solver="newton-cholesky", tol=1e-12
        ),
    }[loss, penalty]


@pytest.mark.parametrize(
    ("loss", "penalty"),
    [
        ("squared", "L1"),
        ("squared", "elastic net"),
        ("squared", "L2"),
        ("logistic", "L2"),
        ("poisson", "L2"),
        ("multinomial", "L2"),
    ],
)
@pytest.mark.parametrize("name", ["tall", "wide", "collinear", "weights, some zero"])
def test_coefficients_agree_with_scikit_learn(name, loss, penalty):
    case = problem(name)
    y, p = case.y(loss), case.X.shape[1]
    fit = ao.path(case.X, y, loss, PENALTIES[penalty](p), **case.sample)
    total = len(y) if case.weights is None else case.weights.sum()
    make = sklearn_models(loss, penalty, total)
    for k in (10, 40, 70, 99):
        model = make(fit.alphas[k]).fit(case.dense, y, sample_weight=case.weights)
        coef = np.ravel(model.coef_)
        tolerance = 1e-5 * (1 + abs(coef).max())
        np.testing.assert_allclose(fit.coef[k].ravel(), coef, atol=tolerance)
        intercept = np.ravel(model.intercept_)
        intercept = intercept - intercept.mean() * (loss == "multinomial")
        np.testing.assert_allclose(np.ravel(fit.intercept[k]), intercept, atol=tolerance)


BRUTE_FORCED = ("L1", "L2", "elastic net", "group", "L1 + L2", "group + L2", "non-negative", "box")


@pytest.mark.parametrize("penalty", BRUTE_FORCED)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", MAIN_PROBLEMS)
def test_coefficients_agree_with_a_brute_force_solver(name, loss, penalty):
    """Coefficients, of dense and of sparse X, where they are unique; elsewhere the fitted values, which always are."""
    case = problem(name)
    y, made, scale = case.y(loss), PENALTIES[penalty](case.X.shape[1]), case.dense.std(0)
    options = {"n_alphas": 20, "alpha_min_ratio": 1e-2, **case.sample}
    forms = (case.as_dense(), case.sparse())[: 2 if penalty in MAIN_PENALTIES else 1]
    fits = [ao.path(form.X, y, loss, made, **options) for form in forms]
    objective = Objective.of(case.dense, y, loss, made, weights=case.weights, offset=case.offset)
    unique = name not in ("collinear", "duplicated columns") and loss != "multinomial"
    unique = unique or penalty in ("L2", "elastic net", "L1 + L2", "group + L2", "box")
    for k in (5, 12, 19):
        coef, intercept = brute_force(objective, fits[0].alphas[k], scale)
        expected = case.dense @ coef + intercept
        for fit in fits:
            np.testing.assert_allclose(fit.alphas[k], fits[0].alphas[k], rtol=1e-12)
            found, bias = output_last(fit.coef[k]), fit.intercept[k]
            mine = objective.primal(found, bias, fit.alphas[k])
            assert mine <= objective.primal(coef, intercept, fit.alphas[k]) + 1e-9
            difference, apart = case.dense @ found + bias - expected, found - coef
            if loss == "multinomial":  # a constant over the classes of a row changes nothing
                assert abs(bias.mean()) <= 1e-12
                difference = difference - difference.mean(1, keepdims=True)
                if penalty == "L2":  # the least squares sum to zero, which flat directions blur
                    apart = apart - apart.mean(1, keepdims=True)
            assert abs(difference).max() <= 2e-5
            if unique:
                assert abs(apart.T * scale).max() <= 1e-5


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["collinear", "duplicated columns", "constant columns"])
def test_fitted_values_are_unique_where_coefficients_are_not(name, loss):
    """Columns that repeat each other may share their weight in many ways; the fit and ||w||_1 may not change."""
    case = problem(name)
    y = case.y(loss)
    order = np.random.default_rng(3).permutation(case.X.shape[1])
    options = {"n_alphas": 20, "tol": 1e-10}
    one, other = ao.path(case.X, y, loss, **options), ao.path(case.X[:, order], y, loss, **options)
    np.testing.assert_allclose(abs(one.coef).sum(-1), abs(other.coef).sum(-1), atol=1e-4)
    for k in (4, 12, 19):
        eta = case.X @ one.coef[k].T + one.intercept[k]
        np.testing.assert_allclose(case.X[:, order] @ other.coef[k].T + other.intercept[k], eta, atol=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_alpha_zero_is_the_unpenalised_fit(loss):
    case = problem("tall")
    y = case.y(loss)
    objective = Objective.of(case.X, y, loss, ao.L1())
    zero = np.zeros(objective.shape)
    eta = objective._refit(objective.eta(zero, np.zeros(objective.y.shape[1:])), np.arange(case.X.shape[1]))
    for penalty in (ao.L1(), ao.L2(), ao.GroupL1(np.arange(8) // 3), 0 * ao.L1()):
        fit = ao.path(case.X, y, loss, penalty, alphas=[0.0])
        assert fit.gap[0] <= TOLERANCE
        mine = case.X @ fit.coef[0].T + fit.intercept[0]
        if loss == "multinomial":
            mine, target = mine - mine.mean(1, keepdims=True), eta - eta.mean(1, keepdims=True)
        else:
            target = eta
        np.testing.assert_allclose(mine, target, atol=1e-5 * (1 + abs(target).max()))


def test_alpha_zero_is_least_squares_with_more_columns_than_rows():
    case = problem("wide")
    fit = ao.path(case.X, case.y("squared"), alphas=[0.0])
    np.testing.assert_allclose(case.X @ fit.coef[0] + fit.intercept[0], case.y("squared"), atol=1e-3)
    assert fit.gap[0] <= TOLERANCE
