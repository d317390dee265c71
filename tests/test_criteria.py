"""Criteria along a path: degrees of freedom against simulation and formulas, and numbers of the literature."""

from __future__ import annotations

import numpy as np
import polars
import pytest

import alphaomega as ao
from alphaomega.model_selection import NoiseNotEstimable
from problems import LOSSES, MAIN_PENALTIES, PENALTIES, problem

NAMES = ("aic", "bic", "ebic", "cp", "gcv")


@pytest.mark.parametrize("penalty", [*MAIN_PENALTIES, "ridge weights", "group + L2", "box"])
@pytest.mark.parametrize("standardize", [False, True])
def test_degrees_of_freedom_are_the_divergence_of_the_fit(penalty, standardize):
    """df = sum_i d fitted_i / d y_i, by finite differences of the fits."""
    case = problem("tall")
    X, y = case.X[:20], case.y("squared")[:20]
    make = PENALTIES[penalty](8)
    grid = ao.path(X, y, penalty=make, n_alphas=4, alpha_min_ratio=0.05, standardize=standardize).alphas
    first = ao.path(X, y, penalty=make, alphas=0.9 * grid, standardize=standardize, tol=1e-13)
    found = ao.criteria(first)
    step = 1e-5
    divergence = np.zeros(4)
    for i in range(20):
        fits = []
        for sign in (1, -1):
            moved = y.copy()
            moved[i] += sign * step
            fit = ao.path(X, moved, penalty=make, alphas=first.alphas, standardize=standardize, tol=1e-13)
            fits.append(fit.coef @ X[i] + fit.intercept)
        divergence += (fits[0] - fits[1]) / (2 * step)
    assert found.df == pytest.approx(divergence, rel=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", MAIN_PENALTIES)
def test_degrees_of_freedom_lie_between_the_intercept_and_all_columns(loss, penalty):
    case = problem("tall")
    fit = ao.path(case.X, case.y(loss), loss, PENALTIES[penalty](8), n_alphas=10, standardize=True)
    df = ao.criteria(fit).df
    outputs = 1 if fit.coef.ndim == 2 else fit.coef.shape[1] - 1
    assert (df >= outputs * (1 - 1e-9)).all()
    assert (df <= outputs * 9 * (1 + 1e-9)).all()
    if penalty == "L1" and loss != "multinomial":
        assert df == pytest.approx(fit.n_nonzero + 1)


def test_ridge_has_the_trace_of_its_hat_matrix_on_both_sides_of_n():
    for name in ("tall", "wide"):
        case = problem(name)
        n, p = case.X.shape
        fit = ao.path(case.X, case.y("squared"), penalty=ao.L2(), alphas=[10, 1, 0.1])
        Z = case.X - case.X.mean(0)
        hats = [np.trace(Z @ np.linalg.solve(Z.T @ Z + n * alpha * np.eye(p), Z.T)) for alpha in fit.alphas]
        assert ao.criteria(fit).df == pytest.approx(np.array(hats) + 1, rel=1e-9)


def test_integer_weights_are_repeated_rows():
    case, rng = problem("tall"), np.random.default_rng(0)
    y, counts = case.y("squared"), rng.integers(0, 4, 80)
    rows = np.repeat(np.arange(80), counts)
    one = ao.criteria(ao.path(case.X, y, weights=counts, n_alphas=8, tol=1e-10))
    other = ao.criteria(ao.path(case.X[rows], y[rows], n_alphas=8, tol=1e-10))
    for name in NAMES:
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-7)


def test_a_path_without_its_data_is_given_them_again():
    case = problem("offset")
    y = case.y("poisson")
    fit = ao.path(case.X, y, "poisson", offset=case.offset, n_alphas=5)
    again = ao.criteria(fit.detached(), case.X, y, offset=case.offset)
    assert again.bic == pytest.approx(ao.criteria(fit).bic)
    with pytest.raises(ValueError, match="no longer holds its data"):
        ao.criteria(fit.detached())


def test_noise_that_cannot_be_estimated_is_asked_for():
    case = problem("wide")
    found = ao.criteria(ao.path(case.X, case.y("squared"), n_alphas=5))
    assert np.isfinite(found.gcv).all()
    with pytest.raises(NoiseNotEstimable, match="pass noise_variance="):
        found.alpha("bic")
    assert found.alpha("gcv") > 0
    known = ao.criteria(found.path, noise_variance=0.5)
    assert known.cp - known.deviance / 0.5 == pytest.approx(2 * known.df - 30)


def test_bad_arguments_are_named():
    case = problem("tall")
    fit = ao.path(case.X, case.y("squared"), n_alphas=3)
    with pytest.raises(ValueError, match="noise_variance must be a finite number > 0"):
        ao.criteria(fit, noise_variance=0.0)
    with pytest.raises(ValueError, match="gamma must lie in"):
        ao.criteria(fit, gamma=2)
    with pytest.raises(ValueError, match="criterion must be one of aic, bic"):
        ao.criteria(fit).alpha("dic")
    assert ao.criteria(fit).to_frame().columns == ["alpha", "df", "deviance", *NAMES]


def test_diabetes_criteria_choose_seven_features():
    """Efron et al. (2004) data; scikit-learn's LassoLarsIC gives the same set, and sigma is 54.15418."""
    data = ao.datasets.load("diabetes").frame
    fit = ao.path(data.drop("progression"), data["progression"], standardize=True, n_alphas=200)
    found = ao.criteria(fit)
    assert found.noise_variance**0.5 == pytest.approx(54.15418, abs=1e-4)
    for name in ("aic", "bic"):
        coef = fit.coef[found.index(name)]
        assert [column for column, w in zip(fit.names(), coef) if w] == ["sex", "bmi", "bp", "s1", "s3", "s5", "s6"]


def test_diabetes_criteria_are_those_of_scikit_learn():
    from sklearn.linear_model import LassoLarsIC
    from sklearn.preprocessing import StandardScaler

    frame = ao.datasets.load("diabetes").frame
    X, y = StandardScaler().fit_transform(frame.drop("progression").to_numpy()), frame["progression"].to_numpy()
    for name in ("aic", "bic"):
        peer = LassoLarsIC(name).fit(X, y)
        found = ao.criteria(ao.path(X, y, alphas=[peer.alpha_ * (1 + 1e-9)]))
        intercept = 2 if name == "aic" else np.log(442)  # theirs is not counted
        assert getattr(found, name)[0] - intercept == pytest.approx(peer.criterion_.min(), rel=1e-9)


@pytest.mark.shared
def test_longley_gcv_is_smallest_where_mass_finds_it(shared_data):
    """MASS::lm.ridge on its own scale, lambda = n alpha: 0.006."""
    table = polars.read_csv(shared_data("robust/longley.csv"))
    y, X = table["GNP.deflator"].to_numpy(), table.drop("GNP.deflator").cast(polars.Float64).to_numpy()
    for step in (1e-3, 1e-4):
        grid = np.arange(0, 0.1 + step / 2, step)
        fit = ao.path(X, y, penalty=ao.L2(), alphas=grid / 16, standardize=True)
        assert round(16 * ao.criteria(fit).alpha("gcv"), 3) == 0.006
