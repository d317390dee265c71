"""Outliers: which rows do not follow the model, and how far a row can pull each method."""

from .mean_shift import mean_shift, shift_path
from .results import MeanShift, ShiftPath
from .sensitivity import Sensitivity, sensitivity

__all__ = ["MeanShift", "Sensitivity", "ShiftPath", "mean_shift", "sensitivity", "shift_path"]
