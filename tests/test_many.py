"""Many problems on one X: sharing its reads changes nothing but the number of reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import alphaomega as ao
from alphaomega import solvers
from alphaomega.arguments import read_data
from alphaomega.problem import Control, Grid
from problems import LOSSES, MAIN_PENALTIES, PENALTIES, problem


def variants(case, loss, penalty, standardize, rng):
    """The problem, three weightings of its rows, and one other target under the second weighting."""
    y = case.y(loss)
    data = read_data(case.X, y, loss, case.weights, case.offset)
    first = data.problem(penalty, standardize=standardize, intercept=True)
    n = data.design.shape[0]
    counts = [first.weights * (1 + rng.integers(0, 3, n)) for _ in range(3)]
    other = replace(first, y=np.roll(first.y, 1, axis=0), weights=counts[1])
    return [first, *(replace(first, weights=own) for own in counts), other]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("kind", MAIN_PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["tall", "wide"])
def test_problems_solved_together_are_problems_solved_apart(name, loss, kind, standardize, rng):
    case = problem(name)
    problems = variants(case, loss, PENALTIES[kind](case.X.shape[1]), standardize, rng)
    together = solvers.solve_many(problems, Grid(None, 6, 0.1), Control(1e-9))
    for own, found in zip(problems, together):
        alone = solvers.solve_path(own, Grid(together[0].alphas), Control(1e-9))
        assert found.gap.max() <= 1e-9
        scale = abs(alone.coef).max()
        assert found.coef == pytest.approx(alone.coef, abs=3e-4 * scale)
        assert found.intercept == pytest.approx(alone.intercept, abs=1e-3 * max(scale, 1.0))


def test_chunks_do_not_show(monkeypatch, rng):
    from alphaomega.solvers import engine

    problems = variants(problem("wide"), "squared", ao.L1(), True, rng)
    whole = solvers.solve_many(problems, Grid(None, 10), Control())
    monkeypatch.setattr(engine, "MOST_LANES", 2)
    parts = solvers.solve_many(problems, Grid(None, 10), Control())
    assert len(parts) == len(whole) == len(problems)
    for one, other in zip(whole, parts):
        assert other.coef == pytest.approx(one.coef, abs=1e-6)


def test_reads_are_shared(rng):
    problems = variants(problem("wide"), "squared", ao.L1(), False, rng) * 3
    together = solvers.solve_many(problems, Grid(None, 20), Control())[0].reads
    apart = sum(solvers.solve_path(own, Grid(None, 20), Control()).reads for own in problems)
    assert together < apart / 3


def test_a_penalty_with_a_prox_alone_is_solved_one_by_one(rng):
    class Own(ao.Penalty):
        def value(self, w):
            return abs(w).sum()

        def prox(self, w, step):
            return w - w.clip(-step, step)

    problems = variants(problem("tall"), "squared", Own(), False, rng)
    found = solvers.solve_many(problems, Grid(None, 5), Control())
    exact = solvers.solve_many([replace(each, penalty=ao.L1()) for each in problems], Grid(found[0].alphas), Control())
    for one, other in zip(found, exact):
        assert one.coef == pytest.approx(other.coef, abs=1e-3)


def test_folds_of_standardised_groups_are_separate_fits():
    case = problem("tall")
    y, folds = case.y("squared"), np.arange(80) % 4
    groups = ao.GroupL1(np.arange(8) // 3)
    cv = ao.cross_validate(case.X, y, penalty=groups, folds=folds, standardize=True, n_alphas=6, tol=1e-9)
    for fold in range(4):
        kept = folds != fold
        alone = ao.path(case.X[kept], y[kept], penalty=groups, alphas=cv.path.alphas, standardize=True, tol=1e-9)
        errors = [np.mean((y[~kept] - alone.predict(case.X[~kept], alpha)) ** 2) for alpha in alone.alphas]
        assert cv.scores[fold] == pytest.approx(errors, rel=1e-6)
