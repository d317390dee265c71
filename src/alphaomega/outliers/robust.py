"""Robust starts, the noise they leave, and thresholds that keep a false-flag rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from .trimmed import Flags, Floats, fits_inside, least_squares, least_trimmed_squares

HALF = 1.548  # Tukey's bisquare at which half of the rows may be outliers, for normal noise
EFFICIENT = 4.685  # ... and at which 95 % of the efficiency under normal noise is kept
WITHIN = 3.0  # rows within so many noise standard deviations of the start estimate the noise
ITERATIONS = 100
SETTLED = 1e-8  # share of the noise that a fit may still move
SIMULATED_ROWS = 20_000  # rows of pure noise that calibrate a false-flag rate
LARGEST_SIMULATION = 1500  # rows of one simulated table


@dataclass(frozen=True)
class Start:
    """Some fits (m, q) to start from, and the noise standard deviation, in the units of y."""

    coefs: Floats
    scale: float


def robust_start(A: Floats, y: Floats, seed: int | None = 0) -> Start:
    """Least trimmed squares, and the MM-estimate next to it; the noise from the rows within 3 scales of that.

    References
    ----------
    V. Yohai (1987), High breakdown-point and high efficiency robust estimates for regression, Annals of Statistics 15.
    """
    n, q = A.shape
    trimmed = least_trimmed_squares(A, y, (n + q + 1) // 2, seed).coef
    scale = m_scale(y - A @ trimmed, q)
    if not scale > 0:
        return Start(trimmed[None], 0.0)
    coef = _m_estimate(A, y, trimmed, scale)
    rows = abs(y - A @ coef) <= WITHIN * scale
    near = least_squares(A[rows], y[rows])
    return Start(np.array([trimmed, coef]), deviation_within((y - A @ near)[rows], q, WITHIN))


def least_squares_start(A: Floats, y: Floats, seed: int | None = 0) -> Start:
    """Least squares on all rows: outliers pull it, and hide."""
    coef = least_squares(A, y)
    return Start(coef[None], float(np.sqrt(((y - A @ coef) ** 2).sum() / (len(y) - A.shape[1]))))


STARTS = {"robust": robust_start, "ols": least_squares_start}


def m_scale(residual: Floats, q: int) -> float:
    """The s with mean rho(r / s) = 1/2, rho Tukey's bisquare: half of the rows may lie anywhere; q were fitted."""
    scale = float(np.median(abs(residual))) / norm.ppf(0.75)
    if scale == 0:
        return 0.0
    for _ in range(ITERATIONS):
        rho = 1 - (1 - np.minimum((residual / (HALF * scale)) ** 2, 1)) ** 3
        ratio = np.sqrt(2 * rho.sum() / (len(residual) - q))
        scale *= ratio
        if abs(ratio - 1) < SETTLED:
            break
    return float(scale)


def deviation_within(residual: Floats, q: int, within: float) -> float:
    """The standard deviation of normal noise, from residuals of which only those within `within` of it are kept."""
    kept = 1 - 2 * within * norm.pdf(within) / (2 * norm.cdf(within) - 1)
    return float(np.sqrt((residual**2).sum() / max(len(residual) - q, 1) / kept))


def _m_estimate(A: Floats, y: Floats, coef: Floats, scale: float) -> Floats:
    """The minimum of sum rho(r / (4.685 scale)) next to `coef`, by reweighted least squares."""
    for _ in range(ITERATIONS):
        weight = np.maximum(1 - ((y - A @ coef) / (EFFICIENT * scale)) ** 2, 0.0)
        fresh = least_squares(A * weight[:, None], y * weight)
        step, coef = abs(A @ (fresh - coef)).max(), fresh
        if step <= SETTLED * scale:
            break
    return coef


def refit_within(A: Floats, y: Floats, coefs: Floats, limits: Floats) -> Flags:
    """Refit the rows within `limits` (k,) of each of the starts (k, m, q) until they stay the same: those rows (k, n).

    No round raises  sum over kept rows of r^2 + limit^2 * (rows not kept), so the rounds end; of the m ends the one
    where this is least is taken. `y` is (n,), or (k, n).
    """
    k, m, q = coefs.shape
    responses = np.repeat(np.broadcast_to(y, (k, len(A))), m, axis=0)
    edges, fits, before = np.repeat(limits, m)[:, None], coefs.reshape(k * m, q), None
    for _ in range(ITERATIONS):
        residual = abs(responses - fits @ A.T)
        inside = residual <= edges
        if before is not None and (inside == before).all():
            break
        fits, before = fits_inside(A, responses, inside), inside
    objective = np.where(inside, residual, edges) ** 2
    best = objective.sum(1).reshape(k, m).argmin(1)
    return inside.reshape(k, m, -1)[np.arange(k), best]


def hard_limit(A: Floats, rate: float, start: str, seed: int | None) -> float:
    """The hard threshold, in noise scales of the start, that flags a share `rate` of rows where none is an outlier.

    Simulated: normal noise on these very columns goes through the same starts and refits. They are equivariant, so
    neither the coefficients nor the size of the noise matter.
    """
    A, noise = _simulated(A, seed)
    starts = [STARTS[start](A, y, seed) for y in noise]
    coefs, scales = np.array([found.coefs for found in starts]), np.array([found.scale for found in starts])
    return _root(lambda limit: float((~refit_within(A, noise, coefs, limit * scales)).mean()), rate)


def soft_limit(A: Floats, rate: float, seed: int | None) -> float:
    """The soft threshold, in noise scales of `proposal_2` at `rate`, that flags a share `rate` of clean rows."""
    A, noise = _simulated(A, seed)
    coefs, scales = proposal_2(A, noise, norm.isf(rate / 2))

    def share(limit: float) -> float:
        edges = limit * scales
        return float((abs(noise - _huber(A, noise, coefs, edges) @ A.T) > edges[:, None]).mean())

    return _root(share, rate)


def proposal_2(A: Floats, Y: Floats, limit: float) -> tuple[Floats, Floats]:
    """Huber's proposal 2 for responses (k, n): fits (k, q) with delta = limit * scale, and the scales (k,).

    scale^2 = sum_i min(|r_i|, delta)^2 / ((n - q) E min(|z|, limit)^2), z standard normal.

    References
    ----------
    P. Huber (1964), Robust estimation of a location parameter, Annals of Mathematical Statistics 35, section 8.
    """
    inside = 1 - 2 * norm.sf(limit)
    expected = inside - 2 * limit * norm.pdf(limit) + 2 * limit**2 * norm.sf(limit)
    coefs = least_squares(A, Y.T).T
    scales = np.median(abs(Y - coefs @ A.T), axis=1) / norm.ppf(0.75)
    for _ in range(ITERATIONS):
        coefs = _huber(A, Y, coefs, limit * scales)
        capped = np.minimum(abs(Y - coefs @ A.T), limit * scales[:, None])
        fresh = np.sqrt((capped**2).sum(1) / ((len(A) - A.shape[1]) * expected))
        moved, scales = (abs(fresh - scales) > SETTLED * fresh).any(), fresh
        if not moved:
            break
    return coefs, scales


def _huber(A: Floats, Y: Floats, coefs: Floats, deltas: Floats) -> Floats:
    """Huber's fits by reweighted least squares, all responses together."""
    for _ in range(ITERATIONS):
        residual = abs(Y - coefs @ A.T)
        weight = deltas[:, None] / np.maximum(residual, np.maximum(deltas[:, None], 1e-300))
        fresh = fits_inside(A, Y, weight)
        moved = (abs((fresh - coefs) @ A.T) > SETTLED * deltas[:, None]).any()
        coefs = fresh
        if not moved:
            break
    return coefs


def _simulated(A: Floats, seed: int | None) -> tuple[Floats, Floats]:
    """Normal noise (k, n) for the columns, or for some of very many rows of them."""
    rng = np.random.default_rng(seed)
    if len(A) > LARGEST_SIMULATION:
        A = A[np.sort(rng.choice(len(A), LARGEST_SIMULATION, replace=False))]
    return A, rng.standard_normal((max(10, SIMULATED_ROWS // len(A)), len(A)))


def _root(share: Callable[[float], float], rate: float) -> float:
    """The limit at which a falling share passes the rate."""
    high = 4.0
    while share(high) > rate and high < 100:
        high *= 2
    return float(brentq(lambda limit: share(limit) - rate, 0.1, high, xtol=1e-3))
