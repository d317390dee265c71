"""What the estimators of feed-forward networks share: reading data, training along alpha, choosing, dropping units."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data
from torch import Tensor, nn

from ..columns import as_frame
from ..frames import Encoder
from ..model_selection.capabilities import Floats, Places, UnitModel
from ..penalties import L1, Penalty
from .hidden_units import strengths, without
from .path_results import NetworkPath
from .paths import Schedule, path
from .penalizing import Penalized, penalize
from .training import feed_forward
from .units import UnitGroupL1

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "sigmoid": nn.Sigmoid}
RULES = {"cv": "min", "1se": "1se"}
PATIENCE = 5  # epochs without a better held-out score that end the training at an alpha


class NetworkModel(BaseEstimator, UnitModel):
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
        X, y = self._read_rows(X, y)
        target, outputs = self._read_target(y)
        for name in ("linear_", "path_", "module_"):
            self.__dict__.pop(name, None)  # of an earlier fit with another number of layers
        if len(tuple(self.hidden)):
            alphas = None if isinstance(self.alpha, str) else [float(self.alpha)]
            module, inputs = self._fresh(X, outputs)
            self._train(module, inputs, target, alphas, self._plan())
        else:
            self._fit_linear(X, y)
        return self

    def _read_rows(self, X: Any, y: Any) -> tuple[Any, NDArray]:
        X = self._read_matrix(X, reset=True)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        return X, y

    def _fit_linear(self, X: Any, y: NDArray) -> None:
        self.linear_ = self._linear().fit(X, y)
        self.alpha_, self.alpha_choice_ = self.linear_.alpha_, self.linear_.alpha_choice_
        names, used = self.linear_.coef_names_, np.atleast_2d(self.linear_.coef_).any(0)
        self.selected_features_ = [str(name) for name in names[used]]

    def _plan(self) -> Schedule:
        return self.schedule or Schedule(patience=PATIENCE)

    def _fresh(self, X: Any, outputs: int) -> tuple[nn.Sequential, Tensor]:
        """An untrained network for these rows, and the rows as it reads them."""
        self.encoder_ = Encoder.fit(X)
        matrix = np.asarray(self.encoder_.transform(X), dtype=np.float64)
        spread = matrix.std(0)
        self.center_ = matrix.mean(0) if self.standardize else np.zeros(matrix.shape[1])
        self.scale_ = np.where(spread > 0, spread, 1.0) if self.standardize else np.ones(matrix.shape[1])
        with torch.random.fork_rng():
            torch.manual_seed(self._plan().seed)
            module = feed_forward(matrix.shape[1], self.hidden, outputs, ACTIVATIONS[self.activation])
        return module, torch.from_numpy((matrix - self.center_) / self.scale_)

    def _train(
        self, module: nn.Module | Penalized, inputs: Tensor, target: NDArray, alphas: list[float] | None, plan: Schedule
    ) -> None:
        """Train along alpha from the network as it is, choose, and keep what was chosen."""
        own = L1() if self.penalty is None else self.penalty
        penalty = None if isinstance(module, Penalized) else own
        validation = self.validation
        self.path_: NetworkPath = path(
            module, inputs, target, self.loss, penalty, alphas, validation=validation, schedule=plan
        )
        fit = self.path_.best(RULES.get(self.alpha, "min") if isinstance(self.alpha, str) else "min")
        self.alpha_ = fit.alpha
        self.module_: Any = self.path_.model(fit)
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

    def _inputs(self, X: Any) -> Tensor:
        """New rows as the network reads them."""
        matrix = np.asarray(self.encoder_.transform(self._read_matrix(X, reset=False)), dtype=np.float64)
        return torch.from_numpy((matrix - self.center_) / self.scale_)

    def _eta(self, X: Any) -> NDArray:
        """The network's output for new rows, (n, outputs)."""
        like = next(self.module_.parameters())
        with torch.no_grad():
            return self.module_(self._inputs(X).to(like)).double().numpy()

    @property
    def unit_layers(self) -> NDArray[np.intp]:
        """The hidden layer of each unit, from 0."""
        widths = [int(width) for width in self.hidden]
        return np.repeat(np.arange(len(widths)), widths)

    def unit_strengths(self, X: Any) -> Floats:
        """Standard deviation of each hidden unit's output on these rows times the norm of the weights that read it."""
        check_is_fitted(self, "module_")
        return strengths(self.module_, self._inputs(X))

    def with_units(self, kept: Places, X: Any, y: NDArray) -> Self:
        """The network with these of its hidden units alone, trained on from their weights at the same alpha."""
        check_is_fitted(self, "module_")
        places = np.arange(len(self.unit_layers))[kept]
        first = np.searchsorted(self.unit_layers, np.arange(len(tuple(self.hidden)) + 1))
        by_layer = [places[(places >= a) & (places < b)] - a for a, b in pairwise(first)]
        model = copy.copy(self)
        model.hidden = tuple(len(own) for own in by_layer)
        inputs, plan = self._inputs(X), self._plan()
        module = without(self.module_, inputs, by_layer)
        target, _ = model._read_target(column_or_1d(y))
        model._train(module, inputs, target, [self.alpha_], replace(plan, dense=plan.step))
        return model

    def units_at_once(self, X: Any, y: NDArray) -> tuple[Places, float, float]:
        """The units that a group lasso on what enters each keeps, at the largest alpha within one standard error."""
        model = clone(self).set_params(alpha="1se")
        X, y = model._read_rows(X, y)
        target, outputs = model._read_target(y)
        module, inputs = model._fresh(X, outputs)
        readers = f"{len(module) - 1}.weight"
        model._train(penalize(module, UnitGroupL1("neurons"), exclude=readers), inputs, target, None, model._plan())
        fit = model.path_.best("1se")
        alive = [weight.flatten(1).any(1) for name, weight in fit.state.items() if name.endswith("weight")][:-1]
        unit = float(getattr(model, "target_scale_", 1.0)) ** 2
        return np.flatnonzero(torch.cat(alive).numpy()), fit.score * unit, fit.score_error * unit
