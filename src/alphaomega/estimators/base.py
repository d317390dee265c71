"""What every estimator does: read the data, choose alpha, keep the fit, predict."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from ..columns import as_frame
from ..fitting import cross_validate, path
from ..frames import Encoder
from ..losses import Loss
from ..penalties import L1, Penalty
from ..results import CrossValidation, Path
from .by_name import Features, bounded
from .summary import Summary

Floats = NDArray[np.float64]
NO_P_VALUES = (
    "No standard errors or p-values: penalised coefficients are shrunk on purpose, and alpha was chosen with the same "
    "rows, so the formulas of least squares do not hold here; ao.OLS has them for an unpenalised fit."
)


@dataclass(frozen=True)
class FitCertificate:
    """How far the fitted coefficients can be from optimal.

    Attributes
    ----------
    kind : "duality gap" (relative to the loss of the intercept-only model) or "stationarity".
    gap : its value at the chosen alpha.
    tol : the tolerance asked for.
    message : empty, or what went short and what mends it.
    """

    kind: str
    gap: float
    tol: float
    message: str = ""

    def __float__(self) -> float:
        return self.gap


@dataclass(frozen=True)
class Choice:
    """How alpha was chosen: its value and one sentence."""

    alpha: float
    sentence: str


@dataclass(frozen=True, eq=False)
class Selected:
    """A path, the alpha chosen on it, and the cross-validation that chose it."""

    path: Path
    choice: Choice
    cv: CrossValidation | None = None


class LinearModel(BaseEstimator, ABC):
    """The shared machinery; a subclass says which loss and which penalty."""

    alpha: Any
    tol: float
    intercept: bool
    impute: str | None
    unseen: str

    @abstractmethod
    def _loss(self, y: NDArray) -> str | Loss:
        """The loss for this y."""

    @abstractmethod
    def _penalties(self, features: Features) -> dict[str, Penalty]:
        """The penalties to choose from by cross-validation, by what tells them apart."""

    @abstractmethod
    def _read_target(self, y: NDArray) -> NDArray:
        """y checked, or an error that names what is wrong."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.impute is not None
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Any:
        """Choose alpha and fit.

        Parameters
        ----------
        X : array, sparse matrix or dataframe of shape (n, p)
            Text and categorical columns of dataframes become indicator columns; names are kept.
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional
            A weight k equals the row repeated k times, in cross-validation too.
        offset : array of shape (n,), optional
            Added to the linear predictor; then also needed to predict.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On bad input; the message names the argument, row or column, and the mend.
        """
        X = self._read_matrix(X, reset=True)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        y = self._read_target(column_or_1d(y, warn=True))
        check_consistent_length(X, y, sample_weight, offset)
        weights = _sample_weight(sample_weight, len(y))
        self._fit(X, y, weights, offset)
        return self

    def _fit(self, X: Any, y: NDArray, weights: Floats | None, offset: Any) -> None:
        encoder = Encoder.fit(X, unseen=self.unseen)
        sources = None if encoder.columns is None else tuple(encoder.columns[k] for k in encoder.groups or ())
        count = X.shape[1] if encoder.names is None else len(encoder.names)
        features = Features(count, encoder.names, sources)
        common = {
            "loss": self._loss(y),
            "weights": weights,
            "offset": offset,
            "standardize": self._standardize(),
            "intercept": self.intercept,
            "tol": self.tol,
            "impute": self.impute,
        }
        selected = self._select(X, y, self._penalties(features), common)
        fitted = selected.path.detached()
        if fitted.encoder is not None and fitted.encoder.unseen != self.unseen:
            fitted = replace(fitted, encoder=replace(fitted.encoder, unseen=self.unseen))
        self._keep(replace(selected, path=fitted))

    def _standardize(self) -> bool:
        return bool(self.standardize)  # type: ignore[attr-defined]

    @abstractmethod
    def _select(self, X: Any, y: NDArray, penalties: Mapping[str, Penalty], common: dict[str, Any]) -> Selected:
        """Fit and choose alpha."""

    def _keep(self, selected: Selected) -> None:
        fitted, choice, cv = selected.path, selected.choice, selected.cv
        solution = fitted.at(choice.alpha)
        self.alpha_ = choice.alpha
        self.alpha_choice_ = choice.sentence
        self.path_ = fitted
        self.cv_ = None if cv is None else replace(cv, path=fitted)
        self.coef_ = self._coef_shape(solution.coef)
        self.coef_standardized_ = self._coef_shape(solution.coef * fitted.scale)
        self.intercept_ = self._intercept_shape(np.asarray(solution.intercept))
        self.coef_names_ = np.array(fitted.names(), dtype=object)
        self.certificate_ = FitCertificate(fitted.certificate, float(solution.gap), float(self.tol), fitted.message)

    def _coef_shape(self, coef: Floats) -> Floats:
        return np.array(coef)

    def _intercept_shape(self, intercept: Floats) -> Any:
        return float(intercept)

    def _read_matrix(self, X: Any, reset: bool) -> Any:
        """X with scikit-learn's checks of names and number of columns; values are checked when X is encoded."""
        if as_frame(X) is None:
            return validate_data(
                self,
                X,
                accept_sparse=("csr", "csc"),
                dtype=(np.float64, np.float32),
                ensure_all_finite=False,
                ensure_min_samples=2 if reset else 1,
                reset=reset,
            )
        if reset:
            validate_data(self, X, skip_check_array=True)
            if len(X) < 2:
                raise ValueError(
                    f"n_samples={len(X)} rows are too few to fit {type(self).__name__}; it needs at least 2"
                )
            return X
        if self.path_.encoder is None or self.path_.encoder.columns is None:
            validate_data(self, X, skip_check_array=True, reset=False)
        return X

    def _decision(self, X: Any, offset: Any = None) -> Floats:
        check_is_fitted(self)
        X = self._read_matrix(X, reset=False)
        if offset is not None:
            check_consistent_length(X, offset)
        return self.path_.decision(X, self.alpha_, offset)

    def summary(self, level: float = 0.95) -> Summary:
        """How alpha was chosen, and the coefficients on both scales.

        Parameters
        ----------
        level : float in (0, 1), default 0.95
            Confidence level of the intervals, where there are any (least squares).

        Returns
        -------
        Summary
            Prints as a table; `to_frame()` gives it as a dataframe.
        """
        check_is_fitted(self)
        columns = self._coefficient_columns()
        return Summary(self._title(), self._facts(), columns, (NO_P_VALUES,))

    def _title(self) -> str:
        return f"{type(self).__name__}: {self.path_.loss.name} loss + alpha * {_short(self.path_.penalty)}"

    def _facts(self) -> tuple[str, ...]:
        fitted, certificate = self.path_, self.certificate_
        nonzero = int(np.count_nonzero(np.atleast_2d(self.coef_).any(0)))
        scale = "coefficients per standard deviation" if fitted.standardized else "coefficients in the columns' units"
        return (
            self.alpha_choice_,
            f"The penalty acts on {scale}; the intercept is never penalised.",
            f"{nonzero} of {len(self.coef_names_)} coefficients are non-zero. "
            f"Relative {certificate.kind} {certificate.gap:.1e} (tolerance {certificate.tol:.0e}).",
            *((certificate.message,) if certificate.message else ()),
        )

    def _coefficient_columns(self) -> dict[str, Any]:
        """Name, coefficient, coefficient per standard deviation, non-zero: the intercept first."""
        names = (["intercept"] if self.intercept else []) + [str(name) for name in self.coef_names_]
        blocks, blank = [], np.full(int(self.intercept), np.nan)
        for k in range(len(np.atleast_2d(self.coef_))):
            own = np.atleast_1d(self.intercept_)[k : k + 1] if self.intercept else blank
            coef, standardized = np.atleast_2d(self.coef_)[k], np.atleast_2d(self.coef_standardized_)[k]
            blocks.append((np.append(own, coef), np.append(blank, standardized)))
        coefficient, per_sd = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        columns: dict[str, Any] = {} if len(blocks) == 1 else {"class": self._class_column(len(names))}
        columns["name"] = names * len(blocks)
        columns["coefficient"] = coefficient
        if self.path_.standardized:
            columns["per sd"] = per_sd
        columns["non-zero"] = coefficient != 0
        return columns

    def _class_column(self, rows: int) -> list[str]:
        return [str(label) for label in self.path_.classes for _ in range(rows)]  # type: ignore[union-attr]

    def __sklearn_is_fitted__(self) -> bool:
        return "path_" in vars(self)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """The parameters that differ from their defaults, alpha always, and once fitted how alpha was chosen."""
        defaults = type(self)().get_params(deep=False)
        given = self.get_params(deep=False)
        shown = [
            f"{name}={_brief(value)}"
            for name, value in given.items()
            if name == "alpha" or not _same(value, defaults[name])
        ]
        text = f"{type(self).__name__}({', '.join(shown)})"
        if len(text) > N_CHAR_MAX:
            text = text[: N_CHAR_MAX - 4] + "...)"
        return f"{text}  # {self.alpha_choice_}" if self.__sklearn_is_fitted__() else text


class PenalizedModel(LinearModel):
    """A linear model with a strength alpha: "cv", "1se", or a number."""

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
                raise ValueError(f"alpha must be 'cv', '1se' or a number >= 0, got {self.alpha!r}")
            return self._cross_validated(X, y, penalties, common)
        if len(penalties) > 1:
            raise ValueError(
                f"several values ({', '.join(penalties)}) need alpha='cv' or '1se' to choose between them; give one"
            )
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float, np.number)):
            raise TypeError(f"alpha must be 'cv', '1se' or a number >= 0, got {self.alpha!r}")
        (penalty,) = penalties.values()
        fitted = path(X, y, penalty=penalty, alphas=[float(self.alpha)], **common)
        return Selected(fitted, Choice(float(self.alpha), f"alpha = {self.alpha:.6g}, as given."))

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
    """A model whose penalty is given as an object."""

    #: The penalty where none is given.
    default_penalty: ClassVar[type[Penalty]] = L1

    def __init__(
        self,
        alpha: Any = "cv",
        *,
        penalty: Penalty | None = None,
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

    def _penalties(self, features: Features) -> dict[str, Penalty]:
        return {"penalty": self.default_penalty() if self.penalty is None else self.penalty}


def _sample_weight(weights: Any, n: int) -> Floats | None:
    if weights is None:
        return None
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), one number per row, got {values.shape}")
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        raise ValueError(f"sample_weight must be finite and >= 0, found {values[bad[0]]:g} at row {bad[0]}")
    if not values.any():
        raise ValueError("sample_weight is zero in every row; give at least one row a positive weight")
    return values


def _short(penalty: Penalty) -> str:
    text = repr(penalty)
    return text if len(text) <= 60 else f"{type(penalty).__name__}(...)"


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:56] + " ..."


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    return isinstance(value, (str, int, float, tuple)) and type(value) is type(default) and value == default
