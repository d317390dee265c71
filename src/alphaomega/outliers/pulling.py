"""How far a row can pull each method, and how much contamination each stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import read_data
from .methods import Fit, methods, ordinary
from .trimmed import Floats

KINDS = ("y", "x")
PUSH = 10.0  # noise (or column) standard deviations by which contaminated rows are moved
HELD_OUT = 1 / 3
HIDDEN = 0.3  # of the noise: predictions that move more were drawn to the row
STOOD = 1.5  # a method that errs less than so many times its clean error has stood the contamination


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What was measured; `methods` names the axes of length k.

    Attributes
    ----------
    row : the row that was pulled away, counted from 0.
    noise : standard deviation of the noise, from a robust fit: the unit of distances.
    distances : (m,) how far the row was pulled: its y by so many noise standard deviations ("y"), or each of its
        columns by so many of the column's, against the sign of its coefficient ("x": a bad leverage point).
    coef_moved, prediction_moved : (2, k, m) for "y" and "x": the length of the change of the coefficients per standard
        deviation, and the root mean square change of the predictions of all other rows, over `noise`.
    shares : (s,) of training rows contaminated: their y moved by 10 noise standard deviations, for "x" their columns
        too.
    contaminated : (2, k, s) root mean squared error on clean held-out rows, over `noise`; mean over repeats.
    """

    methods: tuple[str, ...]
    row: int
    noise: float
    distances: Floats
    coef_moved: Floats
    prediction_moved: Floats
    shares: Floats
    contaminated: Floats

    def to_frame(self) -> Any:
        """One row per kind of pull, method and distance (a polars DataFrame)."""
        return self._table(
            self.distances, "distance", coef_moved=self.coef_moved, prediction_moved=self.prediction_moved
        )

    def contamination_frame(self) -> Any:
        """One row per kind of contamination, method and share (a polars DataFrame)."""
        return self._table(self.shares, "share", error=self.contaminated)

    def _table(self, axis: Floats, name: str, **values: Floats) -> Any:
        import polars

        places = [(kind, method, at) for kind in KINDS for method in self.methods for at in axis.tolist()]
        columns: dict[str, Any] = dict(zip(("moved", "method", name), (list(part) for part in zip(*places))))
        return polars.DataFrame(columns | {key: array.ravel() for key, array in values.items()})

    @property
    def statements(self) -> tuple[str, ...]:
        """What these measurements say, in plain words."""
        far = f"{self.distances[-1]:g}"
        moved = {name: self.prediction_moved[:, k, -1] for k, name in enumerate(self.methods)}
        stood = {
            kind: [self.methods[k] for k in range(len(self.methods)) if self._stands(kind, k)] for kind in range(2)
        }
        most = f"{self.shares[-1]:.0%}"
        hidden = moved["IPOD"][1] > HIDDEN
        taken = " (with so few rows a column even that start was drawn to the row)" if hidden else ""

        def said(names: list[str]) -> str:
            return ", ".join(names) if names else "none"

        return (
            "A penalty on w does not by itself resist outliers in y. "
            f"With the y of row {self.row} {far} noise standard deviations away, the other predictions moved by "
            f"{moved['OLS'][0]:.2g} of the noise for OLS, {moved['ridge'][0]:.2g} for ridge (L2), "
            f"{moved['lasso'][0]:.2g} for the lasso (L1); by {moved['Huber'][0]:.2g} for Huber's loss, "
            f"{moved['absolute'][0]:.2g} for absolute values, {moved['IPOD'][0]:.2g} for IPOD.",
            "Huber's loss, which is the L1 mean shift, bounds the pull of y and not that of x. With the columns of "
            f"that row {far} standard deviations away, the predictions moved by {moved['Huber'][1]:.2g} of the noise, "
            f"against {moved['IPOD'][1]:.2g} for IPOD from a robust start{taken}.",
            f"With {most} of the training rows contaminated, the error on clean rows stayed within {STOOD:g} times "
            f"its clean size for: {said(stood[0])} (y alone); {said(stood[1])} (y and x).",
        )

    def _stands(self, kind: int, k: int) -> bool:
        return bool(self.contaminated[kind, k, -1] <= STOOD * self.contaminated[kind, k, 0])

    def plot(self, **options: Any) -> Any:
        """Movement and contamination curves as a plotly figure; see `alphaomega.plotting.sensitivity_figure`."""
        from ..plotting import sensitivity_figure

        return sensitivity_figure(self, **options)


def sensitivity(
    X: Any,
    y: ArrayLike,
    *,
    row: int | None = None,
    distances: ArrayLike = (0, 1, 2, 5, 10, 20, 50, 100),
    shares: ArrayLike = (0, 0.05, 0.1, 0.2, 0.3, 0.4),
    n_repeats: int = 5,
    seed: int | None = 0,
) -> Sensitivity:
    """Pull one row away, and contaminate a growing share of rows: how far does each method follow?

    Compared are least squares, ridge and lasso (alpha cross-validated once, on the data as given), Huber's loss with
    delta 1.345 noise standard deviations, absolute values, and IPOD, the hard mean shift from a robust start.

    Parameters
    ----------
    X : array, sparse matrix or dataframe of shape (n, p)
    y : array of shape (n,)
    row : int, optional
        Which row is pulled; default the one of median leverage.
    distances : array of numbers >= 0
        How far, in standard deviations of the noise, or of each column.
    shares : array of numbers in [0, 0.5)
        Of training rows contaminated; each measured on a random third of the rows, held out and clean.
    n_repeats : int, default 5
        Random splits and contaminations.
    seed : int or None, default 0

    Returns
    -------
    Sensitivity

    Raises
    ------
    ValueError
        On bad input; if rows are too few for least squares on two thirds of them, or half of them fit exactly.

    References
    ----------
    F. Hampel (1974), The influence curve and its role in robust estimation, JASA 69.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 2))
    >>> y = X[:, 0] + rng.standard_normal(60)
    >>> found = ao.outliers.sensitivity(X, y, distances=[0, 50], shares=[0], n_repeats=1)
    >>> moved = dict(zip(found.methods, found.prediction_moved[0, :, 1]))
    >>> bool(moved["lasso"] > 0.2), bool(moved["IPOD"] < 0.1)
    (True, True)
    """
    data = read_data(X, y, "squared", None, None)
    n, p = data.design.shape
    if 2 * n / 3 < 2 * (p + 1):
        raise ValueError(
            f"{n} rows are too few to compare methods on {p} columns: least squares needs {3 * (p + 1)}; drop columns, "
            "or use mean_shift with penalty=alpha * ao.L1()"
        )
    table, response = data.design.take(np.arange(p)), data.target.values
    away = np.sort(np.asarray(distances, dtype=float))
    portions = np.sort(np.asarray(shares, dtype=float))
    if not (away.size and np.isfinite(away).all() and away[0] >= 0):
        raise ValueError("distances must be finite numbers >= 0")
    if not (portions.size and portions[0] >= 0 and portions[-1] < 0.5):
        raise ValueError("shares must lie in [0, 0.5): with half of the rows moved nothing tells which half is clean")
    if row is not None and not 0 <= row < n:
        raise ValueError(f"row must lie between 0 and {n - 1}, got {row!r}")
    compared, noise = methods(data, table, response, seed)
    place = _typical(table) if row is None else int(row)
    moved = np.array([_pulls(compared, table, response, place, away, (kind, noise)) for kind in KINDS])
    trials = [_trial(table, response, noise, np.random.default_rng([seed or 0, k])) for k in range(n_repeats)]
    errors = np.array([[[_error(fit, trials, kind, share) for share in portions] for fit in compared.values()]
                       for kind in KINDS])  # fmt: skip
    return Sensitivity(
        tuple(compared), place, noise, away, moved[:, 0] / noise, moved[:, 1] / noise, portions, errors / noise
    )


def _typical(X: Floats) -> int:
    """The row of median leverage."""
    basis = np.linalg.svd(X - X.mean(0), full_matrices=False)[0]
    leverage = (basis**2).sum(1)
    return int(np.argsort(leverage, kind="stable")[len(leverage) // 2])


def _pulls(
    compared: dict[str, Fit], X: Floats, y: Floats, row: int, distances: Floats, how: tuple[str, float]
) -> Floats:
    """Changes of coefficients and of the other rows' predictions, (2, k, m)."""
    kind, noise = how
    deviation, others = X.std(0), np.delete(np.arange(len(y)), row)
    against = _against(X, y)
    result = np.zeros((2, len(compared), len(distances)))
    for k, fit in enumerate(compared.values()):
        start = fit(X, y)
        for m, distance in enumerate(distances):
            moved_X, moved_y = X.copy(), y.copy()
            if kind == "y":
                moved_y[row] += distance * noise
            else:
                moved_X[row] += distance * against
            found = fit(moved_X, moved_y)
            change = found.coef - start.coef
            shift = X[others] @ change + found.intercept - start.intercept
            result[:, k, m] = np.linalg.norm(change * deviation), np.sqrt((shift**2).mean())
    return result


def _against(X: Floats, y: Floats) -> Floats:
    """One standard deviation of each column, in the direction that lowers what least squares expects."""
    return -np.where(ordinary(X, y).coef < 0, -1.0, 1.0) * X.std(0)


@dataclass(frozen=True, eq=False)
class _Trial:
    """A split: clean training and held-out rows, the order in which training rows are contaminated, the noise."""

    X: Floats
    y: Floats
    held_X: Floats
    held_y: Floats
    order: Any
    noise: float


def _trial(X: Floats, y: Floats, noise: float, rng: np.random.Generator) -> _Trial:
    order = rng.permutation(len(y))
    held, train = np.split(order, [int(HELD_OUT * len(y))])
    return _Trial(X[train], y[train], X[held], y[held], rng.permutation(len(train)), noise)


def _error(fit: Fit, trials: list[_Trial], kind: str, share: float) -> float:
    """Root mean squared error on the held-out rows, mean over the trials."""
    errors = []
    for trial in trials:
        X, y = trial.X.copy(), trial.y.copy()
        bad = trial.order[: round(share * len(y))]
        y[bad] += PUSH * trial.noise
        if kind == "x":
            X[bad] += PUSH * _against(trial.X, trial.y)
        found = fit(X, y)
        errors.append(np.sqrt(((trial.held_y - trial.held_X @ found.coef - found.intercept) ** 2).mean()))
    return float(np.mean(errors))
