"""Draws from the posterior of logistic regression: normal, given one Polya-Gamma variable per row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import gibbs
from .polya_gamma import polya_gamma

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chain:
    """The draws of one chain: coef (draws, p), intercept (draws,), scale (draws,) where learnt (else empty)."""

    coef: Floats
    intercept: Floats
    scale: Floats


@dataclass(frozen=True)
class Model:
    """P(y = 1) = 1 / (1 + exp(-(Z w + b))), with the prior of `local`; b, if `intercept`, has a flat one.

    Attributes
    ----------
    local : the columns Z (n, p), centred, and the prior; its noise variance is 1 and its response is not used.
    excess : (n,) y - 1/2.
    gaussian : whether the prior is one normal for all; then a scale to be learnt is that of its deviations.
    """

    local: gibbs.Model
    excess: Floats
    intercept: bool
    gaussian: bool


def run(model: Model, warmup: int, draws: int, rng: np.random.Generator) -> Chain:
    """One chain from a random start: the rows' variables, then (b, w), then the prior's variances.

    Given the rows' variables omega the likelihood is that of excess / omega ~ N(Z w + b, 1 / omega), from which b is
    integrated out before w is drawn.

    References
    ----------
    N. Polson, J. Scott, J. Windle (2013), Bayesian inference for logistic models using Polya-Gamma latent variables,
    JASA 108.
    """
    columns = model.local.columns
    n, p = columns.shape
    coef, intercept = rng.standard_normal(p) / np.sqrt(1 + (columns**2).sum(1).mean()), 0.0
    state = _start(model, rng)
    coefs, intercepts, scales = np.zeros((draws, p)), np.zeros(draws), np.zeros(draws)
    draw_coef = gibbs.Narrow if n > p else gibbs.Wide
    for step in range(-warmup, draws):
        omega = polya_gamma(columns @ coef + intercept, rng)
        root, total = np.sqrt(omega), float(omega.sum())
        center, mean = np.zeros(p), 0.0
        if model.intercept:
            center, mean = omega @ columns / total, float(model.excess.sum()) / total
        # root * (excess / omega - mean), written so that a tiny omega does no harm
        normal = replace(
            model.local, columns=root[:, None] * (columns - center), response=model.excess / root - root * mean
        )
        coef, state = gibbs.stretch(normal, *draw_coef(normal)(state, rng), rng)
        if model.intercept:
            intercept = mean - float(center @ coef) + float(rng.standard_normal()) / np.sqrt(total)
        state = _refresh(model, coef, state, rng)
        if step >= 0:
            coefs[step], intercepts[step], scales[step] = coef, intercept, 1 / state.rate
    return Chain(coefs, intercepts, scales if model.local.scale is None else np.zeros(0))


def _start(model: Model, rng: np.random.Generator) -> gibbs.State:
    """Far apart on purpose, as for the squared loss."""
    if not model.gaussian:
        return gibbs.start(model.local, rng)
    rate = 10 ** rng.uniform(-1, 1) / model.local.unit
    return gibbs.State(_normal_variances(model, rate), 1.0, rate)


def _refresh(model: Model, coef: Floats, state: gibbs.State, rng: np.random.Generator) -> gibbs.State:
    if not model.gaussian:
        return gibbs.refresh(model.local, coef, state, rng)
    if model.local.scale is not None:
        return state
    # a half-Cauchy deviation is an inverse gamma variance whose own scale is inverse gamma (Makalic & Schmidt 2016)
    mixed = (1 / model.local.unit**2 + state.rate**2) / rng.gamma(1.0)
    square = (1 / mixed + float(coef @ coef) / 2) / rng.gamma((len(coef) + 1) / 2)
    rate = 1 / np.sqrt(square)
    return gibbs.State(_normal_variances(model, rate), 1.0, rate)


def _normal_variances(model: Model, rate: float) -> Floats:
    """Prior variance of each coordinate: all of it local where the scale is learnt, else all of it in `ridge`."""
    return np.full(len(model.local.groups), 1 / rate**2 if model.local.scale is None else np.inf)
