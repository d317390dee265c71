"""Outliers as shifts: y = Xw + b + g + noise, with a penalty that keeps most shifts at zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from ..arguments import read_data
from ..penalties import Penalty
from .fitters import Affine, Fitter, Penalised, Unpenalised
from .results import MeanShift, ShiftPath
from .robust import STARTS
from .trimmed import Flags, Floats

SMALLEST_RATE = 0.1  # the grid stops where a clean row would be flagged with this probability
POINTS = 50
EDGE = 1e-9  # a residual within this share of the threshold lies on it


def mean_shift(
    X: Any,
    y: ArrayLike,
    threshold: str = "soft",
    alpha: float | None = None,
    start: str = "robust",
    *,
    cut: str | float = 0.025,
    penalty: Penalty | None = None,
    intercept: bool = True,
    seed: int | None = 0,
) -> MeanShift:
    """Flag rows by the mean-shift model: one shift per row, most of them zero.

    min over (w, b, g) of  mean_i [ (y_i - x_i'w - b - g_i)^2 / 2 + P(g_i; alpha) ]  +  Omega(w)

    with P = alpha |g_i| for the soft threshold: then (w, b) is the fit with Huber's loss of delta = alpha; and
    P = alpha^2 / 2 where g_i is not zero for the hard threshold: then flagged rows do not count at all (IPOD).
    A row is flagged where |y_i - x_i'w - b| > alpha.

    Parameters
    ----------
    X : array, sparse matrix or dataframe of shape (n, p)
    y : array of shape (n,)
    threshold : {"soft", "hard"}
    alpha : float > 0, optional
        The threshold, in the units of y. None: chosen by `cut`.
    start : {"robust", "ols"}
        What hard thresholds start from: an MM-estimate that up to half of the rows cannot pull away, or least squares,
        behind which outliers of high leverage hide. Soft thresholds have one solution and need none.
    cut : float in (0, 0.5) or "bic", default 0.025
        How alpha is chosen: as the threshold that flags this share of rows where none is an outlier, calibrated by
        simulating normal noise on these columns; or by the smallest Bayesian criterion along the path, which keeps no
        such rate (on 75 clean rows it flagged 9 %).
    penalty : Penalty, optional
        Omega(w) at its own strength, e.g. `0.1 * ao.L1()`; needed where there are more coefficients than rows. Rates
        then hold approximately.
    intercept : bool, default True
        Whether to fit b.
    seed : int or None, default 0
        Of the random subsets of the robust start, and of the calibration.

    Returns
    -------
    MeanShift

    Raises
    ------
    ValueError
        On bad input; if rows are too few without a penalty; if half of the rows fit exactly, so that there is no noise
        to compare with; or if alpha leaves no rows to fit.

    References
    ----------
    Y. She and A. Owen (2011), Outlier detection using nonconvex penalized regression, JASA 106.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 1))
    >>> y = X[:, 0] + 0.1 * rng.standard_normal(40)
    >>> y[[3, 17]] += 2.0
    >>> ao.outliers.mean_shift(X, y, threshold="hard", alpha=0.5).flagged
    array([ 3, 17])
    """
    _check(threshold, start, cut)
    fitter = _fitter(X, y, penalty, intercept)
    search = Search(fitter, threshold, start, seed)
    path = None
    if alpha is not None:
        if not (np.isfinite(alpha) and alpha > 0):
            raise ValueError(f"alpha must be a finite number > 0 in the units of y, got {alpha!r}")
        value, rule = float(alpha), f"alpha = {alpha:.6g}, as given."
    elif isinstance(cut, str):
        path = search.path(None)
        value = float(path.alphas[path.index_bic])
        rule = f"alpha = {value:.6g}: the smallest BIC over {len(path.alphas)} thresholds."
    else:
        value = search.at_rate(float(cut))
        rule = f"alpha = {value:.6g}: it flags a share {cut:g} of rows where no row is an outlier."
    return search.result(value, rule, path)


def shift_path(
    X: Any,
    y: ArrayLike,
    threshold: str = "soft",
    alphas: ArrayLike | None = None,
    start: str = "robust",
    *,
    penalty: Penalty | None = None,
    intercept: bool = True,
    seed: int | None = 0,
) -> ShiftPath:
    """The mean-shift model over a grid of thresholds: which row is flagged first, and which hold on.

    Parameters
    ----------
    X, y, threshold, start, penalty, intercept, seed
        As for `mean_shift`.
    alphas : array of shape (m,), optional
        Thresholds > 0 in the units of y, any order. Default: 50 from where no row is flagged down to where a clean row
        would be with probability 0.1.

    Returns
    -------
    ShiftPath

    Raises
    ------
    ValueError
        As for `mean_shift`.

    References
    ----------
    Y. She and A. Owen (2011), Outlier detection using nonconvex penalized regression, JASA 106.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> x = np.arange(10.0)
    >>> y = 2 * x + 0.1 * (-1) ** x
    >>> y[7] += 5
    >>> ao.outliers.shift_path(x[:, None], y, "hard", alphas=[1, 8]).n_flagged
    array([0, 1])
    """
    _check(threshold, start, 0.01)
    search = Search(_fitter(X, y, penalty, intercept), threshold, start, seed)
    if alphas is None:
        return search.path(None)
    grid = np.sort(np.atleast_1d(np.asarray(alphas, dtype=float)))[::-1]
    if not (grid.ndim == 1 and grid.size and np.isfinite(grid).all() and (grid > 0).all()):
        raise ValueError("alphas must be finite numbers > 0, in the units of y")
    return search.path(grid)


def _check(threshold: str, start: str, cut: str | float) -> None:
    if threshold not in ("soft", "hard"):
        raise ValueError(f"threshold must be 'soft' or 'hard', got {threshold!r}")
    if start not in STARTS:
        raise ValueError(f"start must be 'robust' or 'ols', got {start!r}")
    if cut != "bic" and (isinstance(cut, str) or not 0 < float(cut) < 0.5):
        raise ValueError(f"cut must be 'bic' or a false-flag rate between 0 and 0.5, got {cut!r}")


def _fitter(X: Any, y: ArrayLike, penalty: Penalty | None, intercept: bool) -> Fitter:
    data = read_data(X, y, "squared", None, None)
    n, p = data.design.shape
    if penalty is not None:
        return Penalised(data, intercept, penalty)
    if n < p + intercept + 2:
        raise ValueError(
            f"{n} rows are too few to tell outliers from the fit of {p + intercept} coefficients; pass "
            "penalty=alpha * ao.L1(), which needs no more rows than columns, or drop columns"
        )
    return Unpenalised.of(data, intercept)


@dataclass(frozen=True, eq=False)
class Search:
    """One model of the rows and one kind of threshold."""

    fitter: Fitter
    threshold: str
    start: str
    seed: int | None

    def fit(self, alpha: float, starts: list[Affine] | None = None) -> tuple[Affine, Flags]:
        """The fit at a threshold, and the rows not flagged."""
        if self.threshold == "soft":
            found = self.fitter.huber(alpha)
            return found, abs(self.fitter.residual(found)) <= alpha * (1 + EDGE)
        return self.fitter.hard(starts or self.fitter.start(self.start, self.seed)[0], alpha)

    def at_rate(self, rate: float) -> float:
        """The threshold of a false-flag rate."""
        if self.threshold == "hard":
            return self._scale(self.fitter.hard_at_rate(rate, self.start, self.seed))
        return self._scale(self.fitter.soft_at_rate(rate, self.seed))

    def _scale(self, scale: float) -> float:
        size = float(abs(self.fitter.y).max(initial=0.0))
        if not scale > 1e-12 * size:
            raise ValueError(
                "half of the rows or more are fitted exactly, so there is no noise to compare residuals with; pass "
                "alpha= in the units of y"
            )
        return scale

    def path(self, alphas: Floats | None) -> ShiftPath:
        """The fits over a grid, with the criterion of each."""
        starts, scale = self.fitter.start("robust" if self.threshold == "soft" else self.start, self.seed)
        if alphas is None:
            first = self.fitter.start("ols", self.seed)[0] if self.threshold == "soft" else starts
            top = 1.001 * max(float(abs(self.fitter.residual(fit)).max()) for fit in first)
            floor = self._scale(scale) * norm.isf(SMALLEST_RATE / 2)
            alphas = np.geomspace(top, min(floor, 0.5 * top), POINTS)
        fits = [self.fit(float(alpha), starts) for alpha in alphas]
        return ShiftPath(
            self.threshold,
            alphas,
            np.array([self._shifts(fit, kept, float(alpha)) for (fit, kept), alpha in zip(fits, alphas)]),
            np.array([fit.coef for fit, _ in fits]),
            np.array([fit.intercept for fit, _ in fits]),
            np.array([self._criterion(kept) for _, kept in fits]),
        )

    def _shifts(self, fit: Affine, kept: Flags, alpha: float) -> Floats:
        residual = self.fitter.residual(fit)
        shrunk = residual - residual.clip(-alpha, alpha) if self.threshold == "soft" else residual
        return np.where(kept, 0.0, shrunk)

    def _criterion(self, kept: Flags) -> float:
        """She and Owen's BIC*: m log(RSS / m) + k (log m + 1), m = n - parameters, k = shifts + 1."""
        n, flagged = len(kept), int((~kept).sum())
        if 2 * flagged > n:
            return np.inf
        fit = self.fitter.on_rows(kept)
        m = max(n - self.fitter.degrees(fit), 1)
        squares = float((self.fitter.residual(fit)[kept] ** 2).sum())
        return m * np.log(max(squares, 1e-300) / m) + (flagged + 1) * (np.log(m) + 1)

    def result(self, alpha: float, rule: str, path: ShiftPath | None) -> MeanShift:
        """The fit at a threshold with everything that is said of its rows."""
        fit, kept = self.fit(alpha)
        clean = self.fitter.on_rows(kept) if kept.any() else fit
        n, left = len(kept), int(kept.sum()) - self.fitter.degrees(clean)
        if left < 1:
            raise ValueError(
                f"alpha={alpha:g} flags {n - int(kept.sum())} of {n} rows, which leaves too few to fit "
                f"{self.fitter.degrees(clean)} coefficients; raise alpha="
            )
        residual = self.fitter.residual(clean)
        squares = float((residual[kept] ** 2).sum())
        return MeanShift(
            threshold=self.threshold,
            alpha=alpha,
            rule=rule,
            coef=fit.coef,
            intercept=fit.intercept,
            y=self.fitter.y,
            fitted=self.fitter.y - self.fitter.residual(fit),
            shifts=self._shifts(fit, kept, alpha),
            scores=_scores(residual, kept, self.fitter.leverage(kept), left),
            leverage=self.fitter.leverage(np.ones(n, dtype=bool)),
            noise=float(np.sqrt(squares / left)),
            certificate=fit.gap if self.threshold == "soft" else 0.0,
            feature_names=self.fitter.data.encoder.names,
            path=path,
        )


def _scores(residual: Floats, kept: Flags, leverage: Floats, left: int) -> Floats:
    """Residuals over their standard errors, with the noise of the other kept rows."""
    squares = float((residual[kept] ** 2).sum())
    inner = np.maximum(1 - leverage, 1e-12)
    others = np.maximum(squares - residual**2 / inner, 0.0) / max(left - 1, 1)
    error = np.where(kept, np.sqrt(others * inner), np.sqrt(squares / left * (1 + leverage)))
    return np.divide(residual, error, out=np.zeros_like(residual), where=error > 0)
