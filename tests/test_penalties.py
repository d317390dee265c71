"""Laws every penalty keeps, run over the registry: a new entry is tested with no test edited."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alphaomega as ao
from alphaomega.penalties import REGISTRY, QuadraticForm, Scaled, Sum

P = 6
SHAPES = [(P,), (P, 3)]
EVERY = pytest.mark.parametrize("name", sorted(REGISTRY))
#: Penalties that state their terms; the others have a value and a prox alone.
STATED = {name: penalty for name, penalty in sorted(REGISTRY.items()) if penalty(P).terms((P,)) is not None}
EVERY_STATED = pytest.mark.parametrize("name", STATED)
BOUNDED = [name for name, penalty in STATED.items() if np.isfinite(penalty(P).terms((P,)).lower).all()]
BOTH_SHAPES = pytest.mark.parametrize("shape", SHAPES, ids=["vector", "matrix"])
STEPS = pytest.mark.parametrize("metric", [False, True], ids=["scalar step", "metric"])

INFINITE = {
    "L1": ao.L1([np.inf, 0, 1, 1, 2, np.inf]),
    "L2": ao.L2([np.inf, 0, 1, 1, 2, np.inf]),
    "ElasticNet": ao.ElasticNet(0.3, [np.inf, 0, 1, 1, 2, np.inf]),
    "ElasticNet(0)": ao.ElasticNet(0.0, [np.inf, 0, 1, 1, 2, np.inf]),
    "ElasticNet(1)": ao.ElasticNet(1.0, [np.inf, 0, 1, 1, 2, np.inf]),
    "GroupL1": ao.GroupL1([0, 0, 1, 1, 2, 2], weights=[np.inf, 0.0, 1.0]),
}


def draw(rng, shape, metric):
    """A point and a step: a scalar, or one per coordinate over four decades."""
    w = rng.standard_normal(shape) * 2
    return w, (10.0 ** rng.uniform(-2, 2, shape) if metric else float(rng.uniform(0.05, 2)))


def prox_objective(penalty, x, w, step):
    return ((x - w) ** 2 / (2 * step)).sum() + float(penalty.value(x))


@EVERY
@BOTH_SHAPES
@STEPS
def test_prox_is_the_minimiser(name, shape, metric, rng):
    penalty = REGISTRY[name](P)
    for _ in range(20):
        w, step = draw(rng, shape, metric)
        x = penalty.prox(w, step)
        best = prox_objective(penalty, x, w, step)
        for scale in (1e-4, 1e-2, 1.0):
            for rival in (
                x + scale * rng.standard_normal(shape),
                x * (1 - scale * rng.uniform(size=shape)),
                x + scale * (w - x),
                np.where(rng.uniform(size=shape) < 0.3, 0.0, x),
            ):
                assert prox_objective(penalty, rival, w, step) >= best - 1e-12 * (1 + abs(best))


@EVERY
@BOTH_SHAPES
@STEPS
def test_violation_is_zero_at_the_prox_and_positive_elsewhere(name, shape, metric, rng):
    penalty = REGISTRY[name](P)
    for _ in range(20):
        w, step = draw(rng, shape, metric)
        x = penalty.prox(w, step)
        pull = (x - w) / step
        assert penalty.violation(pull, x).max() <= 1e-10 * (1 + abs(pull).max())
        moved = x + 0.1 * rng.standard_normal(shape)
        if np.isfinite(float(penalty.value(moved))):
            assert penalty.violation((moved - w) / step, moved).max() > 1e-4


@EVERY_STATED
def test_violation_is_the_distance_to_the_subdifferential_of_the_value(name, rng):
    """Where Omega is differentiable inside its bounds, the distance is |gradient + dOmega/dw| by finite differences."""
    penalty = REGISTRY[name](P)
    w = rng.uniform(0.1, 0.4, P)
    gradient = rng.standard_normal(P)
    step = 1e-6
    slope = np.array(
        [(penalty.value(w + step * e) - penalty.value(w - step * e)) / (2 * step) for e in np.eye(P)], dtype=float
    )
    distance = penalty.violation(gradient, w)
    terms = penalty.terms((P,))
    if terms.groups is None:
        np.testing.assert_allclose(distance, abs(gradient + slope), atol=1e-8)
    else:
        block = np.sqrt(np.bincount(terms.groups, (gradient + slope) ** 2))
        np.testing.assert_allclose(distance, block[terms.groups], atol=1e-8)


@pytest.mark.parametrize("name", BOUNDED)
def test_violation_is_infinite_outside_the_bounds(name):
    penalty = REGISTRY[name](P)
    w = np.array([-3.0, 0, 0, 0, 0, 0])
    assert penalty.value(w) == np.inf
    assert penalty.violation(np.zeros(P), w)[0] == np.inf


@EVERY_STATED
@BOTH_SHAPES
def test_terms_agree_with_the_value(name, shape, rng):
    penalty = REGISTRY[name](P)
    terms = penalty.terms(shape)
    for _ in range(10):
        w = penalty.prox(rng.standard_normal(shape) * 2, 0.1)
        flat = w.ravel()
        value = terms.l1 @ abs(flat) + terms.quadratic @ flat**2 / 2
        if terms.groups is not None:
            value += terms.group_weights @ np.sqrt(np.bincount(terms.groups, flat**2))
        assert (flat >= terms.lower).all() and (flat <= terms.upper).all()
        np.testing.assert_allclose(float(penalty.value(w)), value, rtol=1e-12, atol=1e-300)


@EVERY
@BOTH_SHAPES
@STEPS
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numpy_and_torch_agree(name, shape, metric, dtype, rng):
    torch = pytest.importorskip("torch")
    penalty = REGISTRY[name](P)
    tolerance = 1e-12 if dtype == "float64" else 3e-5
    for _ in range(5):
        w, step = draw(rng, shape, metric)
        w = w.astype(dtype)
        step = step.astype(dtype) if metric else step
        x = penalty.prox(w, step)
        assert x.dtype == np.dtype(dtype)
        tensor = torch.from_numpy(w)
        y = penalty.prox(tensor, torch.from_numpy(step) if metric else step)
        assert y.dtype == tensor.dtype and y.shape == tensor.shape
        np.testing.assert_allclose(y.numpy(), x, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(float(penalty.value(y)), float(penalty.value(x)), rtol=10 * tolerance)
        gradient = (x - w).astype(dtype)
        distance = penalty.violation(torch.from_numpy(gradient), y)
        assert distance.dtype == tensor.dtype
        np.testing.assert_allclose(distance.numpy(), penalty.violation(gradient, y.numpy()), rtol=1e-5, atol=tolerance)


@EVERY
def test_value_and_prox_leave_their_arguments_alone(name, rng):
    penalty = REGISTRY[name](P)
    w, step = draw(rng, (P,), True)
    kept, kept_step = w.copy(), step.copy()
    penalty.value(w), penalty.prox(w, step), penalty.violation(step, w)
    assert (w == kept).all() and (step == kept_step).all()


@EVERY
@STEPS
def test_a_penalty_scales_with_its_factor(name, metric, rng):
    penalty = REGISTRY[name](P)
    w, step = draw(rng, (P,), metric)
    inside = penalty.prox(w, 0.1)
    np.testing.assert_allclose(float((3 * penalty).value(inside)), 3 * float(penalty.value(inside)), rtol=1e-14)
    np.testing.assert_allclose((3 * penalty).prox(w, step), penalty.prox(w, 3 * step), rtol=1e-12)
    np.testing.assert_array_equal((penalty * 3).prox(w, step), (3 * penalty).prox(w, step))
    terms, scaled = penalty.terms((P,)), (3 * penalty).terms((P,))
    if terms is None:
        assert scaled is None
        return
    np.testing.assert_array_equal(scaled.l1, 3 * terms.l1)
    np.testing.assert_array_equal(scaled.quadratic, 3 * terms.quadratic)
    np.testing.assert_array_equal(scaled.upper, terms.upper)


@EVERY
@STEPS
def test_at_strength_zero_only_the_bounds_remain(name, metric, rng):
    penalty = REGISTRY[name](P)
    w, step = draw(rng, (P,), metric)
    terms = penalty.terms((P,))
    inside = w if terms is None else w.clip(terms.lower, terms.upper)
    np.testing.assert_array_equal((0 * penalty).prox(w, step), inside)
    np.testing.assert_array_equal(penalty.prox(w, 0 * step), inside)
    assert float((0 * penalty).value(inside)) == 0


@pytest.mark.parametrize("pair", list(itertools.combinations(sorted(REGISTRY), 2)), ids=" | ".join)
@STEPS
def test_a_sum_is_exact_or_refused(pair, metric, rng):
    """Values add, the prox is optimal for the sum, and the order does not matter; or a TypeError names the culprit."""
    first, second = (REGISTRY[name](P) for name in pair)
    total, reverse = first + second, second + first
    assert isinstance(total, Sum)
    w, step = draw(rng, (P,), metric)
    try:
        x = total.prox(w, step)
    except TypeError as error:
        assert "no closed form" in str(error)
        assert any(mend in str(error) for mend in ("one Penalty subclass", "sign constraints", "in one Bounded"))
        with pytest.raises(TypeError, match="no closed form"):
            reverse.prox(w, step)
        return
    np.testing.assert_allclose(reverse.prox(w, step), x, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(float(total.value(x)), float(first.value(x)) + float(second.value(x)), rtol=1e-13)
    pull = (x - w) / step
    assert total.violation(pull, x).max() <= 1e-10 * (1 + abs(pull).max())


@EVERY
@STEPS
def test_signs_can_be_asked_of_any_penalty(name, metric, rng):
    penalty = ao.Bounded(REGISTRY[name](P), signs=[1, -1, 0, 1, -1, 0])
    w, step = draw(rng, (P,), metric)
    if isinstance(REGISTRY[name](P), QuadraticForm):  # fitted as part of the smooth term: test_paths
        with pytest.raises(TypeError, match=r"no closed form.* one Penalty subclass"):
            penalty.prox(w, step)
        return
    x = penalty.prox(w, step)
    assert (x[[0, 3]] >= 0).all() and (x[[1, 4]] <= 0).all()
    pull = (x - w) / step
    assert penalty.violation(pull, x).max() <= 1e-10 * (1 + abs(pull).max())


def test_a_group_norm_takes_signs_but_no_box():
    group = ao.GroupL1([0, 0, 1], weights=1.0)
    w = np.array([3.0, 4.0, -1.0])
    assert ao.Bounded(group, lower=0).terms((3,)) is not None
    for refused in (
        ao.Bounded(group, upper=1.0),
        ao.Bounded(ao.Bounded(group, lower=0), upper=[0.0, 1.0, 1.0]),
        ao.Bounded(ao.L1(), upper=1.0) + ao.Bounded(group, lower=0),
        group + ao.GroupL1([0, 1, 1]),
        group + ao.Bounded(ao.L1(), lower=0),
    ):
        with pytest.raises(TypeError, match="closed"):
            refused.prox(w, 0.5)


def test_the_algebra_refuses_what_is_no_penalty():
    with pytest.raises(TypeError):
        ao.L1() + 1.0
    with pytest.raises(TypeError):
        ao.L1() * ao.L2()
    with pytest.raises(ValueError, match="finite number >= 0"):
        -1 * ao.L1()
    with pytest.raises(ValueError, match="finite number >= 0"):
        np.inf * ao.L1()
    total = sum([ao.L1(), ao.L2()])
    assert isinstance(total, Sum) and len(total.parts) == 2
    doubled = 2 * (3 * ao.L1())
    assert isinstance(doubled, Scaled) and doubled.factor == 6


def test_a_penalty_without_an_order_cannot_hide_in_a_sum():
    class Cubic(ao.Penalty):
        def value(self, w):
            return (abs(w) ** 3).sum() / 3

        def prox(self, w, step):
            return 2 * w / (1 + (1 + 4 * step * abs(w)) ** 0.5)

    with pytest.raises(TypeError, match="Penalty subclass with its own prox"):
        (Cubic() + ao.L1()).prox(np.ones(2), 1.0)
    w, step = np.array([1.0, -2.0, 0.0]), 0.7
    x = Cubic().prox(w, step)
    np.testing.assert_allclose(Cubic().violation((x - w) / step, x), 0, atol=1e-12)


@pytest.mark.parametrize("name", sorted(INFINITE))
@BOTH_SHAPES
@STEPS
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_weight_inf_excludes_and_weight_0_leaves_free(name, shape, metric, alpha, rng):
    penalty = INFINITE[name]
    w, step = draw(rng, shape, metric)
    x = penalty.prox(w, alpha * step)
    terms = penalty.terms(shape)
    excluded, free = terms.excluded.reshape(shape), terms.free.reshape(shape)
    assert excluded.any() and free.any()
    assert (x[excluded] == 0).all()
    np.testing.assert_array_equal(x[free], w[free])
    assert np.isfinite(float(penalty.value(x)))
    assert float(penalty.value(w)) == np.inf
    assert penalty.violation(np.zeros(shape), w)[excluded].min() == np.inf
    assert (terms * 0.0).excluded.reshape(shape)[excluded].all()
    if alpha:
        assert penalty.violation((x - w) / (alpha * step), x).max() < 1e-10 * (1 + abs(w / step).max() / alpha)


@pytest.mark.parametrize("decades", [1, 5, 10])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_group_prox_over_wide_metrics(decades, dtype, rng):
    """x_j = u_j r / (r + step_j weight) with r = ||x||: checked against this equation, not against the solver of it."""
    groups = np.repeat(np.arange(400), 5)
    penalty = ao.GroupL1(groups, weights=1.0)
    u = rng.standard_normal(2000) * 10.0 ** rng.uniform(-2, 2, 2000)
    step = 10.0 ** rng.uniform(-decades / 2, decades / 2, 2000)
    x = penalty.prox(u.astype(dtype), step.astype(dtype)).astype(float)
    radius = np.sqrt(np.bincount(groups, x**2))[groups]
    alive = radius > 0
    assert alive.any()
    tolerance = 1e-10 if dtype == "float64" else 1e-4
    expected = u[alive] / (1 + step[alive] / radius[alive])
    error = np.sqrt(np.bincount(groups[alive], (x[alive] - expected) ** 2, 400)[groups[alive]])
    assert (error <= tolerance * radius[alive]).all()
    pull = np.sqrt(np.bincount(groups, (u / step) ** 2))[groups]
    np.testing.assert_array_equal(alive[abs(pull - 1) > 1e-5], (pull > 1)[abs(pull - 1) > 1e-5])


def test_group_prox_of_zeros_and_zero_steps():
    penalty = ao.GroupL1([0, 0, 1, 1], weights=1.0)
    u = np.array([0.0, 0.0, 3.0, 4.0])
    np.testing.assert_array_equal(penalty.prox(u, 0.0), u)
    np.testing.assert_array_equal(penalty.prox(u, np.zeros(4)), u)
    np.testing.assert_array_equal(penalty.prox(u, np.ones(4))[:2], 0)
    x = penalty.prox(u, np.array([1.0, 1.0, 0.0, 1.0]))  # a coordinate that cannot move keeps its group alive
    radius = np.hypot(x[2], x[3])
    assert x[2] == 3.0
    np.testing.assert_allclose(x[3], 4 / (1 + 1 / radius), rtol=1e-13)


@STEPS
@BOTH_SHAPES
def test_special_cases_coincide(metric, shape, rng):
    w, step = draw(rng, shape, metric)
    weights = rng.uniform(0.1, 2, P)
    pairs = [
        (ao.ElasticNet(1.0, weights), ao.L1(weights)),
        (ao.ElasticNet(0.0, weights), ao.L2(weights)),
        (ao.ElasticNet(0.3), 0.3 * ao.L1() + 0.7 * ao.L2()),
        (ao.GroupL1([[0, 2, 4], [1, 3, 5]]), ao.GroupL1(["a", "b", "a", "b", "a", "b"])),
        (ao.Bounded(ao.L1(), lower=0), ao.Bounded(ao.L1(), signs=np.ones(P))),
    ]
    if len(shape) == 1:
        pairs.append((ao.GroupL1(np.arange(P), weights), ao.L1(weights)))
        pairs.append((ao.GroupL1(np.arange(P)), ao.L1()))
    for one, other in pairs:
        x = one.prox(w, step)
        np.testing.assert_allclose(x, other.prox(w, step), rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(float(one.value(x)), float(other.value(x)), rtol=1e-11)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    u=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=6),
    logs=st.lists(st.floats(-5, 5), min_size=6, max_size=6),
    weight=st.floats(0, 1e6, allow_subnormal=False),
)
def test_prox_is_nonexpansive_towards_zero(u, logs, weight):
    """Every prox here shrinks: |x_j| <= |u_j|, with the same sign, for any metric."""
    u, step = np.array(u), 10.0 ** np.array(logs[: len(u)])
    for penalty in (ao.L1(weight), ao.L2(weight), ao.ElasticNet(0.5, weight), ao.GroupL1(np.zeros(len(u)), weight)):
        x = penalty.prox(u, step)
        assert (abs(x) <= abs(u) * (1 + 1e-12)).all() and (x * u >= 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ao.L1(-1.0), "weights must be >= 0"),
        (lambda: ao.L2([1.0, np.nan]), "position 1"),
        (lambda: ao.ElasticNet(1.5), "l1_ratio must lie in"),
        (lambda: ao.ElasticNet(np.nan), "l1_ratio must lie in"),
        (lambda: ao.GroupL1([[0, 1], [1, 2]]), "feature 1 is in more than one group"),
        (lambda: ao.GroupL1([[0], [2]]), "feature 1 is in no group"),
        (lambda: ao.GroupL1([[0], []]), "group 1 is empty"),
        (lambda: ao.GroupL1([]), "one label per feature"),
        (lambda: ao.GroupL1([0, 0, 1], weights=[1.0, 2.0, 3.0]), "one per group"),
        (lambda: ao.Bounded(ao.L1(), lower=1.0), "lower <= 0 <= upper"),
        (lambda: ao.Bounded(ao.L1(), upper=np.nan), "must not be NaN"),
        (lambda: ao.L1([1.0, 2.0]).terms((3,)), "2 weights for 3 features"),
        (lambda: ao.L1([1.0, 2.0]).prox(np.zeros(3), 1.0), "2 weights for 3 coefficients"),
        (lambda: ao.GroupL1([0, 1]).prox(np.zeros(3), 1.0), "2 labels for 3 features"),
    ],
)
def test_bad_parameters_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
