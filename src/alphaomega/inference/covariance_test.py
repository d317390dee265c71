"""Significance along least angle regression: the polyhedral test, and the covariance test for teaching."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import read_data
from .least_angle import Step, least_angle
from .noise import noise_variance_of
from .rows import centred
from .tables import Floats, Table, check_level
from .truncated import TruncatedNormal

ROUNDING = 1e-12
CONDITIONS = {
    "sequence": "the features that joined so far and their signs",
    "published": "the features that joined so far, their signs, and the signs of the correlations of all left out",
}


@dataclass(frozen=True, eq=False)
class LeastAngleInference(Table):
    """One entry per step of least angle regression.

    Attributes
    ----------
    names, indices : the feature that joined, by name and by position.
    knots : common |x_j' residual| / sum of weights at which it joined (the alpha of the lasso).
    coef : its least-squares coefficient among the features joined so far, in the units of its column.
    lower, upper : limits of that coefficient.
    p : one-sided p-value of a zero coefficient against the sign with which it joined, as in the source.
    noise_variance, level : as used.
    guarantee : what the numbers promise, in words.
    """

    names: tuple[str, ...]
    indices: NDArray[np.intp]
    knots: Floats
    coef: Floats
    lower: Floats
    upper: Floats
    p: Floats
    noise_variance: float
    level: float
    guarantee: str

    def columns(self) -> dict[str, Any]:
        """The table as columns, by name."""
        rest = {name: getattr(self, name) for name in ("coef", "p", "lower", "upper")}
        return {"name": list(self.names), "knot": self.knots, **rest}


@dataclass(frozen=True, eq=False)
class CovarianceTest(Table):
    """One entry per step of least angle regression.

    Attributes
    ----------
    names, indices : the feature that joined, by name and by position.
    statistic : how much more of y's covariance the fit explains with it than without, over the noise variance.
    p : from F(2, df), or Exp(1) where the noise variance was given.
    df : residual degrees of freedom of the noise variance; infinite where it was given.
    noise_variance : as used.
    guarantee : what the numbers promise, in words.
    """

    names: tuple[str, ...]
    indices: NDArray[np.intp]
    statistic: Floats
    p: Floats
    df: float
    noise_variance: float
    guarantee: str = (
        "asymptotic, for teaching: valid for the first feature that is not in the true model, conservative after it; "
        "the polyhedral test is exact"
    )
    shown = ("statistic", "p")


def lar(
    X: Any,
    y: ArrayLike,
    steps: int | None = None,
    noise_variance: float | None = None,
    level: float = 0.9,
    weights: ArrayLike | None = None,
    intercept: bool = True,
    given: str = "sequence",
) -> LeastAngleInference:
    """Exact p-values and intervals for each feature that least angle regression adds.

    p_k = P(direction_k'y at least as large | the features and signs of the first k steps), y ~ N(mu, noise_variance)

    Parameters
    ----------
    X : array, sparse matrix, dataframe or design of shape (n, p)
        On the scale on which columns compete: standardise them beforehand, as is usual.
    y : array of shape (n,)
    steps : int, optional
        How many steps; default until least squares is reached.
    noise_variance : float, optional
        Variance of the errors. Default: RSS / (n - p - 1) of least squares on all columns, where n > p + 1.
    level : float in (0, 1), default 0.9
        Confidence level of the intervals.
    weights : array of shape (n,), optional
        Counts: a weight k equals the row repeated k times.
    intercept : bool, default True
        Whether an intercept is fitted; without one, X and y are taken as they are.
    given : {"sequence", "published"}
        What the p-values condition on. "sequence": the features and signs of the steps so far, and nothing more.
        "published": also the signs of all correlations left out, as the source and its software do, which is valid too
        but loses power.

    Raises
    ------
    ValueError
        On bad input, or if the noise variance is not given and cannot be estimated.

    References
    ----------
    R. Tibshirani, J. Taylor, R. Lockhart, R. Tibshirani (2016), Exact post-selection inference for sequential
    regression procedures, JASA 111.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> ao.inference.lar(X, 2 * X[:, 2] + rng.standard_normal(100)).names[0]
    'x2'
    """
    check_level(level)
    if given not in CONDITIONS:
        raise ValueError(f"given must be {' or '.join(map(repr, CONDITIONS))}, got {given!r}")
    data = read_data(X, y, "squared", weights, None)
    variance = noise_variance_of(data, intercept, noise_variance)
    columns, response = centred(data, np.arange(data.design.shape[1]), intercept)
    taken = list(islice(least_angle(columns, response), _checked(steps)))
    found = [_truncation(taken[: k + 1], response, variance, given) for k in range(len(taken))]
    names = data.encoder.names or tuple(f"x{j}" for j in range(columns.shape[1]))
    limits = np.array([each.interval(level) for each in found]).reshape(-1, 2)
    return LeastAngleInference(
        names=tuple(names[step.column] for step in taken),
        indices=np.array([step.column for step in taken], dtype=np.intp),
        knots=np.array([step.knot for step in taken]) / data.weights.sum(),
        coef=np.array([each.value for each in found]),
        lower=limits[:, 0],
        upper=limits[:, 1],
        p=np.array([each.above(0.0) if step.sign > 0 else each.below(0.0) for each, step in zip(found, taken)]),
        noise_variance=variance,
        level=level,
        guarantee=(
            f"each p-value and interval is exact given {CONDITIONS[given]}, for normal errors of the stated variance; "
            "the coefficient is that of least squares on the features joined so far"
        ),
    )


def covariance_test(
    X: Any,
    y: ArrayLike,
    steps: int | None = None,
    noise_variance: float | None = None,
    weights: ArrayLike | None = None,
    intercept: bool = True,
) -> CovarianceTest:
    """The covariance test of each feature that least angle regression adds.

    T_k = ||u_k - u_{k-1}||^2 knot_k (knot_k - knot_{k+1}) / noise_variance,  u the equiangular vectors

    The first test that used the lasso's own adaptivity: it asks whether a step lowers the knot by more than chance
    would, and is Exp(1) (F(2, df) where the variance is estimated) once all true features have joined.

    Parameters
    ----------
    X, y, steps, weights, intercept
        As for `lar`.
    noise_variance : float, optional
        Variance of the errors. Default: RSS / (n - p - 1) of least squares on all columns, where n > p + 1.

    Raises
    ------
    ValueError
        On bad input, or if the noise variance is not given and cannot be estimated.

    References
    ----------
    R. Lockhart, J. Taylor, R. Tibshirani, R. Tibshirani (2014), A significance test for the lasso, Annals of
    Statistics 42.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> test = ao.inference.covariance_test(X, 2 * X[:, 2] + rng.standard_normal(100))
    >>> bool(test.p[0] < 0.001), bool(test.p[-1] > 0.001)
    (True, True)
    """
    data = read_data(X, y, "squared", weights, None)
    variance = noise_variance_of(data, intercept, noise_variance)
    columns, response = centred(data, np.arange(data.design.shape[1]), intercept)
    sequence = least_angle(columns, response)
    taken = list(islice(sequence, _checked(steps)))
    following = next(sequence, None)
    knots = np.array([*(step.knot for step in taken), 0.0 if following is None else following.knot])
    vectors = [np.zeros(len(response)), *(step.equiangular for step in taken)]
    size = np.array([(after - before) @ (after - before) for before, after in pairwise(vectors)])
    statistic = size * knots[:-1] * (knots[:-1] - knots[1:]) / variance
    df = np.inf if noise_variance is not None else float(data.weights.sum()) - columns.shape[1] - intercept
    names = data.encoder.names or tuple(f"x{j}" for j in range(columns.shape[1]))
    return CovarianceTest(
        names=tuple(names[step.column] for step in taken),
        indices=np.array([step.column for step in taken], dtype=np.intp),
        statistic=statistic,
        p=np.exp(-statistic) if np.isinf(df) else (1 + 2 * statistic / df) ** (-df / 2),  # the tail of F(2, df)
        df=df,
        noise_variance=variance,
    )


def _checked(steps: int | None) -> int | None:
    if steps is not None and steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps!r}")
    return steps


def _truncation(steps: list[Step], response: Floats, noise_variance: float, given: str) -> TruncatedNormal:
    """The last step's coefficient, and where it could lie with the same steps, the rest of y fixed."""
    last = steps[-1].direction
    direction = last / (last @ last)
    value = float(direction @ response)
    along = direction / (direction @ direction)
    rest = response - along * value
    lower, upper = -np.inf, np.inf
    for step in steps:
        larger = [step.chosen[:, None], step.chosen[:, None] - step.rivals]  # each one's product with y is >= 0
        rows = np.column_stack(larger + [step.signed] * (given == "published"))
        gains, margins = along @ rows, rest @ rows
        tiny = ROUNDING * np.linalg.norm(rows, axis=0) * np.linalg.norm(along)
        with np.errstate(divide="ignore", invalid="ignore"):
            edges = -margins / gains
        lower = max(lower, edges[gains > tiny].max(initial=-np.inf))
        upper = min(upper, edges[gains < -tiny].min(initial=np.inf))
    deviation = float(np.sqrt(noise_variance * (direction @ direction)))
    return TruncatedNormal(value, deviation, float(min(lower, value)), float(max(upper, value)))
