"""The adaptive lasso, its weights refitted in every fold, and the relaxed lasso."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import Data, fold_ids, read_data
from ..coefficients import Coefficients
from ..fitting import ConvergenceWarning, cross_validate, path
from ..losses import Loss
from ..penalties import L1, L2
from ..results import CrossValidation, Path

Floats = NDArray[np.float64]
INNER_FOLDS = 5
SIZE = 0.5  # of rows: larger supports are not refitted, their refit would be no better than the lasso


def adaptive(
    X: Any,
    y: ArrayLike,
    loss: str | Loss = "squared",
    *,
    power: float = 1.0,
    alphas: ArrayLike | None = None,
    n_alphas: int = 100,
    folds: int | ArrayLike = 10,
    seed: int | None = 0,
) -> CrossValidation:
    """The adaptive lasso, cross-validated with its weights refitted in every fold.

    min over (w, b) of  mean loss + alpha sum_j |v_j| / |pilot_j|^power,  v_j = w_j times the deviation of its column;
    the pilot is ridge at its own cross-validated alpha. Weights made once from all rows would let held-out rows choose.

    Parameters
    ----------
    X, y, loss, alphas, n_alphas, folds, seed
        As for `cross_validate`; columns are standardised. Losses with one output only.
    power : float >= 0, default 1.0
        0 is the lasso.

    Returns
    -------
    CrossValidation

    Raises
    ------
    ValueError
        On bad input, or if power is negative.

    References
    ----------
    H. Zou (2006), The adaptive lasso and its oracle properties, JASA 101.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((80, 6))
    >>> cv = ao.adaptive(X, 3 * X[:, 1] + rng.standard_normal(80), folds=4, n_alphas=30)
    >>> np.flatnonzero(cv.path.coef[cv.index_1se])
    array([1])
    """
    if not (np.isfinite(power) and power >= 0):
        raise ValueError(f"power must be a finite number >= 0, got {power!r}")
    data = _read(X, y, loss)
    table, target = data.encoder.transform(X), np.asarray(y)
    ids = fold_ids(folds, data, seed)

    def fitted(rows: NDArray[np.bool_], grid: Floats | None) -> Path:
        options: dict[str, Any] = {"loss": data.loss, "standardize": True}
        penalty = L1()
        if power > 0:
            pilot = cross_validate(table[rows], target[rows], penalty=L2(), folds=INNER_FOLDS, seed=seed, **options)
            size = abs(pilot.path.at(pilot.alpha_min).coef * pilot.path.scale) ** power
            penalty = L1(np.divide(1.0, size, out=np.full_like(size, np.inf), where=size > 0))
        return path(table[rows], target[rows], penalty=penalty, alphas=grid, n_alphas=n_alphas, **options)

    whole = fitted(np.ones(len(target), dtype=bool), None if alphas is None else np.asarray(alphas, dtype=float))
    scores, weights = [], []
    for fold in range(int(ids.max()) + 1):
        held = ids == fold
        scores.append(_scores(data, fitted(~held, whole.alphas), table, held))
        weights.append(float(held.sum()))
    named = replace(whole, feature_names=data.encoder.names, encoder=data.encoder)
    return CrossValidation(named, np.array(scores), ids, np.array(weights))


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The lasso's supports with coefficients between the lasso's and the unpenalised refit's.

    Attributes
    ----------
    path : the lasso path on all rows; refits : (m, p + 1) refitted coefficients on each support, the intercept last.
    gammas : (g,) shares of the lasso: 1 is the lasso, 0 the refit.
    scores : (folds, m, g) mean held-out deviance.
    """

    path: Path
    refits: Floats
    gammas: Floats
    scores: Floats

    @property
    def best(self) -> tuple[int, int]:
        """Positions of alpha and gamma of the smallest mean score."""
        mean = self.scores.mean(0)
        return tuple(int(k) for k in np.unravel_index(int(np.argmin(mean)), mean.shape))  # type: ignore[return-value]

    @property
    def alpha(self) -> float:
        """The alpha of the smallest mean score."""
        return float(self.path.alphas[self.best[0]])

    @property
    def gamma(self) -> float:
        """The share of the lasso there."""
        return float(self.gammas[self.best[1]])

    @property
    def coef(self) -> Floats:
        """(p,) coefficients there, in the columns' units."""
        k = self.best[0]
        return self.gamma * self.path.coef[k] + (1 - self.gamma) * self.refits[k, :-1]

    @property
    def intercept(self) -> float:
        """The intercept there."""
        k = self.best[0]
        return float(self.gamma * self.path.intercept[k] + (1 - self.gamma) * self.refits[k, -1])

    def to_frame(self) -> Any:
        """One row per alpha and gamma: features, mean score, its standard error (a polars DataFrame)."""
        import polars

        count, m, g = self.scores.shape
        return polars.DataFrame(
            {
                "alpha": np.repeat(self.path.alphas, g),
                "gamma": np.tile(self.gammas, m),
                "n_nonzero": np.repeat(self.path.n_nonzero, g),
                "mean_score": self.scores.mean(0).ravel(),
                "standard_error": (self.scores.std(0, ddof=1) / np.sqrt(count)).ravel(),
            }
        )


def relaxed(
    X: Any,
    y: ArrayLike,
    loss: str | Loss = "squared",
    *,
    gammas: ArrayLike = (0.0, 0.25, 0.5, 0.75, 1.0),
    alphas: ArrayLike | None = None,
    n_alphas: int = 50,
    folds: int | ArrayLike = 10,
    seed: int | None = 0,
) -> Relaxed:
    """The relaxed lasso: the lasso chooses the features, and shrinks less than it would.

    w = gamma * lasso + (1 - gamma) * unpenalised fit on the lasso's support; alpha and gamma by cross-validation, in
    which every fold makes its own path and refits. Where a support has more than half as many features as rows, or no
    finite refit (classes that separate), the lasso's coefficients stay.

    Parameters
    ----------
    X, y, loss, alphas, n_alphas, folds, seed
        As for `cross_validate`; columns are standardised. Losses with one output only.
    gammas : array of numbers in [0, 1]

    Returns
    -------
    Relaxed

    Raises
    ------
    ValueError
        On bad input.

    References
    ----------
    N. Meinshausen (2007), Relaxed lasso, Computational Statistics and Data Analysis 52.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((80, 6))
    >>> found = ao.relaxed(X, 3 * X[:, 1] + rng.standard_normal(80), folds=4, n_alphas=20)
    >>> found.gamma < 1, np.flatnonzero(found.coef)
    (True, array([1]))
    """
    shares = np.asarray(gammas, dtype=float)
    if not (shares.ndim == 1 and shares.size and (shares >= 0).all() and (shares <= 1).all()):
        raise ValueError("gammas must be numbers in [0, 1]: 1 is the lasso, 0 the unpenalised refit")
    data = _read(X, y, loss)
    table, target = data.encoder.transform(X), np.asarray(y)
    ids = fold_ids(folds, data, seed)
    options: dict[str, Any] = {"loss": data.loss, "standardize": True}
    whole = path(table, target, alphas=alphas, n_alphas=n_alphas, **options)
    scores = []
    for fold in range(int(ids.max()) + 1):
        held = ids == fold
        own = path(table[~held], target[~held], alphas=whole.alphas, **options)
        refits = _refits(own, table[~held], target[~held], data.loss)
        blends = [
            replace(
                own,
                table=Coefficients.of(share * own.coef + (1 - share) * refits[:, :-1]),
                intercept=share * own.intercept + (1 - share) * refits[:, -1],
            )
            for share in shares
        ]
        scores.append(np.stack([_scores(data, blend, table, held) for blend in blends], axis=1))
    named = replace(whole, feature_names=data.encoder.names, encoder=data.encoder)
    return Relaxed(named, _refits(whole, table, target, data.loss), shares, np.array(scores))


def _refits(lasso: Path, X: Any, y: NDArray, loss: Loss) -> Floats:
    """The unpenalised fit on every support of a path, each made once; (m, p + 1), the intercept last."""
    result = np.column_stack([lasso.coef, lasso.intercept])
    made: dict[bytes, Floats | None] = {}
    for k, coef in enumerate(lasso.coef):
        support = np.flatnonzero(coef)
        if support.size == 0 or support.size > SIZE * len(y):
            continue
        key = support.tobytes()
        if key not in made:
            made[key] = _refit(X, y, loss, support)
        refit = made[key]
        result[k] = result[k] if refit is None else refit
    return result


def _refit(X: Any, y: NDArray, loss: Loss, support: NDArray[np.intp]) -> Floats | None:
    """The unpenalised fit on some columns; None where there is no finite one, as for classes that separate."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            fit = path(X[:, support], y, loss, penalty=L2(), alphas=[0.0], standardize=True)
        except ConvergenceWarning:
            return None
    own = np.zeros(X.shape[1] + 1)
    own[support], own[-1] = fit.coef[0], fit.intercept[0]
    return own


def _read(X: Any, y: ArrayLike, loss: str | Loss) -> Data:
    data = read_data(X, y, loss, None, None)
    if data.target.values.ndim != 1:
        raise ValueError("this needs a loss with one output; for more than two classes use ao.cross_validate")
    return data


def _scores(data: Data, fitted: Path, X: Any, held: NDArray[np.bool_]) -> Floats:
    """The mean deviance of held-out rows at every alpha."""
    eta = X[held] @ fitted.coef.T + fitted.intercept
    y = data.target.values[held]
    return np.array([float(data.loss.deviance(y, eta[:, k]).mean()) for k in range(eta.shape[1])])
