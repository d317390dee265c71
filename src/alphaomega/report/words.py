"""Numbers and terms in plain words."""

from __future__ import annotations

import math

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

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
    ("Null model", "The intercept alone, no feature used: what every other fit has to beat."),
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


def significant(value: float, digits: int = 4) -> str:
    """A number for people: a few significant digits, thousands apart, powers of ten beyond a million.

    Examples
    --------
    >>> significant(3127.4), significant(1.234e-7), significant(0.0), significant(float("nan"))
    ('3,127', '1.234×10⁻⁷', '0', '–')
    """
    value = float(value)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 6:
        text = f"{value:,.{max(digits - 1 - exponent, 0)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa = f"{value / 10.0**exponent:.{digits - 1}f}".rstrip("0").rstrip(".")
        text = f"{mantissa}×10{str(exponent).translate(SUPERSCRIPTS)}"
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.1234), percent(float("nan"))
    ('12.3%', '–')
    """
    return "–" if math.isnan(share) else f"{100 * share:.1f}%"


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
