"""What is known of the coefficients after seeing the data: exact where the prior is normal, else by draws."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames import Encoder
from ..priors import Gaussian, Laplace, Prior
from .diagnostics import effective_draws, r_hat

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
    """

    prior: Prior
    names: tuple[str, ...]
    total: float
    scale: Floats
    center: Floats
    mean: float
    intercept: bool
    encoder: Encoder = field(repr=False)

    def matrix(self, X: Any) -> Floats:
        """New rows as a matrix."""
        matrix = self.encoder.transform(X)
        if matrix.shape[1] != len(self.names):
            raise ValueError(f"X has {matrix.shape[1]} columns, the posterior was made from {len(self.names)}")
        return np.asarray(matrix.todense() if hasattr(matrix, "todense") else matrix, dtype=float)


class Posterior(ABC):
    """The posterior distribution of the coefficients w and the intercept b of y ~ N(X w + b, noise_variance).

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
        return self.noise_variance / (self.model.total * np.asarray(self.scale, dtype=float) ** power)[()]

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


@dataclass(frozen=True, eq=False)
class GaussianPosterior(Posterior):
    """Normal, in closed form: given the noise variance and the prior's scale.

    Attributes
    ----------
    log_evidence : log p(y | noise_variance, scale), coefficients and intercept integrated out.
    unit : (p,) prior deviations of the coefficients, in the units of the columns.
    axes : (p, r) orthonormal directions in coefficients per prior deviation, along which the data speak.
    shrinkage : (r,) share of the prior variance that the data take away along each.
    """

    model: Model
    mean: Floats
    noise_variance: float
    scale: Any
    log_evidence: float
    unit: Floats = field(repr=False)
    axes: Floats = field(repr=False)
    shrinkage: Floats = field(repr=False)

    @property
    def deviation(self) -> Floats:  # type: ignore[override]
        """(p,) posterior standard deviations."""
        return self.unit * np.sqrt(np.maximum(1 - (self.axes**2) @ self.shrinkage, 0.0))

    @property
    def df(self) -> float:
        """How many coefficients the data determine: sum of the shrinkage, trace of the smoother (MacKay's gamma)."""
        return float(self.shrinkage.sum())

    def covariance(self) -> Floats:
        """(p, p) posterior covariance of the coefficients."""
        scaled = self.unit[:, None] * self.axes
        return np.diag(self.unit**2) - (scaled * self.shrinkage) @ scaled.T

    @property
    def intercept_mean(self) -> float:  # type: ignore[override]
        """Posterior mean of the intercept."""
        return float(self.model.mean - self.model.center @ self.mean)

    @property
    def intercept_deviation(self) -> float:  # type: ignore[override]
        """Posterior standard deviation of the intercept."""
        if not self.model.intercept:
            return 0.0
        return float(np.sqrt(self.noise_variance / self.model.total + self._spread(self.model.center[None])[0]))

    def _spread(self, rows: Floats) -> Floats:
        """x' covariance x for each row."""
        scaled = rows * self.unit
        return np.maximum((scaled**2).sum(1) - (scaled @ self.axes) ** 2 @ self.shrinkage, 0.0)

    def interval(self, level: float = 0.9) -> tuple[Floats, Floats]:
        """(lower, upper), each (p,): mean -+ normal quantile * deviation."""
        margin = _quantile(level) * self.deviation
        return self.mean - margin, self.mean + margin

    def predict(self, X: Any, level: float | None = None) -> Any:
        """The mean of y at new rows, (n,); with `level` the tuple (mean, lower, upper) for one new y at each row."""
        matrix = self.model.matrix(X)
        center = self.intercept_mean + matrix @ self.mean
        if level is None:
            return center
        sampled = self.noise_variance * (1 + (1 / self.model.total if self.model.intercept else 0.0))
        margin = _quantile(level) * np.sqrt(sampled + self._spread(matrix - self.model.center))
        return center, center - margin, center + margin

    def draw(self, draws: int = 1000, chains: int = 4, seed: int | None = 0) -> dict[str, Floats]:
        """Independent draws by name, each (chains, draws, ...): coef and intercept."""
        rng = np.random.default_rng(seed)
        normal = rng.standard_normal((chains, draws, len(self.mean)))
        shrunk = ((normal @ self.axes) * (1 - np.sqrt(1 - self.shrinkage))) @ self.axes.T
        coef = self.mean + self.unit * (normal - shrunk)
        values = {"coef": coef}
        if self.model.intercept:
            values["intercept"] = _intercepts(self.model, coef, np.full(coef.shape[:2], self.noise_variance), rng)
        return values


@dataclass(frozen=True, eq=False)
class SampledPosterior(Posterior):
    """Draws of several chains, in the units of the columns.

    Attributes
    ----------
    draws : by name, each (chains, draws, ...): coef, intercept, noise_variance and scale where these were learnt.
    scale : the prior's scale: given, or its posterior mean.
    message : empty, or which quantity the chains disagree on, and what mends it.
    """

    model: Model
    draws: dict[str, Floats] = field(repr=False)
    noise_variance: float
    scale: Any
    message: str = ""

    @property
    def mean(self) -> Floats:  # type: ignore[override]
        """(p,) posterior means."""
        return self.draws["coef"].mean((0, 1))

    @property
    def deviation(self) -> Floats:  # type: ignore[override]
        """(p,) posterior standard deviations."""
        return self.draws["coef"].std((0, 1), ddof=1)

    @property
    def intercept_mean(self) -> float:  # type: ignore[override]
        """Posterior mean of the intercept."""
        return float(self.draws["intercept"].mean()) if self.model.intercept else 0.0

    @property
    def intercept_deviation(self) -> float:  # type: ignore[override]
        """Posterior standard deviation of the intercept."""
        return float(self.draws["intercept"].std(ddof=1)) if self.model.intercept else 0.0

    @property
    def r_hat(self) -> dict[str, Floats]:
        """By name, the potential scale reduction of each quantity: 1 where the chains agree."""
        return {name: r_hat(values) for name, values in self.draws.items()}

    @property
    def effective_draws(self) -> dict[str, Floats]:
        """By name, how many independent draws each quantity's draws are worth."""
        return {name: effective_draws(values) for name, values in self.draws.items()}

    def interval(self, level: float = 0.9) -> tuple[Floats, Floats]:
        """(lower, upper), each (p,): quantiles of the draws."""
        _quantile(level)
        lower, upper = np.quantile(self.draws["coef"], [(1 - level) / 2, (1 + level) / 2], axis=(0, 1))
        return lower, upper

    def predict(self, X: Any, level: float | None = None) -> Any:
        """The mean of y at new rows, (n,); with `level` the tuple (mean, lower, upper) for one new y at each row."""
        matrix = self.model.matrix(X)
        center = self.intercept_mean + matrix @ self.mean
        if level is None:
            return center
        _quantile(level)
        values = matrix @ self.draws["coef"].reshape(-1, len(self.mean)).T
        noise = self.draws.get("noise_variance", np.full(self.draws["coef"].shape[:2], self.noise_variance)).ravel()
        values += self.draws["intercept"].ravel() if self.model.intercept else 0.0
        values += np.sqrt(noise) * np.random.default_rng(0).standard_normal(values.shape)
        lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=1)
        return center, lower, upper

    def draw(self, draws: int = 1000, chains: int = 4, seed: int | None = 0) -> dict[str, Floats]:
        """The draws that were made, by name, each (chains, draws, ...); the arguments have no say here."""
        return dict(self.draws)


def _intercepts(model: Model, coef: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    """A draw of the intercept for each draw (chains, draws) of the rest."""
    center = model.mean - coef @ model.center
    return center + np.sqrt(noise / model.total) * rng.standard_normal(center.shape)


def _quantile(level: float) -> float:
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), e.g. 0.9, got {level!r}")
    return float(ndtri((1 + level) / 2))
