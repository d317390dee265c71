"""Feed-forward networks as scikit-learn estimators; without a hidden layer they are the exact linear models."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data
from torch import nn

from .. import losses
from ..columns import as_frame
from ..estimators import Classifier, Regressor
from ..frames import Encoder
from ..penalties import L1, Penalty
from .path_results import NetworkPath
from .paths import Schedule, path
from .training import feed_forward

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "sigmoid": nn.Sigmoid}
RULES = {"cv": "min", "1se": "1se"}
PATIENCE = 5  # epochs without a better held-out score that end the training at an alpha


class NetworkModel(BaseEstimator):
    """What the two estimators share: reading data, the network, the path over alpha, the choice on it."""

    loss: str

    def __init__(
        self,
        hidden: Sequence[int] = (64,),
        penalty: Penalty | None = None,
        *,
        alpha: Any = "cv",
        activation: str = "relu",
        standardize: bool = True,
        validation: float = 0.2,
        schedule: Schedule | None = None,
    ) -> None:
        self.hidden = hidden
        self.penalty = penalty
        self.alpha = alpha
        self.activation = activation
        self.standardize = standardize
        self.validation = validation
        self.schedule = schedule

    @abstractmethod
    def _read_target(self, y: NDArray) -> tuple[NDArray, int]:
        """y on the loss's scale, and how many outputs the network needs."""

    @abstractmethod
    def _linear(self) -> Any:
        """The exact linear estimator."""

    def fit(self, X: Any, y: Any) -> Any:
        """Train along alpha and keep the chosen network.

        Parameters
        ----------
        X : array or dataframe of shape (n, p)
            Text and categorical columns of dataframes become indicator columns; names are kept.
        y : array of shape (n,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On bad input; the message names the argument, row or column, and the mend.
        """
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {self.activation!r}")
        if isinstance(self.alpha, str) and self.alpha not in RULES:
            raise ValueError(f"alpha must be 'cv', '1se' or a number >= 0, got {self.alpha!r}")
        X = self._read_matrix(X, reset=True)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        target, outputs = self._read_target(y)
        for name in ("linear_", "path_", "module_"):
            self.__dict__.pop(name, None)  # of an earlier fit with another number of layers
        if len(tuple(self.hidden)):
            self._fit_network(X, target, outputs)
        else:
            self._fit_linear(X, y)
        return self

    def _fit_linear(self, X: Any, y: NDArray) -> None:
        self.linear_ = self._linear().fit(X, y)
        self.alpha_, self.alpha_choice_ = self.linear_.alpha_, self.linear_.alpha_choice_
        names, used = self.linear_.coef_names_, np.atleast_2d(self.linear_.coef_).any(0)
        self.selected_features_ = [str(name) for name in names[used]]

    def _fit_network(self, X: Any, target: NDArray, outputs: int) -> None:
        self.encoder_ = Encoder.fit(X)
        matrix = np.asarray(self.encoder_.transform(X), dtype=np.float64)
        spread = matrix.std(0)
        self.center_ = matrix.mean(0) if self.standardize else np.zeros(matrix.shape[1])
        self.scale_ = np.where(spread > 0, spread, 1.0) if self.standardize else np.ones(matrix.shape[1])
        plan = self.schedule or Schedule(patience=PATIENCE)
        with torch.random.fork_rng():
            torch.manual_seed(plan.seed)
            module = feed_forward(matrix.shape[1], self.hidden, outputs, ACTIVATIONS[self.activation])
        penalty = L1() if self.penalty is None else self.penalty
        alphas = None if isinstance(self.alpha, str) else [float(self.alpha)]
        inputs = torch.from_numpy((matrix - self.center_) / self.scale_)
        validation = self.validation
        self.path_: NetworkPath = path(
            module, inputs, target, self.loss, penalty, alphas, validation=validation, schedule=plan
        )
        fit = self.path_.best(RULES.get(self.alpha, "min") if isinstance(self.alpha, str) else "min")
        self.alpha_, self.module_ = fit.alpha, self.path_.model(fit)
        rows = f"{validation:.0%} of the rows held out"
        self.alpha_choice_ = (
            f"alpha = {fit.alpha:.6g}, as given."
            if alphas
            else f"alpha = {fit.alpha:.6g}: "
            + ("the largest within one standard error of " if self.alpha == "1se" else "")
            + f"the smallest deviance on {rows}, over {len(self.path_.fits)} alphas."
        )
        used = fit.state["0.weight"].any(0).numpy()
        names = self.encoder_.names or [f"x{j}" for j in range(len(used))]
        self.selected_features_ = [str(name) for name, kept in zip(names, used) if kept]

    def _read_matrix(self, X: Any, reset: bool) -> Any:
        if as_frame(X) is None:
            return validate_data(
                self, X, dtype=(np.float64, np.float32), ensure_min_samples=2 if reset else 1, reset=reset
            )
        validate_data(self, X, skip_check_array=True, reset=reset)
        return X

    def _eta(self, X: Any) -> NDArray:
        """The network's output for new rows, (n, outputs)."""
        matrix = np.asarray(self.encoder_.transform(self._read_matrix(X, reset=False)), dtype=np.float64)
        like = next(self.module_.parameters())
        with torch.no_grad():
            return self.module_(torch.from_numpy((matrix - self.center_) / self.scale_).to(like)).double().numpy()


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
