"""Where each rule would put alpha, side by side."""

from __future__ import annotations

from .base import Cell, Chapter, Grid, Material

MENU = "Choices"
TITLE = "Where each rule would cut"


def chapter(material: Material) -> Chapter:
    """The rules of every penalty: alpha, features kept, cross-validated error, test error."""
    return Chapter(
        "strengths",
        MENU,
        TITLE,
        "Cross-validation is one way to choose alpha, not the only one. Every line is one rule on the same path.",
        tables=(_grid(material),),
    )


def _grid(material: Material) -> Grid:
    rows: list[tuple[Cell, ...]] = [
        (fit.label, fit.alpha, fit.n_nonzero, fit.cv_error, fit.test.deviance)
        for fit in material.study.fits
        if fit.rule
    ]
    return Grid("Rules", ("rule", "alpha", "features", "CV error", "test error"), tuple(rows))
