"""The team of threads that lanes, reads and steps of networks share."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import alphaomega as ao
from alphaomega.team import Team


@pytest.fixture(params=[1, 2, 3])
def team(request):
    team = Team(request.param)
    yield team
    team.close()


@pytest.mark.parametrize("count", [0, 1, 2, 25])
def test_results_come_in_the_order_of_the_items(team, count):
    assert team.map(lambda a, b: (a, b), range(count), list("x" * count)) == [(k, "x") for k in range(count)]


def test_others_work_beside_the_caller():
    team, both = Team(2), threading.Barrier(2, timeout=20)
    names = team.map(lambda _: (both.wait(), threading.current_thread())[1], range(2))  # each waits for the other
    team.close()
    assert len(set(names)) == 2 and threading.current_thread() in names


def test_work_may_ask_for_the_team_itself(team):
    found: list = []

    def work():
        found.append(team.map(lambda a: team.map(lambda b: a * b, range(3)), range(4)))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)  # where it waited for itself, it would for ever
    assert found == [[[a * b for b in range(3)] for a in range(4)]]


def test_an_error_comes_to_the_caller_and_ends_the_work(team):
    done: list[int] = []

    def work(k):
        if k == 3:
            raise ZeroDivisionError(k)
        done.append(k)

    with pytest.raises(ZeroDivisionError, match="3"):
        team.map(work, range(10_000))
    assert len(done) < 10_000
    assert team.map(abs, [-1, -2]) == [1, 2]  # and the team works on


@pytest.mark.parametrize("penalty", ["L1", "group"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_folds_end_with_lanes_that_share_their_large_products(loss, penalty):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 500))
    eta = X[:, :5].sum(1) + rng.standard_normal(200)
    y = eta if loss == "squared" else (eta > 0).astype(float)
    made = ao.L1() if penalty == "L1" else ao.GroupL1(np.arange(500) // 5)
    options = {"loss": loss, "penalty": made, "n_alphas": 15, "alpha_min_ratio": 0.2, "folds": 4}
    alone, beside = (ao.cross_validate(X, y, n_threads=count, **options) for count in (1, None))
    np.testing.assert_allclose(beside.scores, alone.scores, rtol=1e-6)
    assert max(beside.path.gap) <= 1e-6
