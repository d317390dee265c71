"""Ordinary least squares: standard errors, t, p and confidence intervals at alpha = 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import Data, read_data
from ..coefficients import Coefficients
from ..results import Path
from .robust import CLASSICAL, check_covariance, least_squares_covariance
from .triangle import (
    COLLINEAR,
    NotIdentified,
    coefficient_names,
    refuse_collinear,
    refuse_few_rows,
    triangle_of,
)
from .wald import Wald

__all__ = ["COLLINEAR", "NotIdentified", "OLSInference", "infer", "ols", "smallest_norm", "triangle_of"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class OLSInference(Wald):
    """Least squares with its uncertainty; every array has one entry per coefficient, the intercept first if fitted.

    Attributes
    ----------
    names : coefficient names.
    coef, standard_error : in the units of y per unit of the column.
    df : residual degrees of freedom, sum of weights - number of coefficients.
    sigma : residual standard deviation, sqrt(RSS / df), in the units of y.
    r2 : share of the variance of y explained.
    covariance : "classical", or "HC0" to "HC3".
    level : confidence level of `lower` and `upper`.
    guarantee : what the numbers promise, in words.
    """

    sigma: float
    r2: float

    @property
    def t(self) -> Floats:
        """coef / standard_error: Student's t with `df` degrees of freedom if the true coefficient is zero."""
        return self.statistic


def ols(
    X: Any,
    y: ArrayLike,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    level: float = 0.95,
    intercept: bool = True,
    impute: str | None = None,
    covariance: str = CLASSICAL,
) -> OLSInference:
    """Least squares with standard errors, t, p and confidence intervals.

    cov(w) = sigma^2 (X' S X)^-1,  sigma^2 = sum_i s_i (y_i - x_i'w - b)^2 / (sum_i s_i - number of coefficients)

    Valid for a model chosen before seeing the data, with independent errors: of equal variance, or of any variance
    with the robust covariances below. It is the fit at alpha = 0; a penalised or selected model needs another method.

    Parameters
    ----------
    X : array, sparse matrix, dataframe or design of shape (n, p)
    y : array of shape (n,)
    weights : array of shape (n,), optional
        Counts: a weight k equals the row repeated k times, in the standard errors and degrees of freedom too.
    offset : array of shape (n,), optional
        Subtracted from y.
    level : float in (0, 1), default 0.95
        Confidence level of the intervals.
    intercept : bool, default True
        Whether to fit an intercept, reported first.
    impute : {None, "mean", "median"}
        As for `alphaomega.path`.
    covariance : {"classical", "HC0", "HC1", "HC2", "HC3"}
        "classical" takes the errors' variance to be equal. The others let it differ from row to row:
        (X'SX)^-1 (sum_i s_i e_i^2 x_i x_i') (X'SX)^-1 with the residuals e as they are (HC0), times n / (n - number of
        coefficients) (HC1), or divided by sqrt(1 - h_i) (HC2) or 1 - h_i (HC3, the safest in small samples), h the
        leverages. They are valid for large n.

    Raises
    ------
    ValueError
        On bad input; as `NotIdentified` if there are no more rows than coefficients, or a column is a combination of
        others (named).

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, section 3.2. J. MacKinnon and
    H. White (1985), Some heteroskedasticity-consistent covariance matrix estimators, J. Econometrics 29.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> fit = ao.inference.ols([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 4.0])
    >>> fit.coef.round(3), fit.standard_error.round(3)
    (array([-0.2,  1.3]), array([0.324, 0.173]))
    """
    return infer(read_data(X, y, "squared", weights, offset, impute), intercept, covariance).at_level(level)


def infer(data: Data, intercept: bool, covariance: str = CLASSICAL) -> OLSInference:
    """`ols` for data that has been read."""
    check_covariance(covariance)
    names = coefficient_names(data, intercept)
    size = len(names)
    df = float(data.weights.sum()) - size
    refuse_few_rows(data, size, with_variance=True)
    triangle = triangle_of(data, intercept)
    left, right = triangle[:size, :size], triangle[:size, size]
    refuse_collinear(left, names)
    inverse = np.asarray(np.linalg.solve(left, np.eye(size)))
    residual_square = float(triangle[size, size] ** 2) if len(triangle) > size else 0.0
    explained = right[1:] if intercept else right
    total = float(explained @ explained) + residual_square
    sigma = float(np.sqrt(residual_square / df))
    coef = inverse @ right
    robust = covariance != CLASSICAL
    return OLSInference(
        names=names,
        coef=coef,
        standard_error=(
            np.sqrt(np.diag(least_squares_covariance(data, (coef, inverse), intercept, covariance)))
            if robust
            else sigma * np.sqrt((inverse**2).sum(1))
        ),
        df=df,
        sigma=sigma,
        r2=1 - residual_square / total if total > 0 else 1.0,
        covariance=covariance,
        guarantee=(
            f"valid for columns chosen before seeing the data, with independent errors of "
            f"{f'any variance ({covariance}), for large n' if robust else 'equal variance'}"
        ),
    )


def smallest_norm(fitted: Path, data: Data, intercept: bool) -> Path:
    """Of all least-squares fits, the one of smallest norm of the coefficients per standard deviation.

    Where the rows do not determine the coefficients, this is the limit of ridge regression as alpha goes to 0; it does
    not depend on the order of rows or columns. The certificate follows its own residual sum of squares.
    """
    triangle, start = triangle_of(data, intercept), int(intercept)
    left, right = triangle[start:, start:-1], triangle[start:, -1]
    lost = (left**2).sum(0) <= COLLINEAR**2 * (triangle[:, start:-1] ** 2).sum(0)
    units = np.where(lost, np.inf, fitted.scale)
    coef = np.linalg.lstsq(left / units, right, rcond=COLLINEAR)[0] / units
    shift = (triangle[0, -1] - triangle[0, 1:-1] @ coef) / triangle[0, 0] if intercept else 0.0
    problem = data.problem(fitted.penalty, standardize=False, intercept=intercept)
    losses = [
        problem.data_term(problem.base_eta() + data.design.matvec(w) + b)
        for w, b in ((coef, shift), (fitted.coef[0], fitted.intercept[0]))
    ]
    more = (losses[0] - losses[1]) / fitted.null_loss if fitted.null_loss > 0 else 0.0
    return replace(
        fitted,
        table=Coefficients.of(coef[None]),
        intercept=np.array([shift]),
        gap=np.maximum(fitted.gap + more, 0.0),
        n_nonzero=np.array([np.count_nonzero(coef)]),
    )
