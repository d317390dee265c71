"""The bound that screening rests on: how far an unread correlation can be from its estimate."""

from __future__ import annotations

import numpy as np
import pytest

import alphaomega as ao
from alphaomega.designs import Dense
from alphaomega.losses import find
from alphaomega.problem import Problem
from alphaomega.solvers.frame import Frame
from alphaomega.solvers.screening import Basis

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
    estimate, error = Basis(seen, columns.T @ (share[:, None] * seen), share).estimate(forces)
    distance = abs(columns.T @ (share[:, None] * forces) - estimate)
    assert (distance <= np.outer(frame.norms, error) * (1 + 1e-9)).all()
    assert (distance / np.outer(frame.norms, error)).max() > 0.5
