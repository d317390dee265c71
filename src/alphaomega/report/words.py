"""Numbers and terms in plain words."""

from __future__ import annotations

import math

from ..plotting.theme import significant as significant

ROUNDING = 1e-15

FAMILIES = {
    "gaussian": "a number: linear regression, squared error",
    "binomial": "two classes: logistic regression",
    "multinomial": "several classes: multinomial regression",
    "poisson": "counts: Poisson regression",
}

GLOSSARY = (
    (
        "Objective",
        "What a fit minimises: the mean loss on the training rows plus alpha times the penalty, J + alpha·Omega.",
    ),
    (
        "alpha",
        "The strength of the penalty. At 0 the fit is unpenalised; as it grows, coefficients shrink towards zero.",
    ),
    ("None (unpenalised)", "alpha = 0: ordinary least squares, or maximum likelihood for classes and counts."),
    (
        "L2 (ridge)",
        "Penalises half the sum of squared coefficients: makes all of them small, none of them exactly zero.",
    ),
    ("L1 (lasso)", "Penalises the sum of absolute coefficients: sets many to exactly zero, so it selects features."),
    ("Elastic net", "A mix of L1 and L2: selects, but keeps correlated features together."),
    ("Intercept (bias)", "The constant term. It is never penalised."),
    ("Null model (mean only)", "The intercept alone, no feature used: what every other fit has to beat."),
    ("Explained", "The share of the null model's test error that a fit saves; for numbers R² on the test rows."),
    (
        "Coefficient per standard deviation",
        "How much the linear predictor moves when a feature moves by one of its standard deviations; comparable "
        "between features. The penalty acts on this scale.",
    ),
    (
        "Deviance",
        "The error measure for classes and counts: twice the gap in log likelihood to a perfect fit, mean over rows. "
        "For numbers it is the mean squared error.",
    ),
    (
        "Training and test error",
        "The error on the rows the fit saw, and on rows that nothing saw, the choice of alpha included.",
    ),
    (
        "Cross-validation",
        "The training rows are dealt into folds; each is predicted by a fit on the others. The mean error over folds "
        "chooses alpha without touching the test rows.",
    ),
    ("Standard error", "How far a mean would typically move on another sample of the same size."),
    (
        "1-SE rule",
        "Take the strongest penalty whose cross-validated error is within one standard error of the lowest: a simpler "
        "model that is not measurably worse.",
    ),
    (
        "Certificate (duality gap)",
        "A proven bound on how far a solution's objective can lie above the best possible one, relative to the null "
        "model's loss.",
    ),
)


def percent(share: float) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.1234), percent(float("nan"))
    ('12.3%', '–')
    """
    return "–" if math.isnan(share) else f"{100 * share:.1f}%"


def gap(value: float) -> str:
    """A certificate: one digit, and nothing below what rounding makes of a solution that is exact.

    Examples
    --------
    >>> gap(4.2e-9), gap(7e-17), gap(float("nan"))
    ('4×10⁻⁹', '0', '–')
    """
    return significant(0.0 if value < ROUNDING else value, 1)


def shortened(name: str, longest: int = 44) -> str:
    """A name for a sentence: a long one loses its end.

    Examples
    --------
    >>> shortened("a rather long name", 10)
    'a rather…'
    """
    return name if len(name) <= longest else f"{name[: longest - 1].rstrip()}…"


def listed(items: list[str], most: int = 5) -> str:
    """A list in a sentence; beyond `most` a count of the others.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], most=2)
    ('a, b and c', 'a, b and 1 other')
    """
    if len(items) > most:
        others = len(items) - most
        return f"{', '.join(items[:most])} and {others:,} other{'s' if others > 1 else ''}"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"
