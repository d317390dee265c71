"""The coefficient table's data: plain numbers that the page's script sorts and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..study.results import Study

MOST_NUMBERS = 28_000


def coefficient_data(study: Study) -> dict[str, Any]:
    """Names, scales and every fit's coefficients per standard deviation, (K, p) each; of very many the strongest."""
    coefs = {fit.label: np.atleast_2d(fit.coef_standardized) for fit in study.fits}
    p = len(study.feature_names)
    if not coefs:
        return {"names": [], "scale": [], "fits": [], "classes": [], "total": p, "rule": "min"}
    n_outputs = next(iter(coefs.values())).shape[0]
    shown = strongest(coefs, max(MOST_NUMBERS // (n_outputs * len(coefs)), 100))
    rule = study.chosen.rule if study.chosen is not None and study.chosen.rule else "min"
    return {
        "names": [study.feature_names[j] for j in shown],
        "scale": [_rounded(study.scale[j]) for j in shown],
        "fits": [
            {
                "name": fit.name,
                "rule": fit.rule,
                "coef": [[_rounded(v) for v in row[shown]] for row in coefs[fit.label]],
            }
            for fit in study.fits
        ],
        "classes": list(study.understanding.classes) if n_outputs > 1 else [],
        "total": p,
        "rule": rule,
    }


def strongest(coefs: dict[str, NDArray[np.float64]], most: int) -> NDArray[np.intp]:
    """Positions of the features with the largest |coefficient| in any penalised fit, largest first."""
    penalised = [coef for label, coef in coefs.items() if label != "none"] or list(coefs.values())
    strength = np.max([abs(coef).max(0) for coef in penalised], axis=0)
    return np.argsort(-strength, kind="stable")[:most]


def _rounded(value: float) -> float:
    return float(f"{value:.6g}") if np.isfinite(value) else 0.0
