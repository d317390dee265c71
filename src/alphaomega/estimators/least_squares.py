"""What every regression does, and the unpenalised one: ordinary least squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from ..arguments import read_data
from ..designs import Dense
from ..fitting import path
from ..inference.ols import NotIdentified, OLSInference, infer, smallest_norm
from ..losses.base import numeric_target
from ..penalties import L1, L2, Penalty
from ..problem import NullModel, Problem
from .base import LinearModel
from .by_name import Features
from .choice import Choice, Selected


class RegressionMixin(RegressorMixin):
    """Prediction and score of a regression."""

    def _read_target(self, y: NDArray) -> NDArray:
        return numeric_target(y)

    def predict(self, X: Any, offset: Any = None) -> NDArray:
        """The fitted mean of y, shape (n,); `offset` is needed if the fit had one."""
        eta = self._decision(X, offset)  # type: ignore[attr-defined]
        return self.path_.loss.predict(eta)  # type: ignore[attr-defined]

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """D2, the share of the deviance explained: 1 - deviance / deviance of the best constant; R2 for squares."""
        eta = self._decision(X, offset)  # type: ignore[attr-defined]
        values = numeric_target(y)
        if len(values) != len(eta):
            raise ValueError(f"X has {len(eta)} rows but y has {len(values)}; they must match")
        weights = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        shift = None if offset is None else np.asarray(offset, dtype=float)
        loss = self.path_.loss  # type: ignore[attr-defined]
        problem = Problem(Dense(np.zeros((len(values), 0))), values, loss, L1(), weights, shift)
        null = NullModel.of(problem).loss
        own = problem.data_term(eta)
        if null <= 0:
            return 1.0 if own <= 0 else 0.0
        return 1 - own / null


class OLS(RegressionMixin, LinearModel):
    """Ordinary least squares: alpha = 0, with standard errors, t, p and confidence intervals.

    min over (w, b) of  sum_i s_i (y_i - x_i'w - b - offset_i)^2 / (2 sum_i s_i)

    Parameters
    ----------
    intercept : bool, default True
        Whether to fit b.
    tol : float, default 1e-6
        Largest relative duality gap.
    impute : {None, "mean", "median"}
        How missing numbers are filled; missing categories then become a level. None: they are an error.
    unseen : {"error", "reference"}
        Whether a category level not seen at fitting is an error, or is read as the reference level.

    Attributes
    ----------
    coef_ : array (p,), in units of y per unit of the column; `coef_standardized_` per standard deviation.
    intercept_ : float.
    inference_ : OLSInference; None where the rows do not determine every coefficient. Then `summary()` says why, and
        the coefficients are those of smallest norm (per standard deviation) among all least-squares fits.
    alpha_, path_, certificate_, feature_names_in_, n_features_in_ : as for `Lasso`.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, section 3.2.

    Examples
    --------
    >>> import alphaomega as ao
    >>> model = ao.OLS().fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 4.0])
    >>> model.coef_.round(6), round(model.intercept_, 6)
    (array([1.3]), -0.2)
    >>> model.inference_.standard_error.round(3)
    array([0.324, 0.173])
    """

    def __init__(
        self, *, intercept: bool = True, tol: float = 1e-6, impute: str | None = None, unseen: str = "error"
    ) -> None:
        self.intercept = intercept
        self.tol = tol
        self.impute = impute
        self.unseen = unseen

    def _loss(self, y: NDArray) -> str:
        return "squared"

    def _penalties(self, features: Features) -> dict[str, Penalty]:
        return {"none": L2()}

    def _standardize(self) -> bool:
        return True

    def _select(self, X: Any, y: NDArray, penalties: Mapping[str, Penalty], common: dict[str, Any]) -> Selected:
        fitted = path(X, y, penalty=penalties["none"], alphas=[0.0], **common)
        data = read_data(X, y, "squared", common["weights"], common["offset"], self.impute)
        self.inference_: OLSInference | None = None
        self.inference_message_ = ""
        try:
            self.inference_ = infer(data, self.intercept)
        except NotIdentified as reason:
            self.inference_message_ = str(reason)
            fitted = smallest_norm(fitted, data, self.intercept)
        return Selected(fitted, Choice(0.0, "alpha = 0: no penalty, ordinary least squares."))

    def _title(self) -> str:
        return "OLS: squared loss, no penalty"

    def _facts(self) -> tuple[str, ...]:
        if self.inference_ is None:
            return (self.alpha_choice_,)
        found = self.inference_
        return (
            self.alpha_choice_,
            f"R2 = {found.r2:.4g}, residual standard deviation {found.sigma:.4g} on {found.df:g} degrees of freedom.",
        )

    def _stored_inference(self, level: float) -> OLSInference | None:
        return None if self.inference_ is None else self.inference_.at_level(level)

    def _no_inference(self) -> str:
        return f"No standard errors, and the smallest of many equally good fits: {self.inference_message_}."
