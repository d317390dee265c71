"""Choosing alpha and features: criteria, stability, ensembles of resamples, iterative dropout."""

from .bolasso import Bolasso, bolasso
from .criteria import Criteria, NoiseNotEstimable, criteria
from .ensemble import Ensemble
from .iterative_dropout import Cut, IterativeDropout
from .stability import Stability, stability_selection

__all__ = [
    "Bolasso",
    "Criteria",
    "Cut",
    "Ensemble",
    "IterativeDropout",
    "NoiseNotEstimable",
    "Stability",
    "bolasso",
    "criteria",
    "stability_selection",
]
