"""Problems nobody would think of: each ends with certificates that hold when recomputed, or with one clear message."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import process_time

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

import alphaomega as ao
from alphaomega.fitting import ConvergenceWarning
from first_principles import Objective
from long_newton import EPS, LONG, SUMMED
from problems import LOSSES

TOLERANCE = 1e-6
ROUNDING = 1e-9  # of the null loss: what float64 may lose in the gap of columns of scales 1e-8 to 1e8
EXACT = 1e6 * EPS  # of the null loss: what is lost of a lower bound on it
OTHER = 1.1  # of a gap that a message names: far from the minimum forces may be nothing but rounding
SECONDS = 60  # of the processor, since the machine may be busy: a path takes some 10 ms, the hardest seconds


def some_free(rng: np.random.Generator, n: int, weights: np.ndarray) -> np.ndarray:
    """No penalty for one column per ten rows: more of them would often separate the classes."""
    weights[rng.permutation(len(weights))[: n // 10]] = 0.0
    return weights


PENALTIES: dict[str, Callable[[np.random.Generator, int, int], ao.Penalty]] = {
    "L1": lambda rng, n, p: ao.L1(),
    "L2": lambda rng, n, p: ao.L2(),
    "elastic net": lambda rng, n, p: ao.ElasticNet(rng.uniform(0.05, 0.95)),
    "L1, weights": lambda rng, n, p: ao.L1(some_free(rng, n, rng.choice([0.1, 1.0, 10.0, np.inf], p))),
    "L2, weights": lambda rng, n, p: ao.L2(some_free(rng, n, rng.choice([0.1, 1.0, 10.0], p))),
    "L1 + L2": lambda rng, n, p: ao.L1(rng.uniform(0.1, 2, p)) + 10.0 ** rng.uniform(-3, 3) * ao.L2(),
    "group": lambda rng, n, p: ao.GroupL1(rng.integers(0, max(p // 3, 1), p)),
    "sparse group": lambda rng, n, p: rng.uniform(0.1, 2) * ao.L1() + ao.GroupL1(np.arange(p) // 4),
    "group + L2": lambda rng, n, p: ao.GroupL1(np.arange(p) // 3) + 10.0 ** rng.uniform(-3, 3) * ao.L2(),
    "non-negative": lambda rng, n, p: ao.Bounded(ao.L1(), lower=0),
    "box": lambda rng, n, p: ao.Bounded(ao.ElasticNet(0.5), lower=-rng.uniform(0, 1, p), upper=rng.uniform(0, 1, p)),
}
FORMS: dict[str, Callable[[np.ndarray], object]] = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "csr": scipy.sparse.csr_array,
    "csc": scipy.sparse.csc_matrix,
    "coo": scipy.sparse.coo_array,
}
WEIGHTS: dict[str, Callable[[np.random.Generator, int], np.ndarray | None]] = {
    "none": lambda rng, n: None,
    "uniform": lambda rng, n: rng.uniform(0.1, 5, n),
    "counts, some zero": lambda rng, n: np.r_[1, 1, rng.integers(0, 4, n)][:n],
    "over six decades": lambda rng, n: 10.0 ** rng.uniform(2, 8, n),
}
ALPHAS: dict[str, dict] = {
    "default grid": {"n_alphas": 7},
    "down to 1e-6": {"n_alphas": 4, "alpha_min_ratio": 1e-6},
    "one, and zero": {"alphas": [0.01, 0.0]},
    "any": {"alphas": [1e4, 1.0, 1e-4]},
}


@dataclass(frozen=True)
class Recipe:
    """A problem in words; its numbers come from the seed."""

    seed: int
    n: int
    p: int
    loss: str
    penalty: str
    form: str
    weights: str
    alphas: str
    target: str
    scale: int
    target_scale: int
    shift: int
    correlation: float
    density: float
    copies: int
    constant: int
    offset: bool
    intercept: bool
    standardize: bool

    def columns(self, rng: np.random.Generator) -> np.ndarray:
        """X: correlated, with gaps, copies and constants, each column of its own scale and mean."""
        X = rng.standard_normal((self.n, self.p))
        for j in range(1, self.p):
            X[:, j] = self.correlation * X[:, j - 1] + np.sqrt(1 - self.correlation**2) * X[:, j]
        X = np.where(rng.uniform(size=X.shape) < self.density, X, 0.0) + self.shift
        X = X * 10.0 ** rng.uniform(-self.scale, self.scale, self.p)
        for j, k in rng.integers(0, self.p, (self.copies, 2)):
            X[:, j] = rng.choice([1.0, -1.0, 2.0]) * X[:, k]
        for j in rng.integers(0, self.p, self.constant):
            X[:, j] = rng.choice([0.0, 1.0, -1e6])
        return X

    def response(self, rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
        """y of the loss's own kind: with noise, without any, without signal, or nearly constant."""
        spread = np.where(X.std(0) > 0, X.std(0), 1)
        coef = np.where(np.arange(self.p) < 4, rng.standard_normal(self.p), 0)
        eta = {"no signal": 0.0, "rare": 0.1}.get(self.target, 1.0) * ((X - X.mean(0)) / spread @ coef)
        noise = 0.0 if self.target == "no noise" else 1.0
        if self.loss == "logistic":
            return self._classes(eta + noise * rng.logistic(size=self.n), [1.0 if self.target == "rare" else 0.5])
        if self.loss == "multinomial":
            return self._classes(eta + noise * rng.logistic(size=self.n), [0.3, 0.7, 1.0][: 2 + (self.seed % 2)])
        if self.loss == "poisson":
            rate = np.exp(np.clip(eta - 3 * (self.target == "rare"), -20, 6))
            return np.maximum(rng.poisson(rate) if noise else np.round(rate), np.arange(self.n) == 0).astype(float)
        y = eta + noise * 0.7 * (rng.standard_t(2, self.n) if self.loss == "huber" else rng.standard_normal(self.n))
        if self.target == "rare":
            y = np.where(np.arange(self.n) == 0, 1.0, 0.0)
        return (y + self.shift) * 10.0**self.target_scale

    def _classes(self, score: np.ndarray, shares: list[float]) -> np.ndarray:
        rank = np.argsort(np.argsort(score))
        return np.searchsorted(np.minimum(np.array(shares) * self.n, self.n - 1), rank, side="right")

    def solve(self) -> tuple[ao.Path | None, Objective | None, str]:
        """The path, what its solutions must minimise, and what was said; None where the input was refused."""
        rng = np.random.default_rng(self.seed)
        X = self.columns(rng)
        y = self.response(rng, X)
        given = FORMS[self.form](X)
        sample = {"weights": WEIGHTS[self.weights](rng, self.n)}
        sample["offset"] = rng.uniform(-1, 1, self.n) if self.offset else None
        penalty = PENALTIES[self.penalty](rng, self.n, self.p)
        options = {"intercept": self.intercept, "standardize": self.standardize, "tol": TOLERANCE}
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("error")
            warnings.simplefilter("always", ConvergenceWarning)
            try:
                path = ao.path(given, y, self.loss, penalty, **sample, **options, **ALPHAS[self.alphas])
            except ValueError as refusal:
                return None, None, str(refusal)
        assert [str(warning.message) for warning in said] == ([path.message] if path.message else [])
        seen = given.toarray() if scipy.sparse.issparse(given) else np.asarray(given)
        scale = path.scale if self.standardize else np.ones(self.p)
        objective = Objective.of(seen.astype(LONG) / scale, y, self.loss, penalty, intercept=self.intercept, **sample)
        return path, objective, path.message


def chosen(draw: st.DrawFn, *usual: object, rare: tuple = ()) -> object:
    """One of the usual values three times in four."""
    return draw(st.sampled_from(usual if not rare or draw(st.integers(0, 3)) else rare))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Every loss, penalty and form of X; each awkward property now and then."""
    return Recipe(
        seed=draw(st.integers(0, 10**6)),
        n=draw(st.integers(2, 12) | st.integers(12, 90)),
        p=draw(st.integers(1, 12) | st.integers(12, 150)),
        loss=draw(st.sampled_from(LOSSES)),
        penalty=draw(st.sampled_from(sorted(PENALTIES))),
        form=draw(st.sampled_from(sorted(FORMS))),
        weights=chosen(draw, "none", "uniform", "counts, some zero", rare=("over six decades",)),
        alphas=chosen(draw, "default grid", rare=tuple(ALPHAS)),
        target=chosen(draw, "noise", rare=("no noise", "no signal", "rare")),
        scale=chosen(draw, 0, 1, rare=(4, 8)),
        target_scale=chosen(draw, 0, rare=(-8, -3, 3, 8)),
        shift=chosen(draw, 0, rare=(1, 100)),
        correlation=chosen(draw, 0.0, 0.5, 0.9, rare=(0.999,)),
        density=chosen(draw, 1.0, 0.2, rare=(0.02,)),
        copies=chosen(draw, 0, 3, rare=(20,)),
        constant=chosen(draw, 0, rare=(1, 5)),
        offset=draw(st.booleans()),
        intercept=chosen(draw, True, rare=(False,)),
        standardize=draw(st.booleans()),
    )


def check(recipe: Recipe) -> None:
    """Certificates as claimed and within the tolerance, or a message that says what went wrong."""
    start = process_time()
    path, objective, message = recipe.solve()
    assert process_time() - start <= SECONDS
    if path is None or objective is None:
        event("refused")
        assert message and "\n" not in message
        return
    event("with a message" if message else "certified")
    assert np.isfinite(path.coef).all() and np.isfinite(path.intercept).all()
    assert message or path.gap.max() <= TOLERANCE
    if "no finite fit" in message or "no alpha has a finite fit" in message:
        return  # nothing to recompute: there is no minimum
    null_loss = objective.null_loss()
    last = float(1e-15 * abs(objective.y).max())  # digit of y, and of what is left of it once an offset is taken off
    size = objective.weights @ abs(objective.y).reshape(len(objective.y), -1).max(1)
    terms = 0.0 if recipe.loss in ("squared", "huber") else 1e-15 * float(1 + size)  # other losses differ from zero by
    rounded = (2 * np.sqrt(null_loss) + last) * last + terms  # what is left of terms as large as one and y
    assert path.null_loss == pytest.approx(null_loss, rel=1e-8, abs=max(rounded, 1e-300))
    lost = 1e-14 * abs(objective.X).max() * size
    lengths = np.sqrt(objective.weights @ objective.X**2)
    scale = path.scale if path.standardized else 1
    fits = [((coef.astype(LONG) * scale).T, b, alpha) for coef, b, alpha in zip(path.coef, path.intercept, path.alphas)]
    for k, alpha in enumerate(path.alphas):
        if 0 < alpha < lost:
            continue  # correlations of columns that differ by rounding only
        coef = fits[k][0]
        claimed = TOLERANCE if path.gap[k] <= TOLERANCE else OTHER * path.gap[k]
        tilted = size + lengths @ abs(coef).reshape(recipe.p, -1).sum(1)  # by forces that cancel but for rounding
        least = -EXACT * null_loss - SUMMED * tilted
        most = (claimed + ROUNDING) * null_loss + last**2
        distance = objective.distance(*fits[k], most)
        if distance > most and 0 < k < len(fits) - 1:
            between = objective.dual_between(fits[k - 1], fits[k + 1], alpha)
            distance = min(distance, objective.primal(*fits[k]) - between)
        assert least <= distance <= most, f"alpha {k}: {distance:.2e} of {null_loss:.2e}"


NNLS = Recipe(
    seed=1740, n=12, p=134, loss="squared", penalty="non-negative", form="coo", weights="counts, some zero",
    alphas="one, and zero", target="noise", scale=4, target_scale=0, shift=100, correlation=0.0, density=0.2, copies=0,
    constant=0, offset=False, intercept=True, standardize=True,
)  # fmt: skip


LARGE_FORCES = Recipe(
    seed=41, n=2, p=3, loss="huber", penalty="sparse group", form="csc", weights="over six decades",
    alphas="default grid", target="no noise", scale=0, target_scale=3, shift=100, correlation=0.9, density=0.02,
    copies=20, constant=0, offset=False, intercept=False, standardize=False,
)  # fmt: skip


UNPENALISED = Recipe(
    seed=0, n=7, p=8, loss="squared", penalty="group", form="C", weights="over six decades", alphas="one, and zero",
    target="no noise", scale=4, target_scale=-8, shift=1, correlation=0.999, density=0.02, copies=20, constant=1,
    offset=False, intercept=False, standardize=False,
)  # fmt: skip
INDEFINITE = replace(UNPENALISED, seed=49168, n=4, p=9, penalty="group + L2", form="coo", weights="uniform", scale=8,
                     target="noise", target_scale=0, density=0.2, copies=0, constant=0, intercept=True)  # fmt: skip
FLAT = Recipe(
    seed=0, n=12, p=14, loss="huber", penalty="L1", form="C", weights="over six decades", alphas="default grid",
    target="noise", scale=8, target_scale=8, shift=0, correlation=0.999, density=0.02, copies=20, constant=0,
    offset=False, intercept=False, standardize=False,
)  # fmt: skip
FLATTER = replace(FLAT, seed=17572, p=9, penalty="group + L2", scale=4, shift=1, alphas="one, and zero", constant=1)
FULL = replace(FLAT, seed=322084, n=7, p=67, penalty="L2", form="csc", alphas="one, and zero", scale=0, shift=100,
               density=0.2, copies=3, offset=True, intercept=True)  # fmt: skip
FAR = replace(FLAT, seed=63, n=68, p=12, loss="multinomial", penalty="L1, weights", form="csc", weights="uniform",
              scale=1, correlation=0.9, density=1.0, copies=0, offset=True, standardize=True)  # fmt: skip
EXCLUDED = replace(UNPENALISED, seed=222250, n=3, p=11, loss="logistic", weights="none", target="noise", scale=0,
                   target_scale=0, shift=0, constant=0, intercept=True)  # fmt: skip
SEPARABLE = replace(UNPENALISED, n=5, p=2, loss="logistic", target="noise", target_scale=0, shift=0, copies=0)
TINY = replace(FLAT, n=2, p=1, loss="poisson", scale=4, target_scale=-8, copies=0, offset=True, intercept=True)
BESIDE = replace(FLAT, seed=931544, n=30, p=10, penalty="group", alphas="down to 1e-6", scale=4, shift=1,
                 correlation=0.0, intercept=True)  # fmt: skip
TOGETHER = Recipe(
    seed=9, n=2, p=9, loss="multinomial", penalty="L2", form="C", weights="over six decades", alphas="default grid",
    target="noise", scale=1, target_scale=0, shift=0, correlation=0.5, density=1.0, copies=3, constant=1,
    offset=False, intercept=True, standardize=False,
)  # fmt: skip
NEARLY = replace(UNPENALISED, n=84, p=87, target="noise", target_scale=0, constant=0)
HARDLY = replace(NEARLY, seed=2118, n=86, p=86, penalty="sparse group", shift=100, density=0.2, copies=3, constant=1)


@example(TOGETHER)  # conjugate gradients along what all classes share: rounding alone points there
@example(NEARLY)  # an eigenvalue of 7e-13 that is no rounding
@example(HARDLY)  # ... and some of less
@example(
    replace(
        UNPENALISED, n=10, p=2, penalty="L1, weights", alphas="default grid", target="noise", target_scale=0, shift=0
    )
)  # free columns of zeros
@example(SEPARABLE)  # by a column ten decades smaller than the other
@example(replace(UNPENALISED, n=2, p=6, target="noise", target_scale=0, shift=0, density=1.0))
@example(UNPENALISED)  # at alpha = 0 along a direction that hardly any weight sees
@example(TINY)  # a null loss of 5e-10, of a light row beside a heavy one
@example(BESIDE)  # forces at the last alpha and the next show what its own, of a rounded eta, do not
@example(INDEFINITE)  # its Gram has eigenvalues below zero, by rounding
@example(EXCLUDED)  # constant columns at alpha = 0
@example(LARGE_FORCES)  # a Newton step beyond all numbers
@example(FLAT)  # forces of .03 from residuals of y of 1e8
@example(FLATTER)  # and unpenalised, seen by hardly any weight
@example(FULL)  # columns whose means dwarf their deviations, in a sparse matrix
@example(FAR)  # along what all classes share, and back
@example(NNLS)  # many minimisers, some of them without bound, and each without error
@example(replace(NNLS, scale=0, shift=0, correlation=0.5, density=0.02, copies=3, standardize=False))
@example(replace(NNLS, seed=0, n=2, p=2, form="C", weights="over six decades", shift=0, constant=1, intercept=False))
@example(replace(NNLS, seed=0, n=2, p=2, target="no noise", form="C", scale=8, shift=1, copies=20, constant=1))
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(recipes())
def test_generated_problems(recipe):
    check(recipe)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(recipes())
def test_two_thousand_generated_problems(recipe):
    check(recipe)
