"""Does each interval cover as often as it says? Simulations over many data sets, each measured with its own error.

Every case is a function from a seed to what one data set shows: shares of coefficients covered, or ranks of the truth
among posterior draws. `python tests/calibration.py [CASE ...]` prints the table over 1,000 data sets, `--sets` and
`--first` over others.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit

import alphaomega as ao
from alphaomega.fitting import ConvergenceWarning

LEVEL = 0.9
RANKS = 100  # a rank of the truth among 99 draws is uniform on 0..99 where the posterior is right


@dataclass(frozen=True)
class Measured:
    """A share over data sets, and its Monte-Carlo standard error."""

    share: float
    error: float
    sets: int

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} % +- {100 * self.error:.1f} over {self.sets:,} data sets"


def coverage(case: Callable[[int], float | None], sets: int, seed: int = 0) -> Measured:
    """The mean share covered, from a seed on; data sets in which nothing was selected (None) are replaced."""
    found: list[float] = []
    while len(found) < sets:
        share = case(seed)
        seed += 1
        if share is not None:
            found.append(float(share))
    return Measured(float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(sets)), sets)


def uniformity(values: np.ndarray) -> float:
    """p-value of values in [0, 1] being uniform, by 20 equal bins."""
    counts = np.bincount(np.minimum((np.asarray(values) * 20).astype(int), 19), minlength=20)
    return float(stats.chisquare(counts).pvalue)


def covered(lower: np.ndarray, upper: np.ndarray, truth: np.ndarray) -> float:
    """The share of intervals that hold the truth."""
    return float(np.mean((lower <= truth) & (truth <= upper)))


def correlated(rng: np.random.Generator, n: int, p: int, correlation: float = 0.5) -> np.ndarray:
    """Columns of unit variance, each correlated with the one before."""
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * X[:, j]
    return X


# Intervals under repeated sampling: the truth is fixed.

TRUTH = np.array([0.8, 0.0, -0.5, 0.0, 0.0, 0.3, 0.0, 0.0])


def ols(seed: int) -> float:
    """40 rows, 8 columns."""
    rng = np.random.default_rng([1, seed])
    X = correlated(rng, 40, 8)
    table = ao.inference.ols(X, X @ TRUTH + rng.standard_normal(40), level=LEVEL)
    return covered(table.lower[1:], table.upper[1:], TRUTH)


def robust(seed: int) -> float:
    """HC3, 80 rows, errors that grow with the first column."""
    rng = np.random.default_rng([2, seed])
    X = correlated(rng, 80, 8)
    y = X @ TRUTH + rng.standard_normal(80) * (0.5 + abs(X[:, 0]))
    table = ao.inference.ols(X, y, level=LEVEL, covariance="HC3")
    return covered(table.lower[1:], table.upper[1:], TRUTH)


def logistic(seed: int) -> float:
    """Wald intervals at alpha = 0, 300 rows."""
    rng = np.random.default_rng([3, seed])
    X = correlated(rng, 300, 8)
    table = ao.inference.glm(X, rng.uniform(size=300) < expit(X @ TRUTH), level=LEVEL)
    return covered(table.lower[1:], table.upper[1:], TRUTH)


def poisson(seed: int) -> float:
    """Wald intervals at alpha = 0, 100 rows, with exposure."""
    rng = np.random.default_rng([4, seed])
    X, offset = correlated(rng, 100, 8), rng.uniform(0, 2, 100)
    y = rng.poisson(np.exp(X @ TRUTH / 2 + offset))
    table = ao.inference.glm(X, y, "poisson", offset=offset, level=LEVEL)
    return covered(table.lower[1:], table.upper[1:], TRUTH / 2)


def selected(
    seed: int, truth: np.ndarray = TRUTH, **how: float
) -> tuple[np.ndarray, np.ndarray, ao.inference.SelectiveInference]:
    """60 rows, 8 columns, the lasso at alpha = 0.15; and the truth of the selected model."""
    rng = np.random.default_rng([5, seed])
    X = correlated(rng, 60, 8)
    X -= X.mean(0)
    y = X @ truth + rng.standard_normal(60)
    table = ao.inference.selective(X, y, 0.15, level=LEVEL, **how)
    return np.linalg.lstsq(X[:, table.indices], X @ truth)[0], X, table


def polyhedral(seed: int) -> float | None:
    """Known noise variance."""
    truth, _, table = selected(seed, noise_variance=1.0)
    return covered(table.lower, table.upper, truth) if len(truth) else None


def polyhedral_estimated(seed: int) -> float | None:
    """Noise variance from least squares on all columns."""
    truth, _, table = selected(seed)
    return covered(table.lower, table.upper, truth) if len(truth) else None


def naive(seed: int) -> float | None:
    """Least squares on the selected columns as if they had been chosen beforehand."""
    rng = np.random.default_rng([5, seed])
    truth, X, table = selected(seed, noise_variance=1.0)
    X_again = correlated(rng, 60, 8)
    assert np.array_equal(X_again - X_again.mean(0), X)
    y = X @ TRUTH + rng.standard_normal(60)
    if not len(truth):
        return None
    fit = ao.inference.ols(X[:, table.indices], y, level=LEVEL)
    return covered(fit.lower[1:], fit.upper[1:], truth)


def ridge(seed: int, known: bool) -> float:
    """40 rows, 8 columns, alpha = 0.3; the bound is the truth's own size, or that of least squares."""
    rng = np.random.default_rng([11, seed])
    X = correlated(rng, 40, 8)
    bound = float(np.linalg.norm(TRUTH)) if known else None
    table = ao.inference.ridge(X, X @ TRUTH + rng.standard_normal(40), 0.3, bound=bound, level=LEVEL)
    return covered(table.lower, table.upper, TRUTH)


def ridge_naive(seed: int) -> float:
    """The same, as if ridge had no bias."""
    rng = np.random.default_rng([11, seed])
    X = correlated(rng, 40, 8)
    table = ao.inference.ridge(X, X @ TRUTH + rng.standard_normal(40), 0.3, bound=1.0, level=LEVEL)
    margin = stats.norm.ppf((1 + LEVEL) / 2) * table.standard_error
    return covered(table.coef - margin, table.coef + margin, TRUTH)


def null_p(seed: int) -> float | None:
    """The p-value of one selected feature where none matters."""
    table = selected(seed, np.zeros(8), noise_variance=1.0)[2]
    return None if not len(table.names) else float(table.p[seed % len(table.names)])


def null_p_lar(seed: int) -> float | None:
    """The p-value of the step after the only true feature."""
    rng = np.random.default_rng([6, seed])
    X = rng.standard_normal((40, 6))
    steps = ao.inference.lar(X, 3 * X[:, 2] + rng.standard_normal(40), 2, noise_variance=1.0)
    return float(steps.p[1]) if steps.names[0] == "x2" else None


def debiased(seed: int, only: str = "all") -> float:
    """100 rows, 200 correlated columns of which 5 matter; the 5 and 10 others are asked."""
    rng = np.random.default_rng([7, seed])
    X = correlated(rng, 100, 200)
    order = rng.permutation(200)
    truth = np.zeros(200)
    truth[order[:5]] = rng.choice([-1, 1], 5) * rng.uniform(0.3, 2, 5)
    asked = {"all": order[:15], "true": order[:5], "null": order[5:15]}[only]
    table = ao.inference.debiased(X, X @ truth + rng.standard_normal(100), level=LEVEL, features=asked.tolist())
    return covered(table.lower, table.upper, truth[asked])


# Posteriors under their own prior: the truth is drawn from it. Ranks are those of the truth among the draws.


def rank(truth: float, draws: np.ndarray) -> float:
    """The rank of the truth among `RANKS - 1` thinned draws, as a share in [0, 1)."""
    flat = draws.reshape(-1)
    thin = flat[np.linspace(0, len(flat) - 1, RANKS - 1).astype(int)]
    return float((thin < truth).sum()) / RANKS


def gaussian_set(seed: int, prior: ao.priors.Prior, **how: float) -> tuple[np.ndarray, ao.bayes.Posterior]:
    """25 rows, 10 columns, noise variance 2."""
    rng = np.random.default_rng([8, seed])
    X = correlated(rng, 25, 10)
    truth = ao.priors.Gaussian(0.7).draw(10, rng)
    y = 1 + X @ truth + np.sqrt(2.0) * rng.standard_normal(25)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a scale of 0 is said so, and counts as it is
        return truth, ao.posterior(X, y, prior, **how)


def gaussian(seed: int) -> float:
    """Scale and noise variance known."""
    truth, found = gaussian_set(seed, ao.priors.Gaussian(0.7), noise_variance=2.0)
    return covered(*found.interval(LEVEL), truth)


def gaussian_evidence(seed: int) -> float:
    """Scale and noise variance where the evidence is largest: not exact."""
    truth, found = gaussian_set(seed, ao.priors.Gaussian())
    return covered(*found.interval(LEVEL), truth)


def gaussian_ranks(seed: int) -> list[float]:
    """One coefficient, the intercept, and the whole vector's distance."""
    truth, found = gaussian_set(seed, ao.priors.Gaussian(0.7), noise_variance=2.0)
    place = seed % 10
    distance = (truth - found.mean) @ np.linalg.solve(found.covariance(), truth - found.mean)
    return [
        float(stats.norm.cdf(truth[place], found.mean[place], found.deviation[place])),
        float(stats.norm.cdf(1.0, found.intercept_mean, found.intercept_deviation)),
        float(stats.chi2.cdf(distance, 10)),
    ]


def laplace_set(seed: int, learnt: bool) -> tuple[np.ndarray, float, ao.bayes.Posterior]:
    """25 rows, 10 columns; scale and noise variance known, or both learnt under their own priors.

    The learnt scale is half-Cauchy, in noise deviations per standard deviation of a column. The noise variance has the
    density 1 / v, which no truth can be drawn from; but a change of y's unit changes the posterior likewise, so that
    ranks given any one v are those over all, and v = 2 is taken.
    """
    rng = np.random.default_rng([9, seed])
    X = correlated(rng, 25, 10)
    scale = 0.5
    if learnt:
        spread = ((X - X.mean(0)) ** 2).mean()
        scale = float(np.sqrt(2.0 / spread) * abs(rng.standard_cauchy()))
    truth = ao.priors.Laplace(scale).draw(10, rng)
    y = 1 + X @ truth + np.sqrt(2.0) * rng.standard_normal(25)
    prior, how = (ao.priors.Laplace(), {}) if learnt else (ao.priors.Laplace(0.5), {"noise_variance": 2.0})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return truth, scale, ao.posterior(X, y, prior, seed=seed, chains=2, draws=500, **how)


def laplace(seed: int) -> float:
    """Scale and noise variance known."""
    truth, _, found = laplace_set(seed, learnt=False)
    return covered(*found.interval(LEVEL), truth)


def laplace_learnt(seed: int) -> float:
    """Scale and noise variance learnt."""
    truth, _, found = laplace_set(seed, learnt=True)
    return covered(*found.interval(LEVEL), truth)


def laplace_ranks(seed: int) -> list[float]:
    """One coefficient, the intercept, and the log density of the truth."""
    truth, _, found = laplace_set(seed, learnt=False)
    draws, place = found.draws, seed % 10
    size = abs(draws["coef"]).sum(-1)
    return [
        rank(truth[place], draws["coef"][..., place]),
        rank(1.0, draws["intercept"]),
        rank(abs(truth).sum(), size),
    ]


def laplace_learnt_ranks(seed: int) -> list[float]:
    """One coefficient, the intercept, the noise variance, and the scale."""
    truth, scale, found = laplace_set(seed, learnt=True)
    draws, place = found.draws, seed % 10
    return [
        rank(truth[place], draws["coef"][..., place]),
        rank(1.0, draws["intercept"]),
        rank(2.0, draws["noise_variance"]),
        rank(scale, draws["scale"]),
    ]


def logistic_set(seed: int, kind: str, learnt: bool) -> tuple[np.ndarray, float, ao.bayes.Posterior] | None:
    """60 rows, 4 columns; scale known, or learnt under its half-Cauchy prior. One class alone has no posterior."""
    rng = np.random.default_rng([10, seed])
    X = correlated(rng, 60, 4)
    X -= X.mean(0)
    make = {"Gaussian": ao.priors.Gaussian, "Laplace": ao.priors.Laplace}[kind]
    scale = float(abs(rng.standard_cauchy()) / np.sqrt((X**2).mean())) if learnt else 0.7
    truth = make(scale).draw(4, rng)
    y = rng.uniform(size=60) < expit(X @ truth)
    if y.all() or not y.any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = ao.posterior(
            X, y, make() if learnt else make(scale), seed=seed, chains=2, draws=400, loss="logistic", intercept=False
        )
    return truth, scale, found


def logistic_gaussian(seed: int) -> float | None:
    """Gaussian prior, scale known, no intercept."""
    found = logistic_set(seed, "Gaussian", learnt=False)
    return None if found is None else covered(*found[2].interval(LEVEL), found[0])


def logistic_laplace(seed: int) -> float | None:
    """Laplace prior, scale known, no intercept."""
    found = logistic_set(seed, "Laplace", learnt=False)
    return None if found is None else covered(*found[2].interval(LEVEL), found[0])


def logistic_ranks(seed: int, kind: str, learnt: bool) -> list[float]:
    """One coefficient, and the length of the vector or the scale; seeds of one class alone have no ranks."""
    found = logistic_set(seed, kind, learnt)
    if found is None:
        return []
    truth, scale, posterior = found
    draws, place = posterior.draws["coef"], seed % 4
    second = rank(scale, posterior.draws["scale"]) if learnt else rank(float(truth @ truth), (draws**2).sum(-1))
    return [rank(truth[place], draws[..., place]), second]


COVERAGE: dict[str, Callable[[int], float | None]] = {
    "ols": ols,
    "robust": robust,
    "logistic": logistic,
    "poisson": poisson,
    "polyhedral": polyhedral,
    "polyhedral, noise estimated": polyhedral_estimated,
    "naive after selection": naive,
    "ridge, bound known": lambda seed: ridge(seed, known=True),
    "ridge, bound estimated": lambda seed: ridge(seed, known=False),
    "ridge as if unbiased": ridge_naive,
    "debiased": debiased,
    "debiased, true features": lambda seed: debiased(seed, "true"),
    "debiased, null features": lambda seed: debiased(seed, "null"),
    "gaussian": gaussian,
    "gaussian, evidence": gaussian_evidence,
    "laplace": laplace,
    "laplace, learnt": laplace_learnt,
    "logistic gaussian": logistic_gaussian,
    "logistic laplace": logistic_laplace,
}
UNIFORM: dict[str, Callable[[int], float | list[float] | None]] = {
    "null p, polyhedral": null_p,
    "null p, least angle": null_p_lar,
    "ranks, gaussian": gaussian_ranks,
    "ranks, laplace": laplace_ranks,
    "ranks, laplace learnt": laplace_learnt_ranks,
    "ranks, logistic gaussian": lambda seed: logistic_ranks(seed, "Gaussian", learnt=False),
    "ranks, logistic laplace": lambda seed: logistic_ranks(seed, "Laplace", learnt=False),
    "ranks, logistic gaussian learnt": lambda seed: logistic_ranks(seed, "Gaussian", learnt=True),
}


def uniform_p(case: Callable[[int], float | list[float] | None], sets: int, seed: int = 0) -> list[float]:
    """For each quantity of the case the p-value of its values being uniform, over so many data sets from a seed on."""
    found: list[np.ndarray] = []
    while len(found) < sets:
        values = case(seed)
        seed += 1
        if values is not None and np.size(values):
            found.append(np.atleast_1d(values))
    return [uniformity(column) for column in np.array(found).T]


def main(names: list[str], sets: int, first: int) -> None:
    """Print the measured numbers of the cases whose names start as asked; all without names."""
    for name in [*COVERAGE, *UNIFORM]:
        if names and not any(name.startswith(start) for start in names):
            continue
        start = time.perf_counter()
        if name in COVERAGE:
            text = str(coverage(COVERAGE[name], sets, first))
        else:
            text = f"uniform, p = {', '.join(f'{p:.3f}' for p in uniform_p(UNIFORM[name], sets, first))}"
        print(f"{name}: {text} ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    main(asked.names, asked.sets, asked.first)
