"""Outliers: which rows do not follow the model, and how far a row can pull each method."""

from .flagging import mean_shift, shift_path
from .pulling import Sensitivity, sensitivity
from .results import MeanShift, ShiftPath

__all__ = ["MeanShift", "Sensitivity", "ShiftPath", "mean_shift", "sensitivity", "shift_path"]
