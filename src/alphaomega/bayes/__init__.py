"""The full posterior of penalised least squares and logistic regression, not only its mode."""

from .fitting import posterior
from .gaussian import GaussianPosterior
from .results import Posterior
from .sampled import SampledPosterior

__all__ = ["GaussianPosterior", "Posterior", "SampledPosterior", "posterior"]
