"""Outliers: which rows do not follow the model, and how far a row can pull each method."""

from .mean_shift import mean_shift, shift_path
from .results import MeanShift, ShiftPath

__all__ = ["MeanShift", "ShiftPath", "mean_shift", "shift_path"]
