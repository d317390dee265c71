"""Fit, drop the weakest, refit: the stages of an elimination, and what is weak."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.linear_model import lars_path

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
SMALLEST_PROBABILITY = 1e-15
LEVERAGE_ROWS = 2  # rows per column that leverages need


@dataclass(frozen=True, eq=False)
class Stage:
    """What is left, columns or rows, and the model fitted to it."""

    left: Places
    model: Any


class Weakness(ABC):
    """What is dropped, and which of it is weakest."""

    @abstractmethod
    def count(self, X: Any) -> int:
        """How many there are to start with."""

    @abstractmethod
    def part(self, X: Any, y: NDArray, left: Places) -> tuple[Any, NDArray]:
        """The data with only these left."""

    @abstractmethod
    def seen(self, X: Any, left: Places) -> Any:
        """New rows as the model of a stage sees them."""

    @abstractmethod
    def strength(self, stage: Stage, X: Any, y: NDArray) -> Floats:
        """How strong each of what is left is; the least goes first."""

    @abstractmethod
    def errors(self, model: Any, X: Any, y: NDArray) -> float:
        """The held-out error of a model."""


class Features(Weakness):
    """Columns, by coefficient per standard deviation."""

    def count(self, X: Any) -> int:
        return int(X.shape[1])

    def part(self, X: Any, y: NDArray, left: Places) -> tuple[Any, NDArray]:
        return X[:, left], y

    def seen(self, X: Any, left: Places) -> Any:
        return X[:, left]

    def strength(self, stage: Stage, X: Any, y: NDArray) -> Floats:
        coef = getattr(stage.model, "coef_", None)
        if coef is None:
            raise TypeError(
                f"{type(stage.model).__name__} has no coef_ to drop features by; pass a linear model such as ao.OLS(), "
                "or order='entry'"
            )
        return np.linalg.norm(np.atleast_2d(coef), axis=0) * deviations(X[:, stage.left])

    def errors(self, model: Any, X: Any, y: NDArray) -> float:
        return float(row_errors(model, X, y).mean())


class EnteringFeatures(Features):
    """Columns, by when least angle regression lets them in: the last goes first."""

    def __init__(self) -> None:
        self.entry: Floats | None = None

    def strength(self, stage: Stage, X: Any, y: NDArray) -> Floats:
        if self.entry is None or len(stage.left) == X.shape[1]:
            self.entry = -entry_order(X, y).astype(float)
        return self.entry[stage.left]


class Samples(Weakness):
    """Rows, by how badly the model fits them."""

    def count(self, X: Any) -> int:
        return int(X.shape[0])

    def part(self, X: Any, y: NDArray, left: Places) -> tuple[Any, NDArray]:
        return X[left], y[left]

    def seen(self, X: Any, left: Places) -> Any:
        return X

    def strength(self, stage: Stage, X: Any, y: NDArray) -> Floats:
        part, own = self.part(X, y, stage.left)
        return -row_errors(stage.model, part, own) / (1 - leverages(part))

    def errors(self, model: Any, X: Any, y: NDArray) -> float:
        """The median: held-out rows may be outliers themselves."""
        return float(np.median(row_errors(model, X, y)))


def stages(estimator: Any, X: Any, y: NDArray, weakness: Weakness, sizes: list[int]) -> Iterator[Stage]:
    """The model at each size, each refitted to what the one before kept, and from its coefficients where it can."""
    left = np.arange(weakness.count(X))
    model = None
    for size in sizes:
        if model is not None and size < len(left):
            strength = weakness.strength(Stage(left, model), X, y)
            kept = np.sort(np.argsort(-strength, kind="stable")[:size])
            left = left[kept]
            model = _carried(model, kept, isinstance(weakness, Features)) if _warm(estimator) else clone(estimator)
        else:
            model = clone(estimator)
        part, own = weakness.part(X, y, left)
        model.fit(part, own)
        yield Stage(left, model)


def _warm(estimator: Any) -> bool:
    return bool(estimator.get_params(deep=False).get("warm_start"))


def _carried(model: Any, kept: Places, columns: bool) -> Any:
    """A copy of a warm-started model with the coefficients of what is kept, to start from."""
    model = copy.deepcopy(model)
    if columns:
        model.coef_ = np.ascontiguousarray(model.coef_[..., kept])
        model.n_features_in_ = len(kept)
    return model


def row_errors(model: Any, X: Any, y: NDArray) -> Floats:
    """Squared error of each row; for classifiers the deviance, -2 log probability of its class."""
    if not is_classifier(model):
        return np.asarray((y - model.predict(X)) ** 2, dtype=float)
    probability = model.predict_proba(X)
    place = np.searchsorted(model.classes_, y)
    return -2 * np.log(np.maximum(probability[np.arange(len(y)), place], SMALLEST_PROBABILITY))


def deviations(X: Any) -> Floats:
    """Standard deviation of each column."""
    if not scipy.sparse.issparse(X):
        return np.asarray(X.std(0), dtype=float)
    mean = np.asarray(X.mean(0)).ravel()
    return np.sqrt(np.maximum(np.asarray(X.multiply(X).mean(0)).ravel() - mean**2, 0.0))


def entry_order(X: Any, y: NDArray) -> Places:
    """The rank 0, 1, ... of each standardised column in the order in which least angle regression lets it in."""
    table = np.asarray(X.todense()) if scipy.sparse.issparse(X) else np.asarray(X, dtype=float)
    spread = table.std(0)
    table = (table - table.mean(0)) / np.where(spread > 0, spread, 1.0)
    response = np.asarray(y, dtype=float) if y.dtype.kind in "biuf" else np.unique(y, return_inverse=True)[1]
    active = np.array(lars_path(table, response - response.mean(), method="lar")[1], dtype=np.intp)
    rest = np.setdiff1d(np.arange(table.shape[1]), active)
    rest = rest[np.argsort(-abs(table[:, rest].T @ (response - response.mean())), kind="stable")]
    rank = np.empty(table.shape[1], dtype=np.intp)
    rank[np.append(active, rest)] = np.arange(table.shape[1])
    return rank


def leverages(X: Any) -> Floats:
    """x_i'(X'X)^-1 x_i with a constant column, at most 1; zeros where rows are too few for it to tell."""
    n, p = X.shape
    if scipy.sparse.issparse(X) or n < LEVERAGE_ROWS * (p + 1):
        return np.zeros(n)
    basis = np.linalg.svd(np.column_stack([np.ones(n), X - X.mean(0)]), full_matrices=False)
    kept = basis[1] > 1e-10 * basis[1][0]
    return np.minimum((basis[0][:, kept] ** 2).sum(1), 1 - 1e-6)
