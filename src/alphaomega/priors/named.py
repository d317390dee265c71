"""The named priors: one penalty each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..penalties import L1, L2, GroupL1, Penalty
from .base import Prior

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gaussian(Prior):
    """w_j ~ N(0, scale_j^2): the prior whose mode is ridge regression, alpha = v / (n scale^2).

    Parameters
    ----------
    scale : number or array of shape (n_features,), optional
        Standard deviation, in the units of the coefficients. None: learnt from the data by `alphaomega.posterior`.
    groups : array of shape (n_features,), optional
        A label per feature; `scale` then has one entry per group, in the order of the sorted labels.

    Raises
    ------
    ValueError
        If a scale is not positive and finite.

    References
    ----------
    A. Hoerl and R. Kennard (1970), Ridge regression, Technometrics 12.

    Examples
    --------
    >>> import alphaomega as ao
    >>> fit = ao.path([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0], penalty=ao.priors.Gaussian(1.0).penalty(3), alphas=[1])
    >>> fit.coef.round(4)
    array([[0.6667]])
    """

    scale: ArrayLike | None = None
    groups: ArrayLike | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        _check_groups(self.groups)

    def energy(self) -> Penalty:
        return _strength(_by_feature(_known(self, self.scale), self.groups) ** -2.0, L2)


@dataclass(frozen=True, eq=False)
class Laplace(Prior):
    """p(w_j) = exp(-|w_j| / scale_j) / (2 scale_j): the prior whose mode is the lasso, alpha = v / (n scale).

    Parameters
    ----------
    scale : number or array of shape (n_features,), optional
        Mean of |w_j|, in the units of the coefficients. None: learnt from the data by `alphaomega.posterior`.
    groups : array of shape (n_features,), optional
        A label per feature; `scale` then has one entry per group, in the order of the sorted labels. (Coefficients of
        a group that are zero together are the matter of `GroupLaplace`.)

    Raises
    ------
    ValueError
        If a scale is not positive and finite.

    References
    ----------
    R. Tibshirani (1996), Regression shrinkage and selection via the lasso, JRSS B 58, section 5.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> prior = ao.L1().prior(n=200, noise_variance=4.0, alpha=0.1)
    >>> prior
    Laplace(scale=0.2)
    >>> round(float(np.exp(prior.log_density([0.0]))), 6)
    2.5
    """

    scale: ArrayLike | None = None
    groups: ArrayLike | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        _check_groups(self.groups)

    def energy(self) -> Penalty:
        return _strength(1 / _by_feature(_known(self, self.scale), self.groups), L1)


@dataclass(frozen=True, eq=False)
class GroupLaplace(Prior):
    """p(w_g) proportional to exp(-||w_g||_2 / scale_g): the prior whose mode is the group lasso.

    Parameters
    ----------
    groups : array of shape (n_features,), or a list of lists of feature positions
        As for `alphaomega.GroupL1`.
    scale : number or array of shape (n_groups,)
        In the units of the coefficients; the mean norm of a group of m features is m * scale_g.

    Raises
    ------
    ValueError
        If a scale is not positive and finite, or the groups are not well formed.

    References
    ----------
    M. Kyung, J. Gill, M. Ghosh, G. Casella (2010), Penalized regression, standard errors, and Bayesian lassos,
    Bayesian Analysis 5.

    Examples
    --------
    >>> import alphaomega as ao
    >>> float(ao.priors.GroupLaplace([0, 0], scale=2.0).energy().value([3.0, 4.0] * np.ones(2)))
    2.5
    """

    groups: ArrayLike | Sequence[Sequence[int]]
    scale: ArrayLike = 1.0

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        self.energy()

    def energy(self) -> Penalty:
        rate = 1 / _known(self, self.scale)
        return GroupL1(self.groups, weights=float(rate) if rate.ndim == 0 else rate)


def _check_groups(groups: ArrayLike | None) -> None:
    if groups is not None and np.ndim(groups) != 1:
        raise ValueError(f"groups must be one label per feature, got shape {np.shape(groups)}")


def _by_feature(scale: Floats, groups: ArrayLike | None) -> Floats:
    """The scale of each feature's group, where there are groups and a scale for each."""
    if groups is None or scale.ndim == 0:
        return scale
    labels, place = np.unique(np.asarray(groups), return_inverse=True)
    if scale.shape != labels.shape:
        raise ValueError(f"scale has shape {scale.shape} but there are {len(labels)} groups; give one per group")
    return scale[place]


def _strength(weights: Floats, kind: type[L1] | type[L2]) -> Penalty:
    """factor * kind() where one number will do, else kind(weights)."""
    return float(weights) * kind() if np.ndim(weights) == 0 else kind(weights)


def _known(prior: Prior, scale: ArrayLike | None) -> Floats:
    if scale is None:
        raise ValueError(
            f"{type(prior).__name__}() leaves its scale to the data; give scale=, or let ao.posterior learn it"
        )
    return np.asarray(scale, dtype=float)


def _check_scale(scale: ArrayLike | None) -> None:
    if scale is None:
        return
    values = np.asarray(scale, dtype=float)
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if not bad.size:
        return
    value = float(values.ravel()[bad[0]])
    where = "" if values.ndim == 0 else f" at position {bad[0]}"
    mend = {
        0.0: "a scale of 0 fixes the coefficient at zero: drop the feature instead",
        np.inf: "an infinite scale is a flat prior: leave the coefficient unpenalised (penalty weight 0) instead",
    }.get(value, "give a standard deviation or mean size in the units of the coefficient")
    raise ValueError(f"a prior's scale must be a finite number > 0, got {value:g}{where}; {mend}")
