"""Laws every loss keeps, run over the registry: a new entry is tested with no test edited."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alphaomega as ao
from alphaomega.losses import REGISTRY, Loss, find

EVERY = pytest.mark.parametrize("name", sorted(REGISTRY))
N = 40


def sample(loss: Loss, rng: np.random.Generator, n: int = N):
    """A target of the loss and linear predictors of the right shape, away from kinks of the curvature."""
    values = accepted(loss, rng.poisson(2.0, n).astype(float), n)
    if loss.classifies:
        return values, 2 * rng.standard_normal(values.shape)
    return values, rng.standard_normal(n)


def accepted(loss: Loss, counts: np.ndarray, n: int) -> np.ndarray:
    """The first of counts, positive numbers, three classes and two that the loss takes for a target."""
    for y in (counts, counts + 0.5, np.arange(n) % 3, np.arange(n) % 2):
        if loss.classifies == (len(np.unique(y)) <= 3):
            try:
                return loss.target(y).values
            except ValueError:
                continue
    raise AssertionError(f"{loss!r} takes none of the targets tried")


@EVERY
def test_registry_finds_each_loss_by_name(name):
    assert find(name).name == name and type(find(name)) is REGISTRY[name]
    assert find(name).family


def test_unknown_loss_names_the_known():
    with pytest.raises(ValueError, match=r"unknown loss 'hinge'.*squared"):
        find("hinge")


@EVERY
def test_gradient_is_the_derivative_of_the_value(name, rng):
    loss = find(name)
    y, eta = sample(loss, rng)
    step = 1e-6
    gradient = loss.gradient(y, eta)
    assert gradient.shape == eta.shape
    for direction in np.eye(eta.shape[1]) if eta.ndim == 2 else [1.0]:
        slope = (loss.value(y, eta + step * direction) - loss.value(y, eta - step * direction)) / (2 * step)
        np.testing.assert_allclose(slope, (gradient * direction).sum(1) if eta.ndim == 2 else gradient, atol=2e-8)


@EVERY
def test_curvature_is_the_derivative_of_the_gradient(name, rng):
    loss = find(name)
    y, eta = sample(loss, rng)
    step = 1e-6
    curvature = loss.curvature(y, eta)
    if eta.ndim == 1:
        assert curvature.shape == eta.shape and (curvature >= 0).all()
        slope = (loss.gradient(y, eta + step) - loss.gradient(y, eta - step)) / (2 * step)
        np.testing.assert_allclose(slope, curvature, atol=2e-8)
        return
    assert curvature.shape == (*eta.shape, eta.shape[1])
    assert np.linalg.eigvalsh(curvature).min() >= -1e-14
    for k, direction in enumerate(np.eye(eta.shape[1])):
        slope = (loss.gradient(y, eta + step * direction) - loss.gradient(y, eta - step * direction)) / (2 * step)
        np.testing.assert_allclose(slope, curvature[:, :, k], atol=2e-8)


@EVERY
def test_constant_curvature_is_constant(name, rng):
    loss = find(name)
    y, eta = sample(loss, rng)
    constant = np.array_equal(loss.curvature(y, eta), loss.curvature(y, eta + 3.0 * rng.standard_normal(eta.shape)))
    assert constant == loss.constant_curvature


def inner(slope, eta):
    return slope * eta if eta.ndim == 1 else (slope * eta).sum(1)


@EVERY
def test_fenchel_young_holds_with_equality_at_the_gradient(name, rng):
    loss = find(name)
    y, eta = sample(loss, rng)
    slope = loss.gradient(y, eta)
    conjugate = loss.conjugate(y, slope)
    np.testing.assert_allclose(loss.value(y, eta) + conjugate, inner(slope, eta), rtol=1e-9, atol=1e-12)
    for _ in range(20):
        other = 3 * rng.standard_normal(eta.shape)
        assert (loss.value(y, other) + conjugate >= inner(slope, other) - 1e-12 * (1 + abs(inner(slope, other)))).all()


@EVERY
def test_conjugate_is_infinite_only_outside_the_gradients_reach(name, rng):
    """Far from every gradient the supremum is either met by the conjugate or grows without end."""
    loss = find(name)
    y, eta = sample(loss, rng)
    for slope in (-1e3 * np.ones_like(eta), 1e3 * np.ones_like(eta)):
        conjugate = loss.conjugate(y, slope)
        tried = []
        with np.errstate(over="ignore"):
            for far in np.concatenate([-np.geomspace(1e6, 1, 25), np.geomspace(1, 1e6, 25)]):
                at = np.full_like(eta, far)
                tried.append(inner(slope, at) - loss.value(y, at))
        supremum = np.max(tried, axis=0)
        finite = np.isfinite(conjugate)
        assert (supremum <= conjugate * (1 + 1e-12) + 1e-9).all()
        assert (supremum[~finite] > 1e6).all()


@EVERY
def test_value_is_convex_and_deviance_is_twice_it(name, rng):
    loss = find(name)
    y, first = sample(loss, rng)
    second = first + 3 * rng.standard_normal(first.shape)
    middle = loss.value(y, 0.3 * first + 0.7 * second)
    assert (middle <= 0.3 * loss.value(y, first) + 0.7 * loss.value(y, second) + 1e-12).all()
    np.testing.assert_array_equal(loss.deviance(y, first), 2 * loss.value(y, first))
    assert (loss.value(y, first) >= -1e-12).all()


@EVERY
def test_extreme_predictors_stay_finite_without_warnings(name, rng):
    loss = find(name)
    y, eta = sample(loss, rng)
    for size in (-600.0, 600.0):
        far = np.full_like(eta, size)
        if far.ndim == 2:
            far[:, 0] *= -1
        for result in (loss.value(y, far), loss.gradient(y, far), loss.curvature(y, far), loss.mean(far)):
            assert np.isfinite(result).all()


@EVERY
def test_prediction_is_in_the_units_of_y(name, rng):
    loss = find(name)
    _, eta = sample(loss, rng)
    if not loss.classifies:
        np.testing.assert_array_equal(loss.predict(eta), loss.mean(eta))
        return
    labels = np.array(["ham", "spam"] if eta.ndim == 1 else ["a", "b", "c"])[np.arange(N) % (2 if eta.ndim == 1 else 3)]
    target = loss.target(labels)
    sure = 10 * (2 * target.values - 1)
    np.testing.assert_array_equal(loss.predict(sure, target.classes), labels)
    mean = loss.mean(sure)
    np.testing.assert_allclose(
        mean if mean.ndim == 1 else mean.sum(1), target.values if mean.ndim == 1 else 1, atol=1e-4
    )


@settings(deadline=None, max_examples=50, derandomize=True)
@given(etas=st.lists(st.floats(-30, 30), min_size=2, max_size=8), event=st.integers(0, 1))
def test_two_class_multinomial_is_logistic(etas, event):
    eta = np.array(etas)
    y = (np.arange(len(eta)) + event) % 2
    logistic, multinomial = find("logistic"), find("multinomial")
    one, two = logistic.target(y).values, multinomial.target(y).values
    pair = np.stack([-eta / 2, eta / 2], axis=1)
    np.testing.assert_allclose(multinomial.value(two, pair), logistic.value(one, eta), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(multinomial.gradient(two, pair)[:, 1], logistic.gradient(one, eta), atol=1e-13)
    np.testing.assert_allclose(multinomial.mean(pair)[:, 1], logistic.mean(eta), rtol=1e-12, atol=1e-300)
    slope = logistic.gradient(one, eta)
    np.testing.assert_allclose(
        multinomial.conjugate(two, np.stack([-slope, slope], 1)), logistic.conjugate(one, slope), atol=1e-12
    )


def test_huber_is_squared_inside_and_linear_outside():
    eta = np.array([0.0, 1.0, 5.0])
    np.testing.assert_array_equal(ao.Huber(1e6).value(np.zeros(3), eta), find("squared").value(np.zeros(3), eta))
    np.testing.assert_allclose(ao.Huber(1e-6).value(np.zeros(3), eta) / 1e-6, abs(eta), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "y", "message"),
    [
        ("squared", [1.0, np.nan, 2.0], "NaN or infinity at row 1"),
        ("squared", [1.0, 2.0, np.inf], "NaN or infinity at row 2"),
        ("squared", ["1.5", "tall", "2"], r"found 'tall' at row 1.*loss='logistic'"),
        ("squared", [1.0, None, 2.0], "NaN or infinity at row 1"),
        ("squared", np.array(["tall", None]), "found .tall. at row 0"),
        ("squared", np.zeros((3, 2)), r"one-dimensional, got shape \(3, 2\)"),
        ("huber", [1.0, np.nan], "NaN or infinity at row 1"),
        ("poisson", [1.0, 2.0, -3.0], r"found -3 at row 2.*loss='squared'"),
        ("poisson", [0.0, 0.0], "at least one positive"),
        ("logistic", ["a", "a"], "only one class.*'a'"),
        ("logistic", ["a", "b", "c"], "y has 3; use loss='multinomial'"),
        ("logistic", [0.0, np.nan, 1.0], "missing label at row 1"),
        ("multinomial", np.array(["a", None, "b"], dtype=object), "missing label at row 1"),
        ("multinomial", np.array([1, "b", 2], dtype=object), "mixes text and numbers"),
        ("multinomial", [1, 1], "only one class"),
    ],
)
def test_bad_targets_are_named(name, y, message):
    with pytest.raises(ValueError, match=message):
        find(name).target(y)


@pytest.mark.parametrize("delta", [0.0, -1.0, np.nan, np.inf])
def test_huber_needs_a_positive_delta(delta):
    with pytest.raises(ValueError, match="delta must be a finite number > 0"):
        ao.Huber(delta)


def test_two_values_of_any_kind_make_a_binary_target():
    for labels in ([-1, 1], [False, True], ["no", "yes"], [1.5, 2.5]):
        target = find("logistic").target([labels[1], labels[0], labels[1]])
        np.testing.assert_array_equal(target.values, [1.0, 0.0, 1.0])
        assert list(target.classes) == labels
