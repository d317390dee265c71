"""The problems: arrays by seed, and real data where the folder with it is at hand."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.sparse

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True, eq=False)
class Problem:
    """X (n, p), y (n,), and where the grid of alphas ends, as a share of the alpha where it starts."""

    X: Any
    y: np.ndarray
    ratio: float
    offset: np.ndarray | None = None

    @property
    def megabytes(self) -> float:
        """The size of X."""
        X = self.X
        size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes if scipy.sparse.issparse(X) else X.nbytes
        return size / 1e6


def autoregressive(rng: np.random.Generator, n: int, p: int, correlation: float) -> np.ndarray:
    """(n, p) Gaussian columns, each correlated with the one before it, in Fortran order."""
    X = np.asfortranarray(rng.standard_normal((n, p)))
    fresh = np.sqrt(1 - correlation**2)
    for j in range(1, p):
        X[:, j] = correlation * X[:, j - 1] + fresh * X[:, j]
    return X


def generated(n: int, p: int, support: int, correlation: float, snr: float) -> Callable[[int], Problem]:
    """`support` coefficients of +-1 on evenly spaced columns, noise of variance signal / snr, intercept 2."""

    def make(seed: int) -> Problem:
        rng = np.random.default_rng(seed)
        X = autoregressive(rng, n, p, correlation)
        coef = np.zeros(p)
        coef[np.linspace(0, p - 1, support).astype(int)] = rng.choice([-1.0, 1.0], support)
        signal = X @ coef
        y = signal + rng.standard_normal(n) * signal.std() / np.sqrt(snr) + 2
        return Problem(X, y, 1e-4 if n > p else 1e-2)

    return make


def leukemia(seed: int) -> Problem:
    """Golub's 72 x 7129 intensities, columns standardised; ALL = 1, AML = -1."""
    import polars

    frame = polars.read_csv(DATA / "leukemia" / "golub_72x7129.csv.gz")
    X = frame.drop("sample", "split", "y").to_numpy().astype(float)
    deviation = X.std(0)
    X = (X - X.mean(0)) / np.where(deviation > 0, deviation, 1)
    return Problem(np.asfortranarray(X), np.where(frame["y"].to_numpy() == "ALL", 1.0, -1.0), 1e-2)


def news20(seed: int) -> Problem:
    """20 newsgroups, 15935 x 60346 sparse: log(1 + count), rows of unit norm; classes 1-10 = 1, 11-20 = -1."""
    with gzip.open(DATA / "news20" / "X.mtx.gz") as file:
        X = scipy.sparse.csc_matrix(scipy.io.mmread(file), dtype=float)
    classes = np.loadtxt(DATA / "news20" / "y.csv", skiprows=1, converters=lambda text: float(text.strip('"')))
    X.data = np.log1p(X.data)
    X = X[:, np.diff(X.indptr) > 0]
    norms = np.sqrt(np.asarray(X.multiply(X).sum(1)).ravel())
    return Problem(scipy.sparse.csc_matrix(scipy.sparse.diags(1 / norms) @ X), np.where(classes <= 10, 1.0, -1.0), 5e-2)


def claims(seed: int) -> Problem:
    """freMTPL2freq: 677991 policies, 5 standardised numbers and 41 indicators; counts, with log(exposure) as offset."""
    import polars

    frame = polars.read_csv(DATA / "freMTPL2freq" / "freMTPL2freq.csv.gz", infer_schema_length=None)
    numbers = frame.select("VehPower", "VehAge", "DrivAge", "BonusMalus", polars.col("Density").log()).to_numpy()
    levels = frame.select("VehBrand", "VehGas", "Area", "Region").to_dummies().to_numpy()
    X = np.asfortranarray(np.hstack([(numbers - numbers.mean(0)) / numbers.std(0), levels]), dtype=float)
    exposure = frame["Exposure"].to_numpy().clip(None, 1)
    return Problem(X, frame["ClaimNb"].to_numpy().astype(float), 1e-4, np.log(exposure))


PROBLEMS: dict[str, Callable[[int], Problem]] = {
    "gene": generated(72, 7129, 20, 0.9, 5),
    "leukemia": leukemia,
    "wide": generated(500, 10000, 50, 0.5, 3),
    "corr": generated(1000, 5000, 100, 0.95, 3),
    "tall": generated(20000, 1000, 100, 0.5, 1),
    "long": generated(200000, 100, 30, 0.3, 1),
    "news20": news20,
    "freMTPL2freq": claims,
}
FOLDERS = ("leukemia", "news20", "freMTPL2freq")


def available(name: str) -> bool:
    """Whether the data of a problem are at hand."""
    return name not in FOLDERS or (DATA / name).is_dir()


@dataclass(frozen=True)
class Suite:
    """One question asked of several problems: a path under one loss, or the cross-validation of a path."""

    loss: str
    problems: tuple[str, ...]
    cross_validated: bool = False


SUITES = {
    "path": Suite("squared", ("gene", "leukemia", "wide", "corr", "tall", "long", "news20")),
    "logistic": Suite("logistic", ("gene", "wide", "tall")),
    "poisson": Suite("poisson", ("freMTPL2freq",)),
    "cv": Suite("squared", ("gene", "wide", "tall"), cross_validated=True),
}


def make(suite: Suite, name: str, seed: int) -> Problem:
    """The problem as the suite wants it: for the logistic loss y is split at its median."""
    problem = PROBLEMS[name](seed)
    if suite.loss == "logistic" and not set(np.unique(problem.y)) <= {-1.0, 1.0}:
        return Problem(problem.X, (problem.y > np.median(problem.y)).astype(float), problem.ratio)
    return problem
