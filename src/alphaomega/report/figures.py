"""The pictures of the report, each with a caption that says what this data shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..plotting import ErrorCurve, coefficients_figure, cross_validation_figure, error_figure, path_figure
from ..plotting.theme import color_of
from .constraint import constraint_drawing
from .prior import prior_drawing
from .words import listed, shortened, significant

if TYPE_CHECKING:
    from ..study.results import Curve, Study
    from .chapters import Sheet

NAMED = 10
TITLE_ROOM = 34  # pixels that a figure's own title takes; the page has headings instead


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure with its heading (empty: the section's serves), caption and text for those who cannot see it."""

    id: str
    figure: go.Figure
    heading: str
    caption: str
    alt: str

    @property
    def height(self) -> int:
        """Pixels on the page."""
        return int(self.figure.layout.height - TITLE_ROOM)

    def json(self) -> str:
        """The figure for plotly.js, without title and template: the page brings both."""
        figure = go.Figure(self.figure)
        margin = figure.layout.margin.t - TITLE_ROOM
        figure.update_layout(title=None, template=None, height=self.height, margin={"t": margin})
        return figure.to_json()


@dataclass(frozen=True, eq=False)
class Section:
    """A heading, its short form for the menu, a lead that says what to look for, findings, tables and drawings.

    `note` stands in for a drawing that cannot be made; `notes` say what to doubt.
    """

    id: str
    menu: str
    title: str
    lead: str
    drawings: tuple[Drawing, ...]
    note: str = ""
    sentences: tuple[str, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    notes: tuple[str, ...] = ()


def sections(study: Study) -> list[Section]:
    """All sections with pictures that this study has something to show for."""
    if not study.curves:
        return []
    return [
        _errors(study),
        _cross_validation(study),
        _paths(study),
        _coefficients(study),
        _constraint(study),
        _prior(study),
    ]


def _errors(study: Study) -> Section:
    curves = {
        curve.name: ErrorCurve(
            curve.path.alphas, curve.train_error, curve.test_error, chosen=curve.cross_validation.alpha_min
        )
        for curve in study.curves
    }
    figure = error_figure(curves, study.loss, null_error=study.baseline.test.deviance)
    told = [_error_sentence(curve) for curve in study.curves]
    caption = f"{' '.join(told)} Dots mark the alpha that cross-validation chose; it never saw the test rows."
    drawing = Drawing(
        "errors", figure, "", caption, f"Line chart of training and test error against alpha. {' '.join(told)}"
    )
    lead = (
        "Regularization buys test error with training error. To the right the penalty fades and the training error "
        "(dashed) can only fall; the test error (solid) tells whether that was learning or memorising."
    )
    return Section("errors", "Errors", "Training and test error against alpha", lead, (drawing,))


def _error_sentence(curve: Curve) -> str:
    best, end = float(np.nanmin(curve.test_error)), float(curve.test_error[-1])
    text = f"{curve.name}: lowest test error {significant(best, 3)}, {significant(end, 3)} at the weakest penalty"
    return f"{text} (training {significant(curve.train_error[-1], 3)})."


def _cross_validation(study: Study) -> Section:
    drawings = []
    for curve in study.curves:
        cv = curve.cross_validation
        figure = cross_validation_figure(cv, color=color_of(curve.name), height=370)
        used = cv.path.n_nonzero
        caption = (
            f"Lowest at alpha {significant(cv.alpha_min, 3)} with {used[cv.index_min]:,} features; within one standard "
            f"error of it up to alpha {significant(cv.alpha_1se, 3)} with {used[cv.index_1se]:,}."
        )
        alt = f"Cross-validated error of {curve.name} against alpha with a band of one standard error. {caption}"
        drawings.append(Drawing(_id("cv", curve), figure, _title(curve), caption, alt))
    lead = (
        f"Each point is the mean error over {study.folds} folds of the training rows, the band one standard error. "
        "The full dot is the lowest; the open one is the strongest penalty that is not measurably worse."
    )
    return Section("cross-validation", "Alpha", "How alpha was chosen", lead, tuple(drawings))


def _paths(study: Study) -> Section:
    named = strongest_features(study, NAMED)
    drawings = []
    for curve in study.curves:
        cv = curve.cross_validation
        marks = {"minimum": cv.alpha_min} | ({"1-SE": cv.alpha_1se} if cv.index_1se != cv.index_min else {})
        figure = path_figure(curve.path, named=[int(j) for j in named], marks=marks, height=460)
        caption = _path_caption(curve)
        alt = f"Coefficients of {curve.name} against alpha, {len(named)} strongest features named. {caption}"
        drawings.append(Drawing(_id("path", curve), figure, _title(curve), caption, alt))
    lead = (
        "Every line is one feature. On the left the penalty is so strong that (nearly) nothing is left; to the right "
        "it fades towards the unpenalised fit. The same features have the same colours in every panel."
    )
    return Section("paths", "Paths", "Coefficient paths", lead, tuple(drawings))


def _path_caption(curve: Curve) -> str:
    path = curve.path
    used = path.coef != 0 if path.coef.ndim == 2 else (path.coef != 0).any(1)
    ever = np.flatnonzero(used.any(0))
    if ever.size and used[0, ever].all():
        still = used.shape[1] - ever.size  # constant on the training rows
        told = f"{curve.name} shrinks all {ever.size:,} coefficients together; none becomes exactly zero"
        return f"{told} but those of {still:,} columns that are constant on the training rows." if still else f"{told}."
    if not ever.size:
        return "No feature enters."
    first = ever[np.argsort(used[:, ever].argmax(0), kind="stable")]
    names = path.names()
    return f"Features enter in the order {listed([shortened(names[j]) for j in first], 6)}."


def _coefficients(study: Study) -> Section:
    rule = study.chosen.rule if study.chosen is not None and study.chosen.rule else "min"
    fits = [fit for fit in study.fits if fit.rule in ("", rule)]
    figure = coefficients_figure({fit.name: fit.coef_standardized for fit in fits}, study.feature_names)
    zeros = [f"{fit.name} {len(study.feature_names) - fit.n_nonzero:,}" for fit in fits]
    total = len(study.feature_names)
    caption = f"Coefficients that are exactly zero: {listed(zeros, 6)}, of {total:,}. Hollow marks are zeros."
    alt = f"Dot chart of the coefficients of {listed([fit.name for fit in fits])} by feature. {caption}"
    named = {"min": "at the alpha with the lowest cross-validated error", "1se": "at the alpha of the 1-SE rule"}
    lead = f"The fits {named[rule]}, feature by feature. The table below holds every number."
    return Section(
        "coefficients", "Coefficients", "Coefficients side by side", lead, (Drawing("coefs", figure, "", caption, alt),)
    )


def _constraint(study: Study) -> Section:
    lead = (
        "Why L1 gives exact zeros and L2 does not. All points of the bold contour fit the training rows equally well. "
        "L1 takes the one inside the smallest diamond, L2 the one inside the smallest disc; a diamond tends to touch "
        "with a corner, where a coefficient is exactly zero."
    )
    title = "The L1 diamond and the L2 disc"
    try:
        figure, caption = constraint_drawing(study, strongest_features(study, 20))
    except ValueError as error:
        return Section("constraint", "Geometry", title, lead, (), f"Not drawn for this data: {error}.")
    alt = f"Contours of the loss of two features with a diamond and a disc touching one of them. {caption}"
    return Section("constraint", "Geometry", title, lead, (Drawing("diamond", figure, "", caption, alt),))


def _prior(study: Study) -> Section:
    lead = (
        "A penalised fit is also the most probable one under a prior belief about the coefficients: L2 believes in a "
        "normal distribution around zero, L1 in a Laplace distribution, sharper at zero and with longer tails; alpha "
        "sets the width."
    )
    figure, caption = prior_drawing(study)
    if figure is None:
        return Section("prior", "Prior", "What alpha means as a prior", lead, (), caption)
    alt = f"Density curves of the priors that the chosen alphas stand for, fitted coefficients below. {caption}"
    return Section(
        "prior", "Prior", "What alpha means as a prior", lead, (Drawing("priors", figure, "", caption, alt),)
    )


def strongest_features(study: Study, most: int) -> NDArray[np.intp]:
    """Features by |coefficient| at alpha_min, mean over the penalties, each relative to its own largest."""
    total = np.zeros(len(study.feature_names))
    for curve in study.curves:
        size = abs(np.atleast_2d(curve.path.coef_standardized[curve.cross_validation.index_min])).max(0)
        total += size / (size.max() or 1.0)
    order = np.argsort(-total, kind="stable")
    return order[total[order] > 0][:most] if total.any() else order[:most]


def _id(kind: str, curve: Curve) -> str:
    return f"{kind}-{curve.name.replace(' ', '-').lower()}"


def _title(curve: Curve) -> str:
    return f"{curve.name}, {curve.l1_ratio:.0%} L1" if np.isfinite(curve.l1_ratio) else curve.name
