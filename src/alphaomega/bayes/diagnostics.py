"""Whether chains agree: rank-normalised split R-hat, and how many independent draws they are worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def r_hat(draws: Floats) -> Floats:
    """Potential scale reduction of draws (chains, draws, ...); near 1 where the chains agree.

    The larger of the rank-normalised and the folded one: the second sees chains that differ in spread alone.

    References
    ----------
    A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P. Buerkner (2021), Rank-normalization, folding, and localization:
    an improved R-hat for assessing convergence of MCMC, Bayesian Analysis 16.

    Examples
    --------
    >>> apart = np.random.default_rng(0).standard_normal((4, 500)) + np.array([0, 0, 0, 2])[:, None]
    >>> bool(r_hat(apart) > 1.1)
    True
    """
    halves = _split(draws)
    folded = abs(halves - np.median(halves, axis=(0, 1)))
    return np.maximum(_reduction(_normal_scores(halves)), _reduction(_normal_scores(folded)))


def effective_draws(draws: Floats) -> Floats:
    """Bulk effective sample size of draws (chains, draws, ...): so many independent draws know the center as well.

    References
    ----------
    As for `r_hat`; autocorrelations are summed by pairs while these are positive and fall (Geyer 1992).

    Examples
    --------
    >>> independent = np.random.default_rng(0).standard_normal((4, 500))
    >>> bool(1600 < effective_draws(independent) < 2600)
    True
    """
    scores = _normal_scores(_split(draws))
    flat = scores.reshape(*scores.shape[:2], -1)
    sizes = np.array([_effective(flat[:, :, k]) for k in range(flat.shape[2])])
    return sizes.reshape(scores.shape[2:])


def _split(draws: Floats) -> Floats:
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _normal_scores(draws: Floats) -> Floats:
    """Each draw's normal score among all draws of its quantity."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    size = draws.shape[0] * draws.shape[1]
    ranks = rankdata(draws.reshape(size, *draws.shape[2:]), axis=0)
    return ndtri((ranks - 0.375) / (size + 0.25)).reshape(draws.shape)


def _reduction(draws: Floats) -> Floats:
    length = draws.shape[1]
    within = draws.var(1, ddof=1).mean(0)
    between = draws.mean(1).var(0, ddof=1)
    safe = np.where(within > 0, within, 1.0)
    return np.where(within > 0, np.sqrt((length - 1) / length + between / safe), 1.0)


def _effective(draws: Floats) -> float:
    """Draws (chains, draws) of one quantity."""
    chains, length = draws.shape
    centred = draws - draws.mean(1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * length, axis=1)
    covariance = np.fft.irfft(abs(spectrum) ** 2, axis=1)[:, :length] / length
    within = covariance[:, 0].mean() * length / (length - 1)
    if within == 0:
        return float(chains * length)
    total = within * (length - 1) / length + draws.mean(1).var(ddof=1)
    correlation = 1 - (within - covariance.mean(0) * length / (length - 1)) / total
    correlation[0] = 1.0
    pairs = correlation[: length // 2 * 2].reshape(-1, 2).sum(1)
    stop = int(np.argmax(pairs < 0)) if (pairs < 0).any() else len(pairs)
    pairs = np.minimum.accumulate(pairs[:stop])
    time = max(2 * float(pairs.sum()) - 1, 1 / np.log10(chains * length))
    return chains * length / time
