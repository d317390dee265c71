"""Ordinary least squares: standard errors, t, p and confidence intervals at alpha = 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..fitting import Data, read_data
from ..results import Path

Floats = NDArray[np.float64]
BLOCK_BYTES = 32 << 20
COLLINEAR = 1e-11  # a column that keeps less than this share of its norm, given the columns before it, adds nothing


class NotIdentified(ValueError):
    """The rows do not determine every coefficient, so least squares has no standard errors."""


@dataclass(frozen=True, eq=False)
class OLSInference:
    """Least squares with its uncertainty; every array has one entry per coefficient, the intercept first if fitted.

    Attributes
    ----------
    names : coefficient names.
    coef, standard_error : in the units of y per unit of the column.
    df : residual degrees of freedom, sum of weights - number of coefficients.
    sigma : residual standard deviation, sqrt(RSS / df), in the units of y.
    r2 : share of the variance of y explained.
    level : confidence level of `lower` and `upper`.
    """

    names: tuple[str, ...]
    coef: Floats
    standard_error: Floats
    df: float
    sigma: float
    r2: float
    level: float = 0.95

    @property
    def t(self) -> Floats:
        """coef / standard_error: Student's t with `df` degrees of freedom if the true coefficient is zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.coef / self.standard_error

    @property
    def p(self) -> Floats:
        """Two-sided p-value of each coefficient being zero."""
        from scipy.stats import t as student

        return 2 * student.sf(abs(self.t), self.df)

    @property
    def margin(self) -> Floats:
        """Half the width of the confidence interval."""
        from scipy.stats import t as student

        return student.ppf((1 + self.level) / 2, self.df) * self.standard_error

    @property
    def lower(self) -> Floats:
        """Lower confidence limits."""
        return self.coef - self.margin

    @property
    def upper(self) -> Floats:
        """Upper confidence limits."""
        return self.coef + self.margin

    def at_level(self, level: float) -> OLSInference:
        """The same inference with intervals of another confidence level in (0, 1)."""
        if not 0 < level < 1:
            raise ValueError(f"level must lie in (0, 1), e.g. 0.95, got {level!r}")
        return replace(self, level=level)

    def columns(self) -> dict[str, Any]:
        """The table as columns, by name."""
        return {
            "name": list(self.names),
            "coef": self.coef,
            "standard_error": self.standard_error,
            "t": self.t,
            "p": self.p,
            "lower": self.lower,
            "upper": self.upper,
        }

    def to_frame(self) -> Any:
        """One row per coefficient (a polars DataFrame)."""
        import polars

        return polars.DataFrame(self.columns())


def ols(
    X: Any,
    y: ArrayLike,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    level: float = 0.95,
    intercept: bool = True,
    impute: str | None = None,
) -> OLSInference:
    """Least squares with standard errors, t, p and confidence intervals.

    cov(w) = sigma^2 (X' S X)^-1,  sigma^2 = sum_i s_i (y_i - x_i'w - b)^2 / (sum_i s_i - number of coefficients)

    Valid for a model chosen before seeing the data, with independent errors of equal variance. It is the fit at
    alpha = 0; a penalised or selected model needs another method.

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

    Raises
    ------
    ValueError
        On bad input; as `NotIdentified` if there are no more rows than coefficients, or a column is a combination of
        others (named).

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, section 3.2.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> fit = ao.inference.ols([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 4.0])
    >>> fit.coef.round(3), fit.standard_error.round(3)
    (array([-0.2,  1.3]), array([0.324, 0.173]))
    """
    return infer(read_data(X, y, "squared", weights, offset, impute), intercept).at_level(level)


def infer(data: Data, intercept: bool) -> OLSInference:
    """`ols` for data that has been read."""
    given = data.encoder.names or tuple(f"x{j}" for j in range(data.design.shape[1]))
    names = (("intercept",) if intercept else ()) + given
    size, rows = len(names), int((data.weights > 0).sum())
    df = float(data.weights.sum()) - size
    if df <= 0 or rows < size:
        raise NotIdentified(
            f"{rows} rows cannot determine {size} coefficients and a residual variance; "
            "use more rows or fewer columns, or a penalty"
        )
    triangle = triangle_of(data, intercept)
    left, right = triangle[:size, :size], triangle[:size, size]
    _refuse_collinear(left, names)
    inverse = np.linalg.solve(left, np.eye(size))
    residual_square = float(triangle[size, size] ** 2) if len(triangle) > size else 0.0
    explained = right[1:] if intercept else right
    total = float(explained @ explained) + residual_square
    sigma = np.sqrt(residual_square / df)
    error = sigma * np.sqrt((inverse**2).sum(1))
    r2 = 1 - residual_square / total if total > 0 else 1.0
    return OLSInference(names, inverse @ right, error, df, float(sigma), r2)


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
        coef=coef[None],
        intercept=np.array([shift]),
        gap=np.maximum(fitted.gap + more, 0.0),
        n_nonzero=np.array([np.count_nonzero(coef)]),
    )


def triangle_of(data: Data, intercept: bool) -> Floats:
    """R of the QR decomposition of sqrt(weights) [1, X, y - offset], by blocks of rows: one pass, no copy of X."""
    n, p = data.design.shape
    response = data.target.values if data.offset is None else data.target.values - data.offset
    size = p + 1 + intercept
    step = max(2 * size, BLOCK_BYTES // (8 * size))
    triangle = np.zeros((0, size))
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        part = data.design.rows(rows).take(np.arange(p))
        ones = [np.ones((len(part), 1))] if intercept else []
        block = np.hstack([*ones, part, response[rows, None]]) * np.sqrt(data.weights[rows, None])
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, block]), mode="r"))
    return triangle


def _refuse_collinear(triangle: Floats, names: tuple[str, ...]) -> None:
    norms = np.sqrt((triangle**2).sum(0))
    lost = np.flatnonzero(abs(np.diag(triangle)) <= COLLINEAR * norms)
    if lost.size:
        shown = ", ".join(repr(names[j]) for j in lost[:5]) + (", ..." if lost.size > 5 else "")
        raise NotIdentified(
            f"column {shown} is constant or a linear combination of the columns before it, so its coefficient is not "
            "determined; drop it, or use a penalty"
        )
