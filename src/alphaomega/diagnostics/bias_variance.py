"""Bias against variance over alpha: exactly for a known process, by resampling on real data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import losses, solvers
from ..arguments import Data, grid_of, read_data, reporting
from ..designs import Design
from ..losses import Loss
from ..model_selection import resampling
from ..penalties import L1, Penalty
from ..problem import Control, Grid
from .known import known_process
from .moments import Moments, Votes
from .simulators import Process

Floats = NDArray[np.float64]
CANONICAL = ("squared", "logistic", "multinomial", "poisson")
ERRORS = ("loss", "0-1")
DESIGNS = ("random", "fixed")


@dataclass(frozen=True, eq=False)
class BiasVariance:
    """The parts of the expected error of new rows, at every alpha; `bias_noise + variance` is the total.

    Attributes
    ----------
    alphas : (m,) decreasing.
    bias : (m,) squared bias (for log loss the divergence of the mean fit from the truth; for 0-1 loss the share of rows
        whose main prediction is wrong); NaN on real data, where it cannot be told from noise.
    variance : (m,) how much fits on other samples differ; for 0-1 loss the net variance, which may be negative.
    noise : (m,) the error of the truth itself; NaN where it is not known.
    bias_noise : (m,) their sum, which is known in every case.
    total : (m,) the error measured on targets of their own; for 0-1 loss the misclassification rate.
    standard_error : (m,) of the total; 0 where it is exact.
    kind : "exact", "simulated" or "resampled".
    error : "mean squared error", "mean deviance" or "misclassified".
    loss : the loss.
    message : what the reader should know.
    """

    alphas: Floats
    bias: Floats
    variance: Floats
    noise: Floats
    bias_noise: Floats
    total: Floats
    standard_error: Floats
    kind: str
    error: str
    loss: Loss
    message: str = ""

    @property
    def index_min(self) -> int:
        """Grid position of the smallest total."""
        return int(np.argmin(self.total))

    @property
    def alpha_min(self) -> float:
        """The alpha of the smallest total."""
        return float(self.alphas[self.index_min])

    @property
    def parts(self) -> dict[str, Floats]:
        """The parts that are known, by name, (m,) each."""
        if np.isnan(self.bias).any():
            return {"bias and noise": self.bias_noise, "variance": self.variance}
        square = "bias²" if self.error == "mean squared error" else "bias"
        return {square: self.bias, "variance": self.variance, "noise": self.noise}

    def to_frame(self) -> Any:
        """One row per alpha (a polars DataFrame)."""
        import polars

        names = ("bias", "variance", "noise", "bias_noise", "total", "standard_error")
        return polars.DataFrame({"alpha": self.alphas, **{name: getattr(self, name) for name in names}})

    def plot(self, **options: Any) -> Any:
        """The parts against alpha as a plotly figure; see `alphaomega.plotting.bias_variance_figure`."""
        from ..plotting import bias_variance_figure

        return bias_variance_figure(self, **options)


def bias_variance(
    data: Any,
    y: ArrayLike | None = None,
    loss: str | Loss | None = None,
    penalty: Penalty | None = None,
    alphas: ArrayLike | None = None,
    n_alphas: int = 100,
    n_resamples: int = 200,
    error: str = "loss",
    standardize: bool = False,
    seed: int | None = 0,
    n_rows: int = 100,
    n_test: int = 200,
    design: str = "random",
    noise_variance: float | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    impute: str | None = None,
    progress: bool | Callable[[float], object] = False,
) -> BiasVariance:
    """Split the expected error of new rows into bias, variance and noise, at every alpha of a path.

    E (y - f^)^2 = (f - E f^)^2 + Var f^ + Var y, means over new rows; for log loss the same with divergences.

    Parameters
    ----------
    data : Process, or X of shape (n, p)
        A known process is drawn from again and again. Real data are drawn from by the bootstrap, and each row is
        predicted by the fits that did not see it; then bias and noise cannot be told apart, and the variance is that
        over resamples.
    y, weights, offset, impute
        As for `ao.path`; for real data.
    loss : {"squared", "logistic", "multinomial", "poisson"} or Loss
        Default: the process's own, "squared" for real data.
    penalty, alphas, n_alphas, standardize, progress
        As for `ao.path`.
    n_resamples : int, default 200
        Training samples.
    error : {"loss", "0-1"}
        Squared error or deviance; or for classes the share of wrong ones, split as Domingos does.
    n_rows, n_test : int, default 100 and 200
        Rows of each training sample and new rows, drawn from a process.
    design : {"random", "fixed"}
        Whether a process draws X anew for every training sample, or y alone. With "fixed", fits that are linear in y
        (squared loss, penalty a sum of squares) are decomposed exactly, without sampling.
    noise_variance : float, optional
        Of real data with squared loss: then bias and noise are told apart.
    seed : int or None, default 0

    Returns
    -------
    BiasVariance

    Raises
    ------
    ValueError
        On bad input; for a loss whose error has no such parts (Huber); for "0-1" without classes.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, 2nd ed., section 7.3.
    P. Domingos (2000), A unified bias-variance decomposition, ICML.

    Examples
    --------
    >>> import alphaomega as ao
    >>> process = ao.diagnostics.dense_equal(p=5)
    >>> found = ao.bias_variance(process, penalty=ao.L2(), n_alphas=20, design="fixed")
    >>> bool(found.bias[0] > found.bias[-1]), bool(found.variance[0] < found.variance[-1])
    (True, True)
    """
    for name, value, allowed in (("error", error, ERRORS), ("design", design, DESIGNS)):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    for name, count in (("n_resamples", n_resamples), ("n_rows", n_rows), ("n_test", n_test)):
        if int(count) < 2:
            raise ValueError(f"{name} must be at least 2, got {count!r}")
    family = losses.find(loss if loss is not None else data.loss if isinstance(data, Process) else "squared")
    if family.name not in CANONICAL:
        raise ValueError(
            f"the error of loss={family.name!r} has no parts that sum to it; use one of {', '.join(CANONICAL)}"
        )
    if error == "0-1" and not family.classifies:
        raise ValueError(f"error='0-1' needs classes; loss={family.name!r} has none")
    penalty = L1() if penalty is None else penalty
    grid = grid_of(alphas, n_alphas, None)
    with reporting(progress) as report:
        control = Control(report=report)
        if isinstance(data, Process):
            parts = known_process(
                data, (family, penalty, standardize, error), (int(n_resamples), int(n_rows), int(n_test)), grid,
                (seed, design), control,
            )  # fmt: skip
            return BiasVariance(**parts, error=_error_name(family, error), loss=family)
        if y is None:
            raise ValueError("y is missing; pass bias_variance(X, y), or a process from ao.diagnostics")
        read = read_data(data, y, family, weights, offset, impute)
        request = (penalty, standardize, error, noise_variance)
        return _resampled(read, request, (int(n_resamples), seed), grid, control)


def _error_name(loss: Loss, error: str) -> str:
    if error == "0-1":
        return "misclassified"
    return "mean squared error" if loss.name == "squared" else "mean deviance"


def _resampled(
    data: Data, request: tuple[Any, ...], spec: tuple[int, int | None], grid: Grid, control: Control
) -> BiasVariance:
    """Rows predicted by the bootstrap fits that left them out."""
    penalty, standardize, error, noise_variance = request
    if noise_variance is not None and not (np.isfinite(noise_variance) and noise_variance > 0):
        raise ValueError(f"noise_variance must be a finite number > 0, got {noise_variance!r}")
    problem = data.problem(penalty, standardize=standardize, intercept=True)
    drawn = resampling.draw(data, "bootstrap", *spec)
    paths = resampling.solve(problem, drawn, grid, control)[1:]
    alphas, y = paths[0].alphas, problem.y
    truth = y.astype(np.intp) if y.ndim == 1 else y.argmax(1)
    found = Moments(data.loss, y, len(alphas)) if error == "loss" else Votes(
        data.loss, len(alphas), len(y), max(problem.n_outputs, 2)
    )  # fmt: skip
    for raw, weight in zip(paths, drawn.weights):
        found.add(predictors(raw, data.design, problem.base_eta()), (weight == 0) & (data.weights > 0))
    rows = found.rows()
    if not rows.size:
        raise ValueError(f"{spec[0]} resamples leave no row out twice; pass a larger n_resamples")
    bias, variance = found.parts(rows) if isinstance(found, Moments) else found.parts(truth, rows)
    share = data.weights[rows] / data.weights[rows].sum()
    total = bias + variance
    unknown = np.full(len(alphas), np.nan)
    noise = unknown if noise_variance is None else np.full(len(alphas), float(noise_variance))
    return BiasVariance(
        alphas=alphas,
        bias=bias @ share - noise,
        variance=variance @ share,
        noise=noise,
        bias_noise=bias @ share,
        total=total @ share,
        standard_error=np.sqrt((total - (total @ share)[:, None]) ** 2 @ share / len(rows)),
        kind="resampled",
        error=_error_name(data.loss, error),
        loss=data.loss,
        message=drawn.message,
    )


def predictors(raw: solvers.RawPath, design: Design, base: Floats) -> Floats:
    """The linear predictors of a path on the rows of a design: (m, n) or (m, n, K)."""
    coef = raw.coef
    if coef.ndim == 2:
        return np.asarray(design.matvec(coef.T)).T + raw.intercept[:, None] + base
    m, p, k = coef.shape
    flat = np.asarray(design.matvec(coef.transpose(1, 0, 2).reshape(p, m * k)))
    return flat.reshape(-1, m, k).transpose(1, 0, 2) + raw.intercept[:, None, :] + base
