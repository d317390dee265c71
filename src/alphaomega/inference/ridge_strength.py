"""The classical choices of ridge regression's strength, from one least-squares fit."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from ..arguments import read_data
from .noise import NoiseNotEstimable, noise_variance_of
from .ridge import Decomposition
from .triangle import refuse_few_rows

RULES = ("hkb", "lawless-wang")


def ridge_alpha(
    X: Any,
    y: ArrayLike,
    rule: str = "hkb",
    weights: ArrayLike | None = None,
    intercept: bool = True,
) -> float:
    """A strength of ridge regression from one least-squares fit, for penalties per standard deviation.

    hkb: (p - 2) sigma^2 / (n ||v||^2);  lawless-wang: (p - 2) sigma^2 / ||X v||^2;  v least squares per deviation

    Use it with standardize=True: `ao.Ridge(alpha=...)`. Cross-validation (`alpha="cv"`) asks more of the data and is
    the default there.

    Parameters
    ----------
    X : array, sparse matrix, dataframe or design of shape (n, p)
        At least three columns that vary, and n > p + 1.
    y : array of shape (n,)
    rule : {"hkb", "lawless-wang"}
        Hoerl, Kennard and Baldwin's, or Lawless and Wang's.
    weights : array of shape (n,), optional
        Counts: a weight k equals the row repeated k times.
    intercept : bool, default True
        Whether an intercept is fitted.

    Raises
    ------
    ValueError
        On bad input; if there are fewer than three columns, or the rows do not determine least squares.

    References
    ----------
    A. Hoerl, R. Kennard, K. Baldwin (1975), Ridge regression: some simulations, Communications in Statistics 4.
    J. Lawless and P. Wang (1976), A simulation study of ridge and other regression estimators, same journal 5.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 4))
    >>> alpha = ao.inference.ridge_alpha(X, X.sum(1) + rng.standard_normal(60))
    >>> bool(0.001 < alpha < 0.1)
    True
    """
    if rule not in RULES:
        raise ValueError(f"rule must be {' or '.join(map(repr, RULES))}, got {rule!r}")
    data = read_data(X, y, "squared", weights, None)
    p, total = data.design.shape[1], float(data.weights.sum())
    if p < 3:
        raise ValueError(f"the rule {rule!r} needs at least 3 columns, X has {p}; use ao.Ridge(alpha='cv')")
    refuse_few_rows(data, p + intercept, with_variance=True)
    variance = noise_variance_of(data, intercept, None)
    parts = Decomposition.of(data, True, intercept)
    own = parts.least_squares()
    if own is None:
        raise ValueError(
            "a column is constant or a combination of others, so least squares, which the rule starts from, is not "
            "determined; drop it, or use ao.Ridge(alpha='cv')"
        )
    size = total * float(own @ own) if rule == "hkb" else float(((parts.values * (parts.axes.T @ own)) ** 2).sum())
    if not size > 0:
        raise NoiseNotEstimable("least squares is zero in every coefficient: no strength is too large")
    return (p - 2) * variance / size
