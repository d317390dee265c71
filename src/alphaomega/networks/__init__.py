"""PyTorch networks under the penalties of `alphaomega.penalties`: exact zeros, paths, smaller networks.

    J(w, b) + sum over layers l of alpha_l Omega_l(w_l)

`J` is the mean loss, `w` the weights of affine maps only: biases, normalisation layers and embeddings are free unless
asked for. The penalty objects are those of the linear models. A weight is handed to them with its input features on the
first axis, (in, out), so `ao.GroupL1(groups)` over the columns of X means the same in a first layer as in `ao.path`.

Needs PyTorch: `pip install "alphaomega[networks]"`. Nothing here is imported before it is used.

References
----------
I. Goodfellow, Y. Bengio, A. Courville (2016), Deep Learning, section 7.1.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

#: Modules are named apart from their functions: importing a module binds its name here.
_HOMES = {
    "comparison": ["compare"],
    "compaction": ["Compaction", "compact"],
    "estimators": ["NetworkClassifier", "NetworkRegressor"],
    "marginal": ["LayerEvidence", "evidence"],
    "identification": ["DualAveraging", "FullBatch", "Identification", "Support", "identify"],
    "path_results": ["Fit", "NetworkPath"],
    "paths": ["Schedule", "path"],
    "penalizing": ["Penalized", "penalize"],
    "prior": ["Prior", "alpha_to_prior", "prior_to_alpha", "priors"],
    "proximal": ["Proximal"],
    "stationarity": ["Stationarity"],
    "training": ["Diverged", "Training"],
    "units": ["MaxNorm", "UnitGroupL1"],
}
_LOOKUP = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_LOOKUP)

if TYPE_CHECKING:
    from .compaction import compact as compact
    from .estimators import NetworkClassifier as NetworkClassifier
    from .estimators import NetworkRegressor as NetworkRegressor
    from .identification import identify as identify
    from .marginal import evidence as evidence
    from .paths import path as path
    from .penalizing import penalize as penalize
    from .proximal import Proximal as Proximal
    from .units import MaxNorm as MaxNorm
    from .units import UnitGroupL1 as UnitGroupL1


def __getattr__(name: str) -> Any:
    if name not in _LOOKUP:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if importlib.util.find_spec("torch") is None:
        raise ImportError(
            f'alphaomega.networks.{name} needs PyTorch; install it with: pip install "alphaomega[networks]"'
        )
    value = getattr(importlib.import_module(f"{__name__}.{_LOOKUP[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
