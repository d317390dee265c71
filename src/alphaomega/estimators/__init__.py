"""The scikit-learn face of `alphaomega.path` and `alphaomega.cross_validate`: thin, with no numerics of its own."""

from .classifiers import Classifier, LogisticRegression
from .least_squares import OLS
from .regressors import ElasticNetRegressor, Lasso, PoissonRegressor, Regressor
from .ridge import Ridge
from .summary import Summary

__all__ = [
    "OLS",
    "Classifier",
    "ElasticNetRegressor",
    "Lasso",
    "LogisticRegression",
    "PoissonRegressor",
    "Regressor",
    "Ridge",
    "Summary",
]
