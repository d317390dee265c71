"""The priors that the chosen alphas of a study stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from ..losses import Squared
from ..plotting import prior_figure
from .words import significant

if TYPE_CHECKING:
    from ..study.results import Curve, Study


def prior_drawing(study: Study) -> tuple[go.Figure | None, str]:
    """The figure and its caption; without a positive alpha None, and the caption says why."""
    chosen = {curve.name: curve for curve in study.curves if curve.cross_validation.alpha_min > 0}
    if not chosen:
        return None, "Not drawn: cross-validation chose alpha = 0 everywhere, which is a flat prior."
    n_rows = len(study.train.y)
    variance, told = noise_variance(study)
    figure = prior_figure(
        {name: (curve.path.penalty, curve.cross_validation.alpha_min) for name, curve in chosen.items()},
        n_rows,
        noise_variance=variance,
        coefs={name: _coefficients(curve) for name, curve in chosen.items()},
    )
    widths = [_width(name, curve.cross_validation.alpha_min * n_rows / variance) for name, curve in chosen.items()]
    told_widths = "; ".join(width for width in widths if width)
    return (
        figure,
        f"{told_widths}. With {n_rows:,} training rows{told}. Marks below the curves are the fitted coefficients.",
    )


def noise_variance(study: Study) -> tuple[float, str]:
    """The dispersion that turns J into a negative log likelihood, and where it came from."""
    if not isinstance(study.loss, Squared):
        return 1.0, ""
    best = min(float(curve.cross_validation.mean.min()) for curve in study.curves)
    return best, f" and noise variance {significant(best, 3)} (the lowest cross-validated squared error)"


def _coefficients(curve: Curve) -> np.ndarray:
    return curve.path.coef_standardized[curve.cross_validation.index_min]


def _width(name: str, rate: float) -> str:
    """What the rate alpha n / noise variance says about the width."""
    if name == "L2":
        deviation, precision = significant(rate**-0.5, 3), significant(rate, 3)
        return f"L2: normal, standard deviation {deviation} (precision alpha·n/variance = {precision})"
    if name == "L1":
        return f"L1: Laplace, scale variance/(alpha·n) = {significant(1 / rate, 3)}"
    return ""
