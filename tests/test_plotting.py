"""What is drawn equals what the objects say."""

from __future__ import annotations

import html
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import alphaomega as ao
from alphaomega import plotting
from alphaomega.coefficients import Coefficients
from alphaomega.plotting import theme
from alphaomega.plotting.axes import AlphaAxis
from alphaomega.plotting.touching import profile_loss

NAMES = ["age", "<b>bmi</b>", "blood & bone", "s1", "s2"]


def targets(rng, eta):
    """A y for every loss, drawn around the same linear predictor."""
    classes = (eta + 0.5 * rng.standard_normal(len(eta)) > 0).astype(int) + (eta > 1.0)
    return {
        "squared": eta + 0.5 * rng.standard_normal(len(eta)),
        "logistic": np.where(eta + rng.standard_normal(len(eta)) > 0, "yes", "no"),
        "multinomial": np.array(["low", "mid", "high"])[classes],
        "poisson": rng.poisson(np.exp(0.3 * eta)).astype(float),
        "huber": eta + 0.5 * rng.standard_normal(len(eta)),
    }


@pytest.fixture(scope="module")
def data():
    """X (90, 5) with names, and a target for every loss."""
    rng = np.random.default_rng(7)
    X = rng.standard_normal((90, 5)) * [1, 2, 1, 5, 1]
    return X, targets(rng, X @ [1.0, -0.4, 0.0, 0.1, 0.3])


@pytest.fixture(scope="module", params=["squared", "logistic", "multinomial", "poisson"])
def cross_validation(request, data):
    """A small cross-validated L1 path of each loss."""
    import polars

    X, y = data
    frame = polars.DataFrame({name: X[:, j] for j, name in enumerate(NAMES)})
    return ao.cross_validate(
        frame, y[request.param], loss=request.param, n_alphas=8, alpha_min_ratio=0.05, folds=3, standardize=True
    )


def traces(figure):
    """The traces by name."""
    return {trace.name: trace for trace in figure.data}


def luminance(color):
    channels = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", theme.BACKGROUNDS.values())
def test_every_colour_can_be_seen_on_light_and_dark(background):
    for color in {*theme.PENALTY_COLORS.values(), *theme.FEATURE_COLORS, theme.MARK}:
        assert contrast(color, background) >= 3.0, color


def test_text_is_readable_on_its_background():
    for name, ink in theme.INKS.items():
        assert contrast(ink, theme.BACKGROUNDS[name]) >= 7.0


@given(st.text())
def test_text_is_shown_character_by_character(text):
    shown = plotting.plain_text(text)
    assert not set("<>") & set(shown)
    printed = "".join(character if character.isprintable() else " " for character in text).strip() or "(no name)"
    assert html.unescape(shown) == printed


@given(st.lists(st.floats(0, 100), max_size=12), st.floats(0.5, 20))
def test_labels_moved_apart_keep_their_order_and_their_place(positions, gap):
    positions = sorted(positions)
    placed = theme.spread(positions, gap, 0.0, 100.0)
    gap = min(gap, 100.0 / max(len(positions) - 1, 1))
    assert len(placed) == len(positions)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(placed))
    assert all(-1e-9 <= at <= 100 + 1e-9 for at in placed)
    if all(b - a >= gap for a, b in pairwise(positions)):
        np.testing.assert_allclose(placed, positions)


def test_path_figure_draws_the_path(cross_validation):
    path = cross_validation.path
    figure = path.plot(named=3)
    values = path.coef_standardized if path.coef.ndim == 2 else np.linalg.norm(path.coef_standardized, axis=1)
    order = np.argsort(-abs(values).mean(0), kind="stable")
    found = traces(figure)
    for j in order[:3]:
        trace = found[theme.plain_text(NAMES[j])]
        np.testing.assert_array_equal(trace.x, path.alphas)
        np.testing.assert_array_equal(trace.y, values[:, j])
    others = [j for j in order[3:] if values[:, j].any()]
    drawn = np.asarray(found["other features"].y, float).reshape(len(others), len(path.alphas) + 1)
    np.testing.assert_allclose(drawn[:, :-1], values[:, others].T, rtol=1e-6, atol=1e-12)
    axis = figure.layout.xaxis2
    for x, count in zip(axis.tickvals, axis.ticktext):
        assert count == str(path.n_nonzero[path.index(x)])
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert "null model" in texts and "at alpha = 0" in texts


def test_path_figure_in_the_columns_units_and_for_one_class(data):
    X, y = data
    path = ao.path(X, y["multinomial"], loss="multinomial", n_alphas=5, standardize=True)
    figure = path.plot(output="mid", standardized=False, named=[3, 1])
    k = list(path.classes).index("mid")
    np.testing.assert_array_equal(figure.data[0 if figure.data[0].name == "x3" else 1].y, path.coef[:, k, 3])
    with pytest.raises(ValueError, match="must be one of this path's classes"):
        path.plot(output="other")


def test_alpha_zero_is_drawn_beyond_the_smallest_alpha(data):
    X, y = data
    path = ao.path(X, y["squared"], alphas=[1.0, 0.1, 0.01, 0.0])
    figure = path.plot()
    assert figure.data[0].x[-1] < 0.01
    assert dict(zip(figure.layout.xaxis.ticktext, figure.layout.xaxis.tickvals))["0"] == figure.data[0].x[-1]
    assert figure.data[0].customdata[-1] == 0.0


def test_strong_penalties_stand_on_the_left():
    high, low = AlphaAxis.of(np.array([10.0, 1.0, 0.1])).limits()
    assert (high, low) == (1.0, -1.0)


def test_marks_cut_an_axis_that_would_hide_them_and_say_so(data):
    X, y = data
    path = ao.path(X[:6], y["squared"][:6], alphas=np.geomspace(2, 1e-4, 12))
    alpha = float(path.alphas[1])
    figure = path.plot(marks={"minimum": alpha})
    largest, limit = abs(path.coef).max(), 3 * abs(path.coef[1]).max()
    assert largest > limit > 0
    assert figure.layout.yaxis.range[1] - figure.layout.yaxis.range[0] <= 2 * limit * 1.1
    assert any("off the scale" in note.text for note in figure.layout.annotations)


def test_cross_validation_figure_draws_the_scores(cross_validation):
    cv = cross_validation
    found = traces(cv.plot())
    curve, band = found["mean over 3 folds"], found["standard error"]
    np.testing.assert_array_equal(curve.y, cv.mean)
    np.testing.assert_array_equal(curve.x, cv.path.alphas)
    m = len(cv.path.alphas)
    np.testing.assert_array_equal(band.y[:m], cv.mean + cv.standard_error)
    np.testing.assert_array_equal(band.y[m:][::-1], cv.mean - cv.standard_error)
    marked = {name: trace.x[0] for name, trace in found.items() if name in ("minimum", "1-SE", "minimum = 1-SE")}
    assert set(marked.values()) == {cv.alpha_min, cv.alpha_1se}
    if cv.alpha_min != cv.alpha_1se:
        assert (marked["minimum"], marked["1-SE"]) == (cv.alpha_min, cv.alpha_1se)


def test_error_curves_are_mean_deviances(cross_validation, data):
    X, y = data
    path = cross_validation.path
    target = y[path.loss.name]
    curve = plotting.ErrorCurve.of(path, (X[:60], target[:60]), (X[60:], target[60:]), chosen=float(path.alphas[3]))
    found = traces(plotting.error_figure({"L1": curve}, path.loss))
    mean = path.predict_mean(X[60:], path.alphas[4])
    if path.loss.name == "squared":
        expected = ((target[60:] - mean) ** 2).mean()
    elif path.loss.name == "poisson":
        t = target[60:]
        expected = 2 * (scipy.special.xlogy(t, t / mean) - t + mean).mean()
    elif path.loss.name == "logistic":
        expected = -2 * np.log(np.where(target[60:] == "yes", mean, 1 - mean)).mean()
    else:
        expected = -2 * np.log(mean[target[60:][:, None] == path.classes]).mean()
    np.testing.assert_allclose(found["L1, test"].y[4], expected, rtol=1e-10)
    np.testing.assert_array_equal(found["L1, training"].y, curve.train)
    assert (found["L1, chosen"].x[0], found["L1, chosen"].y[0]) == (path.alphas[3], curve.test[3])


def test_intervals_beside_estimates():
    intervals = {"L2": ([0.5, -0.1, 2.0], [0.1, -0.4, 1.0], [0.9, 0.2, 3.0]), "L1": ([0.4, 0.0, 1.9],) * 3}
    figure = plotting.interval_figure(intervals, {"L1": [0.3, 0.0, 1.8]}, ["a", "b<br>", "c"], most=2)
    assert figure.layout.yaxis.ticktext == ("c", "a")
    assert [trace.name for trace in figure.data] == ["L2: interval", "L1: interval", "L1: fit"]
    first = figure.data[0]
    np.testing.assert_allclose(first.x, [2.0, 0.5])
    np.testing.assert_allclose(first.x + first.error_x.array, [3.0, 0.9])
    np.testing.assert_allclose(first.x - first.error_x.arrayminus, [1.0, 0.1])
    np.testing.assert_allclose(figure.data[1].y, figure.data[2].y)  # a fit stands on its own interval
    escaped = plotting.interval_figure(intervals, {"L1": [0.3, 0.0, 1.8]}, ["a", "b<br>", "c"])
    assert "b&lt;br&gt;" in escaped.layout.yaxis.ticktext and "open" in escaped.data[2].marker.symbol[2]
    with pytest.raises(ValueError, match="'L1' has 3 coefficients but there are 2 names"):
        plotting.interval_figure({"L2": ([1.0, 2.0],) * 3}, {"L1": [1.0, 2.0, 3.0]}, ["a", "b"])
    with pytest.raises(ValueError, match="intervals is empty"):
        plotting.interval_figure({}, {}, [])


def test_coefficients_are_drawn_in_order_and_zeros_hollow():
    fits = {"none": [9.0, -50.0, 1.0], "L2": [0.5, -0.4, 0.1], "L1": [0.8, 0.0, 0.0]}
    figure = plotting.coefficients_figure(fits, ["a", "b<br>", "c"])
    assert figure.layout.yaxis.ticktext == ("a", "b&lt;br&gt;", "c")
    found = traces(figure)
    np.testing.assert_array_equal(found["L1"].customdata, [0.8, 0.0, 0.0])
    assert [symbol.endswith("-open") for symbol in found["L1"].marker.symbol] == [False, True, True]
    assert found["none"].marker.symbol[1] == "triangle-left"
    assert abs(found["none"].x).max() == pytest.approx(1.0)
    np.testing.assert_array_equal(found["none"].customdata, fits["none"])
    with pytest.raises(ValueError, match="'L2' has 2 coefficients but there are 3 names"):
        plotting.coefficients_figure({"L2": [1.0, 2.0]}, ["a", "b", "c"])


@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson", "huber"])
@pytest.mark.parametrize("shifted", [False, True])
def test_diamond_and_disc_touch_one_contour_and_are_the_smallest(data, rng, loss, shifted):
    X, y = data
    offset = 0.2 * rng.standard_normal(len(X)) if shifted else None
    found = plotting.touching(X[:, :2], y[loss], loss, offset=offset)
    at = np.stack([found.l1, found.l2])
    level = profile_loss(found, at)
    np.testing.assert_allclose(level, found.level, rtol=1e-7)
    smallest = np.array([abs(found.l1).sum(), np.linalg.norm(found.l2)])
    rivals = rng.uniform(-2, 2, (4000, 2)) * smallest[0]
    as_good = rivals[profile_loss(found, rivals) <= found.level]
    assert len(as_good) > 20
    assert (abs(as_good).sum(1) >= smallest[0] * (1 - 1e-6)).all()
    assert (np.linalg.norm(as_good, axis=1) >= smallest[1] * (1 - 1e-6)).all()


def test_geometry_figure_marks_the_touching_points(data):
    X, y = data
    found = plotting.touching(X[:, :2], y["squared"])
    drawn = traces(plotting.geometry_figure(X[:, :2], y["squared"], names=["<i>", "b"]))
    assert (drawn["L1 fit"].x[0], drawn["L1 fit"].y[0]) == tuple(found.l1)
    assert (drawn["L2 fit"].x[0], drawn["L2 fit"].y[0]) == tuple(found.l2)
    touched = drawn["the touched contour"]
    corner = np.array([touched.x[[0, -1]], touched.y[[0, -1]]])
    assert (corner[:, 0] < np.minimum(found.l1, found.l2)).all() and (corner[:, 1] > found.l1).all()


def test_geometry_refuses_what_it_cannot_draw(data):
    X, y = data
    with pytest.raises(ValueError, match="two columns"):
        plotting.touching(X, y["squared"])
    with pytest.raises(ValueError, match="one linear predictor"):
        plotting.touching(X[:, :2], y["multinomial"], "multinomial")
    with pytest.raises(ValueError, match="must vary"):
        plotting.touching(np.column_stack([X[:, 0], np.ones(len(X))]), y["squared"])


@pytest.mark.parametrize("alpha, n, variance", [(0.1, 50, 2.0), (3.0, 1000, 1.0), (1e-4, 20, 5.0)])
def test_priors_are_the_normal_and_the_laplace(alpha, n, variance):
    rate = alpha * n / variance
    grid, density = plotting.prior_density(ao.L2(), alpha, n, variance)
    np.testing.assert_allclose(density, scipy.stats.norm(scale=rate**-0.5).pdf(grid), rtol=1e-5)
    grid, density = plotting.prior_density(ao.L1(), alpha, n, variance)
    np.testing.assert_allclose(density, scipy.stats.laplace(scale=1 / rate).pdf(grid), rtol=1e-4)
    grid, density = plotting.prior_density(ao.ElasticNet(0.3), alpha, n, variance)
    assert np.trapezoid(density, grid) == pytest.approx(1.0)


def test_a_flat_prior_is_refused():
    with pytest.raises(ValueError, match="flat prior"):
        plotting.prior_density(ao.L1(), 0.0, 10)
    with pytest.raises(ValueError, match="flat prior"):
        plotting.prior_figure({"L1": (ao.L1(), 0.0)}, 10)


def test_thousands_of_features_stay_a_small_figure(rng):
    base = ao.path(rng.standard_normal((20, 2)), rng.standard_normal(20), alphas=np.geomspace(1, 0.01, 100))
    table = Coefficients.of(rng.standard_normal((100, 7000)))
    wide = replace(
        base, table=table, n_nonzero=np.full(100, 7000), scale=np.ones(7000), center=np.zeros(7000), feature_names=None
    )
    figure = wide.plot()
    assert len(figure.to_json()) < 400_000
    assert any("80 largest of 6,988" in note.text for note in figure.layout.annotations)
