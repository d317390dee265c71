"""The files a study leaves: summary.json and coefficients.csv."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .chapters import Chapter
from .results import Curve, Fit, NetworkFit, Study

DIGITS = 10  # more would differ with the number of threads that added them up
ROUNDING = 1e-15


def write_summary(study: Study, path: Path) -> None:
    """Everything but the pictures, as plain data without times or folders: the same seed, the same bytes."""
    from .. import __version__

    data = {
        "format": "alphaomega-summary",
        "version": 1,
        "alphaomega": __version__,
        "understanding": asdict(study.understanding),
        "settings": {"seed": study.seed, "folds": study.folds, "test_size": study.test_size},
        "rows": {"train": len(study.train.y), "test": len(study.test.y)},
        "error": study.error_name,
        "fits": [_fit(fit) for fit in (study.baseline, *study.fits)],
        "networks": [_network(row) for row in study.networks],
        "network_notes": list(study.network_notes),
        "curves": [_curve(curve) for curve in study.curves],
        "recommended": study.chosen.label if study.chosen else None,
        "recommendation": list(study.recommendation),
        "interrupted": study.interrupted,
        "warnings": list(study.warnings),
        "chapters": [_chapter(chapter) for chapter in study.chapters],
    }
    path.write_text(json.dumps(_plain(data), indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def _chapter(chapter: Chapter) -> dict[str, Any]:
    """What a chapter says and its tables; its pictures are in the report."""
    return {
        "title": chapter.title,
        "sentences": list(chapter.sentences),
        "tables": [{"title": grid.title, "head": list(grid.head), "rows": list(grid.rows)} for grid in chapter.tables],
        "notes": list(chapter.notes),
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "name": fit.name,
        "rule": fit.rule,
        "alpha": fit.alpha,
        "l1_ratio": fit.l1_ratio,
        "train": asdict(fit.train),
        "test": asdict(fit.test),
        "cv_error": fit.cv_error,
        "cv_standard_error": fit.cv_standard_error,
        "n_nonzero": fit.n_nonzero,
        "l1_norm": fit.l1_norm,
        "l2_norm": fit.l2_norm,
        "unique": fit.unique,
        "unique_reason": fit.unique_reason,
        "gap": _gap(fit.gap),
        "note": fit.note,
    }


def _network(row: NetworkFit) -> dict[str, Any]:
    return {
        "name": row.name,
        "alpha": row.alpha,
        "train": asdict(row.train),
        "test": asdict(row.test),
        "validation_error": row.validation_error,
        "features_used": row.n_nonzero,
        "weights": row.n_weights,
        "weights_used": row.n_used,
        "l1_norm": row.l1_norm,
        "l2_norm": row.l2_norm,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    cv = curve.cross_validation
    return {
        "name": curve.name,
        "l1_ratio": curve.l1_ratio,
        "alpha": curve.path.alphas,
        "n_nonzero": curve.path.n_nonzero,
        "gap": [_gap(value) for value in curve.path.gap],
        "cv_error": cv.mean,
        "cv_standard_error": cv.standard_error,
        "train_error": curve.train_error,
        "test_error": curve.test_error,
    }


def _plain(value: Any) -> Any:
    """JSON's own kinds; numbers that are not finite become null."""
    import numpy as np

    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def _gap(value: float) -> float:
    """A certificate to two digits; less than rounding is none."""
    return 0.0 if value < ROUNDING else float(f"{value:.2g}")


def write_coefficients(study: Study, path: Path) -> None:
    """One row per feature (and class): its coefficient in every fit, in units and per standard deviation."""
    labels = study.understanding.classes if study.loss.name == "multinomial" else ("",)
    header = ["feature", "column", "class", "mean", "standard_deviation"]
    for fit in study.fits:
        header += [fit.label, f"{fit.label} standardized"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for k, label in enumerate(labels):
            intercepts = [_number(_of_class(fit.solution.intercept, k)) for fit in study.fits]
            writer.writerow(["(intercept)", "", label, "", "", *(cell for value in intercepts for cell in (value, ""))])
            for j, name in enumerate(study.feature_names):
                row = [name, study.feature_groups[j], label, _number(study.center[j]), _number(study.scale[j])]
                for fit in study.fits:
                    row.append(_number(_of_class(fit.solution.coef, k, 2)[j]))
                    row.append(_number(_of_class(fit.coef_standardized, k, 2)[j]))
                writer.writerow(row)


def _of_class(values: Any, k: int, dimensions: int = 1) -> Any:
    """The part of one class, where there are classes."""
    import numpy as np

    array = np.asarray(values)
    return array[k] if array.ndim == dimensions else array


def _number(value: Any) -> str:
    return repr(float(value))
