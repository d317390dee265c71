"""From a table to an answer: understand the data, split, fit, compare, recommend, write."""

from .model_file import Model, ModelError, read_model, write_model
from .results import Column, Curve, Errors, Fit, Part, Study, Understanding
from .run import study
from .understanding import Options, understand

__all__ = [
    "Column",
    "Curve",
    "Errors",
    "Fit",
    "Model",
    "ModelError",
    "Options",
    "Part",
    "Study",
    "Understanding",
    "read_model",
    "study",
    "understand",
    "write_model",
]
