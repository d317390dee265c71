"""What an elimination drops, and which of it is weakest: columns, rows, units."""

from __future__ import annotations

import copy
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier

from ..fitting import cross_validate
from ..outliers import mean_shift
from .capabilities import Places, Restartable, UnitModel
from .measures import Floats, deviations, entry_order, leverages, row_errors

HALF = 0.5
SAMPLE_STEPS = 50  # a step of one takes this share of the rows


@dataclass(frozen=True, eq=False)
class Stage:
    """What is left, columns, rows or units, and the model fitted to it."""

    left: Places
    model: Any


@dataclass(frozen=True, eq=False)
class Cut:
    """One way to decide what stays.

    Attributes
    ----------
    name : what decided.
    left : what stays, columns, rows or units.
    error, standard_error : mean over folds of the held-out error, NaN where it was not measured.
    seconds : wall time of the whole decision.
    """

    name: str
    left: Places
    error: float
    standard_error: float
    seconds: float


class Weakness(ABC):
    """What is dropped, and which of it is weakest."""

    #: What there is to drop, in the words of `drop`, and of a sentence.
    name: str
    noun: str
    #: Whether the rule of one standard error takes the fewest that are left, rather than the most.
    fewest = True
    #: How many must stay, and how many units the model has.
    least = 1
    units = 0

    @abstractmethod
    def count(self, X: Any) -> int:
        """How many there are to start with."""

    def usual_floor(self, count: int) -> int:
        """How many stay at the end where nothing is asked."""
        return self.least

    def pace(self, count: int) -> int:
        """How many one step drops."""
        return 1

    def sizes(self, sizes: list[int], share: float) -> list[int]:
        """The same stages in a share of the rows."""
        return sizes

    @abstractmethod
    def refit(self, before: Stage, kept: Places, estimator: Any, data: tuple[Any, NDArray]) -> Any:
        """The model of the next stage: `kept` are places in what the one before had left."""

    def seen(self, X: Any, left: Places) -> Any:
        """New rows as the model of a stage sees them."""
        return X

    @abstractmethod
    def strength(self, stage: Stage, X: Any, y: NDArray) -> Floats:
        """How strong each of what is left is; the least goes first."""

    def error(self, model: Any, X: Any, y: NDArray) -> float:
        """The held-out error of a model."""
        return float(row_errors(model, X, y).mean())

    @abstractmethod
    def at_once(self, estimator: Any, data: tuple[Any, NDArray], folds: int, seed: int | None) -> Cut | None:
        """What a penalty cuts in one fit; None where there is no such penalty."""


class Features(Weakness):
    """Columns, by coefficient per standard deviation."""

    name = "features"
    noun = "columns"

    def count(self, X: Any) -> int:
        return int(X.shape[1])

    def refit(self, before: Stage, kept: Places, estimator: Any, data: tuple[Any, NDArray]) -> Any:
        X, y = data
        return _again(before.model, estimator, kept).fit(X[:, before.left[kept]], y)

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

    def at_once(self, estimator: Any, data: tuple[Any, NDArray], folds: int, seed: int | None) -> Cut | None:
        """The lasso at its own one-standard-error alpha."""
        start = time.perf_counter()
        X, y = data
        loss = "squared"
        if is_classifier(estimator):
            loss = "logistic" if len(np.unique(y)) == 2 else "multinomial"
        cv = cross_validate(X, y, loss, folds=max(2, min(folds, len(y) // 2)), seed=seed, standardize=True)
        place = cv.index_1se
        left = np.flatnonzero(np.atleast_2d(cv.path.coef[place]).any(0))
        seconds = time.perf_counter() - start
        return Cut("L1, one standard error", left, float(cv.mean[place]), float(cv.standard_error[place]), seconds)


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

    name = "samples"
    noun = "rows"
    fewest = False

    def count(self, X: Any) -> int:
        return int(X.shape[0])

    def usual_floor(self, count: int) -> int:
        return int(np.ceil(HALF * count))

    def sizes(self, sizes: list[int], share: float) -> list[int]:
        return [max(1, round(share * size)) for size in sizes]

    def pace(self, count: int) -> int:
        return max(1, count // SAMPLE_STEPS)

    def refit(self, before: Stage, kept: Places, estimator: Any, data: tuple[Any, NDArray]) -> Any:
        left = before.left[kept]
        return _again(before.model, estimator, None).fit(data[0][left], data[1][left])

    def strength(self, stage: Stage, X: Any, y: NDArray) -> Floats:
        part, own = X[stage.left], y[stage.left]
        return -row_errors(stage.model, part, own) / (1 - leverages(part))

    def error(self, model: Any, X: Any, y: NDArray) -> float:
        """The median: held-out rows may be outliers themselves."""
        return float(np.median(row_errors(model, X, y)))

    def at_once(self, estimator: Any, data: tuple[Any, NDArray], folds: int, seed: int | None) -> Cut | None:
        """The soft mean shift."""
        start = time.perf_counter()
        X, y = data
        if is_classifier(estimator) or X.shape[0] < X.shape[1] + 3:
            return None
        try:
            kept = mean_shift(X, y, "soft").shifts == 0
        except ValueError:  # no noise to compare with
            return None
        return Cut("L1 mean shift", np.flatnonzero(kept), np.nan, np.nan, time.perf_counter() - start)


class Units(Weakness):
    """Hidden units of a network, by the spread of their output times the weights that read it; a layer keeps one."""

    name = noun = "units"

    def __init__(self, estimator: Any) -> None:
        if not isinstance(estimator, UnitModel):
            raise TypeError(
                f"{type(estimator).__name__} has no hidden units to drop; pass a network such as "
                "ao.networks.NetworkRegressor((32,)), or drop='features'"
            )
        self.layers = estimator.unit_layers
        if not len(self.layers):
            raise ValueError("hidden=() leaves no units to drop; give hidden layers, e.g. hidden=(32,)")
        self.least, self.units = int(self.layers[-1]) + 1, len(self.layers)

    def count(self, X: Any) -> int:
        return self.units

    def refit(self, before: Stage, kept: Places, estimator: Any, data: tuple[Any, NDArray]) -> Any:
        return before.model.with_units(kept, *data)

    def strength(self, stage: Stage, X: Any, y: NDArray) -> Floats:
        strength = stage.model.unit_strengths(X)
        layers = self.layers[stage.left]
        for layer in np.unique(layers):
            own = np.flatnonzero(layers == layer)
            strength[own[np.argmax(strength[own])]] = np.inf
        return strength

    def at_once(self, estimator: Any, data: tuple[Any, NDArray], folds: int, seed: int | None) -> Cut | None:
        """The group lasso by unit, at the largest alpha within one standard error."""
        start = time.perf_counter()
        left, error, standard_error = estimator.units_at_once(*data)
        return Cut("group L1 by unit", left, error, standard_error, time.perf_counter() - start)


def _again(model: Any, estimator: Any, columns: Places | None) -> Any:
    """A model to refit, from the coefficients kept where it can begin there."""
    if isinstance(model, Restartable):
        return model.restarted(columns)
    if not estimator.get_params(deep=False).get("warm_start"):
        return clone(estimator)
    model = copy.deepcopy(model)
    if columns is not None:
        model.coef_ = np.ascontiguousarray(model.coef_[..., columns])
        model.n_features_in_ = len(columns)
    return model
