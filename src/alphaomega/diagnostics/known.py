"""The parts of the error where the process is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from .. import solvers
from ..designs import Dense
from ..losses import Loss
from ..penalties import Penalty
from ..problem import Control, Grid, Problem
from .moments import Moments, Votes
from .simulators import Process

Floats = NDArray[np.float64]
MOST_REDRAWS = 100  # of a training sample that lacks a class
RARE = 1e-12  # counts beyond this tail do not matter to a mean


@dataclass(frozen=True, eq=False)
class Truth:
    """New rows and what is true of them: the predictor and the mean (n,), and the expected deviance of the truth."""

    process: Process
    loss: Loss
    X: Floats
    eta: Floats
    mean: Floats

    @classmethod
    def of(cls, process: Process, loss: Loss, n: int, rng: np.random.Generator) -> Truth:
        """Draw the rows."""
        X = process.rows(n, rng)
        return cls(process, loss, X, process.eta(X), process.mean(X))

    def noise(self) -> float:
        """E deviance(y, eta), mean over rows."""
        if self.process.family == "gaussian":
            return self.process.noise_variance
        if self.process.family == "binomial":
            ones, zeros = (self.loss.deviance(np.full_like(self.eta, value), self.eta) for value in (1.0, 0.0))
            return float((self.mean * ones + (1 - self.mean) * zeros).mean())
        counts = np.arange(poisson.isf(RARE, self.mean.max()) + 1)
        grid = np.broadcast_to(counts[:, None], (len(counts), len(self.eta)))
        deviance = self.loss.deviance(grid.ravel(), np.tile(np.log(self.mean), len(counts))).reshape(grid.shape)
        return float((poisson.pmf(counts[:, None], self.mean) * deviance).sum(0).mean())


def known_process(
    process: Process,
    model: tuple[Loss, Penalty, bool, str],
    sizes: tuple[int, int, int],
    grid: Grid,
    spec: tuple[int | None, str],
    control: Control,
) -> dict[str, Any]:
    """The fields of the result: exact for linear fits on a fixed design, else over simulated training samples."""
    loss, penalty, standardize, error = model
    if loss.name != process.loss:
        raise ValueError(f"process {process.name!r} is of the {process.family} family; its loss is {process.loss!r}")
    draws, n_rows, n_test = sizes
    seed, design = spec
    rng = np.random.default_rng(seed)
    truth = Truth.of(process, loss, n_test, rng)
    X = process.rows(n_rows, rng)
    first = _problem(X, _target(process, X, rng), (loss, penalty, standardize))
    if design == "fixed" and error == "loss" and _linear(first):
        return _linear_parts(first, truth, process.mean(X), grid, control)
    if design == "fixed":
        targets = [_target(process, X, rng) for _ in range(draws)]
        problems = [first, *(replace(first, y=y) for y in targets)]
        paths = solvers.solve_many(problems, grid, control)[1:]
    else:
        paths = _random_designs(process, (loss, penalty, standardize), (draws, n_rows), (first, grid), rng, control)
    return _parts(paths, truth, error, rng)


def _problem(X: Floats, y: Floats, model: tuple[Loss, Penalty, bool]) -> Problem:
    loss, penalty, standardize = model
    return Problem(Dense(X), y, loss, penalty, np.ones(len(y)), standardize=standardize)


def _target(process: Process, X: Floats, rng: np.random.Generator) -> Floats:
    """y with more than one value: a sample without one of the classes has no fit."""
    for _ in range(MOST_REDRAWS):
        y = process.target(X, rng)
        if np.ptp(y) > 0:
            return y
    raise ValueError(f"{MOST_REDRAWS} samples of {len(X)} rows in a row hold one class only; pass a larger n_rows")


def _random_designs(
    process: Process,
    model: tuple[Loss, Penalty, bool],
    sizes: tuple[int, int],
    start: tuple[Problem, Grid],
    rng: np.random.Generator,
    control: Control,
) -> list[solvers.RawPath]:
    """A path for each training sample, X and y drawn anew, on the grid of the first."""
    first, grid = start
    quiet = replace(control, report=None)
    fixed = Grid(solvers.solve_path(first, grid, quiet).alphas)
    paths = []
    for number in range(sizes[0]):
        X = process.rows(sizes[1], rng)
        paths.append(solvers.solve_path(_problem(X, _target(process, X, rng), model), fixed, quiet))
        control.tell((number + 1) / sizes[0])
    return paths


def _parts(paths: list[solvers.RawPath], truth: Truth, error: str, rng: np.random.Generator) -> dict[str, Any]:
    """Bias and variance from the fits; the total from targets of its own, drawn for each fit."""
    loss, alphas = truth.loss, paths[0].alphas
    found: Moments | Votes
    if error == "loss":
        found = Moments(loss, truth.mean, len(alphas))
    else:
        found = Votes(loss, len(alphas), len(truth.mean), 2)
    totals = np.zeros((len(paths), len(alphas)))
    for number, raw in enumerate(paths):
        eta = raw.coef @ truth.X.T + raw.intercept[:, None]
        found.add(eta)
        fresh = truth.process.target(truth.X, rng)
        for k, own in enumerate(eta):
            wrong = loss.deviance(fresh, own) if error == "loss" else np.asarray(loss.predict(own)) != fresh
            totals[number, k] = wrong.mean()
    rows = found.rows()
    if isinstance(found, Moments):
        main, spread = found.parts(rows)
        bias = (main - loss.deviance(truth.mean, truth.eta)).mean(1)
        variance, noise = spread.mean(1), np.full(len(alphas), truth.noise())
    else:
        best = (truth.mean > 0.5).astype(np.intp)
        own_bias, own_variance = found.parts(best, rows)
        bias, variance = own_bias.mean(1), own_variance.mean(1)
        least = np.minimum(truth.mean, 1 - truth.mean)
        noise = ((1 - 2 * (own_bias + own_variance)) * least).mean(1)
    return {
        "alphas": alphas,
        "bias": bias,
        "variance": variance,
        "noise": noise,
        "bias_noise": bias + noise,
        "total": totals.mean(0),
        "standard_error": totals.std(0, ddof=1) / np.sqrt(len(paths)),
        "kind": "simulated",
    }


def _linear(problem: Problem) -> bool:
    """Whether the fit is a linear function of y."""
    terms = problem.terms
    if terms is None or not problem.loss.constant_curvature or terms.bounded or terms.groups is not None:
        return False
    return not (terms.l1[~terms.excluded] > 0).any()


def _linear_parts(problem: Problem, truth: Truth, mean: Floats, grid: Grid, control: Control) -> dict[str, Any]:
    """f^(x) = s(x)'y: its mean is s(x)'f and its variance sigma^2 ||s(x)||^2; s from the fits to unit vectors."""
    n = len(mean)
    alphas = solvers.solve_path(problem, grid, replace(control, report=None)).alphas
    units = solvers.solve_many([replace(problem, y=unit) for unit in np.eye(n)], Grid(alphas), control)
    smoother = np.array([raw.coef @ truth.X.T + raw.intercept[:, None] for raw in units])  # (n, m, n_test)
    expected = np.einsum("i,imt->mt", mean, smoother)
    bias = ((expected - truth.mean) ** 2).mean(1)
    variance = truth.process.noise_variance * (smoother**2).sum(0).mean(1)
    noise = np.full(len(alphas), truth.noise())
    return {
        "alphas": alphas,
        "bias": bias,
        "variance": variance,
        "noise": noise,
        "bias_noise": bias + noise,
        "total": bias + variance + noise,
        "standard_error": np.zeros(len(alphas)),
        "kind": "exact",
    }
