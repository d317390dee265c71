"""The study of a design on disk: the fits of a study in memory, each a few reads, and all errors from one more."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from ... import losses
from ...diagnostics.uniqueness import full_rank
from ...frames import Encoder
from ...imputation import fill_values
from ...results import Path, Solution
from .. import comparison, unpenalised
from ..comparison import RULES, STRICT, Both, Candidate, Setting, Step, candidate, solution_at
from ..progress import Progress, Stages, silent
from ..results import Fit, Part, Study
from ..run import Findings, assembled, check_training_rows
from ..splitting import split
from ..target import FAMILIES
from ..understanding import Options, Reading
from .errors import errors_of_all

FEWEST_ROWS, SAMPLE_ROWS = 1_000, 20_000
L1_RATIO = 0.5
NETWORKS = "networks: they need the file in memory; allow it with a larger --memory."


def study_large(reading: Reading, options: Options, progress: Progress = silent) -> Study:
    """Compare no penalty, L2, L1 and an elastic net on a file that is read in batches; see `study`.

    Test rows have weight zero in every fit, so nothing is cut out or copied. Missing numbers are filled with the mean
    of the training rows, in every fold anew. What is held are vectors of n numbers, and a sample of the training rows
    for what only places a grid or draws a picture.

    Raises
    ------
    ValueError
        If the data or the options cannot be used; the message names the thing and the mend.
    """
    setting = _setting(reading, options)
    found = Found()
    null = unpenalised.null_predictor(setting)
    todo = [
        comparison.step_of(setting, null, "L2"),
        comparison.step_of(setting, null, "L1"),
        comparison.step_of(setting, null, "elastic net", L1_RATIO),
    ]
    del null
    stages = Stages(progress, sum(step.weight for step in todo) + 1.0)
    try:
        for step in todo:
            _fit(setting, step, found, stages)
        progress("done", 1.0)
    except KeyboardInterrupt:
        found.interrupted = True
    whole = found.candidates[0].cross_validation.path.encoder if found.candidates else None
    encoder = whole or Encoder.fit(reading.X, "mean", setting.every_row["weights"])
    setting, findings = _findings(setting, encoder, found)
    findings.network_notes.append(NETWORKS)
    return assembled(reading, options, (setting, replace(encoder, unseen="reference")), findings)


@dataclass
class Found:
    """What has been fitted so far."""

    candidates: list[Candidate] = field(default_factory=list)
    free: Path | None = None
    free_seconds: float = 0.0
    interrupted: bool = False


def _fit(setting: Setting, step: Step, found: Found, stages: Stages) -> None:
    with stages.stage(step.label, step.weight) as told:
        found.candidates.append(candidate(setting, step, told))
    if step.name == "L2" and len(setting.train.y) > setting.X.shape[1]:
        with stages.stage("none", 1.0):
            start = time.perf_counter()
            found.free = unpenalised.free_fit(setting)
            found.free_seconds = time.perf_counter() - start


def _setting(reading: Reading, options: Options) -> Setting:
    """Which rows train, and a sample of them; scale and centre are those of the sample until a fit tells them."""
    loss = losses.find(FAMILIES[reading.understanding.family])
    train, test = split(reading.y, loss.classifies, options.test_size, options.seed)
    check_training_rows(reading, options, train)
    values, X = loss.target(reading.y).values, reading.X
    weights = np.zeros(len(values))
    weights[train] = 1.0
    most = int(np.clip(X.room / (8 * X.shape[1]), FEWEST_ROWS, SAMPLE_ROWS))
    sampled = np.unique(np.linspace(0, len(train) - 1, min(len(train), most)).astype(np.intp))
    sample = X.rows(train[sampled]).array
    sample = np.where(np.isnan(sample), fill_values(sample, "mean", None, str), sample)
    spread = sample.std(0)
    offset = reading.offset
    return Setting(
        loss=loss,
        X=X,
        y=reading.y,
        train=Part(sample, values[train], None if offset is None else offset[train], sampled),
        test=Part(sample[:0], values[test], None if offset is None else offset[test], sampled[:0]),
        scale=np.where(spread > 0, spread, 1.0),
        center=sample.mean(0),
        names=Encoder.fit(X).names or (),
        folds=options.folds,
        seed=options.seed,
        every_row={"weights": weights} | ({} if offset is None else {"offset": offset}),
    )


def _findings(setting: Setting, encoder: Encoder, found: Found) -> tuple[Setting, Findings]:
    """All rows and curves, their errors from one read; the setting with the scale of the fits."""
    null = unpenalised.null_solution(setting)
    paths = [each.cross_validation.path for each in found.candidates] + ([found.free] if found.free else [])
    unique = _unique(setting)
    if paths:
        setting = replace(setting, scale=paths[0].scale, center=paths[0].center)
    solutions = [null, *(solution_at(path, k) for path in paths for k in range(len(path.alphas)))]
    both = iter(_errors(setting, encoder, solutions))
    findings = Findings(unpenalised.baseline_row(setting, null, next(both)), interrupted=found.interrupted)
    errors = [[next(both) for _ in path.alphas] for path in paths]
    for each, own in zip(found.candidates, errors):
        single = unique if each.step.name == "L1" else STRICT
        findings.rows += [comparison.row_at(setting, each, rule, own[each.index(rule)], single) for rule in RULES]
        findings.curves.append(comparison.curve_at(each, own))
    if found.candidates:
        findings.none = _free_row(setting, found, errors, unique)
    return setting, findings


def _errors(setting: Setting, encoder: Encoder, solutions: list[Solution]) -> list[Both]:
    y, offset = setting.loss.target(setting.y).values, setting.every_row.get("offset")
    design = encoder.transform(setting.X)
    return errors_of_all(design, y, setting.every_row["weights"], offset, setting.loss, solutions)


def _free_row(setting: Setting, found: Found, errors: list[list[Both]], unique: tuple[bool, str]) -> Fit:
    """The fit at alpha = 0, or the end of the ridge path where there is no single one."""
    n, p = len(setting.train.y), setting.X.shape[1]
    cause = f"{p:,} features but {n:,} rows" if p >= n else "stopped before it was fitted"
    if found.free is not None:
        row = unpenalised.free_row(setting, solution_at(found.free, 0), errors[-1][0], unique)
        row, cause = unpenalised.checked(setting, found.free, row)
    if cause:
        ridge = found.candidates[0].cross_validation.path
        row = unpenalised.limit_row(setting, solution_at(ridge, len(ridge.alphas) - 1), errors[0][-1], cause)
    return replace(row, seconds=found.free_seconds)


def _unique(setting: Setting) -> tuple[bool, str]:
    """Whether the columns of the sampled rows are independent: then those of all rows are."""
    sample = setting.train.X
    single, reason = full_rank(Part(sample, np.empty(len(sample))), setting.scale, setting.center)
    return single, f"{reason}{'' if single else ', as far as can be seen'} in {len(sample):,} rows"
