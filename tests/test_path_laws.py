"""Laws a path keeps whatever the data: scaling, order, weights, special cases."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import alphaomega as ao
from problems import LOSSES, MAIN_PENALTIES, PENALTIES, problem

EVERY_LOSS = pytest.mark.parametrize("loss", LOSSES)
EVERY_PENALTY = pytest.mark.parametrize("penalty", MAIN_PENALTIES)
TIGHT = {"n_alphas": 8, "tol": 1e-9}
NUMERIC = ("squared", "huber")


def fitted(fit, X, k=slice(None)):
    """The linear predictors of the k-th solutions: unique where coefficients need not be."""
    return np.moveaxis(X @ np.swapaxes(fit.coef[k], -1, -2), -2, -1) if fit.coef.ndim == 3 else fit.coef[k] @ X.T


def same(one, other, atol=1e-6):
    np.testing.assert_allclose(one.alphas, other.alphas, rtol=1e-9)
    np.testing.assert_allclose(one.coef, other.coef, atol=atol)
    np.testing.assert_allclose(one.intercept, other.intercept, atol=atol)


def make(penalty, p=8):
    return PENALTIES[penalty](p)


@EVERY_LOSS
@EVERY_PENALTY
def test_integer_weights_are_repeated_rows(loss, penalty):
    case = problem("tall")
    y, counts = case.y(loss), np.random.default_rng(5).integers(0, 4, 80)
    offset = np.linspace(-0.5, 0.5, 80)
    weighted = ao.path(case.X, y, loss, make(penalty), weights=counts, offset=offset, **TIGHT)
    rows = np.repeat(np.arange(80), counts)
    repeated = ao.path(case.X[rows], y[rows], loss, make(penalty), offset=offset[rows], **TIGHT)
    same(weighted, repeated)


@EVERY_LOSS
def test_only_ratios_of_weights_matter(loss):
    case = problem("tall")
    weights = np.random.default_rng(6).uniform(0.5, 2, 80)
    one, other = (ao.path(case.X, case.y(loss), loss, weights=c * weights, **TIGHT) for c in (1.0, 1e6))
    same(one, other)


@EVERY_LOSS
@EVERY_PENALTY
def test_path_equals_single_fit_equals_at(loss, penalty):
    case = problem("tall")
    path = ao.path(case.X, case.y(loss), loss, make(penalty), **TIGHT)
    for alpha in (path.alphas[4], np.sqrt(path.alphas[4] * path.alphas[5])):
        single = ao.path(case.X, case.y(loss), loss, make(penalty), alphas=[alpha], tol=1e-9)
        solution = path.at(alpha)
        assert solution.alpha == alpha and solution.gap <= 1e-6
        np.testing.assert_allclose(solution.coef, single.coef[0], atol=1e-6)
        np.testing.assert_allclose(solution.intercept, single.intercept[0], atol=1e-6)
        assert solution.n_nonzero == single.n_nonzero[0]


@EVERY_LOSS
@pytest.mark.parametrize("penalty", [*MAIN_PENALTIES, "sparse group", "box"])
@pytest.mark.parametrize("name", ["tall", "wide", "duplicated columns"])
def test_the_norm_never_grows_with_alpha(name, loss, penalty):
    case = problem(name)
    made = make(penalty, case.X.shape[1])
    fit = ao.path(case.X, case.y(loss), loss, made, n_alphas=15)
    norms = np.array([float(made.value(coef.T)) for coef in fit.coef])
    assert (np.diff(norms) >= -1e-6 * (1 + norms[:-1])).all()  # alphas fall along the path


@EVERY_LOSS
@pytest.mark.parametrize("penalty", ["L1", "elastic net", "group", "sparse group", "non-negative"])
def test_alpha_max_is_the_smallest_alpha_with_all_zero(loss, penalty):
    case = problem("tall")
    top = ao.path(case.X, case.y(loss), loss, make(penalty), n_alphas=5).alphas[0]
    around = ao.path(case.X, case.y(loss), loss, make(penalty), alphas=[top * 1.001, top, top * 0.99])
    assert list(around.n_nonzero[:2]) == [0, 0] and around.n_nonzero[2] > 0


@pytest.mark.parametrize("loss", NUMERIC)
@EVERY_PENALTY
def test_shifting_y_shifts_only_the_intercept(loss, penalty):
    case = problem("tall")
    one, other = (ao.path(case.X, case.y(loss) + c, loss, make(penalty), **TIGHT) for c in (0.0, 100.0))
    np.testing.assert_allclose(one.coef, other.coef, atol=1e-6)
    np.testing.assert_allclose(one.intercept + 100, other.intercept, atol=1e-6)


@EVERY_LOSS
def test_shifting_a_column_shifts_only_the_intercept(loss):
    case = problem("tall")
    shift = np.arange(8.0)
    one, other = (ao.path(case.X + c, case.y(loss), loss, **TIGHT) for c in (0.0, shift))
    np.testing.assert_allclose(one.coef, other.coef, atol=1e-6)
    moved = one.intercept - one.coef @ shift
    if loss == "multinomial":
        moved = moved - moved.mean(1, keepdims=True)
    np.testing.assert_allclose(moved, other.intercept, atol=1e-5)


@EVERY_LOSS
@pytest.mark.parametrize(("penalty", "power"), [("L1", 1), ("L2", 2), ("group", 1)])
def test_scaling_x_scales_alpha(loss, penalty, power):
    """X -> cX is w -> w/c: the same fit at c^power alpha."""
    case = problem("tall")
    one = ao.path(case.X, case.y(loss), loss, make(penalty), **TIGHT)
    scaled = ao.path(10 * case.X, case.y(loss), loss, make(penalty), alphas=one.alphas * 10**power, tol=1e-9)
    np.testing.assert_allclose(10 * scaled.coef, one.coef, atol=1e-6)
    np.testing.assert_allclose(scaled.intercept, one.intercept, atol=1e-6)


@pytest.mark.parametrize(("penalty", "power"), [("L1", 1), ("L2", 0)])
def test_scaling_y_scales_coefficients(penalty, power):
    case = problem("tall")
    one = ao.path(case.X, case.y("squared"), penalty=make(penalty), **TIGHT)
    scaled = ao.path(case.X, 1e4 * case.y("squared"), penalty=make(penalty), alphas=one.alphas * 1e4**power, tol=1e-9)
    np.testing.assert_allclose(scaled.coef / 1e4, one.coef, atol=1e-6)
    np.testing.assert_allclose(scaled.gap, one.gap, atol=1e-9)


def test_a_poisson_offset_is_an_exposure():
    """Twice the counts over twice the exposure: the same rates, at twice the alpha."""
    case = problem("tall")
    y, exposure = case.y("poisson"), np.linspace(0.5, 2, 80)
    one = ao.path(case.X, y, "poisson", offset=np.log(exposure), **TIGHT)
    two = ao.path(case.X, 2 * y, "poisson", offset=np.log(2 * exposure), alphas=2 * one.alphas, tol=1e-9)
    np.testing.assert_allclose(two.coef, one.coef, atol=1e-6)
    np.testing.assert_allclose(two.intercept, one.intercept, atol=1e-6)


@pytest.mark.parametrize(("penalty", "factor"), [("L1", 1.0), ("L2", 2.0), ("group of one", np.sqrt(2))])
def test_two_class_multinomial_is_logistic(penalty, factor):
    """The symmetric pair -w/2, +w/2 has |w| in L1, half the square in L2, |w|/sqrt(2) in a group: so alpha grows."""
    case = problem("tall")
    y = case.y("logistic")
    made = ao.GroupL1(np.arange(8)) if penalty == "group of one" else make(penalty)
    logistic = ao.path(case.X, y, "logistic", made, **TIGHT)
    multinomial = ao.path(case.X, y, "multinomial", made, alphas=factor * logistic.alphas, tol=1e-9)
    assert list(multinomial.classes) == list(logistic.classes) == ["no", "yes"]
    np.testing.assert_allclose(multinomial.coef[:, 1] - multinomial.coef[:, 0], logistic.coef, atol=1e-5)
    np.testing.assert_allclose(multinomial.intercept[:, 1] - multinomial.intercept[:, 0], logistic.intercept, atol=1e-5)
    np.testing.assert_array_equal(
        multinomial.predict(case.X, multinomial.alphas[6]), logistic.predict(case.X, logistic.alphas[6])
    )


@EVERY_LOSS
def test_special_cases_of_penalties_coincide(loss):
    case = problem("tall")
    y = case.y(loss)
    weights = np.linspace(0.5, 2, 8)
    pairs = [
        (ao.ElasticNet(1.0), ao.L1()),
        (ao.ElasticNet(0.0), ao.L2()),
        (ao.ElasticNet(0.3), 0.3 * ao.L1() + 0.7 * ao.L2()),
        (ao.Bounded(ao.L1(), lower=-20, upper=20), ao.L1()),
        (2 * ao.L1(weights), ao.L1(2 * weights)),
    ]
    if loss != "multinomial":
        pairs.append((ao.GroupL1(np.arange(8), weights), ao.L1(weights)))
    for one, other in pairs:
        same(ao.path(case.X, y, loss, one, **TIGHT), ao.path(case.X, y, loss, other, **TIGHT))


@EVERY_LOSS
@EVERY_PENALTY
def test_weight_inf_drops_a_column_and_weight_zero_frees_it(loss, penalty):
    case = problem("tall")
    y = case.y(loss)
    if penalty == "group":
        excluded = ao.GroupL1([0, 0, 1, 1, 1, 2, 2, 2], weights=[np.inf, 1.0, 1.5])
        without = ao.GroupL1([1, 1, 1, 2, 2, 2], weights=[1.0, 1.5])
        rest = np.arange(2, 8)
    else:
        weigh = {"L1": ao.L1, "L2": ao.L2, "elastic net": lambda w: ao.ElasticNet(0.5, w)}[penalty]
        excluded, without = weigh([1, np.inf, 1, 1, 0, 1, 1, 1]), weigh([1, 1, 1, 0, 1, 1, 1])
        rest = np.delete(np.arange(8), 1)
    one, other = ao.path(case.X, y, loss, excluded, **TIGHT), ao.path(case.X[:, rest], y, loss, without, **TIGHT)
    np.testing.assert_allclose(one.alphas, other.alphas, rtol=1e-9)
    assert (np.delete(one.coef, rest, axis=-1) == 0).all()
    coefs, others = one.coef[..., rest], other.coef
    if loss == "multinomial":  # an unpenalised column has one free constant over the classes
        coefs, others = (values - values.mean(1, keepdims=True) for values in (coefs, others))
    np.testing.assert_allclose(coefs, others, atol=1e-6)
    if penalty != "group":
        assert one.coef[0].any()  # the unpenalised column is in from the start


@EVERY_LOSS
@EVERY_PENALTY
def test_order_of_rows_and_columns_does_not_matter(loss, penalty):
    case = problem("tall")
    y = case.y(loss)
    rows, columns = np.random.default_rng(2).permutation(80), np.random.default_rng(4).permutation(8)
    made = permuted = make(penalty)
    if penalty == "group":
        permuted = ao.GroupL1((np.arange(8) // 3)[columns])
    one = ao.path(case.X, y, loss, made, **TIGHT)
    other = ao.path(case.X[rows][:, columns], y[rows], loss, permuted, **TIGHT)
    np.testing.assert_allclose(other.coef, one.coef[..., columns], atol=1e-6)


@EVERY_LOSS
def test_memory_order_and_precision_do_not_matter(loss):
    X = problem("float32").X
    y = problem("float32").y(loss)
    base = ao.path(np.ascontiguousarray(X, dtype=np.float64), y, loss, **TIGHT)
    for form in (np.asfortranarray(X, np.float64), X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
        same(ao.path(form, y, loss, **TIGHT), base, atol=1e-5)


@EVERY_LOSS
def test_threads_do_not_matter(loss):
    case = problem("wide")
    same(*(ao.path(case.X, case.y(loss), loss, n_threads=k, **TIGHT) for k in (1, 2)), atol=1e-7)


@EVERY_LOSS
@EVERY_PENALTY
def test_standardising_is_scaling_the_columns_by_hand(loss, penalty):
    case = problem("weights, some zero")
    X, y = case.X * np.linspace(1, 30, 8), case.y(loss)
    fit = ao.path(X, y, loss, make(penalty), standardize=True, **case.sample, **TIGHT)
    mean = np.average(X, axis=0, weights=case.weights)
    scale = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=case.weights))
    np.testing.assert_allclose(fit.scale, scale, rtol=1e-12)
    np.testing.assert_allclose(fit.center, mean, rtol=1e-12)
    by_hand = ao.path(X / scale, y, loss, make(penalty), **case.sample, **TIGHT)
    np.testing.assert_allclose(fit.alphas, by_hand.alphas, rtol=1e-9)
    np.testing.assert_allclose(fit.coef_standardized, by_hand.coef, atol=1e-6)
    np.testing.assert_allclose(fit.coef, by_hand.coef / scale, atol=1e-6)
    np.testing.assert_allclose(fit.intercept, by_hand.intercept, atol=1e-6)


@EVERY_LOSS
def test_without_an_intercept_there_is_none(loss):
    case = problem("tall")
    X, y = case.X - case.X.mean(0), case.y(loss)
    fit = ao.path(X, y, loss, intercept=False, **TIGHT)
    assert not fit.intercept.any()
    doubled = np.vstack([X, -X])  # mirrored rows: for the squared loss the best intercept of (y, -y) is zero
    if loss == "squared":
        mirrored = ao.path(doubled, np.r_[y, -y], loss, alphas=fit.alphas, tol=1e-9)
        np.testing.assert_allclose(mirrored.coef, fit.coef, atol=1e-6)


@EVERY_LOSS
@EVERY_PENALTY
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_inputs_are_never_modified(kind, loss, penalty):
    case = problem("weights, some zero")
    X, y, weights = case.X.copy(), case.y(loss), case.weights.copy()
    X = scipy.sparse.csc_array(X) if kind == "sparse" else X
    arrays = [X.data, X.indices, X.indptr, y, weights] if kind == "sparse" else [X, y, weights]
    offset, alphas = np.zeros(60), np.array([0.01, 0.1])
    arrays += [offset, alphas]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    ao.path(X, y, loss, make(penalty), alphas=alphas, weights=weights, offset=offset, standardize=True)
    for array, old in zip(arrays, before):
        np.testing.assert_array_equal(array, old)


@EVERY_LOSS
def test_the_grid_is_what_was_asked(loss):
    case = problem("tall")
    fit = ao.path(case.X, case.y(loss), loss, n_alphas=7, alpha_min_ratio=0.1)
    assert len(fit.alphas) == 7 and fit.alphas[-1] == pytest.approx(0.1 * fit.alphas[0])
    ratios = fit.alphas[1:] / fit.alphas[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    given = ao.path(case.X, case.y(loss), loss, alphas=[0.01, 0.5, 0.1])
    np.testing.assert_array_equal(given.alphas, [0.5, 0.1, 0.01])


@pytest.mark.parametrize(("name", "ratio"), [("tall", 1e-4), ("wide", 1e-2)])
def test_default_grids(name, ratio):
    case = problem(name)
    fit = ao.path(case.X, case.y("squared"))
    assert fit.alphas[-1] == pytest.approx(ratio * fit.alphas[0])
    ridge = ao.path(case.X, case.y("squared"), penalty=ao.L2())
    assert ridge.alphas[0] == pytest.approx(1000 * fit.alphas[0])


def test_a_constant_target_gives_the_null_fit():
    case = problem("tall")
    for loss, value in [("squared", 0.0), ("squared", 0.1), ("squared", 1e8 / 3), ("huber", 1e5), ("poisson", 3.0)]:
        fit = ao.path(case.X, np.full(80, value), loss, n_alphas=5)
        assert not fit.coef.any() and (fit.gap == 0).all() and fit.null_loss == 0
        np.testing.assert_allclose(fit.loss.mean(fit.intercept), value, rtol=1e-12)


@EVERY_LOSS
def test_predictions_follow_from_the_coefficients(loss):
    case = problem("offset")
    fit = ao.path(case.X, case.y(loss), loss, offset=case.offset, n_alphas=5)
    k, alpha = 3, fit.alphas[3]
    eta = case.X @ fit.coef[k].T + fit.intercept[k] + (case.offset if fit.coef.ndim == 2 else case.offset[:, None])
    np.testing.assert_allclose(fit.decision(case.X, alpha, case.offset), eta, atol=1e-12)
    mean = fit.predict_mean(case.X, alpha, case.offset)
    assert mean.shape == eta.shape
    predicted = fit.predict(scipy.sparse.csr_array(case.X), alpha, case.offset)
    assert predicted.shape == (60,) and (fit.classes is None or set(predicted) <= set(fit.classes))
    frame = fit.to_frame()
    assert frame.shape[0] == 5 and frame["alpha"].to_list() == list(fit.alphas)
    with pytest.raises(ValueError, match="fitted with an offset; pass offset="):
        fit.predict(case.X, alpha)


def test_reads_are_reported():
    case = problem("tall")
    fit = ao.path(case.X, case.y("squared"))
    assert 0 < fit.reads < 100
