"""The bound that screening rests on: how far an unread correlation can be from its estimate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import alphaomega as ao
from alphaomega.designs import Dense
from alphaomega.losses import find
from alphaomega.penalties import Terms
from alphaomega.problem import Problem
from alphaomega.solvers.dual import violators
from alphaomega.solvers.frame import Frame
from alphaomega.solvers.screening import Basis, Slopes, doubtful

P = 300
PENALTIES = {"L1": ao.L1(), "groups of unlike columns": ao.GroupL1(np.arange(P) // 3)}


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("penalty", list(PENALTIES))
def test_no_correlation_is_further_from_its_estimate_than_the_bound(penalty, standardize, intercept):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, P)) * 10.0 ** rng.uniform(-2, 2, P) + rng.standard_normal(P)
    y, weights = rng.standard_normal(40), rng.uniform(0.5, 2, 40)
    problem = Problem(
        Dense(X), y, find("squared"), PENALTIES[penalty], weights, intercept=intercept, standardize=standardize
    )
    frame = Frame.of([problem])
    columns, share = (X - frame.center) / frame.scale, weights / weights.sum()
    norms = np.sqrt(share @ columns**2)
    np.testing.assert_allclose(frame.norms, norms, rtol=1e-9)
    seen = rng.standard_normal((40, 3))
    worst = columns[:, [norms.argmax()]]  # forces along the longest column take the bound to its end
    forces = np.hstack([rng.standard_normal((40, 5)), worst])
    correlations = columns.T @ (share[:, None] * seen)
    shares, error = Basis(seen, correlations, share).project(forces)
    estimate = correlations @ shares
    distance = abs(columns.T @ (share[:, None] * forces) - estimate)
    assert (distance <= np.outer(frame.norms, error) * (1 + 1e-9)).all()
    assert (distance / np.outer(frame.norms, error)).max() > 0.5


@pytest.mark.parametrize("near", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("kind", ["L1", "weights", "groups", "two outputs"])
def test_no_column_that_reaches_its_threshold_is_certified(kind, near):
    rng = np.random.default_rng(1)
    outputs, alphas = 2 if kind == "two outputs" else 1, np.array([0.3, 0.25, 0.2])
    columns, share = rng.standard_normal((40, P)) * 10.0 ** rng.uniform(-1, 1, P), rng.dirichlet(np.ones(40))
    l1 = {"weights": rng.choice([0.0, 0.5, 1.0, np.inf], P), "groups": np.zeros(P)}.get(kind, np.ones(P * outputs))
    terms = replace(Terms.zero(P * outputs), l1=l1)
    if kind == "groups":
        terms = replace(terms, groups=np.arange(P) // 3, group_weights=rng.uniform(0.5, 2, P // 3))
    seen = rng.standard_normal((40, 5 * outputs))
    forces = seen @ rng.standard_normal((5 * outputs, 3 * outputs)) / 5 + near * rng.standard_normal((40, 3 * outputs))
    scale = 0.1 / np.abs(columns.T @ (share[:, None] * forces)).mean()
    seen, forces = scale * seen, scale * forces
    correlations = columns.T @ (share[:, None] * seen)
    shares, error = Basis(seen, correlations, share).project(forces)
    norms = np.sqrt(share @ columns**2)
    over = doubtful(terms, alphas, (correlations, shares), norms, error)
    for place, alpha in enumerate(alphas):
        exact = (columns.T @ (share[:, None] * forces[:, place * outputs : (place + 1) * outputs])).ravel()
        reaches = violators(terms * float(alpha), exact)
        assert reaches.size and over[reaches // outputs].all()
    assert near > 0.01 or over.mean() < 0.95


def test_slopes_of_some_coordinates_stand_for_all():
    rng = np.random.default_rng(3)
    whole, chosen = rng.standard_normal((8, 3)), np.array([5, 1, 6])
    correlations, shares = rng.standard_normal((8, 2)), rng.standard_normal((2, 3))
    some, every = Slopes(whole[chosen], chosen, (correlations, shares)), Slopes(whole)
    assert every.at(np.array([6, 0])).tolist() == whole[[6, 0]].tolist()
    assert some.at(np.array([6, 5])).tolist() == whole[[6, 5]].tolist()
    assert some.at(np.array([0, 1])).tolist() == [[0.0, 0.0, 0.0], whole[1].tolist()]  # below a threshold of zero
    for place in range(3):
        estimate = correlations @ shares[:, place]
        estimate[chosen] = whole[chosen, place]
        np.testing.assert_array_equal(some.whole(place), estimate)
        np.testing.assert_array_equal(every.whole(place), whole[:, place])
