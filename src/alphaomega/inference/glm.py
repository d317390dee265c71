"""Generalised linear models without a penalty: standard errors, z, p and confidence intervals at alpha = 0."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from ..arguments import Data, read_data
from ..fitting import ConvergenceWarning, path
from ..losses import Loss, Squared
from ..penalties import L2
from ..problem import NullModel
from .robust import CLASSICAL, check_covariance
from .triangle import NotIdentified, basis_of, blocks, coefficient_names
from .wald import Wald

Floats = NDArray[np.float64]
LIKELIHOODS = ("binomial", "multinomial", "poisson")  # families whose loss is a negative log likelihood
FIT_TOLERANCE = 1e-8  # enough for Newton's method to end in a step or two
NEWTON_STEPS = 25
SETTLED = 1e-20  # squared length of a Newton step in standard errors
SEPARATED = "the columns separate"  # how `divergence` begins where no finite fit exists
FLAT = 1e-10  # an information this small beside the largest determines nothing


@dataclass(frozen=True, eq=False, kw_only=True)
class GLMInference(Wald):
    """A generalised linear model with its uncertainty, one entry per coefficient, the intercept first if fitted.

    Attributes
    ----------
    names : coefficient names; for more than two classes repeated, class by class.
    classes : for more than two classes, the class of each entry: its coefficient minus that of `reference`.
    reference : the class compared with, the first; None for up to two classes.
    coef, standard_error : per unit of the column, on the scale of the linear predictor (log odds, log counts).
    deviance, null_deviance : twice the loss, summed over the rows, of the fit and of the intercept alone.
    covariance : "classical" (inverse information), or "HC0", "HC1".
    level : confidence level of `lower` and `upper`.
    guarantee : what the numbers promise, in words.
    """

    deviance: float
    null_deviance: float
    classes: tuple[str, ...] | None = None
    reference: str | None = None

    @property
    def z(self) -> Floats:
        """coef / standard_error: standard normal for large n if the true coefficient is zero."""
        return self.statistic

    def columns(self) -> dict[str, Any]:
        """The table as columns, by name."""
        return ({} if self.classes is None else {"class": list(self.classes)}) | super().columns()


def glm(
    X: Any,
    y: ArrayLike,
    loss: str | Loss = "logistic",
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    level: float = 0.95,
    intercept: bool = True,
    impute: str | None = None,
    covariance: str = CLASSICAL,
) -> GLMInference:
    """An unpenalised generalised linear model with standard errors, z, p and confidence intervals.

    cov(w) = (sum_i s_i loss''(y_i, eta_i) x_i x_i')^-1,  the inverse of the observed information

    Valid for large n, and a model chosen before seeing the data. It is the fit at alpha = 0.

    Parameters
    ----------
    X : array, sparse matrix, dataframe or design of shape (n, p)
    y : array of shape (n,)
        As for `alphaomega.path`.
    loss : {"logistic", "multinomial", "poisson", "huber"} or Loss
        For the squared loss use `ols`.
    weights : array of shape (n,), optional
        Counts: a weight k equals the row repeated k times, in the standard errors too.
    offset : array of shape (n,), optional
        Added to the linear predictor, e.g. log(exposure).
    level : float in (0, 1), default 0.95
        Confidence level of the intervals.
    intercept : bool, default True
        Whether to fit an intercept, reported first.
    impute : {None, "mean", "median"}
        As for `alphaomega.path`.
    covariance : {"classical", "HC0", "HC1"}
        "classical" trusts the family: for counts, that the variance equals the mean. The others estimate the variance
        of the scores from the data, information^-1 (sum_i s_i loss'^2 x_i x_i') information^-1, times
        n / (n - number of coefficients) for "HC1"; a loss that is no likelihood has only these.

    Raises
    ------
    ValueError
        On bad input; as `NotIdentified` if the rows do not determine every coefficient: too few of them, a column that
        is a combination of others (named), or classes that the columns separate.

    References
    ----------
    P. McCullagh and J. Nelder (1989), Generalized Linear Models, chapter 4. H. White (1982), Maximum likelihood
    estimation of misspecified models, Econometrica 50.

    Examples
    --------
    >>> import alphaomega as ao
    >>> counts, exposed = [1, 3, 4, 8], [[0.0], [0.0], [1.0], [1.0]]
    >>> table = ao.inference.glm(exposed, counts, "poisson")
    >>> table.coef.round(3), table.standard_error.round(3)
    (array([0.693, 1.099]), array([0.5  , 0.577]))
    """
    data = read_data(X, y, loss, weights, offset, impute)
    check_covariance(covariance, ("HC0", "HC1"))
    if isinstance(data.loss, Squared):
        raise ValueError("for the squared loss use ao.inference.ols, which knows its degrees of freedom")
    if covariance == CLASSICAL and data.loss.family not in LIKELIHOODS:
        raise ValueError(
            f"loss={data.loss.name!r} is no likelihood, so its curvature alone gives no standard errors; pass "
            "covariance='HC1'"
        )
    inverse = basis_of(data, intercept)
    start = _fit(X, y, data, intercept, impute)
    moments = _newton(data, start, inverse, intercept)
    return _table(data, moments, inverse, intercept, covariance).at_level(level)


def _fit(X: Any, y: ArrayLike, data: Data, intercept: bool, impute: str | None) -> Floats:
    """The coefficients at alpha = 0, (size, outputs), the intercept first; classes are compared with the first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = path(
            X, y, data.loss, L2(), [0.0], weights=data.weights, offset=data.offset, standardize=True,
            intercept=intercept, tol=FIT_TOLERANCE, impute=impute,
        )  # fmt: skip
    if SEPARATED in fit.message:  # what is said of missed tolerances is of no interest then
        raise NotIdentified(fit.message[fit.message.index(SEPARATED) :])
    coef = np.atleast_2d(fit.coef[0])
    table = np.column_stack([np.atleast_1d(fit.intercept[0]), coef]) if intercept else coef
    return table.T if len(table) == 1 else (table[1:] - table[0]).T


@dataclass(frozen=True)
class _Moments:
    """At a fit (size, outputs): loss summed over the rows, and in the orthonormal basis the score and information."""

    coef: Floats
    loss: float
    score: Floats
    information: Floats
    outer: Floats

    @classmethod
    def of(cls, data: Data, coef: Floats, inverse: Floats, intercept: bool) -> _Moments:
        """One pass over the rows."""
        size = coef.size
        loss, score, information, outer = 0.0, np.zeros(size), np.zeros((size, size)), np.zeros((size, size))
        for rows, part in blocks(data, intercept):
            y, share, basis = data.target.values[rows], data.weights[rows], part @ inverse
            eta, gradient, curvature = _derivatives(data, part @ coef, rows)
            loss += float(share @ data.loss.value(y, eta))
            # entry (k, j) of a score is d loss / d eta_k times basis column j
            scores = (gradient[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
            score += share @ scores
            outer += scores.T @ (share[:, None] * scores)
            weighted = np.einsum("i,ikl,ij->iklj", share, curvature, basis)
            information += np.einsum("iklj,im->kjlm", weighted, basis, optimize=True).reshape(size, size)
        return cls(coef, loss, score, information, outer)

    def step(self, inverse: Floats) -> tuple[Floats, float]:
        """Newton's step for the coefficients, and its squared length in standard errors."""
        factor = _factor(self.information)
        move = -scipy.linalg.cho_solve(factor, self.score)
        return inverse @ move.reshape(self.coef.shape[::-1]).T, float(-move @ self.score)


def _derivatives(data: Data, eta: Floats, rows: slice) -> tuple[Floats, Floats, Floats]:
    """eta as the loss takes it, and its derivatives by the free predictors, (m, k) and (m, k, k)."""
    y = data.target.values[rows]
    if data.offset is not None:
        eta = eta + data.offset[rows, None]
    if y.ndim == 1:
        single = eta[:, 0]
        return single, data.loss.gradient(y, single)[:, None], data.loss.curvature(y, single)[:, None, None]
    whole = np.column_stack([np.zeros(len(eta)), eta])
    return whole, data.loss.gradient(y, whole)[:, 1:], data.loss.curvature(y, whole)[:, 1:, 1:]


def _factor(information: Floats) -> tuple[Floats, bool]:
    size = float(np.diag(information).max(initial=0.0))
    if not size > 0 or np.linalg.eigvalsh(information)[0] <= FLAT * size:
        raise NotIdentified(
            "the loss is flat in some direction of the coefficients, so they have no standard errors: the columns "
            "tell rows or classes apart perfectly, or almost; drop such columns, or use a penalty"
        )
    return scipy.linalg.cho_factor(information, lower=True)


def _newton(data: Data, coef: Floats, inverse: Floats, intercept: bool) -> _Moments:
    """From the fit to its last digits, halving a step that raises the loss."""
    current = _Moments.of(data, coef, inverse, intercept)
    for _ in range(NEWTON_STEPS):
        step, length = current.step(inverse)
        trial = _Moments.of(data, current.coef + step, inverse, intercept)
        while trial.loss > current.loss * (1 + 1e-12) and length > SETTLED:
            step, length = step / 2, length / 4
            trial = _Moments.of(data, current.coef + step, inverse, intercept)
        current = trial
        if length <= SETTLED:
            break
    return current


def _table(data: Data, fit: _Moments, inverse: Floats, intercept: bool, covariance: str) -> GLMInference:
    names = coefficient_names(data, intercept)
    half = scipy.linalg.solve_triangular(_factor(fit.information)[0], np.eye(fit.coef.size), lower=True)
    middle = half.T @ half
    if covariance != CLASSICAL:
        total = float(data.weights.sum())
        middle = middle @ fit.outer @ middle * (total / (total - fit.coef.size) if covariance == "HC1" else 1.0)
    outputs = fit.coef.shape[1]
    parts = middle.reshape(outputs, len(names), outputs, len(names))
    errors = [np.sqrt(np.diag(inverse @ parts[k, :, k] @ inverse.T)) for k in range(outputs)]
    labels = None if outputs == 1 else [str(label) for label in data.target.classes]  # type: ignore[union-attr]
    null = NullModel.of(data.problem(L2(), standardize=False, intercept=intercept))
    trust = "the family's variance" if covariance == CLASSICAL else f"any variance ({covariance})"
    return GLMInference(
        names=names * outputs,
        coef=fit.coef.T.ravel(),
        standard_error=np.concatenate(errors),
        df=np.inf,
        guarantee=f"valid for large n, for columns chosen before seeing the data, independent rows and {trust}",
        covariance=covariance,
        deviance=2 * fit.loss,
        null_deviance=2 * null.loss * float(data.weights.sum()),
        classes=None if labels is None else tuple(label for label in labels[1:] for _ in names),
        reference=None if labels is None else labels[0],
    )
