"""The benchmarks measure what they say: their gap is the gap, their grid the grid, a race ends with tables."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest
from benchmarks import certify, problems, report, runner, scale_disk, scale_make, worker
from benchmarks.peers import Task
from benchmarks.results import Results

import alphaomega as ao
from first_principles import Objective
from problems import problem


def of_case(loss):
    case = problem("tall")
    y = case.y(loss)
    return problems.Problem(case.X, (y == "yes").astype(float) if loss == "logistic" else y, 1e-4)


@pytest.mark.parametrize("loss", certify.LOSSES)
def test_the_gap_is_the_gap(loss):
    data = of_case(loss)
    path = ao.path(data.X, data.y, loss, n_alphas=6, tol=1e-2)
    coef = path.coef + 1e-3
    objective = Objective.of(data.X, data.y, loss, ao.L1())
    found = certify.gaps(loss, data, path.alphas, coef, path.intercept)
    for k, alpha in enumerate(path.alphas):
        balanced = path.intercept[k] + best_shift(objective, coef[k], path.intercept[k])
        assert found[k] == pytest.approx(objective.gap(coef[k], balanced, alpha), rel=1e-6)


def best_shift(objective, coef, intercept):
    eta = objective.eta(coef, intercept)
    return (objective._refit(eta, np.array([], dtype=int)) - eta)[0]


@pytest.mark.parametrize("loss", certify.LOSSES)
def test_the_grid_starts_where_the_path_does(loss):
    data = of_case(loss)
    own = ao.path(data.X, data.y, loss)
    np.testing.assert_allclose(certify.grid(loss, data), own.alphas, rtol=1e-9)


def test_a_race_ends_with_tables(tmp_path, monkeypatch):
    monkeypatch.setitem(problems.PROBLEMS, "tiny", problems.generated(40, 15, 3, 0.5, 3.0))
    control = runner.Control(sys.executable, rounds=1, gap=1e-2, only=("alphaomega", "scikit-learn"))
    rows = runner.run("path", "tiny", control, earlier=[])
    assert [row["solver"] for row in rows] == ["alphaomega", "scikit-learn"]
    assert all(row["gap"] <= 1e-2 and row["seconds"] > 0 and row["runs"] == 1 for row in rows)
    results = Results(tmp_path / "results.json")
    results.put_race("path", "tiny", rows)
    report.write(results, tmp_path)
    with (tmp_path / "summary.csv").open() as file:
        line = next(csv.DictReader(file))
    ratio = rows[0]["seconds"] / rows[1]["seconds"]
    assert float(line["ours over it, at the gap"]) == pytest.approx(ratio, rel=0.01)
    assert line["fastest peer at the gap"].startswith("scikit-learn")


def test_a_run_that_does_not_end_is_said_so(tmp_path):
    task = Task(np.ones((4, 1)), np.arange(4.0), np.ones(1), 1.0)
    worker.write_task(tmp_path, task)
    ours = runner.Worker(("alphaomega", "squared", 1e-6), tmp_path, runner.Control(sys.executable, limit=0.0))
    with pytest.raises(runner.Unfinished, match="more than 0 s"):
        ours.run()
    ours.close()


def test_a_file_on_disk_is_read_three_times(tmp_path, capsys):
    scale_make.make(tmp_path, 4000, 12)
    scale_disk.main(tmp_path, cold=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["columns"], found["folds"], found["n_alphas"]) == (4000, 12, 10, 100)
    assert found["reads_of_the_file"] == 3


def test_a_card_is_measured_beside_the_engine():
    torch = pytest.importorskip("torch")
    from benchmarks import scale_gpu

    found = scale_gpu.measured(3000, 20, torch.device("cpu"), beside=True)
    assert found["largest_gap"] <= 1e-6 and found["largest_difference"] < 1e-8
    assert found["reads"] == 3 and found["nonzero_at_1se"] >= 5
