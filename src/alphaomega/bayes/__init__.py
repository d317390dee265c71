"""The full posterior of penalised least squares, not only its mode."""

from .fitting import posterior
from .results import GaussianPosterior, Posterior, SampledPosterior

__all__ = ["GaussianPosterior", "Posterior", "SampledPosterior", "posterior"]
