"""Draws from the posterior of priors that are normal given local variances: Laplace, group Laplace, elastic net."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, solve_triangular
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """y ~ N(Z w, v I), with p(w_g) proportional to exp(-||w_g|| / scale_g) times a normal of precision `ridge`.

    Attributes
    ----------
    columns, response : Z (k, p) and y (k,), centred; every inner product is that of all rows.
    size : degrees of freedom of y: total weight, less one for an intercept.
    groups : (p,) the group 0..G-1 of each coordinate: its own for a plain Laplace.
    scale : (G,) prior scales; None: learnt, one for all, in units of the noise's deviation.
    ridge : (p,) further prior precision of each coordinate.
    noise_variance : known, or None: learnt, with density 1 / v.
    unit : half-Cauchy scale of scale / noise deviation where it is learnt.
    """

    columns: Floats
    response: Floats
    size: float
    groups: NDArray[np.intp]
    scale: Floats | None
    ridge: Floats
    noise_variance: float | None
    unit: float = 1.0


@dataclass(frozen=True)
class Chain:
    """The draws of one chain: coef (draws, p), noise_variance (draws,), scale (draws,) where learnt (else empty)."""

    coef: Floats
    noise_variance: Floats
    scale: Floats


@dataclass(frozen=True)
class State:
    """Where a chain stands: the local variances of the groups (relative to the noise's), the noise variance, the rate.

    `rate` is the noise's deviation over the prior scale; it is only used where the scale is learnt.
    """

    local: Floats
    noise_variance: float
    rate: float


def run(model: Model, warmup: int, draws: int, rng: np.random.Generator) -> Chain:
    """One chain from a random start: two blocks, (noise, w) given the local variances and these given (noise, w).

    A scale to be learnt is drawn twice in every step, once with w fixed and once with w / scale fixed: the second keeps
    chains moving where w is near zero, the first where it is not.

    References
    ----------
    T. Park and G. Casella (2008), The Bayesian lasso, JASA 103.
    B. Rajaratnam, D. Sparks, K. Khare, L. Zhang (2019), Uncertainty quantification for modern high-dimensional
    regression via scalable Bayesian methods, J. Computational and Graphical Statistics 28 (two blocks, not three).
    Y. Yu and X.-L. Meng (2011), To center or not to center: that is not the question, same journal 20.
    """
    state = start(model, rng)
    coefs, noises, scales = np.zeros((draws, model.columns.shape[1])), np.zeros(draws), np.zeros(draws)
    draw_coef = Narrow(model) if len(model.response) > model.columns.shape[1] else Wide(model)
    for step in range(-warmup, draws):
        coef, state = stretch(model, *draw_coef(state, rng), rng)
        state = refresh(model, coef, state, rng)
        if step >= 0:
            coefs[step], noises[step] = coef, state.noise_variance
            scales[step] = np.sqrt(state.noise_variance) / state.rate
    return Chain(coefs, noises, scales if model.scale is None else np.zeros(0))


def start(model: Model, rng: np.random.Generator) -> State:
    """Far apart on purpose, so that chains which agree have forgotten where they began."""
    power = float(model.response @ model.response) / model.size
    noise = model.noise_variance or power * 10 ** rng.uniform(-1.5, 0.5)
    rate = 10 ** rng.uniform(-1, 1) / model.unit
    if model.scale is None:
        local = np.full(int(model.groups.max()) + 1, 2 / rate**2)
    else:
        local = 2 * model.scale**2 / noise
    return State(local * 10 ** rng.uniform(-2, 2, len(local)), noise, rate)


def _relative(model: Model, state: State) -> Floats:
    """Prior variance of each coordinate given the local ones, in units of the noise variance."""
    return 1 / (1 / state.local[model.groups] + state.noise_variance * model.ridge)


def refresh(model: Model, coef: Floats, state: State, rng: np.random.Generator) -> State:
    """The scale where it is learnt (its local variances integrated out), then the local variances."""
    noise = state.noise_variance
    if model.scale is not None and model.noise_variance is None:
        residual = model.response - model.columns @ coef
        noise = float(residual @ residual) / 2 / rng.gamma(model.size / 2)
    size = np.sqrt(np.bincount(model.groups, coef**2)) / np.sqrt(noise)
    if model.scale is None:
        rate = _draw_rate(model, float(size.sum()), state.rate, rng)
        rates = np.full(len(size), rate)
    else:
        rate, rates = state.rate, np.sqrt(noise) / model.scale
    return State(1 / inverse_gaussian(rates / size, rates**2, rng), noise, rate)


def stretch(model: Model, coef: Floats, state: State, rng: np.random.Generator) -> tuple[Floats, State]:
    """A new scale with w / scale fixed, where it is learnt: the local variances count as integrated out.

    Given the direction w / scale the likelihood is normal in the scale: that is proposed, the half-Cauchy decides.
    """
    if model.scale is not None:
        return coef, state
    direction = coef * state.rate
    along = model.columns @ direction
    precision = float(along @ along) / state.noise_variance
    if not precision > 0:
        return coef, state
    deviation = precision**-0.5
    center = float(along @ model.response) / state.noise_variance / precision
    mass = float(ndtr(center / deviation))
    if not mass > 0:
        return coef, state
    proposal = center - deviation * float(ndtri(rng.uniform() * mass))  # of scale / noise deviation, positive
    accept = (1 + (1 / (state.rate * model.unit)) ** 2) / (1 + (proposal / model.unit) ** 2)
    if not (proposal > 0 and rng.uniform() < accept):
        return coef, state
    return direction * proposal, replace(state, rate=1 / proposal)


def _draw_rate(model: Model, total: float, current: float, rng: np.random.Generator) -> float:
    """rate^p exp(-rate total) / (1 + (unit rate)^2): the gamma part is proposed, the half-Cauchy part decides."""
    proposal = rng.gamma(model.columns.shape[1] + 1) / total
    accept = (1 + (model.unit * current) ** 2) / (1 + (model.unit * proposal) ** 2)
    return proposal if rng.uniform() < accept else current


def inverse_gaussian(mean: Floats, shape: Floats, rng: np.random.Generator) -> Floats:
    """Draws of the inverse Gaussian; the smaller root is written so that a huge mean loses no digits.

    References
    ----------
    J. Michael, W. Schucany, R. Haas (1976), Generating random variates using transformations with multiple roots,
    American Statistician 30.
    """
    square = rng.standard_normal(mean.shape) ** 2
    product = mean * square / shape
    small = mean * 2 / (2 + product + np.sqrt(product * (4 + product)))
    return np.where(rng.uniform(size=mean.shape) * (mean + small) <= mean, small, mean * (mean / small))


class Narrow:
    """Draws of (noise variance, w) from a Gram matrix of the columns: fewer columns than rows."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.gram = model.columns.T @ model.columns
        self.cross = model.columns.T @ model.response
        self.square = float(model.response @ model.response)

    def __call__(self, state: State, rng: np.random.Generator) -> tuple[Floats, State]:
        """The two draws, given the local variances."""
        root = np.sqrt(_relative(self.model, state))
        factor, _ = cho_factor(np.eye(len(root)) + root[:, None] * self.gram * root, lower=True, check_finite=False)
        half = solve_triangular(factor, root * self.cross, lower=True, check_finite=False)
        noise = state.noise_variance
        if self.model.noise_variance is None and self.model.scale is None:
            noise = max(self.square - float(half @ half), 0.0) / 2 / rng.gamma(self.model.size / 2)
        point = half + np.sqrt(noise) * rng.standard_normal(len(root))
        coef = root * solve_triangular(factor, point, lower=True, trans=1, check_finite=False)
        return coef, replace(state, noise_variance=noise)


class Wide:
    """The same draws from inner products of rows: more columns than rows.

    References
    ----------
    A. Bhattacharya, A. Chakraborty, B. Mallick (2016), Fast sampling with Gaussian scale mixture priors in
    high-dimensional regression, Biometrika 103.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(self, state: State, rng: np.random.Generator) -> tuple[Floats, State]:
        """The two draws, given the local variances."""
        columns, response = self.model.columns, self.model.response
        variance = _relative(self.model, state)
        total = (columns * variance) @ columns.T + np.eye(len(response))
        factor, _ = cho_factor(total, lower=True, check_finite=False)

        def solve(vector: Floats) -> Floats:
            half = solve_triangular(factor, vector, lower=True, check_finite=False)
            return solve_triangular(factor, half, lower=True, trans=1, check_finite=False)

        noise = state.noise_variance
        if self.model.noise_variance is None and self.model.scale is None:
            noise = float(response @ solve(response)) / 2 / rng.gamma(self.model.size / 2)
        prior = np.sqrt(noise * variance) * rng.standard_normal(len(variance))
        shadow = columns @ prior + np.sqrt(noise) * rng.standard_normal(len(response))
        return prior + variance * (columns.T @ solve(response - shadow)), replace(state, noise_variance=noise)
