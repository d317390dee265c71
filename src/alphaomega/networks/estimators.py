"""Feed-forward networks as scikit-learn estimators; without a hidden layer they are the exact linear models.

They stand on `path`, not on skorch: alpha is chosen along one network that turns from dense to sparse, which a trainer
that starts anew at each fit does not offer.
"""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .. import losses
from ..estimators import Classifier, Regressor
from ..penalties import L1
from .network_model import NetworkModel


class NetworkRegressor(RegressorMixin, NetworkModel):
    """A penalised feed-forward network for a numeric y: min J(w, b) + alpha * sum_l Omega(w_l), biases free.

    With `hidden=()` it is `ao.Regressor`, solved exactly. With hidden layers it is trained along alpha from dense to
    sparse (`networks.path`) on columns per standard deviation, y in units of its own standard deviation.

    Parameters
    ----------
    hidden : sequence of int, default (64,)
        Units of each hidden layer.
    penalty : Penalty, default L1()
        On every layer's weights; `UnitGroupL1("inputs")` selects features and units.
    alpha : "cv", "1se" or a number, default "cv"
        "cv" takes the smallest held-out deviance (one split for networks, whose paths are long; ten folds for linear
        models), "1se" the largest alpha within one standard error of it.
    activation : {"relu", "tanh", "gelu", "sigmoid"}, default "relu"
    standardize : bool, default True
        Whether columns are brought to mean 0 and standard deviation 1.
    validation : float in (0, 1), default 0.2
        Share of the rows held out to choose alpha.
    schedule : Schedule, optional
        Training, identification and seed; the default stops early on the held-out rows, `Schedule(patience=5)`.

    Attributes
    ----------
    alpha_, alpha_choice_ : the strength and how it was chosen, in one sentence.
    selected_features_ : names of the inputs with any non-zero weight.
    path_, module_ : the NetworkPath and the chosen network; `linear_` instead where there is no hidden layer.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, chapter 11.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> model = ao.networks.NetworkRegressor((16,), ao.networks.UnitGroupL1("inputs"), alpha="1se").fit(X, X[:, 0] ** 2)
    >>> "x0" in model.selected_features_
    True
    """

    loss = "squared"
    _linear_type: ClassVar[type] = Regressor

    def _read_target(self, y: NDArray) -> tuple[NDArray, int]:
        values = losses.find("squared").target(y).values
        self.target_center_ = float(values.mean())
        self.target_scale_ = float(values.std()) or 1.0
        return (values - self.target_center_) / self.target_scale_, 1

    def _linear(self) -> Any:
        return Regressor(penalty=self.penalty, alpha=self.alpha, standardize=self.standardize)

    def predict(self, X: Any) -> NDArray:
        """Predictions in the units of y, shape (n,)."""
        check_is_fitted(self, "alpha_")
        if not len(tuple(self.hidden)):
            return self.linear_.predict(X)
        return self._eta(X)[:, 0] * self.target_scale_ + self.target_center_


class NetworkClassifier(ClassifierMixin, NetworkModel):
    """A penalised feed-forward network for classes: multinomial loss, min J(w, b) + alpha * sum_l Omega(w_l), biases
    free.

    With `hidden=()` it is `ao.Classifier`, solved exactly (one linear predictor for two classes). Otherwise as
    `NetworkRegressor`.

    Parameters
    ----------
    hidden, penalty, alpha, activation, standardize, validation, schedule
        As for `NetworkRegressor`.

    Attributes
    ----------
    classes_ : the labels, sorted.
    alpha_, alpha_choice_, selected_features_, path_, module_
        As for `NetworkRegressor`.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville (2016), Deep Learning, sections 6.2 and 7.1.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "different")
    >>> float(ao.networks.NetworkClassifier((16,), alpha=1e-3).fit(X, y).score(X, y)) > 0.8
    True
    """

    loss = "multinomial"

    def _read_target(self, y: NDArray) -> tuple[NDArray, int]:
        check_classification_targets(y)
        target = losses.find("multinomial").target(y)
        assert target.classes is not None
        self.classes_ = target.classes
        return target.values.argmax(1), len(self.classes_)

    def _linear(self) -> Any:
        return Classifier(self.penalty or L1(), alpha=self.alpha, standardize=self.standardize)

    def predict_proba(self, X: Any) -> NDArray:
        """Probability of each class, shape (n, K)."""
        check_is_fitted(self, "alpha_")
        if not len(tuple(self.hidden)):
            return self.linear_.predict_proba(X)
        return losses.find("multinomial").mean(self._eta(X))

    def predict(self, X: Any) -> NDArray:
        """The most probable class of each row."""
        check_is_fitted(self, "alpha_")
        if not len(tuple(self.hidden)):
            return self.linear_.predict(X)
        return self.classes_[self.predict_proba(X).argmax(1)]
