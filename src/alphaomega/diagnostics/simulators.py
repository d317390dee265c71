"""Processes with a known truth: what a fit should have found can be said exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
FAMILIES = {"gaussian": "squared", "binomial": "logistic", "poisson": "poisson"}
LARGEST_PREDICTOR = 5.0  # of a mean exp(eta)


@dataclass(frozen=True, eq=False)
class Process:
    """Rows x with independent targets: E[y | x] = mean(eta(x)), eta(x) = x'coef + bend(x).

    Attributes
    ----------
    name : what it is called.
    coef : (p,) the linear part; the columns of x have variance one.
    noise : standard deviation of the normal noise; for the gaussian family alone.
    family : "gaussian", "binomial" (mean 1 / (1 + exp(-eta))) or "poisson" (mean exp(eta)).
    mixing : (p, p) or None: x = z mixing with standard normal z; None for independent columns.
    bend : what is not linear in x, from (n, p) to (n,); None for nothing.
    outliers : the share of gaussian rows whose noise is `outlier_size` times as large.

    Examples
    --------
    >>> process = sparse(p=20, k=3, seed=1)
    >>> X, y = process.draw(50, seed=0)
    >>> X.shape, y.shape, int((process.coef != 0).sum())
    ((50, 20), (50,), 3)
    """

    name: str
    coef: Floats
    noise: float = 1.0
    family: str = "gaussian"
    mixing: Floats | None = None
    bend: Callable[[Floats], Floats] | None = None
    outliers: float = 0.0
    outlier_size: float = 10.0

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {self.family!r}")
        if not (np.isfinite(self.noise) and self.noise >= 0):
            raise ValueError(f"noise must be a finite number >= 0, got {self.noise!r}")

    @property
    def loss(self) -> str:
        """The loss of the family."""
        return FAMILIES[self.family]

    @property
    def noise_variance(self) -> float:
        """Variance of y around its mean, outliers included; gaussian family."""
        return self.noise**2 * (1 + self.outliers * (self.outlier_size**2 - 1))

    def rows(self, n: int, rng: np.random.Generator) -> Floats:
        """X (n, p)."""
        z = rng.standard_normal((n, len(self.coef)))
        return z if self.mixing is None else z @ self.mixing

    def eta(self, X: Floats) -> Floats:
        """The true linear predictor (n,)."""
        linear = X @ self.coef
        return linear if self.bend is None else linear + self.bend(X)

    def mean(self, X: Floats) -> Floats:
        """E[y | x], (n,): for two classes the probability of class 1."""
        eta = self.eta(X)
        if self.family == "gaussian":
            return eta
        return expit(eta) if self.family == "binomial" else np.exp(np.minimum(eta, LARGEST_PREDICTOR))

    def target(self, X: Floats, rng: np.random.Generator) -> Floats:
        """y (n,), drawn afresh for these rows."""
        mean = self.mean(X)
        if self.family == "binomial":
            return (rng.random(len(mean)) < mean).astype(float)
        if self.family == "poisson":
            return rng.poisson(mean).astype(float)
        size = np.where(rng.random(len(mean)) < self.outliers, self.outlier_size, 1.0)
        return mean + self.noise * size * rng.standard_normal(len(mean))

    def draw(self, n: int, seed: int | None = 0) -> tuple[Floats, Floats]:
        """X (n, p) and y (n,)."""
        rng = np.random.default_rng(seed)
        X = self.rows(n, rng)
        return X, self.target(X, rng)


def sparse(p: int = 100, k: int = 5, snr: float = 4.0, family: str = "gaussian", seed: int = 0) -> Process:
    """k of p independent features matter, by +-1 each; `snr` is the variance of eta over that of the noise."""
    coef = np.zeros(p)
    coef[:k] = _signs(k, seed)
    return _scaled("sparse", coef, snr, family)


def dense_equal(p: int = 100, snr: float = 4.0, family: str = "gaussian", seed: int = 0) -> Process:
    """All p independent features matter equally, with random signs."""
    return _scaled("dense, equal", _signs(p, seed), snr, family)


def grouped(
    p: int = 100, size: int = 5, k: int = 2, snr: float = 4.0, family: str = "gaussian", seed: int = 0
) -> Process:
    """k whole groups of `size` neighbouring features matter."""
    coef = np.zeros(p)
    coef[: k * size] = _signs(k * size, seed)
    return _scaled("grouped", coef, snr, family)


def correlated(
    p: int = 100, k: int = 5, correlation: float = 0.9, snr: float = 4.0, family: str = "gaussian", seed: int = 0
) -> Process:
    """Features correlate by correlation^|i - j|; k of them, spread evenly, matter."""
    if not -1 < correlation < 1:
        raise ValueError(f"correlation must lie between -1 and 1, got {correlation!r}")
    coef = np.zeros(p)
    coef[np.linspace(0, p - 1, k).astype(int)] = _signs(k, seed)
    distance = abs(np.subtract.outer(np.arange(p), np.arange(p)))
    mixing = np.linalg.cholesky(correlation**distance).T
    return _scaled("correlated", coef, snr, family, mixing)


def contaminated(p: int = 20, k: int = 5, share: float = 0.05, snr: float = 4.0, seed: int = 0) -> Process:
    """A sparse process in which a share of the rows has ten times the noise."""
    if not 0 <= share < 1:
        raise ValueError(f"share must lie in [0, 1), got {share!r}")
    base = sparse(p, k, snr, seed=seed)
    return Process("outliers", base.coef, base.noise, outliers=share)


def nonlinear(p: int = 20, k: int = 3, snr: float = 4.0, seed: int = 0) -> Process:
    """k features act linearly, the next one by its square and the one after by a sine: no linear model is right."""
    if p < k + 2:
        raise ValueError(f"p must be at least k + 2 = {k + 2}, got {p}")
    coef = np.zeros(p)
    coef[:k] = _signs(k, seed)

    def bend(X: Floats) -> Floats:
        return (X[:, k] ** 2 - 1) / np.sqrt(2) + np.sqrt(2) * np.sin(2 * X[:, k + 1])

    variance = k + 1 + 1 - np.exp(-8)  # the square has variance 1, the sine (1 - exp(-2 4)) / 2 times 2
    return Process("non-linear", coef, float(np.sqrt(variance / snr)), bend=bend)


#: name -> process: what the laws run over.
REGISTRY: dict[str, Callable[[], Process]] = {
    "sparse": lambda: sparse(12, 3),
    "dense, equal": lambda: dense_equal(12),
    "grouped": lambda: grouped(12, 3, 2),
    "correlated": lambda: correlated(12, 3),
    "outliers": lambda: contaminated(12, 3),
    "non-linear": lambda: nonlinear(12, 3),
    "two classes": lambda: sparse(12, 3, family="binomial"),
    "counts": lambda: sparse(12, 3, family="poisson"),
}


def _signs(k: int, seed: int) -> Floats:
    return np.where(np.random.default_rng(seed).random(k) < 0.5, -1.0, 1.0)


def _scaled(name: str, coef: Floats, snr: float, family: str, mixing: Floats | None = None) -> Process:
    """Noise of the size that `snr` asks for; classes and counts have their own noise, and eta the variance `snr`."""
    if not snr > 0:
        raise ValueError(f"snr must be > 0, got {snr!r}")
    size = float(np.linalg.norm(coef if mixing is None else mixing @ coef))
    if family == "gaussian":
        return Process(name, coef, size / np.sqrt(snr), mixing=mixing)
    wanted = np.sqrt(snr) if family == "binomial" else min(np.sqrt(snr), 1.0)  # exp(eta) grows fast
    return Process(name, coef * wanted / size, 1.0, family, mixing)
