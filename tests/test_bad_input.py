"""Each bad input gets one error that names the thing and the mend; no traceback from within, no silent wrong answer."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import alphaomega as ao
from alphaomega import designs
from alphaomega.fitting import ConvergenceWarning

N, P = 20, 3


@pytest.fixture
def X(rng):
    return rng.standard_normal((N, P))


@pytest.fixture
def y(rng):
    return rng.standard_normal(N)


def with_entry(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.fixture(params=["path", "cross_validate"])
def fit(request):
    """Both faces: they check the same way."""
    return {"path": ao.path, "cross_validate": ao.cross_validate}[request.param]


@pytest.mark.parametrize(("value", "mend"), [(np.nan, "impute='mean'"), (np.inf, "drop"), (-np.inf, "drop")])
def test_x_that_is_not_finite(fit, X, y, value, mend):
    for form in (np.asarray, np.asfortranarray, np.float32, scipy.sparse.csc_array, scipy.sparse.csr_matrix):
        with pytest.raises(ValueError, match=rf"X holds (NaN|infinity).* at row 7.* column 1.*{mend}"):
            fit(form(with_entry(X, (7, 1), value)), y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_design_that_is_not_finite(fit, X, y, value):
    with pytest.raises(ValueError, match=r"X holds NaN or infinity at row 7, column 1;.* drop"):
        fit(designs.Dense(with_entry(X, (7, 1), value)), y)


def test_a_named_column_that_is_not_finite(fit, X, y):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(with_entry(X, (7, 1), np.inf), columns=["age", "height", "mass"])
    with pytest.raises(ValueError, match="height"):
        fit(frame, y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_y_that_is_not_finite(fit, X, y, value):
    with pytest.raises(ValueError, match=r"y holds NaN or infinity at row 4 \(1 in all\); drop or fill"):
        fit(X, with_entry(y, 4, value))


def test_text_in_y(fit, X):
    with pytest.raises(ValueError, match=r"found 'no' at row 0; use loss='logistic'"):
        fit(X, np.array(["no", "yes"])[np.arange(N) % 2])


@pytest.mark.parametrize(("loss", "label"), [("logistic", "yes"), ("multinomial", 3)])
def test_one_class(fit, X, loss, label):
    with pytest.raises(ValueError, match="only one class"):
        fit(X, np.full(N, label), loss)


def test_three_classes_for_two(fit, X):
    with pytest.raises(ValueError, match="use loss='multinomial'"):
        fit(X, np.arange(N) % 3, "logistic")


def test_a_class_without_weight(fit, X):
    with pytest.raises(ValueError, match=r"all rows of class .*'b'.* have weight 0"):
        fit(X, np.array(["a", "b"])[np.arange(N) % 2], "logistic", weights=np.arange(N) % 2 == 0)


def test_negative_counts(fit, X):
    with pytest.raises(ValueError, match=r"needs y >= 0, found -1 at row 2"):
        fit(X, with_entry(np.ones(N), 2, -1), "poisson")


def test_no_counts_at_all(fit, X):
    with pytest.raises(ValueError, match="at least one positive y"):
        fit(X, np.zeros(N), "poisson")
    with pytest.raises(ValueError, match="rows of positive weight"):
        fit(X, np.arange(N) % 2, "poisson", weights=np.arange(N) % 2 == 0)


@pytest.mark.parametrize("shape", [(0, 3), (20, 0), (0, 0)])
def test_nothing_to_fit(fit, shape):
    with pytest.raises(ValueError, match=r"at least one row and one column"):
        fit(np.empty(shape), np.empty(shape[0]))


@pytest.mark.parametrize("shape", [(20,), (2, 2, 5)])
def test_x_of_other_dimensions(fit, y, shape):
    with pytest.raises(ValueError, match="X must be two-dimensional"):
        fit(np.zeros(shape), y)


def test_lengths_that_differ(fit, X, y):
    with pytest.raises(ValueError, match="X has 20 rows but y has 19"):
        fit(X, y[:-1])
    with pytest.raises(ValueError, match="y must be one-dimensional"):
        fit(X, np.stack([y, y], 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": np.ones(5)}, r"weights must have shape \(20,\)"),
        ({"weights": -np.ones(N)}, "weights must be >= 0, found -1 at row 0"),
        ({"weights": np.zeros(N)}, "weights are all zero"),
        ({"weights": with_entry(np.ones(N), 3, np.nan)}, "weights holds NaN or infinity at row 3"),
        ({"offset": np.ones(5)}, r"offset must have shape \(20,\)"),
        ({"offset": with_entry(np.ones(N), 3, np.inf)}, "offset holds NaN or infinity at row 3"),
        ({"alphas": [0.1, -0.5]}, r"alphas must be finite and >= 0, found -0.5 at position 1"),
        ({"alphas": [np.nan]}, "alphas must be finite"),
        ({"alphas": []}, "non-empty"),
        ({"alphas": np.ones((2, 2))}, "one-dimensional"),
        ({"n_alphas": 0}, "n_alphas must be at least 1"),
        ({"alpha_min_ratio": 0.0}, r"alpha_min_ratio must lie in \(0, 1\]"),
        ({"alpha_min_ratio": 2.0}, r"alpha_min_ratio must lie in \(0, 1\]"),
        ({"tol": 0.0}, "tol must be a finite number > 0"),
        ({"tol": np.nan}, "tol must be a finite number > 0"),
        ({"loss": "hinge"}, "unknown loss 'hinge'; choose one of squared"),
        ({"penalty": ao.L1([1.0, 2.0])}, "2 weights for 3 features"),
        ({"penalty": ao.GroupL1([0, 1])}, "2 labels for 3 features"),
    ],
    ids=str,
)
def test_arguments_out_of_range(fit, X, y, options, message):
    with pytest.raises(ValueError, match=message):
        fit(X, y, **options)


@pytest.mark.parametrize("penalty", ["l1", 1.0, ao.L1])
def test_what_is_no_penalty(fit, X, y, penalty):
    with pytest.raises(TypeError, match=r"penalty must be a Penalty such as ao\.L1\(\)"):
        fit(X, y, penalty=penalty)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (21, "20 rows are too few for 21 folds; pass folds=20 or fewer"),
        (1, "at least 2 folds"),
        (0, "at least 2 folds"),
        (np.zeros(N), "at least 2 folds"),
        (np.arange(7), r"one fold id per row, got shape \(7,\)"),
    ],
    ids=str,
)
def test_folds_that_cannot_be(X, y, folds, message):
    with pytest.raises(ValueError, match=message):
        ao.cross_validate(X, y, folds=folds)


def test_a_fold_that_holds_a_whole_class(X):
    labels = np.where(np.arange(N) < 5, "rare", "common")
    with pytest.raises(ValueError, match=r"without fold 0 .* no class .*'rare'"):
        ao.cross_validate(X, labels, "logistic", folds=np.arange(N) // 5)


@pytest.mark.parametrize("alpha", [-1.0, np.nan, np.inf])
def test_at_an_impossible_alpha(X, y, alpha):
    with pytest.raises(ValueError, match="alpha must be a finite number >= 0"):
        ao.path(X, y, n_alphas=3).at(alpha)


def test_a_detached_path_names_the_mend(X, y):
    path = ao.path(X, y, n_alphas=3).detached()
    assert path.at(path.alphas[1]).alpha == path.alphas[1]
    with pytest.raises(ValueError, match=r"not on this path's grid.*alphas="):
        path.at(path.alphas[1] * 1.01)


def test_prediction_on_other_columns(X, y):
    path = ao.path(X, y, n_alphas=3)
    with pytest.raises(ValueError, match="X has 2 columns, the path was fitted on 3"):
        path.predict(X[:, :2], path.alphas[1])


SEPARABLE = {
    "logistic": lambda X: X[:, 0] > 0,
    "multinomial": lambda X: np.digitize(X[:, 0], [-0.5, 0.5]),
}


@pytest.mark.parametrize("loss", sorted(SEPARABLE))
@pytest.mark.timeout(60)
def test_separable_classes_at_alpha_zero_are_said_so(X, loss):
    """No finite minimum: said once, with the smallest alpha of the grid that has one."""
    y = SEPARABLE[loss](X)
    with pytest.warns(ConvergenceWarning, match=r"separate the classes.*alpha = 0.*alphas >= 0\.001"):
        path = ao.path(X, y, loss, alphas=[0.1, 0.001, 0.0])
    assert (path.gap[:2] <= 1e-6).all() and np.isfinite(path.coef).all()
    assert "separate the classes" in path.message
    assert ao.path(X, y, loss, alphas=[0.1, 0.001]).message == ""


@pytest.mark.timeout(60)
def test_almost_separable_classes_are_said_so(X):
    """Classes that touch at one point of x: the estimate still runs off to infinity."""
    x = np.round(2 * X[:, :1])
    y = np.where(x[:, 0] == 0, np.arange(N) % 2, x[:, 0] > 0)
    with pytest.warns(ConvergenceWarning, match="separate the classes"):
        ao.path(x, y, "logistic", alphas=[0.0])


@pytest.mark.timeout(60)
def test_overlapping_classes_have_a_finite_fit(X, rng):
    path = ao.path(X, rng.uniform(size=N) > 0.5, "logistic", alphas=[0.0])
    assert path.message == "" and path.gap[0] <= 1e-6


@pytest.mark.timeout(60)
def test_counts_that_run_off_to_minus_infinity_are_said_so(X):
    """A category without any event: its unpenalised rate is zero, its coefficient minus infinity."""
    x = np.column_stack([X[:, 0], np.arange(N) < 5])
    y = np.where(np.arange(N) < 5, 0, np.arange(N) % 4)
    with pytest.warns(ConvergenceWarning, match="zero counts"):
        ao.path(x, y, "poisson", alphas=[0.1, 0.0])


@pytest.mark.timeout(60)
def test_an_unpenalised_column_that_separates_has_no_fit_at_any_alpha(X):
    with pytest.warns(ConvergenceWarning, match=r"unpenalised columns separate the classes.*weight > 0"):
        ao.path(X, X[:, 0] > 0, "logistic", ao.L1([0.0, 1.0, 1.0]), alphas=[0.1, 0.01])


def test_a_bound_keeps_separable_classes_finite(X):
    fit = ao.path(X, X[:, 0] > 0, "logistic", ao.Bounded(ao.L1(), lower=-5, upper=5), alphas=[0.0])
    assert fit.message == "" and fit.coef[0, 0] == 5
