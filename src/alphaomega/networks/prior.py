"""alpha and priors: the penalised fit of a layer is its maximum a posteriori estimate.

With n samples, J the mean negative log-likelihood and a flat prior on biases, minimising J + alpha * Omega maximises
the posterior under p(w) proportional to exp(-n * alpha * Omega(w)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..penalties import L1, L2, Penalty, Scaled
from .penalizing import Penalized

KINDS = ("gaussian", "laplace")


@dataclass(frozen=True)
class Prior:
    """An independent, zero-mean prior on each weight.

    Attributes
    ----------
    kind : "gaussian" or "laplace".
    sd : its standard deviation, in the units of the weights; inf is flat.
    """

    kind: str
    sd: float

    @property
    def precision(self) -> float:
        """1 / variance."""
        return 0.0 if math.isinf(self.sd) else self.sd**-2

    @property
    def scale(self) -> float:
        """The Laplace scale: density exp(-|w| / scale) / (2 scale); sd / sqrt(2)."""
        return self.sd / math.sqrt(2)


def alpha_to_prior(alpha: float, n: int, kind: str = "gaussian") -> Prior:
    """The prior that a strength stands for: L2 is Gaussian with precision alpha*n, L1 is Laplace with scale
    1/(alpha*n).

    Parameters
    ----------
    alpha : float >= 0
    n : int
        Training samples (the sum of their weights); J is their mean loss.
    kind : {"gaussian", "laplace"}

    Raises
    ------
    ValueError
        If `kind` is unknown, alpha is negative or n not positive.

    Examples
    --------
    >>> alpha_to_prior(0.01, 100).precision, alpha_to_prior(0.01, 100, "laplace").scale
    (1.0, 1.0)
    """
    _check(kind, n)
    if not alpha >= 0:
        raise ValueError(f"alpha must be >= 0, got {alpha!r}")
    if alpha == 0:
        return Prior(kind, math.inf)
    return Prior(kind, (alpha * n) ** -0.5 if kind == "gaussian" else math.sqrt(2) / (alpha * n))


def prior_to_alpha(prior: Prior, n: int) -> float:
    """The strength of a prior: the inverse of `alpha_to_prior`.

    Examples
    --------
    >>> prior_to_alpha(Prior("gaussian", 1.0), 100)
    0.01
    """
    _check(prior.kind, n)
    if not prior.sd > 0:
        raise ValueError(f"a prior's standard deviation must be > 0, got {prior.sd!r}")
    return prior.precision / n if prior.kind == "gaussian" else (0.0 if math.isinf(prior.sd) else 1 / (prior.scale * n))


def priors(penalized: Penalized, n: int) -> dict[str, Prior]:
    """The prior of every parameter of a model with L1 or L2 penalties of one strength per layer; flat where nothing is
    penalised.

    Raises
    ------
    TypeError
        If a layer's penalty is neither L1 nor L2 with one weight for all (a sum, say, has no such prior).

    Examples
    --------
    >>> import torch, alphaomega as ao
    >>> penalized = ao.networks.penalize(torch.nn.Linear(2, 1), 0.01 * ao.L2())
    >>> priors(penalized, 100)
    {'weight': Prior(kind='gaussian', sd=1.0), 'bias': Prior(kind='gaussian', sd=inf)}
    """
    found = {}
    for entry in penalized.entries:
        if entry.penalty is None:
            found[entry.name] = Prior("gaussian", math.inf)
        else:
            found[entry.name] = _prior_of(penalized.penalty_of(entry), n, entry.name)
    return found


def _prior_of(penalty: Penalty, n: int, name: str) -> Prior:
    factor, inner = (penalty.factor, penalty.penalty) if isinstance(penalty, Scaled) else (1.0, penalty)
    if isinstance(inner, (L1, L2)) and isinstance(inner.weights, (int, float)):
        return alpha_to_prior(factor * inner.weights, n, "laplace" if isinstance(inner, L1) else "gaussian")
    raise TypeError(
        f"the penalty of {name!r}, {penalty!r}, is no single Gaussian or Laplace prior; use alpha * ao.L2() or ao.L1()"
    )


def _check(kind: str, n: int) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if not n > 0:
        raise ValueError(f"n must be > 0, got {n!r}")
