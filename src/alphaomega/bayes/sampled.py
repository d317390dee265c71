"""Posteriors known by draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .diagnostics import effective_draws, r_hat
from .results import Model, Posterior, normal_quantile

Floats = NDArray[np.float64]


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
        return _between(self.draws["coef"].reshape(-1, len(self.mean)).T, level)

    def predict(self, X: Any, level: float | None = None) -> Any:
        """The mean of y at new rows, (n,); with `level` the tuple (mean, lower, upper) for one new y at each row.

        For the logistic loss the chance of the event, and with `level` between which limits that chance lies.
        """
        matrix = self.model.matrix(X)
        if self.model.classes is not None:
            chances = _expit(self._predictors(matrix))
            return chances.mean(1) if level is None else (chances.mean(1), *_between(chances, level))
        center = self.intercept_mean + matrix @ self.mean
        if level is None:
            return center
        values = self._predictors(matrix)
        noise = self.draws.get("noise_variance", np.full(self.draws["coef"].shape[:2], self.noise_variance)).ravel()
        values += np.sqrt(noise) * np.random.default_rng(0).standard_normal(values.shape)
        return center, *_between(values, level)

    def _predictors(self, matrix: Floats) -> Floats:
        """The linear predictor of each row under each draw, (n, draws)."""
        values = matrix @ self.draws["coef"].reshape(-1, len(self.mean)).T
        return values + (self.draws["intercept"].ravel() if self.model.intercept else 0.0)

    def draw(self, draws: int = 1000, chains: int = 4, seed: int | None = 0) -> dict[str, Floats]:
        """The draws that were made, by name, each (chains, draws, ...); the arguments have no say here."""
        return dict(self.draws)


def _between(values: Floats, level: float) -> tuple[Floats, Floats]:
    """Quantiles of each row of draws."""
    normal_quantile(level)
    lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=1)
    return lower, upper


def _expit(values: Floats) -> Floats:
    from scipy.special import expit

    return expit(values)
