"""The scaled lasso: coefficients and noise variance at once, also where columns outnumber rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..fitting import ConvergenceWarning, path
from ..penalties import L1
from .noise import NoiseNotEstimable

Floats = NDArray[np.float64]
STEPS = 50
SETTLED = 1e-4  # relative change of the noise deviation that ends the search
SMALLEST = 1e-6  # a noise deviation below this share of y's is no noise
FIT_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Sample:
    """Columns Z (m, p) of squared length `total`, centred where there is an intercept, and y (m,) likewise."""

    columns: Floats
    response: Floats
    total: float
    intercept: bool

    def lasso(self, response: Floats, alphas: Floats, weights: Floats | float = 1.0, tol: float = 1e-8) -> Floats:
        """Coefficients (m, p) of ||response - Z w||^2 / (2 total) + alpha ||weights w||_1, alphas decreasing."""
        mean = self.total / len(response)  # `path` divides by the number of rows
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit = path(
                self.columns, response, penalty=L1(weights), alphas=np.asarray(alphas) * mean, intercept=False, tol=tol
            )
        return fit.coef

    def least_squares(self, active: NDArray[np.intp]) -> Floats:
        """Least squares on some columns, zero elsewhere."""
        coef = np.zeros(self.columns.shape[1])
        coef[active] = np.linalg.lstsq(self.columns[:, active], self.response, rcond=1e-10)[0]
        return coef

    @property
    def universal(self) -> float:
        """sqrt(2 log p / n): the strength per noise deviation that keeps noise out of the lasso."""
        return float(np.sqrt(2 * np.log(max(self.columns.shape[1], 2)) / self.total))


@dataclass(frozen=True)
class ScaledLasso:
    """`coef` (p,) is least squares on what the lasso selects at `alpha`; `noise_variance` that of its residuals."""

    coef: Floats
    alpha: float
    noise_variance: float

    @property
    def selected(self) -> NDArray[np.intp]:
        """The features with a non-zero coefficient."""
        return np.flatnonzero(self.coef)


def scaled_lasso(sample: Sample, alpha: float | None = None, noise_variance: float | None = None) -> ScaledLasso:
    """The lasso at noise deviation * sqrt(2 log p / n), the noise deviation that of its own residuals.

    The shrinkage of the lasso is then undone by least squares on what it selected, which also gives the noise variance
    reported, RSS / (n - number of coefficients). What is given (alpha, noise variance) is kept.

    Raises
    ------
    NoiseNotEstimable
        If the fit leaves no noise, or no degrees of freedom.

    References
    ----------
    T. Sun and C.-H. Zhang (2012), Scaled sparse linear regression, Biometrika 99.
    """
    size = float(np.sqrt(sample.response @ sample.response / sample.total))
    if not size > 0 and noise_variance is None:
        raise NoiseNotEstimable("y does not vary, so there is no noise to measure; pass noise_variance=")
    deviation = size if noise_variance is None else float(np.sqrt(noise_variance))
    for _ in range(STEPS):
        strength = deviation * sample.universal if alpha is None else alpha
        coef = sample.lasso(sample.response, np.array([strength]), tol=FIT_TOLERANCE)[0]
        if alpha is not None or noise_variance is not None:
            break
        residual = sample.response - sample.columns @ coef
        before, deviation = deviation, float(np.sqrt(residual @ residual / sample.total))
        if abs(before - deviation) <= SETTLED * deviation or deviation <= SMALLEST * size:
            break
    active = np.flatnonzero(coef)
    found = ScaledLasso(sample.least_squares(active), float(strength), noise_variance or 0.0)
    if noise_variance is not None:
        return found
    residual = sample.response - sample.columns @ found.coef
    df = sample.total - sample.intercept - len(active)
    variance = float(residual @ residual) / df if df > 0 else 0.0
    if not variance > (SMALLEST * size) ** 2:
        raise NoiseNotEstimable(
            f"the lasso's {len(active)} selected features fit y without error, so there is no noise to measure "
            "uncertainty against; check that X does not contain y, use a larger alpha, or pass noise_variance="
        )
    return replace(found, noise_variance=variance)
