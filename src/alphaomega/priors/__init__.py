"""Priors on the coefficients, and the penalties they are: Omega is minus the logarithm of a density.

With n rows (or total weight) and noise variance v, the posterior density of w is proportional to

    exp(-(n / v) J(w)) * prior(w),    so its mode is the fit with    alpha * Omega(w) = -(v / n) log prior(w) + constant

For losses that are a negative log likelihood (logistic, multinomial, Poisson) v is 1. The intercept has a flat prior.
"""

from .base import Prior, Product, Truncated
from .conversion import prior_of
from .named import Gaussian, GroupLaplace, Laplace

__all__ = ["Gaussian", "GroupLaplace", "Laplace", "Prior", "Product", "Truncated", "prior_of"]
