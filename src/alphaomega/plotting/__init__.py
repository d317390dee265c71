"""Plotly figures of paths, cross-validation, errors, coefficients, constraint sets, priors, outliers, selections.

Every function takes objects of the library and returns a `plotly.graph_objects.Figure`: `.show()` it, `.write_html` it,
or change it further. Text that comes from data (column names, class labels) is always escaped.
"""

from .coefficients import coefficients_figure
from .decomposition import bias_variance_figure
from .dropout import dropout_figure
from .errors import ErrorCurve, error_figure
from .geometry import geometry_figure, touching_figure
from .intervals import interval_figure
from .outliers import outlier_figure, shift_path_figure
from .paths import path_figure
from .priors import prior_density, prior_figure
from .selection import criteria_figure, stability_figure
from .sensitivity import sensitivity_figure
from .theme import plain_text, template
from .touching import Touching, touching
from .validation import cross_validation_figure

__all__ = [
    "ErrorCurve",
    "Touching",
    "bias_variance_figure",
    "coefficients_figure",
    "criteria_figure",
    "cross_validation_figure",
    "dropout_figure",
    "error_figure",
    "geometry_figure",
    "interval_figure",
    "outlier_figure",
    "path_figure",
    "plain_text",
    "prior_density",
    "prior_figure",
    "sensitivity_figure",
    "shift_path_figure",
    "stability_figure",
    "template",
    "touching",
    "touching_figure",
]
