"""From a table to an answer: understand the data, split, fit, compare, recommend, write."""

from .results import Column, Curve, Errors, Fit, Part, Study, Understanding

__all__ = ["Column", "Curve", "Errors", "Fit", "Part", "Study", "Understanding"]
