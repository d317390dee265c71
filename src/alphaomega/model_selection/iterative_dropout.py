"""Where to cut: drop the weakest, refit, and watch the held-out error."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .elimination import held_out_errors, sizes_of, stages
from .weakness import Cut, EnteringFeatures, Features, Samples, Units, Weakness

Floats = NDArray[np.float64]
DROPS = ("features", "samples", "units")


class IterativeDropout(SelectorMixin, MetaEstimatorMixin, BaseEstimator):
    """Fit, drop the weakest, refit, until a floor; the held-out error of every stage says where to cut.

    The whole elimination is repeated in every fold, so that held-out rows never choose what is dropped.

    Parameters
    ----------
    estimator : a regressor or classifier
        Cloned for the first fit. The refits of this package's models at a given alpha, of networks, and of estimators
        with `warm_start=True`, begin at the weights kept.
    drop : {"features", "samples", "units"}
        Columns, by coefficient per standard deviation (any linear model) or by order of entry; rows, the worst first:
        by squared error (for classes deviance) over 1 - leverage; or hidden units of an `ao.networks.NetworkRegressor`
        or `NetworkClassifier`: by the standard deviation of a unit's output times the norm of the weights that read it.
    order : {"coefficient", "entry"}, default "coefficient"
        Of features: "entry" drops what least angle regression lets in last.
    floor : int, optional
        Fewest features, default 1, fewest rows, default half of them, or fewest units, default one a layer, that stay.
    step : int or float in (0, 1), default 1
        How many are dropped at a stage, or which share of what is left. For samples 1 means a fiftieth of the rows.
    rule : {"1se", "min"}, default "1se"
        Cut where most is dropped (features, units), or least (samples), with an error within one standard error of the
        smallest; or at the smallest.
    folds : int, default 10
    n_resamples : int, default 0
        Repeat the whole procedure on so many halves of the rows, to see how stable the cut is.
    seed : int or None, default 0
        Of folds and halves.

    Attributes
    ----------
    sizes_ : (m,) what is left at each stage, decreasing; errors_ : (folds, m) held-out errors: mean squared error, or
        deviance; of samples the median, as held-out rows may be outliers too.
    n_min_, n_1se_, n_left_ : sizes at the smallest error, by the rule of one standard error, and chosen.
    support_ : (p,) columns kept; kept_rows_ : (n,) rows kept; kept_units_ : (units,) units kept, layer after layer.
    sequence_ : what was dropped, first to last, on all rows; then what was left at the floor, weakest first.
    estimator_ : the estimator refitted to what is kept.
    cuts_ : (n_resamples,) sizes chosen on halves of the rows, as shares of all for samples; selection_frequency_ : (p,)
        share of halves that keep each feature (NaN without halves, or for samples).
    one_shot_ : Cut of the L1 penalty: for features the lasso at its own one-standard-error alpha, for samples the soft
        mean shift, for units the group lasso by unit; with the seconds it took. seconds_ : of this elimination.

    References
    ----------
    I. Guyon, J. Weston, S. Barnhill, V. Vapnik (2002), Gene selection for cancer classification using support vector
    machines, Machine Learning 46.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((80, 5))
    >>> y = X[:, 1] - X[:, 3] + 0.1 * rng.standard_normal(80)
    >>> found = ao.IterativeDropout(ao.OLS(), folds=5).fit(X, y)
    >>> found.get_support(indices=True), found.sizes_
    (array([1, 3]), array([5, 4, 3, 2, 1]))
    """

    def __init__(
        self,
        estimator: Any,
        drop: str = "features",
        *,
        order: str = "coefficient",
        floor: int | None = None,
        step: float = 1,
        rule: str = "1se",
        folds: int = 10,
        n_resamples: int = 0,
        seed: int | None = 0,
    ) -> None:
        self.estimator = estimator
        self.drop = drop
        self.order = order
        self.floor = floor
        self.step = step
        self.rule = rule
        self.folds = folds
        self.n_resamples = n_resamples
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any) -> IterativeDropout:
        """Eliminate on all rows and in every fold, choose the cut, refit.

        Parameters
        ----------
        X : array, sparse matrix or dataframe of numbers, shape (n, p)
        y : array of shape (n,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On bad input, or if the floor leaves nothing to drop.
        TypeError
            If features are to be dropped by coefficient and the estimator has no `coef_`; units, and it has none.
        """
        self._check()
        X, y = validate_data(self, X, y, accept_sparse="csr", ensure_min_samples=4)
        start = time.perf_counter()
        self._eliminate(X, y)
        self.seconds_ = time.perf_counter() - start
        self.one_shot_ = self._weakness().at_once(self.estimator, (X, y), int(self.folds), self.seed)
        self._resample(X, y)
        return self

    def _eliminate(self, X: Any, y: NDArray) -> None:
        """The elimination on all rows and in every fold, and the cut."""
        weakness = self._weakness()
        self.sizes_ = np.array(sizes_of(weakness, weakness.count(X), self.floor, self.step))
        sizes = self.sizes_.tolist()
        final = list(stages(self.estimator, X, y, weakness, sizes))
        self.errors_ = held_out_errors(self.estimator, (X, y), self._weakness, sizes, (self.folds, self.seed))
        self.n_min_, self.n_1se_ = self._cuts(self.errors_, weakness.fewest)
        self.n_left_ = self.n_1se_ if self.rule == "1se" else self.n_min_
        chosen = final[int(np.flatnonzero(self.sizes_ == self.n_left_)[0])]
        self.left_, self.estimator_ = chosen.left, chosen.model
        self.support_, self.kept_rows_, self.kept_units_ = (
            _mask(count, chosen.left if self.drop == what else None)
            for what, count in (("features", X.shape[1]), ("samples", X.shape[0]), ("units", weakness.units))
        )
        gone = [np.setdiff1d(before.left, after.left) for before, after in pairwise(final)]
        last = final[-1]
        self.sequence_ = np.concatenate([*gone, last.left[np.argsort(weakness.strength(last, X, y), kind="stable")]])

    def _check(self) -> None:
        if self.drop not in DROPS:
            raise ValueError(f"drop must be 'features', 'samples' or 'units', got {self.drop!r}")
        if self.order not in ("coefficient", "entry"):
            raise ValueError(f"order must be 'coefficient' or 'entry', got {self.order!r}")
        if self.rule not in ("1se", "min"):
            raise ValueError(f"rule must be '1se' or 'min', got {self.rule!r}")
        if not (self.step >= 1 or 0 < self.step < 1):
            raise ValueError(f"step must be at least 1, or a share between 0 and 1, got {self.step!r}")

    def _weakness(self) -> Weakness:
        if self.drop == "samples":
            return Samples()
        if self.drop == "units":
            return Units(self.estimator)
        return Features() if self.order == "coefficient" else EnteringFeatures()

    def _cuts(self, errors: Floats, fewest: bool) -> tuple[int, int]:
        """The sizes at the smallest mean error and by the rule of one standard error."""
        mean, error = errors.mean(0), errors.std(0, ddof=1) / np.sqrt(len(errors))
        best = int(np.argmin(mean))
        near = np.flatnonzero(mean <= mean[best] + error[best])
        return int(self.sizes_[best]), int(self.sizes_[near[-1] if fewest else near[0]])

    def _resample(self, X: Any, y: NDArray) -> None:
        """The cut on halves of the rows."""
        rng = np.random.default_rng(self.seed)
        cuts, kept = [], []
        for _ in range(int(self.n_resamples)):
            half = np.sort(rng.permutation(len(y))[: len(y) // 2])
            part = clone(self)
            part._eliminate(X[half], y[half])
            cuts.append(part.n_left_ / len(half) if self.drop == "samples" else part.n_left_)
            kept.append(part.support_)
        self.cuts_ = np.array(cuts)
        frequency = np.mean(kept, axis=0) if kept and self.drop == "features" else np.full(X.shape[1], np.nan)
        self.selection_frequency_ = frequency

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        return self.support_

    @property
    def choice_(self) -> str:
        """One sentence: the cut, and how far the edge is from it."""
        check_is_fitted(self)
        what = self._weakness().noun
        edge = f"the smallest error is at {self.n_min_:,}, one standard error reaches {self.n_1se_:,}"
        text = f"{self.n_left_:,} of {self.sizes_[0]:,} {what} stay: {edge}."
        if len(self.cuts_):
            low, high = np.quantile(self.cuts_, [0.1, 0.9])
            text += f" On {len(self.cuts_)} halves of the rows the cut lay between {low:.3g} and {high:.3g}."
        if self.one_shot_ is not None:
            text += (
                f" {self.one_shot_.name} kept {len(self.one_shot_.left)} at once, in {self.one_shot_.seconds:.2g} s "
                f"against {self.seconds_:.2g} s."
            )
        return text

    def to_frame(self) -> Any:
        """One row per stage: what is left, mean held-out error, its standard error (a polars DataFrame)."""
        import polars

        check_is_fitted(self)
        return polars.DataFrame(
            {
                "left": self.sizes_,
                "error": self.errors_.mean(0),
                "standard_error": self.errors_.std(0, ddof=1) / np.sqrt(len(self.errors_)),
                "chosen": self.sizes_ == self.n_left_,
            }
        )

    def costs(self) -> Any:
        """This elimination beside the L1 penalty: kept, error, seconds (a polars DataFrame)."""
        import polars

        check_is_fitted(self)
        place = int(np.flatnonzero(self.sizes_ == self.n_left_)[0])
        own = self.errors_[:, place]
        mine = Cut(
            "iterative dropout", self.left_, own.mean(), own.std(ddof=1) / np.sqrt(len(own)), float(self.seconds_)
        )
        cuts = [mine] if self.one_shot_ is None else [mine, self.one_shot_]
        return polars.DataFrame(
            {
                "cut": [cut.name for cut in cuts],
                "left": [len(cut.left) for cut in cuts],
                "error": [float(cut.error) for cut in cuts],
                "standard_error": [float(cut.standard_error) for cut in cuts],
                "seconds": [cut.seconds for cut in cuts],
            }
        )

    def plot(self, **options: Any) -> Any:
        """The error over what is left, with the cut, as a plotly figure; see `alphaomega.plotting.dropout_figure`."""
        from ..plotting import dropout_figure

        return dropout_figure(self, **options)


def _mask(count: int, left: NDArray[np.intp] | None) -> NDArray[np.bool_]:
    """Which of so many are left; all of them where nothing was dropped."""
    kept = np.full(count, left is None)
    if left is not None:
        kept[left] = True
    return kept
