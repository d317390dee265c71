"""The contract every prior keeps, and the priors made of others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..penalties import Bounded, Penalty, Sum, Terms
from .density import draw, log_mass

Floats = NDArray[np.float64]


class Prior(ABC):
    """A density of the coefficients, stated by its energy: minus its logarithm, which is a penalty.

    A subclass states its `energy`; the penalty, the density and random draws follow. Priors multiply:
    `Laplace(1.0) * Gaussian(2.0)` is the prior of the elastic net.

    References
    ----------
    C. Bishop (2006), Pattern Recognition and Machine Learning, section 3.3.
    """

    @abstractmethod
    def energy(self) -> Penalty:
        """-log density(w), up to a constant."""

    def penalty(self, n: float, noise_variance: float = 1.0) -> Penalty:
        """The penalty, its strength included, whose fit at alpha = 1 is the mode of the posterior.

        (noise_variance / n) * energy

        Parameters
        ----------
        n : float
            Rows, or their total weight: what J is the mean over.
        noise_variance : float, default 1.0
            Variance of y around its mean for the squared loss; 1 for losses that are a negative log likelihood.

        Raises
        ------
        ValueError
            If a number is not positive and finite, or a scale was left to be learnt.

        Examples
        --------
        >>> import alphaomega as ao
        >>> ao.priors.Gaussian(scale=0.5).penalty(n=100, noise_variance=2.0)
        0.08 * L2(weights=1.0)
        """
        return (positive(noise_variance, "noise_variance") / positive(n, "n")) * self.energy()

    def log_density(self, w: ArrayLike) -> float:
        """log density(w) of coefficients (p,) or (p, K), normalised.

        Raises
        ------
        TypeError
            If the constant has no closed form: a group norm together with anything else.
        """
        point = np.asarray(w, dtype=float)
        terms = self._terms(point.shape)
        return -float(self.energy().value(point)) - log_mass(terms)

    def draw(self, shape: int | tuple[int, ...], seed: int | np.random.Generator | None = 0) -> Floats:
        """Random coefficients of this prior, (p,) or (p, K).

        Raises
        ------
        TypeError
            If a group norm comes together with another prior.
        """
        shape = (shape,) if isinstance(shape, int) else shape
        return draw(self._terms(shape), np.random.default_rng(seed)).reshape(shape)

    def __mul__(self, other: object) -> Prior:
        return Product.of(self, other) if isinstance(other, Prior) else NotImplemented

    def _terms(self, shape: tuple[int, ...]) -> Terms:
        terms = self.energy().terms(shape)
        if terms is None:
            raise TypeError(f"{self!r} has no normalised density in closed form; use .penalty() for its mode")
        return terms


@dataclass(frozen=True, eq=False)
class Product(Prior):
    """density_1(w) * density_2(w) * ..., renormalised; written with `*`."""

    parts: tuple[Prior, ...]

    @classmethod
    def of(cls, *priors: Prior) -> Product:
        """The product, nested products flattened."""
        return cls(tuple(part for prior in priors for part in (prior.parts if isinstance(prior, cls) else [prior])))

    def energy(self) -> Penalty:
        return Sum.of(*(part.energy() for part in self.parts))

    def __repr__(self) -> str:
        return " * ".join(map(repr, self.parts))


@dataclass(frozen=True, eq=False)
class Truncated(Prior):
    """A prior restricted to lower_j <= w_j <= upper_j.

    Parameters
    ----------
    prior : Prior
    lower, upper : number or array of shape (n_features,)
        In the units of the coefficients; zero must lie between them.

    Examples
    --------
    >>> import alphaomega as ao
    >>> positive = ao.priors.Truncated(ao.priors.Laplace(1.0), lower=0.0)
    >>> round(positive.log_density([2.0]), 6)
    -2.0
    """

    prior: Prior
    lower: ArrayLike = -np.inf
    upper: ArrayLike = np.inf

    def energy(self) -> Penalty:
        return Bounded(self.prior.energy(), self.lower, self.upper)


def positive(value: float, name: str) -> float:
    """`value` as a float, or a ValueError."""
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a finite number > 0, got {value!r}")
    return float(value)
