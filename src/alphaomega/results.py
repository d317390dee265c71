"""What a fit returns: frozen results that know nothing of solvers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .coefficients import Coefficients
from .losses import Loss
from .penalties import Penalty

Floats = NDArray[np.float64]
SAME_ALPHA = 1e-9


@dataclass(frozen=True, eq=False)
class Solution:
    """The fit at one alpha: `coef` (p,) or (K, p), `intercept` a number or (K,), and its certificate.

    `gap` is (primal - dual) / loss of the intercept-only model; for a penalty without a dual, the largest violation of
    stationarity relative to the gradient at zero.
    """

    alpha: float
    coef: Floats
    intercept: Floats
    gap: float

    @property
    def n_nonzero(self) -> int:
        """Features with any non-zero coefficient."""
        return int(np.count_nonzero(np.atleast_2d(self.coef).any(0)))


@dataclass(frozen=True, eq=False)
class Path:
    """A path of penalised fits over a decreasing grid of alphas.

    Attributes
    ----------
    alphas : (m,) decreasing.
    coef : (m, p), or (m, K, p) for the multinomial loss; in the units of the columns as given; made from `table`,
        which stores the columns that are ever used, when first asked for.
    intercept : (m,) or (m, K).
    gap : (m,) relative duality gap, (primal - dual) / loss of the intercept-only model; where the penalty has no
        dual (`certificate == "stationarity"`), the largest violation of stationarity over the gradient at zero.
    n_nonzero : (m,) features with any non-zero coefficient.
    reads : full reads of X, shares of its columns counted as shares.
    loss, penalty : the objects of the objective.
    feature_names : the p names of the columns, None for plain arrays.
    classes : class labels, None unless the loss classifies.
    scale, center : (p,) standard deviation and mean of each column where `standardized`, else ones and zeros.
    null_loss : loss of the intercept-only model.
    message : empty, or what went short, its consequence, and the argument that mends it.
    """

    alphas: Floats
    table: Coefficients = field(repr=False)
    intercept: Floats
    gap: Floats
    n_nonzero: NDArray[np.intp]
    reads: float
    loss: Loss
    penalty: Penalty
    null_loss: float
    scale: Floats
    center: Floats
    standardized: bool = False
    certificate: str = "duality gap"
    feature_names: tuple[str, ...] | None = None
    classes: NDArray | None = None
    needs_offset: bool = False
    message: str = ""
    encoder: Any = field(default=None, repr=False)
    resolve: Callable[[float], Solution] | None = field(default=None, repr=False)

    @cached_property
    def coef(self) -> Floats:
        """(m, p) or (m, K, p); of a wide path large and nearly all zeros, so made when first asked for."""
        dense = self.table.dense()
        return dense if dense.ndim == 2 else np.swapaxes(dense, 1, 2)

    @property
    def coef_standardized(self) -> Floats:
        """Coefficients per standard deviation of each column: coef * scale."""
        return self.coef * self.scale

    def index(self, alpha: float) -> int | None:
        """The position of `alpha` on the grid, None when it lies between."""
        near = np.flatnonzero(abs(self.alphas - alpha) <= SAME_ALPHA * max(alpha, np.finfo(float).tiny))
        return int(near[0]) if near.size else None

    def at(self, alpha: float) -> Solution:
        """The exact solution at any alpha >= 0: read off the grid, or solved anew.

        Raises
        ------
        ValueError
            If alpha is negative or not finite, or lies between grid points of a path that no longer holds its data.
        """
        if not (np.isfinite(alpha) and alpha >= 0):
            raise ValueError(f"alpha must be a finite number >= 0, got {alpha!r}")
        position = self.index(alpha)
        if position is not None:
            return Solution(
                float(alpha), self.table.at(position).T, self.intercept[position], float(self.gap[position])
            )
        if self.resolve is None:
            raise ValueError(
                f"alpha={alpha:g} is not on this path's grid and the path no longer holds its data; "
                "fit again with this alpha in alphas="
            )
        return self.resolve(float(alpha))

    def detached(self) -> Path:
        """The same path without the reference to its data: small to pickle, without `at` between grid points."""
        return replace(self, resolve=None)

    def decision(self, X: Any, alpha: float, offset: ArrayLike | None = None) -> Floats:
        """The linear predictor X w + b + offset at alpha, shape (n,) or (n, K).

        Raises
        ------
        ValueError
            If the path was fitted with an offset and none is given, or a column is missing.
        """
        if self.needs_offset and offset is None:
            raise ValueError("this path was fitted with an offset; pass offset= (zeros for rates per unit of exposure)")
        solution = self.at(alpha)
        matrix = X if self.encoder is None else self.encoder.transform(X)
        coef = np.asarray(solution.coef)
        if matrix.shape[1] != coef.shape[-1]:
            raise ValueError(f"X has {matrix.shape[1]} columns, the path was fitted on {coef.shape[-1]}")
        eta = matrix @ coef.T + solution.intercept
        if offset is not None:
            shift = np.asarray(offset, dtype=float)
            eta = eta + (shift if eta.ndim == 1 else shift[:, None])
        return eta

    def predict(self, X: Any, alpha: float, offset: ArrayLike | None = None) -> NDArray:
        """Predictions in the units of y: means, counts, or class labels, shape (n,)."""
        return self.loss.predict(self.decision(X, alpha, offset), self.classes)

    def predict_mean(self, X: Any, alpha: float, offset: ArrayLike | None = None) -> Floats:
        """Fitted means: for classes the probability of the event, (n,), or of each class, (n, K)."""
        return self.loss.mean(self.decision(X, alpha, offset))

    def names(self) -> list[str]:
        """Feature names, x0, x1, ... where the data had none."""
        return list(self.feature_names) if self.feature_names else [f"x{j}" for j in range(self.table.n_features)]

    def to_frame(self) -> Any:
        """The path as a polars DataFrame: one row per alpha, one column per feature (class:feature for multinomial)."""
        import polars

        columns: dict[str, Any] = {"alpha": self.alphas, "gap": self.gap, "n_nonzero": self.n_nonzero}
        names = self.names()
        if self.coef.ndim == 2:
            columns["intercept"] = self.intercept
            columns |= {name: self.coef[:, j] for j, name in enumerate(names)}
        else:
            labels = range(self.coef.shape[1]) if self.classes is None else self.classes
            for k, label in enumerate(labels):
                columns[f"{label}:intercept"] = self.intercept[:, k]
                columns |= {f"{label}:{name}": self.coef[:, k, j] for j, name in enumerate(names)}
        return polars.DataFrame(columns)

    def plot(self, **options: Any) -> Any:
        """The coefficient paths as a plotly figure; see `alphaomega.plotting.path_figure`."""
        from .plotting import path_figure

        return path_figure(self, **options)


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """K-fold cross-validation of a path.

    Attributes
    ----------
    path : the path on all rows.
    scores : (folds, m) mean held-out deviance (squared error, or unit deviance: twice the loss) per fold and alpha.
    folds : (n,) the fold of each row; -1 for a row that is never held out, the only one of its class.
    fold_weights : (folds,) total weight of each fold's held-out rows; a fold of weight 0 counts for nothing.
    """

    path: Path
    scores: Floats
    folds: NDArray[np.intp]
    fold_weights: Floats
    errors: Floats | None = None
    message: str = ""

    @property
    def mean(self) -> Floats:
        """(m,) mean score over folds, weighted by the folds' weights."""
        return self.fold_weights @ self.scores / self.fold_weights.sum()

    @property
    def standard_error(self) -> Floats:
        """(m,) standard error of the mean over folds."""
        share = self.fold_weights / self.fold_weights.sum()
        mean = self.mean
        spread = self.scores - np.where(np.isfinite(mean), mean, 0.0)
        return np.sqrt(share @ spread**2 / (np.count_nonzero(share) - 1))

    @property
    def index_min(self) -> int:
        """Grid position of alpha_min."""
        return int(np.argmin(self.mean))

    @property
    def index_1se(self) -> int:
        """Grid position of alpha_1se."""
        best = self.index_min
        mean = self.mean
        bar = mean[best] + self.standard_error[best]
        return int(np.argmax(mean[: best + 1] <= bar)) if np.isfinite(bar) else best

    @property
    def alpha_min(self) -> float:
        """The alpha of the smallest mean score."""
        return float(self.path.alphas[self.index_min])

    @property
    def alpha_1se(self) -> float:
        """The largest alpha whose mean score is within one standard error of the smallest; never below alpha_min."""
        return float(self.path.alphas[self.index_1se])

    def to_frame(self) -> Any:
        """One row per alpha: mean score, its standard error, non-zero count (a polars DataFrame)."""
        import polars

        return polars.DataFrame(
            {
                "alpha": self.path.alphas,
                "mean_score": self.mean,
                "standard_error": self.standard_error,
                "n_nonzero": self.path.n_nonzero,
            }
        )

    def plot(self, **options: Any) -> Any:
        """The cross-validation curve as a plotly figure; see `alphaomega.plotting.cross_validation_figure`."""
        from .plotting import cross_validation_figure

        return cross_validation_figure(self, **options)
