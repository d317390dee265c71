"""Classification: logistic for two classes, multinomial for more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import _safe_indexing
from sklearn.utils.multiclass import check_classification_targets

from ..losses import Logistic, Loss, Multinomial
from ..losses.base import class_target
from ..penalties import L2, Penalty
from .base import Floats
from .choice import Selected
from .selection import GivenPenaltyModel


class LinearClassifier(ClassifierMixin, GivenPenaltyModel):
    """What both classifiers share: the loss by the number of classes, and predictions."""

    def _read_target(self, y: NDArray) -> NDArray:
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            class_target(y)  # names the row
        check_classification_targets(y)
        return y

    def _fit(self, X: Any, y: NDArray, weights: Floats | None, offset: Any) -> None:
        if weights is not None and len(np.unique(y[weights > 0])) < len(np.unique(y)):
            # A row of weight 0 does not exist; a class of such rows alone has no finite fit.
            rows = np.flatnonzero(weights > 0)
            X, y, weights = _safe_indexing(X, rows), y[rows], weights[rows]
            offset = None if offset is None else np.asarray(offset)[rows]
        super()._fit(X, y, weights, offset)

    def _loss(self, y: NDArray) -> Loss:
        classes, _ = class_target(y)
        return Logistic() if len(classes) == 2 else Multinomial()

    def _keep(self, selected: Selected) -> None:
        super()._keep(selected)
        self.classes_ = self.path_.classes

    def _coef_shape(self, coef: Floats) -> Floats:
        return np.atleast_2d(coef).copy()

    def _intercept_shape(self, intercept: Floats) -> Floats:
        return np.atleast_1d(intercept).copy()

    def decision_function(self, X: Any, offset: Any = None) -> Floats:
        """The linear predictor: log odds of `classes_[1]`, shape (n,); for K > 2 classes shape (n, K)."""
        return self._decision(X, offset)

    def predict_proba(self, X: Any, offset: Any = None) -> Floats:
        """Probability of each class, shape (n, K)."""
        eta = self._decision(X, offset)
        mean = self.path_.loss.mean(eta)
        return mean if mean.ndim == 2 else np.stack([1 - mean, mean], axis=1)

    def predict_log_proba(self, X: Any, offset: Any = None) -> Floats:
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, offset))

    def predict(self, X: Any, offset: Any = None) -> NDArray:
        """The most probable class of each row, shape (n,)."""
        eta = self._decision(X, offset)
        return self.path_.loss.predict(eta, self.classes_)

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Accuracy: the (weighted) share of rows whose class is predicted."""
        return float(accuracy_score(y, self.predict(X, offset), sample_weight=sample_weight))


class LogisticRegression(LinearClassifier):
    """Logistic regression, multinomial for more than two classes; alpha chosen by cross-validation unless given.

    min over (W, b) of  -sum_i s_i log P(y_i | x_i) / sum_i s_i  +  alpha * Omega(V),
    P = 1 / (1 + exp(-eta)) for two classes, softmax(eta) for more; eta = X W + b + offset, V = W * standard deviations
    of the columns if `standardize`, else W.

    Parameters
    ----------
    alpha, bounds, standardize, ..., unseen
        As for `Lasso`.
    penalty : Penalty, default L2()
        Omega; weights and bounds are part of it, e.g. `ao.ElasticNet(0.5)`.

    Attributes
    ----------
    coef_, coef_standardized_ : arrays (1, p) for two classes (of `classes_[1]`), (K, p) for more.
    intercept_ : array (1,) or (K,).
    classes_ : the class labels, sorted; all others as for `Lasso`.

    References
    ----------
    J. Friedman, T. Hastie, R. Tibshirani (2010), Regularization paths for generalized linear models via coordinate
    descent, J. Statistical Software 33.

    Examples
    --------
    >>> import alphaomega as ao
    >>> model = ao.LogisticRegression(alpha=0.1).fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [2.5]])
    array(['no', 'yes'], dtype='<U3')
    """

    default_penalty = L2


class Classifier(LinearClassifier):
    """A linear classifier with any penalty: logistic loss for two classes, multinomial for more.

    min over (W, b) of  -sum_i s_i log P(y_i | x_i) / sum_i s_i  +  alpha * Omega(V), as for `LogisticRegression`.

    Parameters
    ----------
    penalty : Penalty, default L1()
        Omega; weights and bounds are part of it.
    alpha, bounds, standardize, ..., unseen
        As for `Lasso`.

    Attributes
    ----------
    As for `LogisticRegression`.

    References
    ----------
    T. Hastie, R. Tibshirani, M. Wainwright (2015), Statistical Learning with Sparsity, chapter 3.

    Examples
    --------
    >>> import alphaomega as ao
    >>> model = ao.Classifier(ao.L1(), alpha=10.0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.coef_
    array([[0.]])
    """

    def __init__(
        self,
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
