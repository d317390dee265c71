"""What can be said about uncertainty, and only where it is valid for the fit returned."""

from .covariance_test import CovarianceTest, LeastAngleInference, covariance_test, lar
from .glm import GLMInference, glm
from .ols import OLSInference, ols
from .selective import SelectiveInference, selective

__all__ = [
    "CovarianceTest",
    "GLMInference",
    "LeastAngleInference",
    "OLSInference",
    "SelectiveInference",
    "covariance_test",
    "glm",
    "lar",
    "ols",
    "selective",
]
