"""Ensembles: one penalised model on many resamples of the rows, and what they decide together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from .. import solvers
from ..arguments import Data, read_data
from ..problem import Control, Grid
from ..results import Path
from . import resampling
from .resampling import Resamples

Floats = NDArray[np.float64]
COMBINE = ("mean", "vote")


class Ensemble(BaseEstimator):
    """The collective decision of penalised models fitted to different samples of the rows.

    Every member solves the estimator's problem at the estimator's alpha, with the rows weighted as one resample counts
    them. All members share the reads of X; each is the fit that it would be alone.

    Parameters
    ----------
    estimator : a regressor or classifier of this package, e.g. `ao.Lasso()`
        Cloned and fitted to all rows first: that fit chooses alpha, and is the single model to compare with.
    n_models : int, default 100
    resampling : {"bootstrap", "half", "pairs"}, default "bootstrap"
        As many rows with replacement; half of the rows; complementary halves (then two members a draw).
    combine : {"mean", "vote"}, default "mean"
        Mean of the linear predictors, so that the ensemble is a linear model again, or for classes the most frequent
        vote.
    seed : int or None, default 0
        Seed of the resamples.

    Attributes
    ----------
    single_ : the estimator fitted to all rows.
    alpha_ : its alpha, used by every member.
    coefs_, intercepts_ : (B, p) or (B, K, p), and (B,) or (B, K): every member's, in the columns' units.
    coef_, intercept_ : their means.
    selection_frequency_ : (p,) share of members that use the feature.
    weights_ : (B, n) how often each member counts each row.
    oob_error_ : mean deviance (squared error for the squared loss) of rows predicted by the members that left them out.
    oob_misclassified_ : share of wrong classes among them; NaN where there are no classes.
    oob_rows_ : how many rows some member left out.
    redrawn_ : draws that were repeated, as a class or a level was lacking.
    classes_ : the class labels, for classifiers.

    References
    ----------
    L. Breiman (1996), Bagging predictors, Machine Learning 24.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 4))
    >>> team = ao.Ensemble(ao.Lasso(alpha=0.1), n_models=20).fit(X, X[:, 0] + 0.1 * rng.standard_normal(60))
    >>> float(team.selection_frequency_[0]), team.coefs_.shape
    (1.0, (20, 4))
    """

    def __init__(
        self,
        estimator: Any,
        n_models: int = 100,
        resampling: str = "bootstrap",
        combine: str = "mean",
        seed: int | None = 0,
    ) -> None:
        self.estimator = estimator
        self.n_models = n_models
        self.resampling = resampling
        self.combine = combine
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Ensemble:
        """Fit the single model, then every member.

        Parameters
        ----------
        X, y, sample_weight, offset
            As for the estimator.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On bad input; if `combine` is "vote" and there are no classes; if a class is too rare for the resamples.
        TypeError
            If the estimator is not one of this package's penalised models.
        """
        if self.combine not in COMBINE:
            raise ValueError(f"combine must be 'mean' or 'vote', got {self.combine!r}")
        single = clone(self.estimator, safe=False)
        if not isinstance(single, BaseEstimator) or not hasattr(type(single), "_penalties"):
            raise TypeError(f"estimator must be a penalised model of alphaomega such as ao.Lasso(), got {single!r}")
        single.fit(X, y, sample_weight=sample_weight, offset=offset)
        path = single.path_
        if self.combine == "vote" and not path.loss.classifies:
            raise ValueError(f"combine='vote' needs classes; {type(single).__name__} predicts numbers: use 'mean'")
        data = read_data(path.encoder.transform(X), y, path.loss, sample_weight, offset)
        data = replace(data, encoder=path.encoder)
        drawn = resampling.draw(data, self.resampling, self.n_models, self.seed)
        members = self._members(single, data, drawn)
        self.single_, self.alpha_, self.path_ = single, float(single.alpha_), path
        self._keep(path, members, drawn)
        self._out_of_bag(data)
        return self

    def _members(self, single: Any, data: Data, drawn: Resamples) -> list[solvers.RawPath]:
        """Every member's path, down to alpha."""
        path = single.path_
        problem = data.problem(path.penalty, standardize=path.standardized, intercept=single.intercept)
        above = path.alphas[path.alphas > single.alpha_ * (1 + 1e-12)]
        grid = Grid(np.append(above, single.alpha_))
        return resampling.solve(problem, drawn, grid, Control(single.tol))[1:]

    def _keep(self, path: Path, members: list[solvers.RawPath], drawn: Resamples) -> None:
        self.coefs_ = np.array([raw.coef[-1].T for raw in members])
        self.intercepts_ = np.array([raw.intercept[-1] for raw in members])
        self.coef_, self.intercept_ = self.coefs_.mean(0), self.intercepts_.mean(0)
        used = self.coefs_ != 0
        self.selection_frequency_ = (used if used.ndim == 2 else used.any(1)).mean(0)
        self.feature_names_ = path.names()
        self.weights_, self.redrawn_ = drawn.weights, drawn.redrawn
        self.gap_ = float(max(raw.gap[-1] for raw in members))
        if path.classes is not None:
            self.classes_ = path.classes

    def _out_of_bag(self, data: Data) -> None:
        """The error of every row under the members that left it out, weighted by the rows' own weights."""
        left_out = (self.weights_ == 0) & (data.weights > 0)
        rows = np.flatnonzero(left_out.any(0))
        self.oob_rows_ = len(rows)
        self.oob_error_ = self.oob_misclassified_ = float("nan")
        if not len(rows):
            return
        share = data.weights[rows] / data.weights[rows].sum()
        eta = self._member_eta(data.design.rows(rows), None if data.offset is None else data.offset[rows])
        y = data.target.values[rows]
        self.oob_error_ = float(share @ data.loss.deviance(y, _together(eta, left_out[:, rows])))
        if data.loss.classifies:
            chosen = self._codes(eta, left_out[:, rows])
            truth = y if y.ndim == 1 else y.argmax(1)
            self.oob_misclassified_ = float(share @ (chosen != truth))

    def _member_eta(self, design: Any, offset: Floats | None) -> Floats:
        """Every member's linear predictor, (B, n) or (B, n, K)."""
        flat = self.coefs_.reshape(-1, self.coefs_.shape[-1])
        eta = np.asarray(design.matvec(flat.T) if hasattr(design, "matvec") else design @ flat.T).T
        if self.coefs_.ndim == 3:
            eta = eta.reshape(*self.coefs_.shape[:2], -1).swapaxes(1, 2) + self.intercepts_[:, None, :]
            return eta if offset is None else eta + offset[:, None]
        eta = eta + self.intercepts_[:, None]
        return eta if offset is None else eta + offset

    def _codes(self, eta: Floats, use: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The class of each row, as a position in `classes_`."""
        if self.combine == "mean":
            return np.asarray(self.path_.loss.predict(_together(eta, use)), dtype=np.intp)
        return self._votes(eta, use).argmax(1)

    def _votes(self, eta: Floats, use: NDArray[np.bool_]) -> Floats:
        """The share of the members' votes that each class has, (n, K)."""
        vote = np.asarray(self.path_.loss.predict(eta.reshape(-1, *eta.shape[2:])), dtype=np.intp).reshape(use.shape)
        cast = (vote[..., None] == np.arange(len(self.classes_))) & use[..., None]
        return cast.sum(0) / use.sum(0)[:, None]

    def _eta_of(self, X: Any, offset: Any) -> Floats:
        check_is_fitted(self, "coefs_")
        if self.path_.needs_offset and offset is None:
            raise ValueError("this ensemble was fitted with an offset; pass offset= (zeros for rates per exposure)")
        matrix = X if self.path_.encoder is None else self.path_.encoder.transform(X)
        return self._member_eta(matrix, None if offset is None else np.asarray(offset, dtype=float))

    def predict(self, X: Any, offset: Any = None) -> NDArray:
        """The decision of all members, shape (n,): a mean, or a class."""
        eta = self._eta_of(X, offset)
        use = np.ones(eta.shape[:2], dtype=bool)
        if self.path_.loss.classifies:
            return self.classes_[self._codes(eta, use)]
        return self.path_.loss.predict(_together(eta, use))

    def predict_proba(self, X: Any, offset: Any = None) -> Floats:
        """Probability of each class, (n, K); with `combine="vote"` the share of votes."""
        eta = self._eta_of(X, offset)
        use = np.ones(eta.shape[:2], dtype=bool)
        if self.combine == "vote":
            return self._votes(eta, use)
        mean = self.path_.loss.mean(_together(eta, use))
        return mean if mean.ndim == 2 else np.stack([1 - mean, mean], axis=1)

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Percentile intervals of the members' coefficients, lower and upper, each of `coef_`'s shape.

        They show how far coefficients move from sample to sample. A penalty biases them, so for penalised models they
        are no confidence intervals.

        Raises
        ------
        ValueError
            If the level does not lie between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level!r}")
        check_is_fitted(self, "coefs_")
        lower, upper = np.quantile(self.coefs_, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return lower, upper

    def to_frame(self, level: float = 0.95) -> Any:
        """One row per feature (and class): single model, mean, interval, selection frequency (a polars DataFrame)."""
        import polars

        lower, upper = (np.atleast_2d(bound) for bound in self.interval(level))
        mean, single = np.atleast_2d(self.coef_), np.atleast_2d(self.single_.coef_)
        k = len(mean)
        columns: dict[str, Any] = {"feature": self.feature_names_ * k}
        if k > 1:
            columns["class"] = [str(label) for label in self.classes_ for _ in self.feature_names_]
        columns |= {"single": single.ravel(), "mean": mean.ravel(), "lower": lower.ravel(), "upper": upper.ravel()}
        return polars.DataFrame({**columns, "frequency": np.tile(self.selection_frequency_, k)})


def _together(eta: Floats, use: NDArray[np.bool_]) -> Floats:
    """The mean linear predictor over members, (n,) or (n, K), for each row over those that `use` says."""
    return np.einsum("bn,bn...->n...", use / use.sum(0), eta)
