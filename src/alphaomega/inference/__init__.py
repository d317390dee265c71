"""What can be said about uncertainty, and only where it is valid for the fit returned."""

from .ols import OLSInference, ols

__all__ = ["OLSInference", "ols"]
