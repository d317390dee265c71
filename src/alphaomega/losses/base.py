"""The contract every loss keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """y as the loss reads it: `values` (n,) or (n, K), and the class labels when y is categorical."""

    values: Floats
    classes: NDArray | None = None


class Loss(ABC):
    """loss(y, eta) per sample, at the linear predictor eta = X w + b + offset.

    `eta` has shape (n,), or (n, K) for a loss of K linear predictors. The value is scaled to be zero for a saturated
    fit (half the unit deviance), so 2 * value is the unit deviance. A loss never sees X, w or the penalty.
    """

    #: The name under which `loss="..."` finds it.
    name: ClassVar[str]
    #: "gaussian", "binomial", ... as statisticians call the family; what `study` reports.
    family: ClassVar[str]
    #: Whether y holds classes, so that scores include the misclassification rate.
    classifies: ClassVar[bool] = False
    #: Whether the second derivative is the same for every eta: one weighted Gram then serves a whole path.
    constant_curvature: ClassVar[bool] = False

    @abstractmethod
    def value(self, y: Floats, eta: Floats) -> Floats:
        """The loss of each sample, shape (n,)."""

    @abstractmethod
    def gradient(self, y: Floats, eta: Floats) -> Floats:
        """d value / d eta, of eta's shape."""

    @abstractmethod
    def curvature(self, y: Floats, eta: Floats) -> Floats:
        """d^2 value / d eta^2, shape (n,); (n, K, K) for K predictors. Non-negative (positive semidefinite)."""

    def majorizer(self, y: Floats, eta: Floats) -> Floats:
        """A curvature whose parabola at eta lies above the loss, where Newton's own may not; by default its own."""
        return self.curvature(y, eta)

    @abstractmethod
    def mean(self, eta: Floats) -> Floats:
        """The fitted mean: the inverse link of eta."""

    @abstractmethod
    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        """sup over eta of slope * eta - value(y, eta), per sample; inf outside its domain."""

    def target(self, y: ArrayLike) -> Target:
        """Check y and bring it to the loss's own scale; a ValueError names what is wrong and the mend."""
        return Target(numeric_target(y))

    def deviance(self, y: Floats, eta: Floats) -> Floats:
        """Twice the loss per sample: the squared error, or the unit deviance."""
        return 2 * self.value(y, eta)

    def predict(self, eta: Floats, classes: NDArray | None = None) -> NDArray:
        """The prediction in the units of y."""
        return self.mean(eta)


def numeric_target(y: ArrayLike) -> Floats:
    """y as a finite float vector, or a ValueError naming the first bad row."""
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"y must be one-dimensional, got shape {array.shape}; pass one target column")
    try:
        values = array.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(_first_not_numeric(array)) from None
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(f"y holds NaN or infinity at row {bad[0]} ({bad.size} in all); drop or fill those rows")
    return values


def _first_not_numeric(array: NDArray) -> str:
    """What to tell of the first entry that is no number."""
    for row, entry in enumerate(array.tolist()):
        if entry is None:
            return f"y is missing at row {row}; drop or fill those rows"
        try:
            float(entry)
        except (TypeError, ValueError):
            mend = "use loss='logistic' or 'multinomial' for classes"
            return f"y must be numeric for this loss, found {entry!r} at row {row}; {mend}"
    return f"y must be numeric for this loss, got an array of {array.dtype}"


def class_target(y: ArrayLike) -> tuple[NDArray, NDArray[np.intp]]:
    """The sorted classes of y and each row's class position."""
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"y must be one-dimensional, got shape {array.shape}; pass one column of class labels")
    if array.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(array))
    elif array.dtype == object:
        bad = np.flatnonzero([label is None or label != label for label in array])
    else:
        bad = np.array([], dtype=int)
    if bad.size:
        raise ValueError(f"y holds a missing label at row {bad[0]} ({bad.size} in all); drop those rows")
    try:
        classes, codes = np.unique(array, return_inverse=True)
    except TypeError:
        raise ValueError(
            "y mixes text and numbers, which have no common order; make all labels text, or all numbers"
        ) from None
    if len(classes) < 2:
        only = classes[0] if len(classes) else "nothing"
        raise ValueError(f"y has only one class ({only!r}); a classifier needs at least two")
    return classes, codes
