"""The strength of a penalty, translated between packages."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Setting:
    """What a convention may depend on besides the strength itself."""

    n: float | None = None
    weight_sum: float | None = None
    sd_y: float | None = None
    l1_ratio: float = 1.0
    batch_size: float | None = None
    n_outputs: float = 1
    penalty_factor: Any = None

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in ("l1_ratio", "penalty_factor") or value is None:
                continue
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{item.name} must be a finite number > 0, got {value!r}")
        if not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio must lie in [0, 1] (1 is L1, 0 is L2), got {self.l1_ratio!r}")

    def total(self, package: str) -> float:
        """The sum of the sample weights, n without weights."""
        return self.needed("n", package) if self.weight_sum is None else self.weight_sum

    def needed(self, name: str, package: str) -> float:
        """The argument `name`, or an error that asks for it."""
        value = getattr(self, name)
        if value is None:
            raise TypeError(f"the convention of {package} depends on {MEANING[name]}; pass {name}=")
        return value


MEANING = {
    "n": "the number of rows (with sample weights pass weight_sum, their sum, instead)",
    "sd_y": "the standard deviation of y (1/n convention)",
    "batch_size": "the number of rows in a batch",
}


@dataclass(frozen=True)
class Convention:
    """alpha = factor * value, or factor / value where the package multiplies the loss (C) instead of the penalty."""

    objective: str
    factor: Callable[[Setting, str], float] = lambda setting, package: 1.0
    divides: bool = False

    def to_alpha(self, value: float, setting: Setting, package: str) -> float:
        """The strength alpha of J + alpha * Omega."""
        factor = self.factor(setting, package)
        if not self.divides:
            return factor * value
        if value == 0:
            raise ValueError(f"C = 0 in {package} means an infinite penalty; pass C > 0")
        return factor / value

    def from_alpha(self, alpha: float, setting: Setting, package: str) -> float:
        """The package's own strength."""
        factor = self.factor(setting, package)
        if not self.divides:
            return alpha / factor
        return math.inf if alpha == 0 else factor / alpha


def _glmnet(setting: Setting, package: str) -> float:
    return (
        1.0 if setting.penalty_factor is None else float(1 / np.mean(np.asarray(setting.penalty_factor, dtype=float)))
    )


def _glmnet_gaussian(setting: Setting, package: str) -> float:
    """For family gaussian the quadratic part acts at lambda / sd(y)."""
    if setting.l1_ratio == 1:
        return _glmnet(setting, package)
    if setting.l1_ratio == 0:
        return _glmnet(setting, package) / setting.needed("sd_y", package)
    raise ValueError(
        f"{package} with 0 < l1_ratio < 1 weighs the quadratic part by 1 / sd(y), so the mix changes as well as the "
        "strength; convert lambda * l1_ratio with l1_ratio=1 and lambda * (1 - l1_ratio) with l1_ratio=0, giving a and "
        "b, and fit the penalty a * ao.L1() + b * ao.L2() at alpha = 1"
    )


def _per_row(setting: Setting, package: str) -> float:
    return 1 / setting.total(package)


def _per_batch(setting: Setting, package: str) -> float:
    return 1 / setting.needed("batch_size", package)


MEAN = Convention("mean loss + alpha * Omega")
SKLEARN_MEAN = Convention("1/(2W) RSS (or deviance) + alpha (l1_ratio |w|_1 + (1 - l1_ratio)/2 |w|^2)")
TIMES_C = Convention("C * sum of losses + Omega", _per_row, divides=True)
NETWORK = Convention("mean loss + alpha/(2 batch_size) |w|^2", _per_batch)
NETWORK_FULL = Convention("mean loss + alpha/(2n) |w|^2", _per_row)
GLMNET = Convention("1/n sum NLL + lambda ((1-a)/2 |w|^2 + a |w|_1), penalty.factor rescaled to mean 1", _glmnet)

#: Every convention by the name of its package; matched without regard to case.
CONVENTIONS = {
    "alphaomega": MEAN,
    "sklearn.Lasso": SKLEARN_MEAN,
    "sklearn.ElasticNet": SKLEARN_MEAN,
    "sklearn.Ridge": Convention("RSS + alpha |w|^2", _per_row),
    "sklearn.RidgeClassifier": Convention("RSS + alpha |w|^2", _per_row),
    "sklearn.LogisticRegression": TIMES_C,
    "sklearn.LinearSVC": TIMES_C,
    "sklearn.PoissonRegressor": SKLEARN_MEAN,
    "sklearn.GammaRegressor": SKLEARN_MEAN,
    "sklearn.TweedieRegressor": SKLEARN_MEAN,
    "sklearn.SGDRegressor": MEAN,
    "sklearn.SGDClassifier": MEAN,
    "sklearn.MLPRegressor": NETWORK,
    "sklearn.MLPClassifier": NETWORK,
    "sklearn.MLPRegressor.lbfgs": NETWORK_FULL,
    "sklearn.MLPClassifier.lbfgs": NETWORK_FULL,
    "glmnet": Convention(
        "1/(2n) RSS + lambda ((1-a)/2 |w|^2 / sd(y) + a |w|_1), penalty.factor rescaled to mean 1", _glmnet_gaussian
    ),
    "glmnet.binomial": GLMNET,
    "glmnet.multinomial": GLMNET,
    "glmnet.poisson": GLMNET,
    "skglm.Lasso": SKLEARN_MEAN,
    "celer.Lasso": SKLEARN_MEAN,
    "celer.LogisticRegression": TIMES_C,
    "adelie": Convention(
        "mean loss / n_outputs + lambda * Omega, group factor sqrt(size)", lambda setting, package: setting.n_outputs
    ),
    "glum": SKLEARN_MEAN,
    "statsmodels.OLS": MEAN,
    "statsmodels.GLM": MEAN,
    "statsmodels.discrete": Convention("sum of losses + alpha |w|_1", _per_row),
    "spark": Convention("mean loss + regParam * Omega; standardised by the n-1 standard deviation"),
    "keras.L1": Convention("mean loss + l1 |w|_1"),
    "keras.L2": Convention("mean loss + l2 |w|^2", lambda setting, package: 2.0),
    "torch.SGD": Convention("mean loss + weight_decay/2 |w|^2"),
    "torch.Adam": Convention("mean loss + weight_decay/2 |w|^2"),
}
NO_PENALTY = {
    "torch.adamw": "torch.AdamW shrinks the weights beside the gradient step (decoupled weight decay), which minimises "
    "no J + alpha * Omega; use torch.Adam or torch.SGD with weight_decay, or ao.networks"
}


def convert_alpha(
    value: float,
    source: str,
    target: str = "alphaomega",
    *,
    n: float | None = None,
    weight_sum: float | None = None,
    sd_y: float | None = None,
    l1_ratio: float = 1.0,
    batch_size: float | None = None,
    n_outputs: float = 1,
    penalty_factor: ArrayLike | None = None,
) -> float:
    """The same penalty strength in another package's convention.

    alphaomega minimises  sum_i s_i loss_i / sum_i s_i + alpha * Omega(w),  with L2 = 1/2 |w|^2 and loss_i = r_i^2 / 2
    for squares; `alphaomega.conversion.CONVENTIONS` lists the objective of each package. Columns are taken as they are:
    glmnet scales them by the 1/n standard deviation (as `standardize=True` here), Spark by the n-1 one.

    Parameters
    ----------
    value : float >= 0
        The strength in the source's convention (C, lambda, weight_decay, ...).
    source, target : str
        Packages, e.g. "sklearn.Ridge", "glmnet", "glmnet.binomial", "keras.L2", "torch.SGD", "alphaomega"; any case.
    n, weight_sum : float
        Number of rows, or the sum of the sample weights, where a package sums the loss.
    sd_y : float
        Standard deviation of y (1/n convention), for the quadratic part of glmnet's family gaussian.
    l1_ratio : float, default 1
        The mix (glmnet's alpha): which part of the penalty to convert, 1 the L1 part and 0 the L2 part, where it
        matters.
    batch_size : float
        Rows in a batch, for scikit-learn's networks with adam or sgd (lbfgs: "sklearn.MLPClassifier.lbfgs" and n).
    n_outputs : float, default 1
        Responses or classes, for adelie, which divides the loss by them.
    penalty_factor : array (p,), optional
        glmnet's penalty.factor, to be used as the penalty's weights here; glmnet rescales it to mean 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a package is unknown (the known ones are listed), or has no such penalty, or the value is negative.
    TypeError
        If an argument is missing on which the convention depends; the message names it.

    References
    ----------
    The documentation of each package; the conventions are tested by equality of the fits.

    Examples
    --------
    >>> import alphaomega as ao
    >>> ao.convert_alpha(50.0, source="sklearn.Ridge", target="alphaomega", n=100)
    0.5
    >>> ao.convert_alpha(0.25, source="alphaomega", target="sklearn.LogisticRegression", n=8)
    0.5
    """
    if not (isinstance(value, (int, float, np.number)) and value >= 0):
        raise ValueError(f"value must be a number >= 0, got {value!r}")
    setting = Setting(n, weight_sum, sd_y, l1_ratio, batch_size, n_outputs, penalty_factor)
    alpha = _find(source).to_alpha(float(value), setting, source)
    return float(_find(target).from_alpha(alpha, setting, target))


def _find(package: str) -> Convention:
    by_name = {name.casefold(): convention for name, convention in CONVENTIONS.items()}
    key = str(package).casefold()
    if key in NO_PENALTY:
        raise ValueError(NO_PENALTY[key])
    if key not in by_name:
        near = difflib.get_close_matches(key, by_name, n=1)
        hint = f"did you mean {next(name for name in CONVENTIONS if name.casefold() == near[0])!r}? " if near else ""
        raise ValueError(f"unknown package {package!r}; {hint}known are {', '.join(CONVENTIONS)}")
    return by_name[key]
