"""Small problems that have broken solvers before, as one registry: every path law runs over all of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import scipy.sparse
from scipy.special import expit

import alphaomega as ao
from alphaomega import losses, penalties

LOSSES = tuple(losses.REGISTRY)


@dataclass(frozen=True, eq=False)
class Case:
    """Data of one problem: X (n, p), the noiseless predictor, optional weights and offset."""

    X: np.ndarray | scipy.sparse.csr_array
    signal: np.ndarray
    weights: np.ndarray | None = None
    offset: np.ndarray | None = None

    @property
    def dense(self) -> np.ndarray:
        """X as a float64 array."""
        return (self.X.toarray() if scipy.sparse.issparse(self.X) else self.X).astype(np.float64)

    @property
    def sample(self) -> dict:
        """The keyword arguments that belong to the rows."""
        given = {"weights": self.weights, "offset": self.offset}
        return {name: value for name, value in given.items() if value is not None}

    def sparse(self) -> Case:
        """The same problem on a sparse matrix."""
        return replace(self, X=scipy.sparse.csr_array(self.X))

    def as_dense(self) -> Case:
        """The same problem on an array."""
        return self if isinstance(self.X, np.ndarray) else replace(self, X=self.dense)

    def y(self, loss: str) -> np.ndarray:
        """A target drawn from the loss's own family around the signal."""
        rng = np.random.default_rng(99)
        eta = self.signal + (0 if self.offset is None else self.offset)
        if loss == "logistic":
            return np.where(rng.uniform(size=len(eta)) < expit(eta), "yes", "no")
        if loss == "multinomial":
            noisy = eta + rng.logistic(size=len(eta))
            return np.digitize(noisy, np.quantile(noisy, [0.3, 0.7]))
        if loss == "poisson":
            return rng.poisson(np.exp(np.clip(eta, -3, 3))).astype(float)
        if loss == "huber":
            return 3 + eta + 0.7 * rng.standard_t(2, len(eta))
        normal = 3 + eta + 0.7 * rng.standard_normal(len(eta))
        if loss == "squared":
            return normal
        found = losses.find(loss)
        rank = np.argsort(np.argsort(normal))
        for y in (normal, np.exp(np.clip(eta, -3, 3)), 3 * rank // len(eta), 2 * rank // len(eta)):
            if found.classifies == (y.dtype.kind == "i"):
                with suppress(ValueError):
                    found.target(y)
                    return y
        raise AssertionError(f"{found!r} takes none of the targets tried; draw one for it here")


def _columns(rng: np.random.Generator, n: int, p: int, correlation: float = 0.5) -> np.ndarray:
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * X[:, j]
    return X


def _case(X: np.ndarray, support: int = 4, **sample: np.ndarray) -> Case:
    spread = np.where(X.std(0) > 0, X.std(0), 1)
    coef = np.zeros(X.shape[1])
    coef[:support] = np.array([1.0, -0.8, 0.6, -0.4])[:support]
    return Case(X, (X - X.mean(0)) / spread @ coef, **sample)


def _tall(rng):
    return _case(_columns(rng, 80, 8))


def _wide(rng):
    return _case(_columns(rng, 30, 60, 0.3))


def _collinear(rng):
    X = _columns(rng, 50, 10)
    X[:, 8], X[:, 9] = X[:, 0] + X[:, 1], X[:, 2] - 3 * X[:, 5]
    return _case(X)


def _duplicated(rng):
    X = _columns(rng, 40, 8)
    return _case(np.hstack([X, X[:, :3], -X[:, 3:4]]))


def _constant(rng):
    X = _columns(rng, 40, 8)
    X[:, 2], X[:, 5] = 1.0, 0.0
    return _case(X)


def _weighted(rng):
    return _case(_columns(rng, 60, 8), weights=np.where(rng.uniform(size=60) < 0.2, 0.0, rng.uniform(0.1, 5, 60)))


def _offset(rng):
    return _case(_columns(rng, 60, 8), offset=rng.uniform(-1, 1, 60))


def _wild(rng):
    return _case(_columns(rng, 60, 8) * 10.0 ** np.linspace(-8, 8, 8)[rng.permutation(8)])


def _far(rng):
    return _case(_columns(rng, 60, 8) + np.array([0, 1e4, -1e4, 0, 1e2, 0, 1e5, 0]))


def _single(rng):
    return _case(np.asarray(_columns(rng, 80, 8), dtype=np.float32))


def _one_column(rng):
    return _case(_columns(rng, 30, 1), support=1)


def _counts(rng):
    X = np.where(rng.uniform(size=(70, 25)) < 0.12, 1.0 + rng.poisson(1.0, (70, 25)), 0.0)
    return _case(X).sparse()


#: name -> problem: n > p, n < p, and what real tables hold.
PROBLEMS: dict[str, Callable[[np.random.Generator], Case]] = {
    "tall": _tall,
    "wide": _wide,
    "collinear": _collinear,
    "duplicated columns": _duplicated,
    "constant columns": _constant,
    "weights, some zero": _weighted,
    "offset": _offset,
    "scales 1e-8 to 1e8": _wild,
    "means far from zero": _far,
    "float32": _single,
    "one column": _one_column,
    "sparse counts": _counts,
}


@cache
def problem(name: str) -> Case:
    """The problem called `name`, made once."""
    return PROBLEMS[name](np.random.default_rng(1))


#: name -> penalty for p features: these, and every other of the library's registry.
PENALTIES: dict[str, Callable[[int], ao.Penalty]] = {
    "L1": lambda p: ao.L1(),
    "L2": lambda p: ao.L2(),
    "elastic net": lambda p: ao.ElasticNet(0.5),
    "group": lambda p: ao.GroupL1(np.arange(p) // 3),
    "weights 0 and inf": lambda p: ao.L1(np.r_[0.0, np.inf, np.linspace(0.5, 2, p)][:p]),
    "L1 + L2": lambda p: ao.L1() + 0.1 * ao.L2(),
    "ridge weights": lambda p: ao.L2(np.linspace(0.5, 2, p)),
    "sparse group": lambda p: 0.5 * ao.L1() + ao.GroupL1(np.arange(p) // 3),
    "group + L2": lambda p: ao.GroupL1(np.arange(p) // 3) + 0.1 * ao.L2(),
    "non-negative": lambda p: ao.Bounded(ao.L1(), lower=0),
    "box": lambda p: ao.Bounded(ao.ElasticNet(0.5), lower=-0.3, upper=0.2),
}
COVERED = ("L1", "L2", "ElasticNet", "GroupL1", "weighted L1", "L1 + 0.5 * L2", "non-negative L1", "box L2")
PENALTIES |= {name: make for name, make in penalties.REGISTRY.items() if name not in (*COVERED, *PENALTIES)}
MAIN_PENALTIES = ("L1", "L2", "elastic net", "group")
