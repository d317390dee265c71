"""What every estimator does: read the data, keep the fit, predict, say what was done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from ..columns import as_frame, separated
from ..designs import Design, adopt, design_of
from ..frames import Encoder
from ..losses import Loss
from ..penalties import Penalty
from .by_name import Features
from .choice import FitCertificate, Selected
from .guarantees import NO_P_VALUES, Fit, columns_of, inference_for, notes
from .summary import Summary

Floats = NDArray[np.float64]


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
        X : array, sparse matrix, dataframe, Dask array or dataframe, PyTorch tensor, or design of shape (n, p)
            Text and categorical columns of dataframes become indicator columns; names are kept.
        y : array of shape (n,), or the name of a column of X
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
        X, y = separated(X, y)
        X = self._read_matrix(X, reset=True)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        y = self._read_target(column_or_1d(y, warn=True))
        check_consistent_length(X, y, sample_weight, offset)
        weights = _sample_weight(sample_weight, len(y))
        self._fit(X, y, weights, offset)
        return self

    def _fit(self, X: Any, y: NDArray, weights: Floats | None, offset: Any) -> None:
        encoder = Encoder.fit(X, self.impute, weights, self.unseen)
        sources = None if encoder.columns is None else tuple(encoder.columns[k] for k in encoder.groups or ())
        count = X.shape[1] if encoder.names is None else len(encoder.names)

        def units() -> Floats:
            if not self._standardize():
                return np.ones(count)
            deviation = design_of(encoder.transform(X)).moments(np.ones(len(y)) if weights is None else weights)[1]
            return np.where(deviation > 0, deviation, 1.0)

        features = Features(count, units, encoder.names, sources)
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
        X = adopt(X)
        if isinstance(X, Design):
            if reset:
                self.n_features_in_ = X.shape[1] if X.schema is None else len(X.schema.columns)
                if X.schema is not None:
                    self.feature_names_in_ = np.array(X.schema.columns, dtype=object)
            return X
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

    def summary(self, level: float = 0.95, inference: Any = None, data: Any = None) -> Summary:
        """How alpha was chosen, and the coefficients on both scales, with the inference asked for.

        Parameters
        ----------
        level : float in (0, 1), default 0.95
            Confidence level of the intervals, where there are any.
        inference : str or a table of `alphaomega.inference`, optional
            "debiased" (any penalty, squared loss), "selective" (lasso), "ridge"; at alpha = 0 "classical", "HC0" to
            "HC3". What would not be valid for this fit is refused, such as p-values of least squares after selection.
        data : tuple (X, y), (X, y, weights) or (X, y, weights, offset), optional
            The rows of the fit, which the estimator does not keep: needed where `inference` is a name.

        Returns
        -------
        Summary
            Prints as a table, with what each column promises; `to_frame()` gives it as a dataframe.

        Raises
        ------
        ValueError
            If the inference is not valid for this fit, or was made for another one.
        """
        check_is_fitted(self)
        columns = self._coefficient_columns()
        if inference is None:
            inference = self._stored_inference(level)
        if inference is None:
            return Summary(self._title(), self._facts(), columns, (self._no_inference(),))
        fit = Fit(self.path_, float(self.alpha_), self.cv_ is not None, np.ravel(self.coef_), self.intercept)
        table = inference_for(fit, inference, data, level) if isinstance(inference, str) else inference
        found = columns_of(fit, table)
        return Summary(self._title(), self._facts(), columns | found, notes(fit, table, list(found)))

    def _stored_inference(self, level: float) -> Any:
        """The inference that was made with the fit, if any."""
        return None

    def _no_inference(self) -> str:
        """Why there is none."""
        return NO_P_VALUES

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
    text = repr(penalty).replace("(weights=1.0)", "()").replace(", weights=1.0)", ")")
    return text if len(text) <= 60 else f"{type(penalty).__name__}(...)"


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:56] + " ..."


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    return isinstance(value, (str, int, float, tuple)) and type(value) is type(default) and value == default
