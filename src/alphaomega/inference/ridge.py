"""Ridge regression: intervals that allow for its bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import Data, read_data
from .noise import noise_variance_of
from .rows import compact
from .tables import Floats, IntervalTable, check_level
from .triangle import column_names

NO_ERROR = 1e12  # biases of so many standard errors: the data say nothing of the coefficient
LARGE = 30.0  # biases of so many standard errors leave one tail only
DEPENDENT = 1e-12  # singular values below this share of the largest are rounding


@dataclass(frozen=True, eq=False)
class RidgeInference(IntervalTable):
    """Ridge coefficients with intervals wide enough for their bias; every array has one entry per column.

    Attributes
    ----------
    names : names of the columns.
    coef : the ridge coefficients.
    standard_error : their standard deviation over repeated y, which alone says nothing about how far they are off.
    bias : estimated bias, coef minus least squares; NaN where the rows do not determine least squares.
    largest_bias : the largest |bias| that any coefficients within `bound` have.
    bound : largest size of the coefficients that is allowed for, sqrt(sum_j (unit_j w_j)^2), in the units of y; unit_j
        is the column's standard deviation where the penalty acts per standard deviation, else one.
    alpha, noise_variance, level : as used.
    guarantee : what the numbers promise, in words.
    """

    names: tuple[str, ...]
    coef: Floats
    standard_error: Floats
    bias: Floats
    largest_bias: Floats
    bound: float
    alpha: float
    noise_variance: float
    level: float
    guarantee: str
    shown = ("coef", "standard_error", "bias", "largest_bias", "p", "lower", "upper")

    @property
    def _ratio(self) -> Floats:
        """Largest bias in standard errors."""
        still = self.standard_error > 0
        return np.where(still, self.largest_bias / np.where(still, self.standard_error, 1.0), np.inf)

    @property
    def margin(self) -> Floats:
        """Half the width of the interval: at least the largest bias plus a one-sided normal quantile."""
        ratio = np.minimum(self._ratio, NO_ERROR)
        return np.where(ratio < NO_ERROR, _folded_quantile(ratio, self.level) * self.standard_error, self.largest_bias)

    @property
    def p(self) -> Floats:
        """p-value of a zero coefficient, at the bias that makes it largest."""
        from scipy.stats import norm

        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.where(self.standard_error > 0, abs(self.coef) / self.standard_error, 0.0)
        ratio = np.minimum(self._ratio, NO_ERROR)
        return norm.sf(size - ratio) + norm.sf(size + ratio)


def ridge(
    X: Any,
    y: ArrayLike,
    alpha: float,
    bound: float | None = None,
    noise_variance: float | None = None,
    level: float = 0.9,
    standardize: bool = False,
    weights: ArrayLike | None = None,
    intercept: bool = True,
) -> RidgeInference:
    """Bias-aware intervals for ridge regression at a fixed alpha.

    coef - w ~ N(bias, standard_error^2),  bias = -n alpha (X'X + n alpha Q)^-1 Q w,  Q = diag(unit^2)

    Ridge is biased towards zero by an amount that depends on the unknown w. Over all w with sqrt(w'Qw) <= bound the
    bias of a coefficient is at most `largest_bias`; the interval coef +- c * standard_error, c the quantile of
    |N(t, 1)| at t = largest_bias / standard_error, covers each of these w. More shrinkage buys a smaller standard
    error, which is not the same as a shorter interval.

    Parameters
    ----------
    X : array, sparse matrix, dataframe or design of shape (n, p)
    y : array of shape (n,)
    alpha : float > 0
        Strength of the penalty, as in `alphaomega.path`; fixed beforehand.
    bound : float > 0, optional
        How large sqrt(sum_j (unit_j w_j)^2) may be, in the units of y. Default: that of least squares, which
        overestimates it on average; coverage is then no longer guaranteed, only usual.
    noise_variance : float, optional
        Variance of the errors. Default: RSS / (n - p - 1) of least squares, where n > p + 1.
    level : float in (0, 1), default 0.9
        Confidence level of the intervals.
    standardize : bool, default False
        As for `path`: whether unit_j is the column's standard deviation.
    weights : array of shape (n,), optional
        Counts: a weight k equals the row repeated k times.
    intercept : bool, default True
        Whether an intercept is fitted (it is not reported).

    Raises
    ------
    ValueError
        On bad input; if `bound` is not given and the rows do not determine least squares; as `NoiseNotEstimable` if the
        noise variance is not given and cannot be estimated.

    References
    ----------
    T. Armstrong, M. Kolesar, S. Kwon (2020), Bias-aware inference in regularized regression models, arXiv:2012.14823.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 3))
    >>> table = ao.inference.ridge(X, X @ [1.0, 0.0, -1.0] + rng.standard_normal(60), alpha=0.1, bound=2.0)
    >>> bool((table.margin > table.largest_bias + table.standard_error).all())
    True
    """
    check_level(level)
    for value, name in ((alpha, "alpha"), (1.0 if bound is None else bound, "bound")):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a finite number > 0, got {value!r}")
    data = read_data(X, y, "squared", weights, None)
    variance = noise_variance_of(data, intercept, noise_variance)
    parts = Decomposition.of(data, standardize, intercept)
    own = parts.least_squares()
    if bound is None and own is None:
        raise ValueError(
            "the rows do not determine least squares, so nothing tells how large the coefficients may be; pass bound=, "
            "or use ao.posterior, whose prior says it"
        )
    strength = float(data.weights.sum()) * alpha
    coef, deviation, share = parts.shrunk(strength)
    size = float(np.sqrt(own @ own)) if bound is None and own is not None else float(bound or 0.0)
    return RidgeInference(
        names=column_names(data),
        coef=coef / parts.units,
        standard_error=np.sqrt(variance) * deviation / parts.units,
        bias=(np.full_like(coef, np.nan) if own is None else coef - own) / parts.units,
        largest_bias=size * share / parts.units,
        bound=size,
        alpha=float(alpha),
        noise_variance=variance,
        level=level,
        guarantee=_guarantee(bound is None, noise_variance is None),
    )


@dataclass(frozen=True)
class Decomposition:
    """Columns over their units = U diag(values) axes', and U'y."""

    values: Floats
    axes: Floats
    projections: Floats
    units: Floats

    @classmethod
    def of(cls, data: Data, standardize: bool, intercept: bool) -> Decomposition:
        """One pass over the rows."""
        columns, response = compact(data, intercept)
        deviation = data.design.moments(data.weights)[1]
        units = np.where(deviation > 0, deviation, 1.0) if standardize else np.ones(columns.shape[1])
        left, values, right = np.linalg.svd(columns / units, full_matrices=False)
        keep = values > DEPENDENT * values.max(initial=0.0)
        return cls(values[keep], right[keep].T, left[:, keep].T @ response, units)

    def least_squares(self) -> Floats | None:
        """Coefficients per unit, where the rows determine them."""
        if len(self.values) < len(self.units):
            return None
        return self.axes @ (self.projections / self.values)

    def shrunk(self, strength: float) -> tuple[Floats, Floats, Floats]:
        """Ridge coefficients, their deviation per noise deviation, and their largest bias per size of w."""
        divided = self.values / (self.values**2 + strength)
        kept = self.values * divided
        deviation = np.sqrt((self.axes**2) @ divided**2)
        lost = np.sqrt(np.maximum(1 - (self.axes**2) @ (kept * (2 - kept)), 0.0))
        return self.axes @ (divided * self.projections), deviation, lost


def _folded_quantile(shift: Floats, level: float) -> Floats:
    """The `level` quantile of |N(shift, 1)|."""
    from scipy.stats import ncx2, norm

    near = np.minimum(shift, LARGE)
    exact = np.sqrt(ncx2.ppf(level, 1, np.maximum(near, 1e-8) ** 2))
    return np.where(shift < LARGE, exact, shift + norm.ppf(level))


def _guarantee(bound_estimated: bool, noise_estimated: bool) -> str:
    usual = "the size of least squares, which is estimated: usual, not guaranteed" if bound_estimated else "the bound"
    noise = "; the noise variance is estimated" if noise_estimated else ""
    return (
        f"each interval covers every w no larger than {usual}; independent normal errors{noise}; alpha must not have "
        "been chosen with the same y"
    )
