"""Times every solver on one problem: each in its own process on the same arrays, all in turn, medians."""

from __future__ import annotations

import json
import os
import selectors
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import certify, glmnet
from .peers import PEERS, Task
from .problems import SUITES, make
from .worker import write_task

ROOT = Path(__file__).resolve().parents[1]
OURS = "alphaomega"


class Unfinished(Exception):
    """A run took longer than allowed, or broke off."""


@dataclass(frozen=True)
class Control:
    """The peers' Python, rounds of interleaved runs, the longest run and the longest sum of runs (seconds)."""

    python: str
    rounds: int = 5
    limit: float = 60.0
    seed: int = 0
    gap: float = 1e-6
    only: tuple[str, ...] = tuple(PEERS)


class Worker:
    """A solver's process; `run` asks it for one run."""

    def __init__(self, key: tuple[str, str, float], folder: Path, control: Control) -> None:
        peer, name, tol = key
        own = peer in (OURS, "glmnet")
        python = sys.executable if own else control.python
        environment = {k: v for k, v in os.environ.items() if own or k != "PYTHONPATH"}
        self.peer, self.name, self.tol, self.limit = peer, name, tol, control.limit
        self.solution = folder / f"{peer}-{name}-{tol:g}.npz"
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", peer, name, repr(tol), str(folder)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.runs: list[dict] = []
        try:
            self.version = self._answer(300)["version"]
        except Unfinished:
            self.close()
            raise

    def run(self) -> dict:
        """Seconds, peak memory, reads."""
        assert self.process.stdin is not None
        print(self.solution.name, file=self.process.stdin, flush=True)
        answer = self._answer(self.limit)
        self.runs.append(answer)
        return answer

    def spent(self) -> float:
        """Seconds of all runs."""
        return sum(answer["seconds"] for answer in self.runs)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def _answer(self, limit: float) -> dict:
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(limit):
                raise Unfinished(f"took more than {limit:g} s")
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Unfinished("broke off")
        return json.loads(line)


@dataclass(eq=False)
class Race:
    """One problem of one suite: arrays in a folder, and the workers that solve it."""

    suite: str
    problem: str
    control: Control
    folder: Path
    stack: ExitStack
    rows: list[dict] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        asked = SUITES[self.suite]
        self.data = make(asked, self.problem, self.control.seed)
        self.loss = asked.loss
        self.alphas = certify.grid(self.loss, self.data)
        write_task(self.folder, Task(self.data.X, self.data.y, self.alphas, 1.0, self.data.offset))
        self.tasks = (self.loss, "cv") if asked.cross_validated else (self.loss,)

    def enter(self, peer: str) -> None:
        """Keep a worker at the peer's own tolerance, and one at the first that reaches the gap, or at its tightest."""
        tolerances = PEERS[peer].tolerances
        for name in self.tasks:
            if name not in PEERS[peer].tasks:
                return
            row = self._try(peer, name, tolerances[0], "default")
            if row is None:
                return
            if row["gap"] is not None and row["gap"] <= self.control.gap:
                row["setting"] = "default, reaches the gap"
        if len(self.tasks) == 1 and row["setting"] == "default":
            self._seek(peer, name, tolerances[1:])

    def _seek(self, peer: str, name: str, tolerances: tuple[float, ...]) -> None:
        for tol in tolerances:
            row = self._try(peer, name, tol, "at the gap")
            if row is None or row["gap"] <= self.control.gap:
                return
            if tol == tolerances[-1]:
                row["setting"] = "tightest, misses the gap"
            else:
                self.workers.pop().close()
                self.rows.pop()

    def enter_again(self, earlier: list[dict]) -> None:
        """The settings of earlier rows of one peer; one that did not end is not tried again."""
        for row in earlier:
            if "failure" in row:
                self.rows.append(row)
            else:
                self._try(row["solver"], row["task"], row["tol"], row["setting"])

    def _row(self, peer: str, name: str, tol: float, setting: str) -> dict:
        n, p = self.data.X.shape
        return {
            "suite": self.suite, "problem": self.problem, "n": n, "p": p, "megabytes": self.data.megabytes,
            "solver": peer, "task": name, "setting": setting, "tol": tol,
        }  # fmt: skip

    def _try(self, peer: str, name: str, tol: float, setting: str) -> dict | None:
        """A worker's first run, certified; None, and a row that says so, where it does not end."""
        row = self._row(peer, name, tol, setting)
        self.rows.append(row)
        try:
            worker = Worker((peer, name, tol), self.folder, self.control)
            self.stack.callback(worker.close)
            first = worker.run()
        except Unfinished as reason:
            row["failure"] = str(reason)
            return None
        self.workers.append(worker)
        row |= {"version": worker.version, "gap": self._gap(worker), "reads": first["reads"], "peak": first["peak"]}
        row |= {"alpha": first["alpha"]}
        gap = "" if row["gap"] is None else f"  gap {row['gap']:.1e}"
        print(f"  {peer:12s} {name} tol {tol:.0e}  {first['seconds']:8.3f} s{gap}", flush=True)
        return row

    def _gap(self, worker: Worker) -> float | None:
        with np.load(worker.solution) as solution:
            coef, intercept = solution["coef"], solution["intercept"]
        if not coef.size:
            return None
        if len(coef) < len(self.alphas):
            return np.inf
        return float(certify.gaps(self.loss, self.data, self.alphas, coef, intercept).max())

    def time(self) -> None:
        """Rounds of all workers in turn; one whose runs are long takes part in fewer."""
        for worker in self.workers:
            if self.control.rounds and worker.runs[0]["seconds"] <= self.control.limit / 10:
                worker.runs = []  # the first run paid for what was not warm
        for _ in range(self.control.rounds):
            for worker in self.workers:
                if not worker.runs or worker.spent() + worker.runs[-1]["seconds"] <= self.control.limit / 5:
                    worker.run()
        rows = [row for row in self.rows if "failure" not in row]
        for row, worker in zip(rows, self.workers, strict=True):
            seconds = [answer["seconds"] for answer in worker.runs]
            row |= {"seconds": statistics.median(seconds), "fastest": min(seconds), "slowest": max(seconds)}
            row["runs"] = len(seconds)


@contextmanager
def race(suite: str, problem: str, control: Control) -> Iterator[Race]:
    """A race whose processes and files are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        yield Race(suite, problem, control, Path(folder), stack)


def installed(control: Control) -> list[str]:
    """Ours first, then whichever of the peers asked for are there."""
    script = "import sys; from importlib.util import find_spec; print(*(n for n in sys.argv[1:] if find_spec(n)))"
    modules = {name: "sklearn" if name == "scikit-learn" else name for name in control.only}
    done = subprocess.run(
        [control.python, "-c", script, *modules.values()], capture_output=True, text=True, check=True, cwd=ROOT / "docs"
    )
    there = set(done.stdout.split())
    peers = [name for name, module in modules.items() if name != OURS and module in there]
    return [OURS, *peers, *(["glmnet"] if "glmnet" in modules and glmnet.version() else [])]


def run(suite: str, problem: str, control: Control, earlier: list[dict]) -> list[dict]:
    """One row per solver and setting; those of `earlier` rows where a solver has any, else sought."""
    with race(suite, problem, control) as found:
        for peer in installed(control):
            settings = [row for row in earlier if row["solver"] == peer]
            if settings:
                found.enter_again(settings)
            else:
                found.enter(peer)
        found.time()
        return found.rows
