"""What the numbers say, in two sentences."""

from __future__ import annotations

import numpy as np

from ..losses import Loss
from .numbers import number
from .results import Fit

NEARLY_ALL = 0.99  # from here on whole percents would read as all
FEW = 0.75  # a model with at most this share of the features is worth calling smaller


def choose(fits: tuple[Fit, ...]) -> Fit | None:
    """The smallest model within one standard error of the best cross-validated error; ties go to the smaller error.

    A model counts as smaller only if it uses at most three quarters of the best model's features, and a penalty stands
    for choice only if it is not measurably worse than the best one, fold by fold: on hard data the errors of all
    penalties move together from fold to fold, and their own standard errors would hide which is better.
    """
    tuned = [fit for fit in fits if fit.rule]
    if not tuned:
        return None
    best = min(tuned, key=lambda fit: fit.cv_error)
    bar = best.cv_error + best.cv_standard_error
    equals = {fit.name for fit in tuned if not measurably_worse(fit, best)}
    small = [
        fit for fit in tuned if fit.name in equals and fit.cv_error <= bar and fit.n_nonzero <= FEW * best.n_nonzero
    ]
    if not small:
        return best
    return min(small, key=lambda fit: (fit.n_nonzero, fit.cv_error))


def measurably_worse(fit: Fit, best: Fit) -> bool:
    """Whether the mean difference between the folds' errors exceeds its standard error."""
    if fit.cv_scores is None or best.cv_scores is None or fit is best:
        return False
    difference = fit.cv_scores - best.cv_scores
    difference = difference[np.isfinite(difference)]
    if len(difference) < 2:
        return False
    return bool(difference.mean() > difference.std(ddof=1) / np.sqrt(len(difference)))


def recommend(fits: tuple[Fit, ...], baseline: Fit, loss: Loss, n_features: int) -> tuple[str, ...]:
    """Two plain sentences: how well the recommended model does, and why this one."""
    chosen = choose(fits)
    if chosen is None:
        return ()
    return _how_well(chosen, fits, baseline, loss), _why(chosen, fits, n_features)


def _how_well(chosen: Fit, fits: tuple[Fit, ...], baseline: Fit, loss: Loss) -> str:
    if loss.classifies:
        told = (
            f"{chosen.label} classifies {1 - chosen.test.misclassified:.1%} of the held-out rows correctly "
            f"(± {chosen.test.misclassified_standard_error:.1%}; the commonest class alone: "
            f"{1 - baseline.test.misclassified:.1%})"
        )
    else:
        told = _predicts(chosen, baseline, loss)
    free = next((fit for fit in fits if fit.name == "none"), None)
    if free is None:
        return told + "."
    return f"{told}, {_against_none(chosen, free, loss)}."


def _predicts(chosen: Fit, baseline: Fit, loss: Loss) -> str:
    """The test error in the target's own units where it has some, and the share explained."""
    error, spread = chosen.test.deviance, chosen.test.deviance_standard_error
    if loss.constant_curvature:
        root = error**0.5
        size = f"a root mean squared error of {number(root)} ± {number(spread / (2 * root) if root else 0.0, 2)}"
        whole = "variance"
    else:
        size, whole = f"a mean deviance of {number(error)} ± {number(spread, 2)}", "deviance"
    share = 1 - error / baseline.test.deviance if baseline.test.deviance > 0 else 0.0
    told = f"{share:.0%}" if share < NEARLY_ALL else f"{share:.1%}"
    explained = f" and explains {told} of their {whole}" if share > 0 else ", no better than the mean alone"
    return f"{chosen.label} predicts the held-out rows with {size}{explained}"


def _against_none(chosen: Fit, free: Fit, loss: Loss) -> str:
    """What regularization did to the errors of the two parts."""
    if not np.isfinite(free.gap) or free.note:
        return "where no stable fit exists without a penalty"
    error = free.test.deviance
    other = number(error**0.5) if loss.constant_curvature else f"deviance of {number(error)}"
    measure = "mean squared error" if loss.constant_curvature else "deviance"
    change = 1 - chosen.test.deviance / free.test.deviance if free.test.deviance > 0 else 0.0
    if change > 0.005:
        return f"and regularization cut the unpenalised fit's test {measure} by {change:.0%}"
    if chosen.test.deviance - free.test.deviance > chosen.test.deviance_standard_error:
        return f"while the unpenalised fit's {other} is smaller"
    if change < -0.005:
        return f"within the noise of the unpenalised fit's {other}"
    return "the same as without a penalty"


def _why(chosen: Fit, fits: tuple[Fit, ...], n_features: int) -> str:
    tuned = [fit for fit in fits if fit.rule]
    best = min(tuned, key=lambda fit: fit.cv_error)
    used = f"{chosen.n_nonzero:,} of {n_features:,} features"
    if chosen.n_nonzero == 0:
        return "No feature helps beyond chance: the intercept alone does as well."
    if chosen is not best:
        return (
            f"{best.label} has the smallest cross-validated error, {chosen.label} is within one standard error of it "
            f"and uses {used} instead of {best.n_nonzero:,}: take {chosen.label}."
        )
    rivals = sorted(
        {fit.name: fit for fit in reversed(tuned) if fit.name != best.name}.values(), key=lambda fit: fit.cv_error
    )
    if not rivals:
        return f"It uses {used}."
    bar = best.cv_error + best.cv_standard_error
    close = [fit.name for fit in rivals if fit.cv_error <= bar and not measurably_worse(fit, best)]
    if close:
        return (
            f"{' and '.join(close)} {'are' if len(close) > 1 else 'is'} within one standard error of {best.label}, "
            f"which uses {used}, and no much smaller model is: take {best.label}."
        )
    lesson = "few features carry the signal" if best.name == "L1" else "the signal is spread over many features"
    return f"{best.label} beats every other penalty by more than one standard error with {used}: {lesson}."
