"""Where each rule would put alpha, side by side."""

from __future__ import annotations

import numpy as np

from ...fitting import cross_validate
from ...model_selection import Criteria, NoiseNotEstimable, criteria
from ...penalties import L2
from ...plotting import criteria_figure
from ...results import Solution
from ..comparison import errors, quietly
from ..numbers import counted, number
from ..results import Curve, Errors
from .base import NOTHING, Cell, Chapter, Grid, Material, Picture
from .stability import selected

MENU = "Choices"
TITLE = "Where each rule would cut"
NAMES = {"aic": "AIC", "bic": "BIC", "ebic": "EBIC", "gcv": "GCV"}
CAPTION = (
    "Smaller errors are better. The test rows chose nothing. The last line is L2, at its cross-validated alpha, on the "
    "features of stability selection alone."
)
MOST_CELLS = 3e7  # rows times features times squared outputs beyond which the criteria are left out


def chapter(material: Material) -> Chapter:
    """The rules of every penalty: alpha, features kept, cross-validated error, test error."""
    study = material.study
    rows: list[tuple[Cell, ...]] = []
    pictures: list[Picture] = []
    notes: set[str] = set()
    sentences: list[str] = []
    for number_done, curve in enumerate(study.curves):
        found, note = _criteria(material, curve)
        notes |= {note} if note else set()
        choices = _choices(curve, found)
        rows += [_row(curve, label, k, found) for label, k in choices.items()]
        if curve.name == "L1" and found is not None:
            pictures.append(_picture(found, choices))
            sentences.append(_sentence(curve, choices))
        material.told(0.5 * (number_done + 1) / len(study.curves))
    kept, found_errors = _stable(material)
    rows.append(("stability, refitted", NOTHING, kept, NOTHING, NOTHING, found_errors.deviance))
    sentences.append(
        f"Stability selection keeps {counted(kept, 'feature')}; L2 on nothing else has a test error of "
        f"{number(found_errors.deviance)}."
    )
    head = ("rule", "alpha", "features", "degrees of freedom", "CV error", "test error")
    grid = Grid("Rules side by side", head, tuple(rows), CAPTION)
    lead = (
        "Cross-validation is one way to choose alpha, not the only one. Every line below is one rule on the same path: "
        "min and 1-SE from the folds, the criteria from a formula that charges each degree of freedom. Stability "
        "selection chooses no alpha but features: those that half of the rows name again and again."
    )
    return Chapter("strengths", MENU, TITLE, lead, tuple(sentences), (grid,), tuple(pictures), tuple(sorted(notes)))


def _criteria(material: Material, curve: Curve) -> tuple[Criteria | None, str]:
    """The criteria of a path; where least squares leaves no rows for the noise, it is that of the chosen L1 fit."""
    part = material.study.train
    outputs = 1 if part.y.ndim == 1 else part.y.shape[1]
    if part.X.shape[0] * part.X.shape[1] * outputs**2 > MOST_CELLS:
        return None, "The criteria are left out: the data are too large for the degrees of freedom of every fit."
    found = criteria(curve.path)
    try:
        return (found, "") if found.noise_variance > 0 else (None, "")
    except NoiseNotEstimable:
        pass
    index = curve.cross_validation.index_min
    left = max(found.n - found.df[index], 1.0)
    variance = float(found.deviance[index] / left)
    note = (
        "More features than rows: the noise variance that AIC, BIC and EBIC need is taken from each penalty's own fit "
        "at its smallest cross-validated error."
    )
    return criteria(curve.path, noise_variance=variance), note


def _stable(material: Material) -> tuple[int, Errors]:
    """How many features stability selection keeps, and the errors of ridge on them alone on the test rows."""
    study, chosen = material.study, selected(material)[0].selected
    if not len(chosen):
        return 0, study.baseline.test
    X, arguments = material.X[:, chosen], material.arguments()
    cv = quietly(lambda: cross_validate(X, material.y, penalty=L2(), folds=study.folds, seed=study.seed, **arguments))
    fit, alone = cv.path.at(cv.alpha_min), cv.path.coef[0]
    coef = np.zeros((*alone.shape[:-1], material.X.shape[1]))
    coef[..., chosen] = fit.coef
    return len(chosen), errors(study.loss, study.test, Solution(fit.alpha, coef, fit.intercept, fit.gap))


def _choices(curve: Curve, found: Criteria | None) -> dict[str, int]:
    """Rule -> grid position."""
    cv = curve.cross_validation
    choices = {"min": cv.index_min, "1-SE": cv.index_1se}
    if found is not None:
        choices |= {label: found.index(name) for name, label in NAMES.items()}
    return choices


def _row(curve: Curve, label: str, k: int, found: Criteria | None) -> tuple[Cell, ...]:
    df: Cell = NOTHING if found is None else float(found.df[k])
    path, cv = curve.path, curve.cross_validation
    alpha, used = float(path.alphas[k]), int(path.n_nonzero[k])
    return (f"{curve.name}, {label}", alpha, used, df, float(cv.mean[k]), float(curve.test_error[k]))


def _sentence(curve: Curve, choices: dict[str, int]) -> str:
    used = {label: int(curve.path.n_nonzero[k]) for label, k in choices.items()}
    fewest, most = min(used.values()), max(used.values())
    if fewest == most:
        return f"All rules agree on {most:,} features for L1."
    few, many = (", ".join(label for label, count in used.items() if count == value) for value in (fewest, most))
    best = min(choices, key=lambda label: float(np.nan_to_num(curve.test_error[choices[label]], nan=np.inf)))
    return (
        f"For L1 the rules keep from {fewest:,} features ({few}) to {most:,} ({many}); on the test rows {best} does "
        f"best, with {number(float(curve.test_error[choices[best]]))}."
    )


def _picture(found: Criteria, choices: dict[str, int]) -> Picture:
    alphas = {label: number(float(found.path.alphas[choices[label]]), 3) for label in NAMES.values()}
    told = ", ".join(f"{label} at alpha {alpha}" for label, alpha in alphas.items())
    caption = f"L1. Each criterion from 0 at its smallest value to 1 at the null model. Smallest: {told}."
    return Picture(criteria_figure(found), caption, f"Line chart of four criteria against alpha. {caption}", "L1")
