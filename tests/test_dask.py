"""Dask on real worker processes: the dense answers, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import alphaomega as ao
from problems import LOSSES, PENALTIES, problem

dask_array = pytest.importorskip("dask.array", reason="Dask is optional: pip install alphaomega[dask]")
dask_config = pytest.importorskip("dask.config", reason="Dask is optional: pip install alphaomega[dask]")
distributed = pytest.importorskip("distributed", reason="Dask is optional: pip install alphaomega[dask]")

EXACT = [name for name, make in PENALTIES.items() if make(8).terms((8,)) is not None]
FEW = ("L1", "group", "box")
WORKERS = [2, pytest.param(1, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=WORKERS)
def client(request):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster's own start and end
        options = {"n_workers": request.param, "threads_per_worker": 1, "dashboard_address": None}
        with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
            yield client


def on_cluster(case: str, blocks: int = 5):
    X = problem(case).dense
    return dask_array.from_array(X, chunks=(max(1, len(X) // blocks), 3))


def check(case: str, loss: str, penalty: str) -> None:
    data = problem(case)
    y, made = data.y(loss), PENALTIES[penalty](data.X.shape[1])
    options = {"n_alphas": 4, "tol": 1e-10 if loss == "multinomial" else 1e-7, **data.sample}
    expected = ao.path(ao.designs.Dense(data.dense), y, loss, made, **options)
    found = ao.path(on_cluster(case), y, loss, made, **options)
    one, other = (
        fit.coef - fit.coef.mean(1, keepdims=True) if fit.coef.ndim == 3 else fit.coef for fit in (found, expected)
    )
    conjugate_gradients = loss == "multinomial" and penalty in ("L2", "ridge weights")
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-7 if conjugate_gradients else 1e-8)
    assert (found.gap <= options["tol"]).all()
    if not conjugate_gradients:
        assert found.reads == pytest.approx(expected.reads)


@pytest.mark.parametrize("loss", LOSSES)
def test_workers_give_the_dense_path(client, loss):
    for penalty in FEW:
        check("tall", loss, penalty)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_workers_give_the_dense_path_under_every_penalty(client, loss):
    for penalty in EXACT:
        check("tall", loss, penalty)


def test_x_and_y_may_both_lie_on_the_cluster(client):
    case = problem("weights, some zero")
    y = case.y("squared")
    found = ao.cross_validate(on_cluster("weights, some zero"), dask_array.from_array(y, chunks=20), folds=4)
    expected = ao.cross_validate(case.X, y, folds=4)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-9)


def test_a_killed_worker_changes_nothing(client):
    X, y = problem("tall").X, problem("tall").y("logistic")
    calm = ao.path(X, y, "logistic", n_alphas=30)
    workers = client.run(os.getpid)
    killed = []

    def kill(share: float) -> None:
        if share > 0.3 and not killed:
            killed.append(next(iter(workers.values())))
            os.kill(killed[0], signal.SIGKILL)

    fit = ao.path(on_cluster("tall"), y, "logistic", n_alphas=30, progress=kill)
    assert killed and killed[0] not in client.run(os.getpid).values()
    np.testing.assert_allclose(fit.coef, calm.coef, rtol=0, atol=1e-10)


def _dies_once(block: np.ndarray, mark: Path) -> np.ndarray:
    if len(block) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return block


def test_a_worker_killed_in_the_middle_of_a_read_changes_nothing(client, tmp_path):
    y = problem("tall").y("squared")
    expected = ao.path(problem("tall").X, y, n_alphas=10)
    X = on_cluster("tall").rechunk({1: -1}).map_blocks(_dies_once, tmp_path / "dead", dtype=float)
    fit = ao.path(X, y, n_alphas=10)
    assert (tmp_path / "dead").exists()
    np.testing.assert_allclose(fit.coef, expected.coef, rtol=0, atol=1e-10)


def _killed(block: np.ndarray) -> np.ndarray:
    if len(block):  # Dask tries functions on empty arrays first
        os.kill(os.getpid(), signal.SIGKILL)
    return block


def _too_large(block: np.ndarray) -> np.ndarray:
    if len(block):
        taken = [np.ones(50 << 17) for _ in range(20)]  # 50 MB each, a GB in all
        time.sleep(20)  # the worker's guardian looks now and then
        return block + taken[0][0]
    return block


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the cluster about its workers
@pytest.mark.parametrize("fault", [_killed, _too_large])
def test_a_block_that_ends_every_worker_is_told_with_the_mend(fault):
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": "500MB"}
    with (
        dask_config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster),
    ):
        X = on_cluster("tall").rechunk({1: -1}).map_blocks(fault, dtype=float)
        with pytest.raises(RuntimeError, match=r"ended several workers.*smaller blocks of rows"):
            ao.path(X, problem("tall").y("squared"))


SCHEDULER = """
import time
from distributed import LocalCluster
with LocalCluster(n_workers=1, processes=False, protocol="tcp", dashboard_address=":0") as cluster:
    print(cluster.scheduler_address, flush=True)
    time.sleep(120)
"""


@contextmanager
def scheduler():
    """A cluster in a process of its own, that process, and a client of it."""
    with subprocess.Popen([sys.executable, "-c", SCHEDULER], stdout=subprocess.PIPE, text=True) as process:
        try:
            with distributed.Client(process.stdout.readline().strip(), timeout=20):  # type: ignore[union-attr]
                yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the client about the scheduler that it lost
def test_a_lost_scheduler_is_told_with_the_mend_and_what_was_finished_is_kept(tmp_path):
    X, y = on_cluster("tall"), problem("tall").y("logistic")
    options = {"loss": "logistic", "n_alphas": 35}
    whole = ao.path(X, y, **options, checkpoint=tmp_path / "whole")

    with scheduler() as process:

        def lose(share: float) -> None:
            if share > 0.5 and process.poll() is None:
                process.kill()
                process.wait()

        with pytest.raises(RuntimeError, match="connection to the Dask scheduler is lost"):
            ao.path(X, y, **options, checkpoint=tmp_path / "c", progress=lose)
    done = []
    with scheduler():
        resumed = ao.path(X, y, **options, checkpoint=tmp_path / "c", progress=done.append)
    assert min(done) > 0.2  # the first parts were not solved again
    np.testing.assert_array_equal(resumed.coef, whole.coef)
