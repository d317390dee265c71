"""Information criteria along a path: alpha chosen by a formula, from one fit, without folds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from .. import solvers
from ..arguments import read_data
from ..fitting import Resolver
from ..penalties import L2
from ..problem import Control, Grid, Problem
from ..results import Path
from .degrees import degrees_of_freedom
from .leave_one_out import Smoother, is_ridge

Floats = NDArray[np.float64]
EBIC_GAMMA = 1.0
EXACT = 1e-12  # a residual below this share of the null deviance is rounding


class NoiseNotEstimable(ValueError):
    """There are too few rows for the columns to leave residual degrees of freedom."""


@dataclass(frozen=True, eq=False)
class Criteria:
    """AIC, BIC, EBIC, Cp and GCV of every fit of a path, for ridge also leave-one-out; smaller is better.

    With the deviance D (the residual sum of squares, or twice the loss, summed over rows), the noise variance phi (1
    but for squared and Huber loss), N the total weight and df the degrees of freedom, the intercept's included:

        aic = D / phi + 2 df        bic = D / phi + log(N) df        ebic = bic + 2 gamma log C(p, n_nonzero)
        cp  = D / phi - N + 2 df    gcv = (D / N) / (1 - (df - 1) / N)^2
        loo = sum_i s_i (y_i - the prediction of y_i by the fit without row i)^2 / N      (ridge only)

    for squared loss plus N log(2 pi phi) in aic, bic and ebic: then they are -2 log likelihood and a penalty. GCV takes
    y as centred, as its authors did: the intercept's own degree of freedom is not counted there.

    Attributes
    ----------
    path : the path.
    df : (m,) degrees of freedom.
    deviance : (m,) sums over rows.
    n : total weight.
    """

    path: Path
    df: Floats
    deviance: Floats
    n: float
    gamma: float
    given: float | None
    problem: Problem
    smoother: Smoother | None = None

    NAMES = ("aic", "bic", "ebic", "cp", "gcv")

    @cached_property
    def noise_variance(self) -> float:
        """phi: as given, 1 for losses that need none, or least squares' RSS / (N - rank) on all columns.

        Raises
        ------
        NoiseNotEstimable
            If least squares leaves no residual degrees of freedom, or fits without error.
        """
        if self.given is not None:
            return self.given
        return _noise_variance(self.problem) if self.problem.loss.name in ("squared", "huber") else 1.0

    @property
    def aic(self) -> Floats:
        """(m,) Akaike's criterion."""
        return self._likelihood + 2 * self.df

    @property
    def bic(self) -> Floats:
        """(m,) Schwarz's criterion."""
        return self._likelihood + np.log(self.n) * self.df

    @property
    def ebic(self) -> Floats:
        """(m,) the extended BIC of Chen and Chen, for many features."""
        p, used = self.path.coef.shape[-1], self.path.n_nonzero
        return self.bic + 2 * self.gamma * (gammaln(p + 1) - gammaln(used + 1) - gammaln(p - used + 1))

    @property
    def cp(self) -> Floats:
        """(m,) Mallows' Cp."""
        return self.deviance / self.noise_variance - self.n + 2 * self.df

    @property
    def gcv(self) -> Floats:
        """(m,) generalised cross-validation; infinite where df reaches N."""
        outputs = self.problem.n_outputs
        centring = (outputs - 1 if outputs > 1 else 1) * self.problem.intercept
        left = 1 - (self.df - centring) / self.n
        return np.divide(self.deviance / self.n, left**2, out=np.full(len(left), np.inf), where=left > 1e-9)

    @cached_property
    def loo(self) -> Floats:
        """(m,) mean squared error of every row under the fit without it, for ridge; exact, without refits.

        It is what `cross_validate` with a fold for each distinct row gives: the mean of the rows that are left, at the
        same alpha. A standardised penalty keeps the standard deviations of all rows. Infinite where a row determines
        its own fit.

        Raises
        ------
        TypeError
            If fitted values are not linear in y: any other loss, or a penalty that is not L2 alone.
        """
        if self.smoother is None:
            raise TypeError(
                "leave-one-out without refits needs the squared loss and the penalty L2 without bounds; use "
                "ao.cross_validate"
            )
        return self.smoother.leave_one_out(self.path.alphas)

    @property
    def _likelihood(self) -> Floats:
        phi = self.noise_variance
        constant = self.n * np.log(2 * np.pi * phi) if self.problem.loss.name == "squared" else 0.0
        return constant + self.deviance / phi

    def index(self, name: str) -> int:
        """The grid position of the smallest value of a criterion.

        Raises
        ------
        ValueError
            If there is no such criterion.
        """
        if name not in (*self.NAMES, "loo"):
            raise ValueError(f"criterion must be one of {', '.join(self.NAMES)}, loo, got {name!r}")
        return int(np.argmin(getattr(self, name)))

    def alpha(self, name: str) -> float:
        """The alpha of the smallest value of a criterion: "aic", "bic", "ebic", "cp", "gcv" or "loo"."""
        return float(self.path.alphas[self.index(name)])

    def to_frame(self) -> Any:
        """One row per alpha: df, deviance and every criterion there is for it (a polars DataFrame)."""
        import polars

        names = self.NAMES if self.smoother is None else (*self.NAMES, "loo")
        columns = {name: getattr(self, name) for name in names}
        return polars.DataFrame({"alpha": self.path.alphas, "df": self.df, "deviance": self.deviance, **columns})

    def plot(self, **options: Any) -> Any:
        """The criteria against alpha as a plotly figure; see `alphaomega.plotting.criteria_figure`."""
        from ..plotting import criteria_figure

        return criteria_figure(self, **options)


def criteria(
    path: Path,
    X: Any = None,
    y: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    noise_variance: float | None = None,
    gamma: float = EBIC_GAMMA,
) -> Criteria:
    """AIC, BIC, EBIC, Cp and GCV of every fit of a path, with the degrees of freedom that its penalty has.

    For ridge one decomposition of the smaller side of X gives those of every alpha, and exact leave-one-out errors.

    Parameters
    ----------
    path : Path
        Any path whose penalty has `terms`: L1, L2, elastic net, groups, bounds and their sums.
    X, y, weights, offset : optional
        The data of the fit; only needed for a path that no longer holds them (`detached`, or unpickled).
    noise_variance : float, optional
        Variance of y around its mean, in squared units of y; default: least squares on all columns, which needs n > p.
    gamma : float in [0, 1], default 1
        Weight of EBIC's extra term.

    Returns
    -------
    Criteria

    Raises
    ------
    ValueError
        If the path holds no data and none is given, or a number is out of range; on asking for a criterion that needs
        the noise variance where it cannot be estimated.
    TypeError
        If the penalty has no known degrees of freedom.

    References
    ----------
    H. Zou, T. Hastie, R. Tibshirani (2007), On the degrees of freedom of the lasso, Annals of Statistics 35.
    J. Chen, Z. Chen (2008), Extended Bayesian information criteria, Biometrika 95.
    G. Golub, M. Heath, G. Wahba (1979), Generalized cross-validation as a method for choosing a good ridge parameter,
    Technometrics 21.

    Examples
    --------
    >>> import alphaomega as ao
    >>> data = ao.datasets.load("diabetes").frame
    >>> fit = ao.path(data.drop("progression"), data["progression"], standardize=True)
    >>> found = ao.criteria(fit)
    >>> solution = fit.at(found.alpha("bic"))
    >>> [name for name, w in zip(fit.names(), solution.coef) if w != 0]
    ['sex', 'bmi', 'bp', 's1', 's3', 's5', 's6']
    """
    if noise_variance is not None and not (np.isfinite(noise_variance) and noise_variance > 0):
        raise ValueError(f"noise_variance must be a finite number > 0, got {noise_variance!r}")
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must lie in [0, 1], got {gamma!r}")
    problem = _problem(path, X, y, weights, offset)
    if is_ridge(problem):
        smoother = Smoother.of(problem)
        df, deviance = smoother.degrees_of_freedom(path.alphas), smoother.deviance(path.coef, path.intercept)
        return Criteria(path, df, deviance, problem.total, gamma, noise_variance, problem, smoother)
    deviance = np.array([_deviance(problem, coef.T, path.intercept[k]) for k, coef in enumerate(path.coef)])
    return Criteria(path, _degrees(problem, path), deviance, problem.total, gamma, noise_variance, problem)


def _degrees(problem: Problem, path: Path) -> Floats:
    """The degrees of freedom of every fit of a path."""
    fits = zip(path.alphas, path.coef, path.intercept)
    return np.array([degrees_of_freedom(problem, float(alpha), coef.T, b, path.scale) for alpha, coef, b in fits])


def _problem(path: Path, X: Any, y: Any, weights: Any, offset: Any) -> Problem:
    """The problem that the path solved."""
    if X is None and isinstance(path.resolve, Resolver):
        return path.resolve.problem
    if X is None or y is None:
        raise ValueError("this path no longer holds its data; pass criteria(path, X, y) with those of the fit")
    matrix = X if path.encoder is None else path.encoder.transform(X)
    data = read_data(matrix, y, path.loss, weights, offset)
    return data.problem(
        path.penalty, standardize=path.standardized, intercept=bool(np.any(path.intercept))
    )  # without one all are 0


def _deviance(problem: Problem, coef: Floats, intercept: Floats) -> float:
    support = np.flatnonzero(np.atleast_2d(coef.T).any(0))
    eta = problem.base_eta() + intercept
    if support.size:
        eta = eta + problem.design.matvec(coef[support], support)
    return float(problem.weights @ problem.loss.deviance(problem.y, eta))


def _noise_variance(problem: Problem) -> float:
    """RSS / (N - rank) of the unpenalised fit on all columns."""
    rows, p = int((problem.weights > 0).sum()), problem.design.shape[1]
    if rows <= p + problem.intercept:
        raise NoiseNotEstimable(
            f"{rows} rows leave no residual degrees of freedom after {p + problem.intercept} coefficients, so the "
            "noise variance cannot be estimated; pass noise_variance=, or choose by gcv or cross-validation"
        )
    free = replace(problem, penalty=L2())
    raw = solvers.solve_path(free, Grid(np.zeros(1)), Control())
    rank = degrees_of_freedom(free, 0.0, raw.coef[0], raw.intercept[0], raw.scale)
    deviance = _deviance(problem, raw.coef[0], raw.intercept[0])
    left = problem.total - rank
    if not (left > 0 and deviance > EXACT * problem.total * raw.null_loss):
        raise NoiseNotEstimable(
            "least squares on all columns fits y without error, so the noise variance cannot be estimated; check that "
            "X does not contain y, or pass noise_variance="
        )
    return deviance / left
