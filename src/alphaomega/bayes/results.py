"""What is known of the coefficients after seeing the data: what every posterior answers."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames import Encoder
from ..priors import Gaussian, Laplace, Prior

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """What was fitted: its prior, rows, names and units.

    Attributes
    ----------
    prior : as given; a scale left to the data is None there.
    names : of the p coefficients.
    total : sum of the weights.
    scale : (p,) standard deviations of the columns where the prior acts on these, else ones.
    center : (p,) means of the columns, zero without an intercept.
    mean : of y, zero without an intercept.
    intercept : whether there is one; its prior is flat.
    classes : the two classes of the logistic loss, the event last; None for the squared loss.
    """

    prior: Prior
    names: tuple[str, ...]
    total: float
    scale: Floats
    center: Floats
    mean: float
    intercept: bool
    encoder: Encoder = field(repr=False)
    classes: tuple[Any, Any] | None = None

    def matrix(self, X: Any) -> Floats:
        """New rows as a matrix."""
        matrix = self.encoder.transform(X)
        if matrix.shape[1] != len(self.names):
            raise ValueError(f"X has {matrix.shape[1]} columns, the posterior was made from {len(self.names)}")
        return np.asarray(matrix.todense() if hasattr(matrix, "todense") else matrix, dtype=float)


class Posterior(ABC):
    """The posterior distribution of the coefficients w and the intercept b of y ~ N(X w + b, noise_variance).

    For the logistic loss P(event) = 1 / (1 + exp(-(X w + b))), and the noise variance is 1.

    Attributes
    ----------
    model : what was fitted.
    mean, deviation : (p,) posterior mean and standard deviation of the coefficients.
    intercept_mean, intercept_deviation : of the intercept.
    noise_variance : given, of largest evidence, or its posterior mean.
    scale : the prior's scale: given, of largest evidence, or its posterior mean.
    """

    model: Model
    mean: Floats
    deviation: Floats
    intercept_mean: float
    intercept_deviation: float
    noise_variance: float
    scale: Any

    @abstractmethod
    def interval(self, level: float = 0.9) -> tuple[Floats, Floats]:
        """(lower, upper), each (p,): the coefficient lies between with probability `level`, equal tails left out."""

    @abstractmethod
    def predict(self, X: Any, level: float | None = None) -> Any:
        """The mean of y at new rows, (n,); with `level` the tuple (mean, lower, upper) for one new y at each row."""

    @abstractmethod
    def draw(self, draws: int = 1000, chains: int = 4, seed: int | None = 0) -> dict[str, Floats]:
        """Draws by name, each (chains, draws, ...): coef, intercept, noise_variance, and scale where it was learnt."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.model.names

    @property
    def alpha(self) -> float | Floats:
        """The strength of the penalty that the prior is: v / (n scale^2) for L2, v / (n scale) for L1."""
        power = 2 if isinstance(self.model.prior, Gaussian) else 1
        found = self.noise_variance / (self.model.total * np.asarray(self.scale, dtype=float) ** power)
        return float(found) if np.ndim(found) == 0 else found

    @property
    def prior(self) -> Prior:
        """The prior with its scale, learnt or given."""
        kind = type(self.model.prior)
        if getattr(self.model.prior, "scale", 0.0) is None and kind in (Gaussian, Laplace):
            return kind(self.scale)
        return self.model.prior

    def to_frame(self, level: float = 0.9) -> Any:
        """One row per coefficient: name, mean, deviation, lower, upper (a polars DataFrame)."""
        import polars

        lower, upper = self.interval(level)
        columns = {"mean": self.mean, "deviation": self.deviation, "lower": lower, "upper": upper}
        return polars.DataFrame({"name": list(self.names), **columns})

    def to_arviz(self, draws: int = 1000, chains: int = 4) -> Any:
        """Draws as ArviZ InferenceData, the coefficients named; `draws` and `chains` count where none were kept.

        Raises
        ------
        ImportError
            If ArviZ is not installed; the message says how to install it.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # its announcement of a later version
                import arviz
        except ImportError:
            raise ImportError('to_arviz needs ArviZ: python -m pip install "alphaomega[bayes]"') from None
        values = self.draw(draws, chains)
        return arviz.from_dict(
            posterior=values, coords={"feature": list(self.names)}, dims={"coef": ["feature"]}, save_warmup=False
        )


def intercepts(model: Model, coef: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    """A draw of the intercept for each draw (chains, draws) of the rest."""
    center = model.mean - coef @ model.center
    return center + np.sqrt(noise / model.total) * rng.standard_normal(center.shape)


def normal_quantile(level: float) -> float:
    """How many deviations hold `level` of a normal; refuses a level outside (0, 1)."""
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), e.g. 0.9, got {level!r}")
    return float(ndtri((1 + level) / 2))
