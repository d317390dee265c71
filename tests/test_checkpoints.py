"""Fits in parts: killed or not, the same result bit for bit."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars
import pytest

import alphaomega as ao
from problems import problem

FIT = {"n_alphas": 21, "folds": 3}
PROGRAM = """
import sys, time, numpy as np, alphaomega as ao
kind, folder, checkpoint, result = sys.argv[1:]
y = np.load(folder + "/y.npy")
if kind == "npy":
    X = ao.designs.from_npy(folder + "/X.npy")
    X.source.batch_bytes = 1 << 18
elif kind == "parquet":
    X = ao.designs.from_parquet(folder + "/X.parquet")
elif kind == "Dask":
    import dask.array
    X = dask.array.from_array(np.load(folder + "/X.npy", mmap_mode="r"), chunks=(700, -1))
elif kind == "torch":
    import torch
    torch.set_num_threads(1)
    X = torch.from_numpy(np.load(folder + "/X.npy"))
else:
    X = np.load(folder + "/X.npy")
print("begun", flush=True)
start = time.perf_counter()
cv = ao.cross_validate(X, y, "logistic", checkpoint=checkpoint, n_alphas=60, folds=4, n_threads=1)
print(time.perf_counter() - start)
np.savez(result, coef=cv.path.coef, scores=cv.scores, gap=cv.path.gap)
"""
#: kind -> the packages that it needs
KINDS = {"dense": [], "npy": [], "parquet": ["pyarrow"], "Dask": ["dask.array"], "torch": ["torch"]}


def data():
    case = problem("tall")
    return case.X, case.y("logistic")


def same(one, other) -> None:
    np.testing.assert_array_equal(one.path.coef, other.path.coef)
    np.testing.assert_array_equal(one.path.intercept, other.path.intercept)
    np.testing.assert_array_equal(one.path.gap, other.path.gap)
    np.testing.assert_array_equal(one.scores, other.scores)


@pytest.mark.parametrize(
    ("loss", "penalty"),
    [
        ("squared", ao.L1()),
        ("squared", ao.L2()),
        ("squared", ao.GroupL1(np.arange(8) // 3)),
        ("logistic", ao.L1()),
        ("logistic", ao.L2()),
        ("multinomial", ao.L1()),
    ],
    ids=str,
)
def test_a_fit_in_parts_is_the_fit(loss, penalty, tmp_path):
    X, y = problem("tall").X, problem("tall").y(loss)
    whole = ao.cross_validate(X, y, loss, penalty, **FIT, tol=1e-9)
    parts = ao.cross_validate(X, y, loss, penalty, **FIT, tol=1e-9, checkpoint=tmp_path / "c")
    again = ao.cross_validate(X, y, loss, penalty, **FIT, tol=1e-9, checkpoint=tmp_path / "c")
    np.testing.assert_array_equal(parts.path.alphas, whole.path.alphas)
    np.testing.assert_allclose(parts.path.coef, whole.path.coef, atol=1e-5)
    np.testing.assert_allclose(parts.scores, whole.scores, rtol=1e-5)
    assert (parts.path.gap <= 1e-9).all()
    same(parts, again)
    if loss == "squared":
        assert parts.path.reads == whole.path.reads == 1


def test_what_is_finished_is_not_solved_again(tmp_path, monkeypatch):
    X, y = data()
    expected = ao.path(X, y, "logistic", n_alphas=35, checkpoint=tmp_path / "c")
    real, calls = ao.checkpoints.solvers.solve_folds, []

    def stops_at_the_fourth(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise MemoryError
        return real(*arguments)

    monkeypatch.setattr(ao.checkpoints.solvers, "solve_folds", stops_at_the_fourth)
    with pytest.raises(MemoryError):
        ao.path(X, y, "logistic", n_alphas=35, checkpoint=tmp_path / "d")
    found = ao.path(X, y, "logistic", n_alphas=35, checkpoint=tmp_path / "d")
    assert len(calls) == 4 + 2  # the first alpha and two parts were finished, the third failed, two were left
    np.testing.assert_array_equal(found.coef, expected.coef)


def test_interrupted_the_finished_part_is_returned(tmp_path):
    (X, y), FIT = data(), {"loss": "logistic", "n_alphas": 35, "folds": 4}
    expected = ao.cross_validate(X, y, **FIT, checkpoint=tmp_path / "c")

    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.warns(ao.fitting.ConvergenceWarning, match="interrupted after 20 of 35 alphas"):
        cut = ao.cross_validate(X, y, **FIT, checkpoint=tmp_path / "d", progress=stop)
    assert cut.scores.shape == (4, 20)
    np.testing.assert_array_equal(cut.path.coef, expected.path.coef[:20])
    same(ao.cross_validate(X, y, **FIT, checkpoint=tmp_path / "d"), expected)


def test_gaps_are_filled_in_every_fold_of_a_checkpointed_fit(tmp_path):
    X, y = problem("tall").X.copy(), problem("tall").y("squared")
    X[3, 2] = np.nan
    options = {"impute": "mean", **FIT, "tol": 1e-9}
    whole = ao.cross_validate(X, y, **options)
    parts, again = (ao.cross_validate(X, y, **options, checkpoint=tmp_path / "c") for _ in range(2))
    np.testing.assert_allclose(parts.path.coef, whole.path.coef, atol=1e-8)
    np.testing.assert_allclose(parts.scores, whole.scores, rtol=1e-8)
    same(parts, again)


@pytest.mark.parametrize("change", ["X", "y", "weights", "penalty", "tol", "folds", "alphas", "loss"])
def test_a_checkpoint_of_another_fit_is_refused(change, tmp_path):
    X, y = problem("tall").X, problem("tall").y("squared")
    given = {"X": X, "y": y, "loss": "squared", **FIT, "checkpoint": tmp_path / "c"}
    ao.cross_validate(**given)
    other = {
        "X": {"X": X * 2},
        "y": {"y": y + 1},
        "weights": {"weights": np.arange(1.0, 81.0)},
        "penalty": {"penalty": ao.ElasticNet(0.5)},
        "tol": {"tol": 1e-7},
        "folds": {"folds": 5},
        "alphas": {"n_alphas": 36},
        "loss": {"loss": "huber"},
    }[change]
    with pytest.raises(ValueError, match="belongs to another fit"):
        ao.cross_validate(**given | other)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "c").write_text("no checkpoint")
    with pytest.raises(ValueError, match="is no checkpoint of this version"):
        ao.path(*data(), "logistic", checkpoint=tmp_path / "c")
    with pytest.raises(ValueError, match="there is no folder"):
        ao.path(*data(), "logistic", checkpoint=tmp_path / "nowhere" / "c")


def test_a_full_disk_costs_the_checkpoint_and_not_the_fit(tmp_path, monkeypatch):
    X, y = data()
    expected = ao.path(X, y, "logistic", n_alphas=15, checkpoint=tmp_path / "c")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(RuntimeWarning, match="cannot be written .No space left on device.*the fit goes on"):
        found = ao.path(X, y, "logistic", n_alphas=15, checkpoint=tmp_path / "d")
    np.testing.assert_array_equal(found.coef, expected.coef)
    assert [file.name for file in tmp_path.iterdir()] == ["c"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_ten_random_moments_the_result_is_the_same(kind, tmp_path, rng):
    for package in KINDS[kind]:
        pytest.importorskip(package)
    X = rng.standard_normal((5_000, 40))
    np.save(tmp_path / "X.npy", X)
    polars.DataFrame(X).write_parquet(tmp_path / "X.parquet", row_group_size=900)
    np.save(tmp_path / "y.npy", X[:, :5].sum(1) + 3 * rng.standard_normal(5_000) > 0)
    checkpoint = tmp_path / "killed.checkpoint"

    def begin(name: str) -> subprocess.Popen:
        names = [str(tmp_path / file) for file in ("", f"{name}.checkpoint", f"{name}.npz")]
        run = subprocess.Popen([sys.executable, "-c", PROGRAM, kind, *names], stdout=subprocess.PIPE, text=True)
        assert run.stdout.readline() == "begun\n"  # type: ignore[union-attr]
        return run

    with begin("whole") as run:
        seconds = float(run.stdout.readline())  # type: ignore[union-attr]
    resumed = kills = 0
    while kills < 10:
        with begin("killed") as run:
            time.sleep(rng.uniform(0, 0.4) * seconds)
            if run.poll() is None:
                run.send_signal(signal.SIGKILL)
                kills += 1
                resumed += checkpoint.exists()
            run.communicate()
        if run.returncode == 0:
            checkpoint.unlink()  # it finished between two kills: begin again
    assert resumed > 1
    with begin("killed") as run:
        run.communicate()
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "killed.npz") as killed:
        for name in whole.files:
            np.testing.assert_array_equal(whole[name], killed[name])
