"""The posterior under a normal prior: closed form."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..fitting import ConvergenceWarning
from ..inference.noise import NoiseNotEstimable
from .evidence import Evidence
from .results import Model, Posterior, intercepts, normal_quantile

Floats = NDArray[np.float64]


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
        margin = normal_quantile(level) * self.deviation
        return self.mean - margin, self.mean + margin

    def predict(self, X: Any, level: float | None = None) -> Any:
        """The mean of y at new rows, (n,); with `level` the tuple (mean, lower, upper) for one new y at each row."""
        matrix = self.model.matrix(X)
        center = self.intercept_mean + matrix @ self.mean
        if level is None:
            return center
        sampled = self.noise_variance * (1 + (1 / self.model.total if self.model.intercept else 0.0))
        margin = normal_quantile(level) * np.sqrt(sampled + self._spread(matrix - self.model.center))
        return center, center - margin, center + margin

    def draw(self, draws: int = 1000, chains: int = 4, seed: int | None = 0) -> dict[str, Floats]:
        """Independent draws by name, each (chains, draws, ...): coef and intercept."""
        rng = np.random.default_rng(seed)
        normal = rng.standard_normal((chains, draws, len(self.mean)))
        shrunk = ((normal @ self.axes) * (1 - np.sqrt(1 - self.shrinkage))) @ self.axes.T
        coef = self.mean + self.unit * (normal - shrunk)
        values = {"coef": coef}
        if self.model.intercept:
            values["intercept"] = intercepts(self.model, coef, np.full(coef.shape[:2], self.noise_variance), rng)
        return values


def closed_form(model: Model, columns: Floats, response: Floats, noise_variance: float | None) -> GaussianPosterior:
    """The closed form, from the singular values of the columns in units of their prior deviation."""
    learn = model.prior.scale is None  # type: ignore[attr-defined]
    unit = np.ones(columns.shape[1]) if learn else model.prior._terms((columns.shape[1],)).quadratic ** -0.5
    left, singular, right = np.linalg.svd(columns * unit, full_matrices=False)
    keep = singular > 1e-13 * singular.max(initial=0.0)
    left, singular, axes = left[:, keep], singular[keep], right[keep].T
    coordinates = left.T @ response
    rest = max(float(response @ response - coordinates @ coordinates), 0.0)
    rest = 0.0 if rest < 1e-14 * float(response @ response) else rest
    flat = -np.log(model.total) / 2 if model.intercept else 0.0
    evidence = Evidence(singular**2, coordinates**2, rest, model.total - model.intercept, flat)
    noise, square = evidence.maximise(noise_variance, None if learn else 1.0)
    if not (noise > 0 and np.isfinite(square)):
        raise NoiseNotEstimable(
            "the evidence is largest without any noise: these columns can fit every row; pass noise_variance=, or give "
            "the prior a scale"
        )
    if square == 0:
        warnings.warn(
            "the evidence is largest at a prior scale of 0: these data show no effect, and every coefficient's "
            "posterior is a point at zero; give the prior a scale to see what else is possible",
            ConvergenceWarning,
            stacklevel=3,
        )
    shrinkage = square * singular**2 / (noise + square * singular**2)
    mean = unit * (axes @ (shrinkage / singular * coordinates))
    return GaussianPosterior(
        model=model,
        mean=mean / model.scale,
        noise_variance=noise,
        scale=float(np.sqrt(square)) if learn else model.prior.scale,  # type: ignore[attr-defined]
        log_evidence=evidence.log(noise, square),
        unit=np.sqrt(square) * unit / model.scale,
        axes=axes,
        shrinkage=shrinkage,
    )
