"""Choosing alpha and features: criteria, stability, ensembles of resamples, iterative dropout."""

from .bolasso import Bolasso, bolasso
from .criteria import Criteria, NoiseNotEstimable, criteria
from .ensemble import Ensemble
from .iterative_dropout import IterativeDropout
from .refined_lasso import Relaxed, adaptive, relaxed
from .stability import Stability, stability_selection
from .weakness import Cut

__all__ = [
    "Bolasso",
    "Criteria",
    "Cut",
    "Ensemble",
    "IterativeDropout",
    "NoiseNotEstimable",
    "Relaxed",
    "Stability",
    "adaptive",
    "bolasso",
    "criteria",
    "relaxed",
    "stability_selection",
]
