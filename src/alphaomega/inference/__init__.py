"""What can be said about uncertainty, and only where it is valid for the fit returned."""

from .covariance_test import CovarianceTest, LeastAngleInference, covariance_test, lar
from .debiased import DebiasedInference, debiased
from .glm import GLMInference, glm
from .ols import OLSInference, ols
from .ridge import RidgeInference, ridge
from .ridge_strength import ridge_alpha
from .selective import SelectiveInference, selective

__all__ = [
    "CovarianceTest",
    "DebiasedInference",
    "GLMInference",
    "LeastAngleInference",
    "OLSInference",
    "RidgeInference",
    "SelectiveInference",
    "covariance_test",
    "debiased",
    "glm",
    "lar",
    "ols",
    "ridge",
    "ridge_alpha",
    "selective",
]
