"""Inference after selection by the lasso at a fixed alpha: exact given what was selected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import Data, read_data
from ..fitting import path
from ..penalties import L1
from .noise import noise_variance_of
from .rows import centred
from .tables import Floats, Table, check_level
from .triangle import COLLINEAR
from .truncated import TruncatedNormal

FIT_TOLERANCE = 1e-10  # enough to know the support; the fit is then solved exactly on it
ON_A_KNOT = 1e-7  # relative: closer to a change of support, what was selected cannot be told


@dataclass(frozen=True, eq=False)
class SelectiveInference(Table):
    """The selected features with p-values and intervals that stay valid although the same rows selected them.

    Every array has one entry per selected feature, in the order of the columns.

    Attributes
    ----------
    names, indices : which features, by name and by position.
    coef : least squares on the selected features alone (the estimate that p and the interval speak of).
    penalised : the lasso's own coefficients.
    lower, upper : limits of the coefficient in the model of the selected features.
    p_one_sided : p-value of a zero coefficient against the sign that the lasso gave it.
    limits : (k, 2) between which values `coef` could lie while the same features keep the same signs.
    deviation : standard deviation of `coef` before selection.
    alpha, noise_variance, level : as used.
    guarantee : what the numbers promise, in words.
    """

    names: tuple[str, ...]
    indices: NDArray[np.intp]
    coef: Floats
    penalised: Floats
    lower: Floats
    upper: Floats
    p_one_sided: Floats
    limits: Floats
    deviation: Floats
    alpha: float
    noise_variance: float
    level: float
    guarantee: str = field(repr=False, default="")
    shown = ("coef", "p", "lower", "upper")

    @property
    def p(self) -> Floats:
        """Two-sided p-value of a zero coefficient; below 1 - level just where the interval excludes zero."""
        return 2 * np.minimum(self.p_one_sided, 1 - self.p_one_sided)


def selective(
    X: Any,
    y: ArrayLike,
    alpha: float,
    noise_variance: float | None = None,
    level: float = 0.9,
    standardize: bool = False,
    weights: ArrayLike | None = None,
    intercept: bool = True,
) -> SelectiveInference:
    """P-values and intervals for the features that the lasso selects at a fixed alpha.

    min over (w, b) of  sum_i s_i (y_i - x_i'w - b)^2 / (2 sum_i s_i) + alpha ||w||_1

    Given that the lasso selects the features E with signs s, y is a normal restricted to a polyhedron, and each
    least-squares coefficient of the model E is a normal truncated to an interval that follows from y. Intervals cover,
    given the selection, with probability `level` exactly: for independent normal errors of known variance, and an alpha
    that was not chosen with the same y.

    Parameters
    ----------
    X : array, sparse matrix, dataframe or design of shape (n, p)
    y : array of shape (n,)
    alpha : float > 0
        Strength of the penalty, as in `alphaomega.path`: fixed beforehand, not cross-validated on these rows.
    noise_variance : float, optional
        Variance of the errors, in the squared units of y. Default: RSS / (n - p - 1) of least squares on all columns,
        where n > p + 1 (coverage is then approximate).
    level : float in (0, 1), default 0.9
        Confidence level of the intervals.
    standardize : bool, default False
        As for `path`; coefficients are reported in the columns' units either way.
    weights : array of shape (n,), optional
        Counts: a weight k equals the row repeated k times.
    intercept : bool, default True
        Whether an intercept is fitted (it is not reported).

    Raises
    ------
    ValueError
        On bad input; if the noise variance is not given and cannot be estimated; if the selected columns are collinear,
        so that the selection is not unique; if alpha lies where the selection changes.

    References
    ----------
    J. Lee, D. Sun, Y. Sun, J. Taylor (2016), Exact post-selection inference, with application to the lasso, Annals of
    Statistics 44.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 10))
    >>> table = ao.inference.selective(X, 2 * X[:, 3] + rng.standard_normal(100), alpha=0.3)
    >>> table.names, bool(table.lower[0] < 2 < table.upper[0])
    (('x3',), True)
    """
    check_level(level)
    if not (np.isfinite(alpha) and alpha > 0):
        raise ValueError(
            f"alpha must be a finite number > 0, got {alpha!r}; without a penalty use alphaomega.inference.ols"
        )
    data = read_data(X, y, "squared", weights, None)
    variance = noise_variance_of(data, intercept, noise_variance)
    fit = path(
        X,
        y,
        penalty=L1(),
        alphas=[alpha],
        weights=weights,
        standardize=standardize,
        intercept=intercept,
        tol=FIT_TOLERANCE,
    )
    active = np.flatnonzero(fit.coef[0])
    event = _Event.of(data, active, np.sign(fit.coef[0][active]), (alpha, fit.scale), intercept)
    truncations = [event.truncation(k, variance) for k in range(len(active))]
    limits = np.array([each.interval(level) for each in truncations]).reshape(-1, 2)
    above = np.array([each.above(0.0) if s > 0 else each.below(0.0) for each, s in zip(truncations, event.signs)])
    names = data.encoder.names or tuple(f"x{j}" for j in range(data.design.shape[1]))
    return SelectiveInference(
        names=tuple(names[j] for j in active),
        indices=active,
        coef=event.coef,
        penalised=event.penalised,
        lower=limits[:, 0],
        upper=limits[:, 1],
        p_one_sided=above,
        limits=np.array([[each.lower, each.upper] for each in truncations]).reshape(-1, 2),
        deviation=np.array([each.deviation for each in truncations]),
        alpha=float(alpha),
        noise_variance=variance,
        level=level,
        guarantee=_guarantee(level, noise_variance is None),
    )


def _guarantee(level: float, estimated: bool) -> str:
    exact = "approximate, as the noise variance is estimated" if estimated else "exact for normal errors"
    return (
        f"intervals cover the coefficient in the model of the selected features with probability {level:g}, given the "
        f"selection and its signs; {exact}; alpha must not have been chosen with the same y"
    )


@dataclass(frozen=True)
class _Event:
    """What was selected: the moments of the selected columns (k of them), centred, and the signs.

    The lasso on them is coef - shift, with shift = n alpha (X_E'X_E)^-1 s, and the event is that its signs are s. The
    conditions on the features left out bear only on y's part orthogonal to X_E, which no coefficient of the model sees.
    """

    inverse: Floats
    coef: Floats
    shift: Floats
    signs: Floats

    @property
    def penalised(self) -> Floats:
        """The lasso's coefficients."""
        return self.coef - self.shift

    @classmethod
    def of(
        cls, data: Data, active: NDArray[np.intp], signs: Floats, strength: tuple[float, Floats], intercept: bool
    ) -> _Event:
        alpha, scale = strength
        columns, response = centred(data, active, intercept)
        norms = np.linalg.norm(columns, axis=0)
        _, triangle = np.linalg.qr(columns / norms) if active.size else (None, np.zeros((0, 0)))
        if active.size and abs(np.diag(triangle)).min() < np.sqrt(COLLINEAR):
            lost = active[int(np.argmin(abs(np.diag(triangle))))]
            raise ValueError(
                f"the selected column {_name(data, lost)} is a combination of other selected columns, so the selection "
                "is not unique; drop it"
            )
        root = np.linalg.solve(triangle, np.eye(active.size)) / norms[:, None] if active.size else triangle
        inverse = root @ root.T
        coef = inverse @ (columns.T @ response)
        shift = data.weights.sum() * alpha * inverse @ (signs * scale[active])
        event = cls(inverse, coef, shift, signs)
        event._check(data, active, (columns, response), strength, intercept)
        return event

    def _check(
        self,
        data: Data,
        active: NDArray[np.intp],
        sample: tuple[Floats, Floats],
        strength: tuple[float, Floats],
        intercept: bool,
    ) -> None:
        """Refuse an alpha at which a feature enters or leaves, within the digits of the fit."""
        (columns, response), (alpha, scale) = sample, strength
        margin = self.signs * self.penalised
        if (margin <= ON_A_KNOT * abs(self.shift)).any():
            raise ValueError(_on_knot(data, active[int(np.argmin(margin))], alpha))
        root = np.sqrt(data.weights)
        residual = root * (response - columns @ self.penalised)
        slope = data.design.rmatvec(residual) / (data.weights.sum() * alpha * np.where(scale > 0, scale, 1.0))
        slope[active] = 0.0
        if (abs(slope) >= 1 - ON_A_KNOT).any():
            raise ValueError(_on_knot(data, int(np.argmax(abs(slope))), alpha))

    def truncation(self, k: int, noise_variance: float) -> TruncatedNormal:
        """The k-th least-squares coefficient and the interval in which it keeps every sign, the rest of y fixed."""
        along = self.inverse[:, k] / self.inverse[k, k]
        rest = self.coef - along * self.coef[k]
        slope, bound = self.signs * along, self.signs * (self.shift - rest)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = bound / slope
        lower = np.max(ratio[slope > 0], initial=-np.inf)
        upper = np.min(ratio[slope < 0], initial=np.inf)
        deviation = float(np.sqrt(noise_variance * self.inverse[k, k]))
        value = float(self.coef[k])
        return TruncatedNormal(value, deviation, float(min(lower, value)), float(max(upper, value)))


def _name(data: Data, column: int) -> str:
    return str(column) if data.encoder.names is None else repr(data.encoder.names[column])


def _on_knot(data: Data, column: int, alpha: float) -> str:
    return (
        f"at alpha={alpha:g} column {_name(data, column)} is just entering or leaving, so what is selected cannot be "
        f"told; use a slightly different alpha, e.g. {alpha * 1.01:g}"
    )
