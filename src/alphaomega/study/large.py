"""The study of a file that would not fit in memory: the same comparison, X read in batches."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import losses
from ..datasets import DataError, Table
from ..designs import Chunked, Design, from_arrow, from_csv, from_parquet
from ..fitting import cross_validate
from ..losses import Loss
from ..penalties import L1, L2, ElasticNet, Penalty
from ..results import CrossValidation, Solution
from .progress import Progress, silent
from .splitting import split
from .target import FAMILIES, choose_family, choose_target
from .understanding import Options

Floats = NDArray[np.float64]
SHARE = 8  # the numbers of a file may fill one part in so many of the memory: a study copies and splits them
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
READERS = {
    ".parquet": from_parquet,
    ".pq": from_parquet,
    ".arrow": from_arrow,
    ".feather": from_arrow,
    ".csv": from_csv,
}
PENALTIES: dict[str, Penalty] = {"L2": L2(), "elastic net": ElasticNet(0.5), "L1": L1()}


def budget(memory: str) -> float:
    """Bytes that the numbers of a file may take: half of what --memory says, else an eighth of the machine's memory.

    Raises
    ------
    DataError
        If the text is no size.

    Examples
    --------
    >>> budget("2GB") == 2**30
    True
    """
    if not memory:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / SHARE
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", memory, re.IGNORECASE)
    if not found or not float(found[1]):
        raise DataError(f"--memory {memory!r} is no size; write for example 2GB or 500MB")
    return float(found[1]) * UNITS[found[2].upper()] / 2


def too_large(data: str, allowed: float) -> str:
    """One line that says how large the numbers of a file are, where they exceed the budget; else empty."""
    path = Path(data)
    if path.suffix.lower() not in READERS or not path.is_file():
        return ""
    size = _bytes_of_numbers(path)
    if size <= allowed:
        return ""
    return (
        f"{path.name} holds {size / 1e9:.2g} GB of numbers, more than the {allowed / 1e9:.2g} GB that a study in "
        "memory may take (--memory sets it): it is read in batches."
    )


def _bytes_of_numbers(path: Path) -> float:
    if path.suffix.lower() in (".parquet", ".pq"):
        import polars

        rows = polars.scan_parquet(path).select(polars.len()).collect().item()
        return 8.0 * rows * len(polars.read_parquet_schema(path))
    return float(path.stat().st_size)


@dataclass(frozen=True)
class LargeFit:
    """One penalty at one chosen alpha: mean squared errors, or mean deviances."""

    name: str
    rule: str
    alpha: float
    n_nonzero: int
    cv_error: float
    cv_standard_error: float
    train_error: float
    test_error: float


@dataclass(frozen=True)
class LargeStudy:
    """What was compared, and what is recommended: the smallest model within one standard error of the best."""

    target: str
    family: str
    reason: str
    rows: tuple[int, int]
    null_test_error: float
    fits: tuple[LargeFit, ...]
    features: tuple[str, ...]
    solutions: tuple[Solution, ...]

    @property
    def chosen(self) -> LargeFit:
        """The recommended fit."""
        best = min(self.fits, key=lambda fit: fit.cv_error)
        near = [fit for fit in self.fits if fit.cv_error <= best.cv_error + best.cv_standard_error]
        return min(near, key=lambda fit: (fit.n_nonzero, fit.cv_error))


def study_large(data: str, options: Options, allowed: float, progress: Progress = silent) -> LargeStudy:
    """Cross-validate L2, the elastic net and L1 on a file that is read in batches, and test them on held-out rows.

    Test rows have weight zero in every fit, so nothing is cut out or copied. Missing numbers are filled with the mean
    of the training rows, in every fold anew.

    Raises
    ------
    DataError
        If the options ask for what only a study in memory does, or the data cannot be used.
    """
    for name, value in (("--offset", options.offset), ("--exposure", options.exposure), ("--text", options.text)):
        if value:
            raise DataError(f"{name} needs the file in memory; allow it with a larger --memory")
    X, y, target, (family, reason) = _parted(data, options, allowed)
    loss = losses.find(FAMILIES[family])
    train, test = split(y, loss.classifies, options.test_size, options.seed)
    weights = np.zeros(len(y))
    weights[train] = 1.0
    found: list[tuple[str, CrossValidation]] = []
    for number, (name, penalty) in enumerate(PENALTIES.items()):
        progress(name, number / len(PENALTIES))
        cv = cross_validate(
            X,
            y,
            loss,
            penalty,
            weights=weights,
            standardize=True,
            folds=options.folds,
            seed=options.seed,
            impute="mean",
        )
        found.append((name, cv))
    progress("done", 1.0)
    return _compared(X, (loss.target(y).values, weights), found, (target, family, reason), (len(train), len(test)))


def _parted(data: str, options: Options, allowed: float) -> tuple[Chunked, NDArray, str, tuple[str, str]]:
    """X without target and excluded columns, y, its name, its family and why."""
    import polars

    path = Path(data)
    whole: Any = READERS[path.suffix.lower()](path, memory=allowed)
    names = list(whole.schema.columns)
    excluded = dict.fromkeys(options.exclude, "left out by --exclude")
    table = Table(path.name, frame=polars.DataFrame(schema=names))
    target, _ = choose_target(table, options.target, excluded)
    y = whole.column(target)
    series = polars.Series(target, y.tolist() if y.dtype == object else y)
    family = choose_family(series, Table(path.name, frame=series.to_frame()), options.family, "")
    X = whole
    for name in (target, *excluded):
        X = X.without(name)
    return X, y, target, family


def _compared(
    X: Design,
    data: tuple[Floats, Floats],
    found: Sequence[tuple[str, CrossValidation]],
    described: tuple[str, str, str],
    rows: tuple[int, int],
) -> LargeStudy:
    """Training and test errors of every chosen fit, from one read."""
    y, weights = data
    chosen = [
        (name, rule, cv, alpha) for name, cv in found for rule, alpha in (("min", cv.alpha_min), ("1-SE", cv.alpha_1se))
    ]
    solutions = [cv.path.at(alpha) for *_, cv, alpha in chosen]
    first = found[0][1].path
    null = Solution(np.inf, np.zeros_like(first.coef[0]), _null_intercept(first.loss, y, weights), 0.0)
    design = X if first.encoder is None else first.encoder.transform(X)
    work = partial(_deviances, loss=first.loss, solutions=[null, *solutions])
    errors = design.sum_over_rows(work, y, weights) / np.array([[rows[0]], [rows[1]]])
    fits = []
    for place, ((name, rule, cv, alpha), solution) in enumerate(zip(chosen, solutions, strict=True), start=1):
        at = cv.path.index(alpha)
        assert at is not None
        fits.append(
            LargeFit(
                name, rule, float(alpha), solution.n_nonzero, float(cv.mean[at]), float(cv.standard_error[at]),
                float(errors[0, place]), float(errors[1, place]),
            )
        )  # fmt: skip
    return LargeStudy(*described, rows, float(errors[1, 0]), tuple(fits), tuple(first.names()), tuple(solutions))


def _null_intercept(loss: Loss, y: Floats, weights: Floats) -> Floats:
    from ..designs import Dense
    from ..problem import NullModel, Problem

    empty = Dense(np.zeros((len(y), 1), dtype=np.float32))
    return NullModel.of(Problem(empty, y, loss, L1(), weights)).intercept


def _deviances(rows: Design, y: Floats, weights: Floats, loss: Loss, solutions: Sequence[Solution]) -> Floats:
    """Sums of the deviances of training (weight one) and test rows, (2, fits)."""
    sums = np.zeros((2, len(solutions)))
    for place, solution in enumerate(solutions):
        deviance = loss.deviance(y, rows.matvec(np.ascontiguousarray(solution.coef.T)) + solution.intercept)
        sums[:, place] = deviance @ weights, deviance @ (1 - weights)
    return sums


def write_large(study: LargeStudy, folder: Path) -> list[Path]:
    """summary.json and coefficients.csv."""
    summary, table = folder / "summary.json", folder / "coefficients.csv"
    data = {
        "format": "alphaomega-large-summary",
        "target": study.target,
        "family": study.family,
        "reason": study.reason,
        "rows": {"train": study.rows[0], "test": study.rows[1]},
        "null_test_error": study.null_test_error,
        "fits": [asdict(fit) for fit in study.fits],
        "recommended": asdict(study.chosen),
    }
    summary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        labels = [f"{fit.name} ({fit.rule})" for fit in study.fits]
        classes = len(np.atleast_2d(study.solutions[0].coef))
        writer.writerow(["feature", *([] if classes == 1 else ["class"]), *labels])
        for row, name in enumerate(study.features):
            for k in range(classes):
                values = [np.atleast_2d(solution.coef)[k, row] for solution in study.solutions]
                writer.writerow([name, *([] if classes == 1 else [k]), *values])
    return [summary, table]


def lines_of(study: LargeStudy) -> list[str]:
    """The comparison as lines of text."""
    error = "mean squared error" if study.family == "gaussian" else "mean deviance"
    lines = [
        f"Target {study.target!r}, {study.family}: {study.reason}. {study.rows[0]:,} rows to train, {study.rows[1]:,} "
        f"to test, {len(study.features):,} features.",
        "",
        f"{error:<22}{'alpha':>10}{'train':>12}{'test':>12}{'validated':>12}{'non-zero':>10}",
        f"{'no features':<32}{'':>12}{study.null_test_error:>12.5g}",
    ]
    for fit in study.fits:
        label = f"{fit.name} ({fit.rule})"
        errors = f"{fit.train_error:>12.5g}{fit.test_error:>12.5g}{fit.cv_error:>12.5g}"
        lines.append(f"{label:<22}{fit.alpha:>10.3g}{errors}{fit.n_nonzero:>10,}")
    chosen = study.chosen
    lines += [
        "",
        f"Recommended: {chosen.name} ({chosen.rule}) with {chosen.n_nonzero:,} features, the smallest model within one "
        "standard error of the best.",
    ]
    return lines
