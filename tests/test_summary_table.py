"""The measured table of L1 and L2, and what the recommendation takes on truths that are known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import polars
import pytest

import alphaomega as ao
from alphaomega.datasets.table import Table
from alphaomega.study import Options, understand
from alphaomega.study.comparison import candidate, rows_of, steps
from alphaomega.study.recommendation import choose, measurably_worse
from alphaomega.study.run import prepare
from alphaomega.study.unpenalised import null_predictor
from problems import problem

FAST = {"folds": 4, "n_resamples": 8}


@pytest.mark.parametrize("loss", ["squared", "logistic", "multinomial", "poisson"])
def test_every_line_is_measured(loss):
    case = problem("tall")
    table = ao.diagnostics.summary_table(case.X, case.y(loss), loss, **FAST)
    assert [line.aspect for line in table.lines] == [
        "what is summed",
        "zeros",
        "solutions",
        "selection",
        "outliers",
        "error, few features matter",
        "error, all features matter",
        "complexity",
    ]
    here = table.here
    assert here.l2.zeros == 0
    assert 0 <= here.l1.overlap <= 1
    assert here.l1.moved >= 0
    assert table.to_frame().height == 8
    assert len(table.failures()) == sum(line.holds is False for line in table.lines)


def test_the_numbers_are_those_of_the_fits():
    case = problem("tall")
    y = case.y("squared")
    here = ao.diagnostics.summary_table(case.X, y, **FAST).here
    for side, penalty in ((here.l1, ao.L1()), (here.l2, ao.L2())):
        fit = ao.path(case.X, y, penalty=penalty, alphas=[side.alpha], standardize=True, tol=1e-10)
        standard = fit.coef_standardized[0]
        assert side.absolute == pytest.approx(abs(standard).sum(), rel=1e-3)
        assert side.squares == pytest.approx((standard**2).sum() / 2, rel=1e-3)
        assert side.zeros == np.count_nonzero(standard == 0)
        assert side.df == pytest.approx(ao.criteria(fit).df[0], rel=1e-3)
    assert here.corrupted == 4


def test_copies_of_columns_make_l1_ambiguous():
    case = problem("duplicated columns")
    table = ao.diagnostics.summary_table(case.X, case.y("squared"), **FAST)
    line = next(line for line in table.lines if line.aspect == "solutions")
    assert (line.l1, line.holds) == ("possibly several", True)
    assert not table.here.l1.unique


def test_a_sparse_truth_makes_the_claims_on_error_hold():
    X, y = ao.diagnostics.sparse(60, 4, seed=1).draw(100, seed=1)
    table = ao.diagnostics.summary_table(X, y, folds=10, n_resamples=5)
    line = next(line for line in table.lines if line.aspect == "error, few features matter")
    assert table.here.better == "L1"
    assert line.holds is True


def test_a_penalty_is_measured_against_the_best_one_fold_by_fold():
    X, y = ao.diagnostics.sparse(20, 3, seed=1).draw(80, seed=2)
    rows = recommended_rows(X, y, 0)
    best = min(rows, key=lambda fit: fit.cv_error)
    assert not measurably_worse(best, best)
    for fit in rows:
        difference = fit.cv_scores - best.cv_scores
        if fit is not best:
            bar = difference.std(ddof=1) / np.sqrt(len(difference))
            assert measurably_worse(fit, best) == (difference.mean() > bar)
    worse = [
        replace(fit, cv_scores=best.cv_scores + 1.0, cv_error=best.cv_error) for fit in rows if fit.name != best.name
    ]
    assert choose((best, *worse)) is best


def recommended_rows(X, y, seed):
    """The rows that a study chooses from."""
    columns = {f"x{j}": X[:, j] for j in range(X.shape[1])}
    options = Options(networks=False, seed=seed)
    reading = understand(Table("truth.csv", polars.DataFrame({**columns, "y": y}), target="y"), options)
    setting, _ = prepare(reading, options)
    found = [candidate(setting, step) for step in steps(setting, null_predictor(setting))]
    nets = [each for each in found if each.step.name == "elastic net"]
    kept = [each for each in found if each.step.name != "elastic net"] + [min(nets, key=lambda net: net.best)]
    return tuple(row for each in kept for row in rows_of(setting, each))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("truth, n, expected", [("sparse", 200, "L1"), ("dense", 400, "L2")])
def test_the_recommendation_fits_the_truth(truth, n, expected):
    """In at least 95 of 100 draws L1 on 10 of 500 features, L2 where all 500 matter equally.

    With 200 rows the dense truth cannot be told from a sparse one: L2 was taken in 7 of 10 draws. 400 rows can tell.
    """
    taken: Counter[str] = Counter()
    for seed in range(100):
        sparse = truth == "sparse"
        process = ao.diagnostics.sparse(500, 10, seed=seed) if sparse else ao.diagnostics.dense_equal(500, seed=seed)
        chosen = choose(recommended_rows(*process.draw(n, seed=seed + 1000), seed))
        taken[chosen.name if chosen else "nothing"] += 1
    print(dict(taken))
    assert taken[expected] >= 95
