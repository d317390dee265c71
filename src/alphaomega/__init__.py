"""AlphaOmega: regularization, from ordinary least squares to deep networks.

One equation, everywhere:

    J~(w, b) = sum_i s_i loss(y_i, eta_i) / sum_i s_i  +  alpha * Omega(w),     eta = X w + b + offset

`J` is the data term, a weighted *mean*; `Omega` the parameter-norm penalty; `alpha` in [0, inf) its strength; `w` the
weights of an affine map; `b` its bias, never penalised. Quadratic terms carry the 1/2: `L2` is 1/2 ||w||^2.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Where each public name lives; loaded when first used, so that importing the package stays fast.
_HOMES = {
    "penalties": [
        "Bounded",
        "ElasticNet",
        "GraphLaplacian",
        "GroupL1",
        "L1",
        "L2",
        "Penalty",
        "Smoothness",
        "Tikhonov",
    ],
    "losses": ["Huber", "Logistic", "Loss", "Multinomial", "Poisson", "Squared"],
    "fitting": ["cross_validate", "path"],
    "results": ["CrossValidation", "Path", "Solution"],
    "estimators": [
        "Classifier",
        "ElasticNetRegressor",
        "Lasso",
        "LogisticRegression",
        "OLS",
        "PoissonRegressor",
        "Regressor",
        "Ridge",
    ],
    "bayes": ["posterior"],
    "conversion": ["convert_alpha"],
    "diagnostics": ["BiasVariance", "bias_variance"],
    "frames": ["Encoder"],
    "model_selection": [
        "Bolasso",
        "Criteria",
        "Ensemble",
        "IterativeDropout",
        "Stability",
        "adaptive",
        "bolasso",
        "criteria",
        "relaxed",
        "stability_selection",
    ],
}
_MODULES = [
    "bayes",
    "datasets",
    "designs",
    "diagnostics",
    "estimators",
    "inference",
    "losses",
    "model_selection",
    "networks",
    "outliers",
    "penalties",
    "plotting",
    "priors",
]
_LOOKUP = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted([*_LOOKUP, *_MODULES])

if TYPE_CHECKING:
    from .conversion import convert_alpha as convert_alpha
    from .fitting import cross_validate as cross_validate
    from .fitting import path as path


def __getattr__(name: str) -> Any:
    if name in _LOOKUP:
        value = getattr(importlib.import_module(f"{__name__}.{_LOOKUP[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
