"""Choosing alpha and features: criteria, stability, ensembles of resamples."""

from .bolasso import Bolasso, bolasso
from .criteria import Criteria, NoiseNotEstimable, criteria
from .ensemble import Ensemble
from .stability import Stability, stability_selection

__all__ = [
    "Bolasso",
    "Criteria",
    "Ensemble",
    "NoiseNotEstimable",
    "Stability",
    "bolasso",
    "criteria",
    "stability_selection",
]
