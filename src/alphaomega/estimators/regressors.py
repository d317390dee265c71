"""Penalised regression: lasso, elastic net, Poisson, or any loss and penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import losses
from ..losses import Loss
from ..penalties import L1, L2, ElasticNet, Penalty
from .choice import Selected
from .least_squares import RegressionMixin
from .selection import ByNameModel, GivenPenaltyModel


class Lasso(RegressionMixin, ByNameModel):
    """The lasso: squared loss with the L1 penalty, exact zeros; alpha chosen by cross-validation unless given.

    min over (w, b) of  sum_i s_i (y_i - x_i'w - b - offset_i)^2 / (2 sum_i s_i)  +  alpha sum_j weights_j |v_j|,
    v = w * standard deviations of the columns if `standardize`, else w.

    Parameters
    ----------
    alpha : {"cv", "1se"} or float >= 0, default "cv"
        "cv": the alpha of the smallest cross-validated error; "1se": the largest within one standard error of it; or a
        number. `alpha_choice_`, `summary()` and the representation say what was chosen and how.
    penalty_weights : number, array (p,) or dictionary by column name, default 1.0
        Factor of each coefficient in the penalty: 0 leaves it unpenalised, inf excludes it. Names not given keep 1.
    bounds : pair (lower, upper) or dictionary from column names to pairs, optional
        Limits of the coefficients, in units of y per unit of the column; numbers, arrays (p,) or None. Zero must stay
        allowed.
    standardize : bool, default True
        Let the penalty act on coefficients per standard deviation (1/n convention) of their column. Coefficients are
        reported on both scales.
    intercept : bool, default True
        Whether to fit b; it is never penalised.
    folds : int or array (n,), default 10
        How many folds, or the fold of each row. Fewer rows than folds: as many folds as rows.
    seed : int or None, default 0
        Seed of the drawn folds.
    n_alphas, alphas : int and array (m,)
        How many alphas to try, or which.
    tol : float, default 1e-6
        Largest relative duality gap.
    impute : {None, "mean", "median"}
        How missing numbers are filled (inside each fold from its training rows); missing categories then become a
        level.
    unseen : {"error", "reference"}
        Whether a category level not seen at fitting is an error, or is read as the reference level.

    Attributes
    ----------
    coef_, coef_standardized_ : arrays (p,), in units of y per unit, and per standard deviation, of the column.
    coef_names_ : array (p,) of the names of the coefficients; a category has one per level but the first.
    intercept_ : float.
    alpha_, alpha_choice_ : the alpha of the fit, and a sentence that says how it was chosen.
    path_, cv_ : the Path it is on (without its data), and the CrossValidation, None if alpha was given.
    certificate_ : FitCertificate, the relative duality gap.
    feature_names_in_, n_features_in_ : the columns of X.

    References
    ----------
    R. Tibshirani (1996), Regression shrinkage and selection via the lasso, JRSS B 58.

    Examples
    --------
    >>> import alphaomega as ao
    >>> X, y = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]], [2.0, 0.5, -2.0, -0.5]
    >>> model = ao.Lasso(alpha=0.25, standardize=False).fit(X, y)
    >>> model.coef_.round(6)
    array([1.5, 0. ])
    >>> model
    Lasso(alpha=0.25, standardize=False)  # alpha = 0.25, as given.
    """

    def _loss(self, y: NDArray) -> str:
        return "squared"

    def _weighted(self, weights: Any) -> dict[str, Penalty]:
        return {"L1": L1(weights)}


class ElasticNetRegressor(RegressionMixin, ByNameModel):
    """The elastic net: squared loss with a mix of L1 and L2; alpha, and the mix if asked, chosen by cross-validation.

    min over (w, b) of  sum_i s_i (y_i - x_i'w - b - offset_i)^2 / (2 sum_i s_i)
                        + alpha sum_j weights_j (l1_ratio |v_j| + (1 - l1_ratio) v_j^2 / 2),
    v = w * standard deviations of the columns if `standardize`, else w.

    Parameters
    ----------
    alpha, penalty_weights, ..., unseen
        As for `Lasso`.
    l1_ratio : float in [0, 1], or a list of them, default 0.5
        The mix: 1 is L1, 0 is L2. From a list the best by cross-validation is taken (all on the same folds).

    Attributes
    ----------
    l1_ratio_ : the mix of the fit; all others as for `Lasso`.

    References
    ----------
    H. Zou and T. Hastie (2005), Regularization and variable selection via the elastic net, JRSS B 67.

    Examples
    --------
    >>> import alphaomega as ao
    >>> X, y = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]], [2.0, 0.5, -2.0, -0.5]
    >>> ao.ElasticNetRegressor(alpha=0.5, l1_ratio=0.5, standardize=False).fit(X, y).coef_.round(6)
    array([1., 0.])
    """

    def __init__(
        self,
        alpha: Any = "cv",
        *,
        l1_ratio: Any = 0.5,
        penalty_weights: Any = 1.0,
        bounds: Any = None,
        standardize: bool = True,
        intercept: bool = True,
        folds: Any = 10,
        seed: int | None = 0,
        n_alphas: int = 100,
        alphas: Any = None,
        tol: float = 1e-6,
        impute: str | None = None,
        unseen: str = "error",
    ) -> None:
        super().__init__(
            alpha,
            penalty_weights=penalty_weights,
            bounds=bounds,
            standardize=standardize,
            intercept=intercept,
            folds=folds,
            seed=seed,
            n_alphas=n_alphas,
            alphas=alphas,
            tol=tol,
            impute=impute,
            unseen=unseen,
        )
        self.l1_ratio = l1_ratio

    def _loss(self, y: NDArray) -> str:
        return "squared"

    def _weighted(self, weights: Any) -> dict[str, Penalty]:
        ratios = np.atleast_1d(np.asarray(self.l1_ratio, dtype=float))
        return {f"l1_ratio = {ratio:g}": ElasticNet(float(ratio), weights) for ratio in ratios}

    def _keep(self, selected: Selected) -> None:
        super()._keep(selected)
        penalty = selected.path.penalty
        inner = penalty if isinstance(penalty, ElasticNet) else penalty.penalty  # type: ignore[attr-defined]
        self.l1_ratio_ = inner.l1_ratio


class PoissonRegressor(RegressionMixin, GivenPenaltyModel):
    """Poisson regression of counts and rates, log link; alpha chosen by cross-validation unless given.

    min over (w, b) of  sum_i s_i (exp(eta_i) - y_i eta_i) / sum_i s_i  +  alpha * Omega(v),  eta = X w + b + offset,
    v = w * standard deviations of the columns if `standardize`, else w. Exposure enters as offset = log(exposure).

    Parameters
    ----------
    alpha, bounds, standardize, ..., unseen
        As for `Lasso`.
    penalty : Penalty, default L2()
        Omega; weights and bounds are part of it, e.g. `ao.Bounded(ao.L1(), lower=0)`.

    Attributes
    ----------
    As for `Lasso`, on the scale of the linear predictor. `score` is D2, the share of the deviance explained.

    References
    ----------
    P. McCullagh and J. Nelder (1989), Generalized Linear Models, chapter 6.

    Examples
    --------
    >>> import alphaomega as ao
    >>> model = ao.PoissonRegressor(alpha=0.0).fit([[0.0], [0.0], [1.0], [1.0]], [1, 3, 4, 8])
    >>> model.predict([[0.0], [1.0]]).round(3)
    array([2., 6.])
    """

    default_penalty = L2

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags

    def _loss(self, y: NDArray) -> str:
        return "poisson"


class Regressor(RegressionMixin, GivenPenaltyModel):
    """Any loss with any penalty; alpha chosen by cross-validation unless given.

    min over (w, b) of  sum_i s_i loss(y_i, x_i'w + b + offset_i) / sum_i s_i  +  alpha * Omega(v),
    v = w * standard deviations of the columns if `standardize`, else w.

    Parameters
    ----------
    loss : {"squared", "huber", "poisson"} or Loss, default "squared"
        A loss of a numeric y.
    penalty : Penalty, default L1()
        Omega; weights and bounds are part of it, e.g. `ao.Bounded(ao.L1(), lower=0)`.
    alpha, bounds, standardize, ..., unseen
        As for `Lasso`.

    Attributes
    ----------
    As for `Lasso`. `score` is D2, the share of the deviance explained (R2 for the squared loss).

    References
    ----------
    T. Hastie, R. Tibshirani, M. Wainwright (2015), Statistical Learning with Sparsity, chapter 3.

    Examples
    --------
    >>> import alphaomega as ao
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], [0.0, 1.0, 2.0, 3.0, 40.0]
    >>> float(ao.Regressor(ao.Huber(0.1), ao.L2(), alpha=0.0).fit(X, y).coef_[0]) < 2
    True
    """

    def __init__(
        self,
        loss: str | Loss = "squared",
        penalty: Penalty | None = None,
        *,
        alpha: Any = "cv",
        bounds: Any = None,
        standardize: bool = True,
        intercept: bool = True,
        folds: Any = 10,
        seed: int | None = 0,
        n_alphas: int = 100,
        alphas: Any = None,
        tol: float = 1e-6,
        impute: str | None = None,
        unseen: str = "error",
    ) -> None:
        super().__init__(
            alpha,
            penalty=penalty,
            bounds=bounds,
            standardize=standardize,
            intercept=intercept,
            folds=folds,
            seed=seed,
            n_alphas=n_alphas,
            alphas=alphas,
            tol=tol,
            impute=impute,
            unseen=unseen,
        )
        self.loss = loss

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = losses.find(self.loss).name == "poisson"
        return tags

    def _loss(self, y: NDArray) -> Loss:
        loss = losses.find(self.loss)
        if loss.classifies:
            raise ValueError(f"loss={loss.name!r} is for classes; use ao.Classifier")
        return loss
