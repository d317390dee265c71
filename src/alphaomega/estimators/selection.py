"""Estimators with a strength: alpha by cross-validation, by the one-standard-error rule, or given."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..fitting import cross_validate, path
from ..model_selection.capabilities import Places, Restartable
from ..penalties import L1, Penalty
from ..results import Solution
from .base import Floats, LinearModel
from .by_name import Features, bounded
from .choice import Choice, Selected


class PenalizedModel(LinearModel, Restartable):
    """A linear model with a strength alpha: "cv", "1se", or a number."""

    #: What alpha may be called.
    rules: ClassVar[tuple[str, ...]] = ("cv", "1se")
    _start: Solution | None = None

    def __init__(
        self,
        alpha: Any = "cv",
        *,
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
        self.alpha = alpha
        self.standardize = standardize
        self.intercept = intercept
        self.folds = folds
        self.seed = seed
        self.n_alphas = n_alphas
        self.alphas = alphas
        self.tol = tol
        self.impute = impute
        self.unseen = unseen

    def _select(self, X: Any, y: NDArray, penalties: Mapping[str, Penalty], common: dict[str, Any]) -> Selected:
        if isinstance(self.alpha, str):
            if self.alpha not in ("cv", "1se"):
                raise ValueError(f"alpha must be {self._allowed()}, got {self.alpha!r}")
            return self._cross_validated(X, y, penalties, common)
        if len(penalties) > 1:
            raise ValueError(
                f"several values ({', '.join(penalties)}) need alpha='cv' or '1se' to choose between them; give one"
            )
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float, np.number)):
            raise TypeError(f"alpha must be {self._allowed()}, got {self.alpha!r}")
        (penalty,) = penalties.values()
        fitted = path(X, y, penalty=penalty, alphas=[float(self.alpha)], start=self._start, **common)
        self._start = None
        return Selected(fitted, Choice(float(self.alpha), f"alpha = {self.alpha:.6g}, as given."))

    def _allowed(self) -> str:
        return f"{', '.join(map(repr, self.rules))} or a number >= 0"

    def restarted(self, kept: Places | None = None) -> Self:
        """An unfitted copy whose fit begins at these coefficients, of the columns `kept` (default all).

        It matters to a given alpha alone: a path of alphas begins at zero.
        """
        check_is_fitted(self)
        model = clone(self)
        if not isinstance(self.alpha, str):
            solution = self.path_.at(self.alpha_)
            model._start = solution if kept is None else replace(solution, coef=solution.coef[..., kept])
        return model

    def _cross_validated(
        self, X: Any, y: NDArray, penalties: Mapping[str, Penalty], common: dict[str, Any]
    ) -> Selected:
        folds = self._folds(common["weights"], len(y))
        runs = {
            label: cross_validate(
                X, y, penalty=penalty, alphas=self.alphas, n_alphas=self.n_alphas, folds=folds, seed=self.seed, **common
            )
            for label, penalty in penalties.items()
        }
        label = min(runs, key=lambda name: runs[name].mean.min())
        cv = runs[label]
        alpha = cv.alpha_min if self.alpha == "cv" else cv.alpha_1se
        score = "mean squared error" if cv.path.loss.name == "squared" else "mean deviance"
        rule = f"the smallest held-out {score}"
        if self.alpha == "1se":
            rule = f"the largest within one standard error of {rule}"
        fewer = np.ndim(folds) == 0 and len(cv.scores) < self.folds
        remark = f" ({self.folds} folds were asked for, but there are fewer distinct rows)" if fewer else ""
        among = f"{len(cv.path.alphas)} alphas" + (f" and {label} of {', '.join(runs)}" if len(runs) > 1 else "")
        sentence = f"alpha = {alpha:.6g}: {rule} in {len(cv.scores)}-fold cross-validation over {among}{remark}."
        return Selected(cv.path, Choice(alpha, sentence), cv)

    def _folds(self, weights: Floats | None, n: int) -> Any:
        """The folds asked for, or as many as there are rows."""
        rows = n if weights is None else int((weights > 0).sum())
        return self.folds if np.ndim(self.folds) > 0 or rows < 2 else min(self.folds, rows)


class ByNameModel(PenalizedModel):
    """A model that makes its penalty itself, from weights and bounds by column name."""

    def __init__(
        self,
        alpha: Any = "cv",
        *,
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
        self.penalty_weights = penalty_weights
        self.bounds = bounds

    @abstractmethod
    def _weighted(self, weights: Any) -> dict[str, Penalty]:
        """The penalties with these weights, before bounds."""

    def _penalties(self, features: Features) -> dict[str, Penalty]:
        weights = features.spread(self.penalty_weights, 1.0, "penalty_weights")
        return {name: bounded(penalty, self.bounds, features) for name, penalty in self._weighted(weights).items()}


class GivenPenaltyModel(PenalizedModel):
    """A model whose penalty is given as an object, inside bounds by column name where wished."""

    #: The penalty where none is given.
    default_penalty: ClassVar[type[Penalty]] = L1

    def __init__(
        self,
        alpha: Any = "cv",
        *,
        penalty: Penalty | None = None,
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
        self.penalty = penalty
        self.bounds = bounds

    def _penalties(self, features: Features) -> dict[str, Penalty]:
        penalty = self.default_penalty() if self.penalty is None else self.penalty
        return {"penalty": bounded(penalty, self.bounds, features)}
