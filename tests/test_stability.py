"""Stability selection, its bounds, Bolasso, and the resamples they are drawn from."""

from __future__ import annotations

import numpy as np
import polars
import pytest
from scipy.special import expit

import alphaomega as ao
from alphaomega.arguments import read_data
from alphaomega.model_selection import resampling
from alphaomega.model_selection.bounds import meinshausen_buhlmann, r_concave_tail, shah_samworth
from problems import LOSSES, problem


def noise(rng, n=80, p=40):
    """Four features of forty carry the signal."""
    X = rng.standard_normal((n, p))
    return X, X[:, :4] @ np.array([1.0, -1.0, 0.8, -0.8]) + rng.standard_normal(n)


@pytest.mark.parametrize("kind", resampling.RESAMPLINGS)
@pytest.mark.parametrize("weights", [None, np.arange(80) % 4, np.linspace(0.1, 2, 80)], ids=["one", "counts", "shares"])
def test_resamples_keep_to_the_rows_there_are(kind, weights):
    case = problem("tall")
    data = read_data(case.X, case.y("squared"), "squared", weights, None)
    drawn = resampling.draw(data, kind, 20, 0).weights
    assert drawn.shape == (40 if kind == "pairs" else 20, 80)
    assert (drawn[:, data.weights == 0] == 0).all()
    if kind == "pairs":
        assert (drawn[::2] + drawn[1::2] <= data.weights + 1e-12).all()
    if kind != "bootstrap":
        assert (drawn <= data.weights + 1e-12).all()
    elif weights is None or weights.dtype.kind == "i":
        assert (drawn.sum(1) == data.weights.sum()).all()
    same = resampling.draw(data, kind, 20, 0).weights
    assert (drawn == same).all()
    assert (drawn != resampling.draw(data, kind, 20, 1).weights).any()


def test_a_draw_without_a_class_or_a_level_is_repeated_and_counted(rng):
    n = 30
    frame = polars.DataFrame({"x": rng.standard_normal(n), "c": ["a"] * 13 + ["b"] * 15 + ["rare"] * 2})
    y = np.where(np.arange(n) % 10 == 0, "yes", "no")
    data = read_data(frame, y, "logistic", None, None)
    found = resampling.draw(data, "pairs", 30, 0)
    assert found.redrawn > 0
    assert "repeated, as a class or a level was lacking" in found.message
    for weights in found.weights:
        assert set(y[weights > 0]) == {"yes", "no"}
        assert set(frame["c"].to_numpy()[weights > 0]) == {"a", "b", "rare"}
    alone = frame.with_columns(c=polars.Series(["a"] * 29 + ["only"]))
    found = resampling.draw(read_data(alone, y, "logistic", None, None), "pairs", 5, 0)
    assert found.lacking == ("level c=only",)
    data = read_data(frame, np.where(np.arange(n) == 3, "yes", "no"), "logistic", None, None)
    with pytest.raises(ValueError, match="resamples in a row lack class 'yes': merge rare classes"):
        resampling.draw(
            read_data(frame, np.where(np.arange(n) == 3, "yes", "no"), "logistic", None, None), "pairs", 5, 0
        )


def test_it_finds_the_signal_and_says_how_many_are_false(rng):
    X, y = noise(rng, 200)
    found = ao.stability_selection(X, y, seed=0)
    assert found.q == 4  # sqrt(1 * (2 * 0.75 - 1) * 40)
    assert found.bound == pytest.approx(16 / (0.5 * 40))
    assert 0 < found.bound_shah_samworth < found.bound
    assert found.selected.tolist() == [0, 1, 2, 3]
    assert (found.probability.sum(), found.simultaneous.max()) <= (4 + 1e-9, 1.0)
    assert (found.simultaneous <= found.probability + 1e-12).all()
    assert found.to_frame()["feature"][:4].sort().to_list() == ["x0", "x1", "x2", "x3"]
    again = ao.stability_selection(X, y, seed=0)
    assert (again.probability == found.probability).all()


def test_the_first_q_are_those_of_separate_paths(rng):
    X, y = noise(rng, 60, 20)
    data = read_data(X, y, "squared", None, None)
    drawn = resampling.draw(data, "pairs", 10, 3).weights
    found = ao.stability_selection(X, y, q=3, n_resamples=20, seed=3)
    counts = np.zeros(20)
    for weights in drawn:
        half = weights > 0
        fit = ao.path(X[half], y[half], alphas=found.alphas)
        entry = np.where((fit.coef != 0).any(0), (fit.coef != 0).argmax(0), 10**6)
        size = abs(fit.coef[np.minimum(entry, len(fit.coef) - 1), np.arange(20)])
        counts[np.lexsort((-size, entry))[:3]] += 1
    assert found.probability == pytest.approx(counts / 20)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_and_names(loss):
    case = problem("tall")
    frame = polars.DataFrame(case.X, schema=[f"f{j}" for j in range(8)])
    found = ao.stability_selection(frame, case.y(loss), loss, q=2, n_resamples=10, n_alphas=20, standardize=True)
    assert found.names() == frame.columns
    assert found.probability.sum() <= 2 + 1e-9
    assert found.profile.shape == (20, 8)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"threshold": 0.5}, "threshold must lie in"),
        ({"n_resamples": 7}, "even number"),
        ({"q": 99}, "q must lie between 1 and the number of features 8"),
        ({"max_false": 0.0}, "max_false must be > 0"),
        ({"penalty": ao.L2()}, "selects no features"),
    ],
)
def test_bad_requests_are_named(arguments, message):
    case = problem("tall")
    with pytest.raises(ValueError, match=message):
        ao.stability_selection(case.X, case.y("squared"), **arguments)


@pytest.mark.parametrize("r", [-0.5, -0.25])
@pytest.mark.parametrize("mean, tail, steps", [(0.05, 0.5, 20), (0.1, 0.6, 20), (0.02, 0.4, 25)])
def test_no_r_concave_law_has_more_in_its_tail(r, mean, tail, steps, rng):
    """Random laws whose power r is convex, scaled to the mean allowed, stay below D."""
    most = r_concave_tail(mean, tail, steps, r)
    places, least, largest = np.arange(steps + 1), int(np.ceil(tail * steps - 1e-9)), 0.0
    for _ in range(3000):
        end = int(rng.integers(least, steps + 1))
        slopes = np.sort(rng.exponential(size=end) * 10 ** rng.uniform(-2, 2, end))
        convex = 10 ** rng.uniform(-3, 1) + np.append(0.0, np.cumsum(slopes))
        law = convex ** (1 / r)
        law /= law.sum()
        if law @ places[: end + 1] <= mean * steps:
            largest = max(largest, law[least:].sum())
    assert 0 < largest <= most
    assert most < mean / tail  # Markov's inequality


def test_bounds_are_the_published_ones():
    assert meinshausen_buhlmann(50, 0.9, 1000) == pytest.approx(50**2 / (0.8 * 1000))
    assert shah_samworth(50, 0.9, 1000, 50) < meinshausen_buhlmann(50, 0.9, 1000) / 5


@pytest.mark.slow
def test_false_selections_stay_below_their_bounds():
    """1,000 data sets, 4 of 40 features true: the mean number of false selections and its Monte-Carlo error."""
    wrong = []
    for seed in range(1000):
        X, y = noise(np.random.default_rng(seed), 60, 40)
        found = ao.stability_selection(X, y, q=6, threshold=0.6, n_resamples=50, n_alphas=40, seed=seed)
        wrong.append(np.count_nonzero(found.selected >= 4))
    mean, error = np.mean(wrong), np.std(wrong) / np.sqrt(1000)
    print(f"false selections {mean:.3f} ± {error:.3f}; bounds {found.bound:.3f}, {found.bound_shah_samworth:.3f}")
    assert mean + 2 * error < found.bound
    assert mean + 2 * error < found.bound_shah_samworth


def test_bolasso_keeps_what_separate_lassos_keep(rng):
    X, y = noise(rng, 80, 12)
    found = ao.bolasso(X, y, alpha=0.2, n_resamples=40, seed=5)
    data = read_data(X, y, "squared", None, None)
    supports = []
    for weights in resampling.draw(data, "bootstrap", 40, 5).weights:
        supports.append(ao.path(X, y, weights=weights, alphas=[0.2], tol=1e-10).coef[0] != 0)
    assert found.frequency == pytest.approx(np.mean(supports, axis=0), abs=0.03)
    assert set(found.selected) >= {0, 1, 2, 3}
    least = np.linalg.lstsq(np.column_stack([np.ones(80), X[:, found.selected]]), y, rcond=None)[0]
    assert found.coef[found.selected] == pytest.approx(least[1:], rel=1e-5)
    assert found.to_frame().height == 12


def test_bolasso_of_classes_and_its_errors(rng):
    X, _ = noise(rng, 120, 6)
    y = rng.random(120) < expit(2 * X[:, 0])
    found = ao.bolasso(X, y, "logistic", n_resamples=20, threshold=1.0)
    assert 0 in found.selected
    with pytest.raises(ValueError, match="threshold must lie in"):
        ao.bolasso(X, y, "logistic", threshold=0)
    with pytest.raises(ValueError, match="alpha must be 'cv', '1se' or a number"):
        ao.bolasso(X, y, "logistic", alpha="best")
