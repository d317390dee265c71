"""The study itself: understand, split, fit, compare, recommend."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse

from .. import losses
from ..datasets import DataError, Table
from ..designs import design_of
from ..frames import Encoder
from . import networks
from .comparison import Candidate, Setting, Step, candidate, curve_of, rows_of, steps
from .progress import Progress, Stages, silent
from .recommendation import choose, recommend
from .results import Curve, Fit, NetworkFit, Part, Study
from .splitting import Rows, split
from .strengths import effort
from .target import FAMILIES
from .text import BagOfWords
from .understanding import Options, Reading, understand
from .unpenalised import baseline, null_predictor, unpenalised


def study(table: Table, options: Options | None = None, progress: Progress = silent) -> Study:
    """Compare no penalty, L2, L1 and the elastic net on a table, and recommend one.

    Parameters
    ----------
    table : Table
        From `alphaomega.datasets.load` or `alphaomega.datasets.read`.
    options : Options, optional
        Target, family, parts, folds, seed.
    progress : callable (stage, share done)
        Called between the stages.

    Returns
    -------
    Study
        Interrupted by Ctrl-C it holds what was finished, with `interrupted` true.

    Raises
    ------
    ValueError
        If the data or the options cannot be used; the message names the thing and the mend.

    Examples
    --------
    >>> import alphaomega as ao
    >>> from alphaomega.study import study
    >>> found = study(ao.datasets.load("diabetes"), Options(networks=False))
    >>> [fit.label for fit in found.fits]
    ['none', 'L2 (min)', 'L2 (1-SE)', 'L1 (min)', 'L1 (1-SE)', 'elastic net (min)', 'elastic net (1-SE)']
    """
    options = options or Options()
    return study_of(understand(table, options), options, progress)


def study_of(reading: Reading, options: Options, progress: Progress = silent) -> Study:
    """`study` of a table already understood."""
    setting, encoder = prepare(reading, options)
    found = Findings(baseline(setting))
    todo = steps(setting, null_predictor(setting))
    trained = networks.PENALTIES if options.networks and networks.available() else ()
    stages = Stages(progress, sum(step.weight for step in todo) + len(trained))
    try:
        _fit_all(setting, todo, found, stages)
        if options.networks:
            _train_networks(setting, found, stages)
        progress("done", 1.0)
    except KeyboardInterrupt:
        found.interrupted = True
    result = assembled(reading, options, (setting, encoder), found)
    return _with_chapters(result, progress) if options.thorough and not found.interrupted else result


def _with_chapters(finished: Study, progress: Progress) -> Study:
    """The study with every chapter of a thorough one; Ctrl-C keeps what was finished."""
    from . import chapters

    told: list[chapters.Chapter] = []
    stopped = False
    try:
        for chapter in chapters.run_chapters(chapters.material_of(finished), chapters.REGISTRY, progress):
            told.append(chapter)  # one by one: what was finished stays
        progress("done", 1.0)
    except KeyboardInterrupt:
        stopped = True
    return replace(finished, chapters=tuple(told), interrupted=stopped)


@dataclass
class Findings:
    """What has been finished so far."""

    baseline: Fit
    none: Fit | None = None
    rows: list[Fit] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    networks: list[NetworkFit] = field(default_factory=list)
    network_notes: list[str] = field(default_factory=list)
    interrupted: bool = False


def _fit_all(setting: Setting, todo: list[Step], found: Findings, stages: Stages) -> None:
    """Cross-validate every penalty, the cheap ones first; of the elastic nets only the best stays."""
    nets: list[Candidate] = []
    try:
        for step in todo:
            with stages.stage(step.label, step.weight) as told:
                result = candidate(setting, step, told)
                if step.name == "elastic net":
                    nets.append(result)
                    continue
                _keep(setting, found, result)
                if step.name == "L2":
                    found.none = unpenalised(setting, result.cross_validation.path)
    finally:  # also of an interrupted study the finished nets stay
        if nets:
            best = min(nets, key=lambda net: net.best)
            _keep(setting, found, replace(best, seconds=sum(net.seconds for net in nets)))


def _train_networks(setting: Setting, found: Findings, stages: Stages) -> None:
    """Small networks under the same penalties, or a note on how to get them."""
    if not networks.available():
        found.network_notes.append(networks.MISSING)
        return
    rows = networks.rows_trained_on(setting)
    found.network_notes.append(networks.note_of(setting, rows))
    if not len(rows):
        return
    trial = networks.trial_of(setting, rows, found.baseline.solution.intercept)
    try:
        rows_to_come = networks.network_rows(trial)
        for name in networks.PENALTIES:
            with stages.stage(f"network, {name}", 1.0):
                found.networks.append(next(rows_to_come))
    except (FloatingPointError, ImportError) as error:
        found.network_notes.append(f"networks: stopped, as {error}.")
    chosen = choose(tuple(found.rows))
    if chosen is not None and found.networks:
        found.network_notes.append(networks.verdict(setting, chosen, found.networks))


def _keep(setting: Setting, found: Findings, result: Candidate) -> None:
    rows, curve = rows_of(setting, result), curve_of(setting, result)
    found.rows.extend(rows)
    found.curves.append(curve)


def prepare(reading: Reading, options: Options) -> tuple[Setting, Encoder | BagOfWords]:
    """Split and encode."""
    loss = losses.find(FAMILIES[reading.understanding.family])
    train, test = split(reading.y, loss.classifies, options.test_size, options.seed)
    return setting_of(reading, options, train, test)


def setting_of(reading: Reading, options: Options, train: Rows, test: Rows) -> tuple[Setting, Encoder | BagOfWords]:
    """Encode given rows; everything that is learnt is learnt on the training rows."""
    check_training_rows(reading, options, train)
    loss = losses.find(FAMILIES[reading.understanding.family])
    target = loss.target(reading.y)
    X, encoder = encoded(reading, train)

    def part(rows: Rows) -> Part:
        offset = None if reading.offset is None else reading.offset[rows]
        return Part(encoder.transform(_rows(reading.X, rows)), target.values[rows], offset)

    fitted = part(train)
    center, scale = design_of(fitted.X).moments(np.ones(len(train)))
    scale = np.where(scale > 0, scale, 1.0)
    setting = Setting(
        loss=loss,
        X=X,
        y=reading.y[train],
        train=fitted,
        test=part(test),
        scale=scale,
        center=center,
        names=feature_names(encoder, len(scale))[0],
        folds=options.folds,
        seed=options.seed,
    )
    return setting, encoder


def check_training_rows(reading: Reading, options: Options, train: Rows) -> None:
    """A DataError where the training rows are too few, or all have one value of the target."""
    if len(train) < options.folds:
        raise DataError(
            f"{len(train)} training rows are too few for {options.folds} folds; lower --folds or --test-size, "
            "or bring more rows"
        )
    if (reading.y[train] == reading.y[train[0]]).all():
        raise DataError(
            f"target {reading.understanding.target!r} has one value ({reading.y[train[0]]}) in all {len(train)} "
            "training rows; bring more rows that differ, or deal them anew with another --seed"
        )


def encoded(reading: Reading, rows: Rows) -> tuple[Any, Encoder | BagOfWords]:
    """The matrix of some rows as the fits are given it, and the encoder that turns new rows into the same columns.

    The fits see the gaps among the numbers (NaN), to fill them inside every fold. Categories are known from all
    rows, what fills a gap from these rows only.
    """
    part = _rows(reading.X, rows)
    if reading.understanding.text:
        words = BagOfWords.fit(part)
        return words.transform(part), words
    if scipy.sparse.issparse(part):
        return part, Encoder.fit(part)
    encoder = Encoder.fit(reading.X, impute="mean", unseen="reference").refit(part)
    matrix = encoder.transform(part)
    for position, name in enumerate(encoder.names or ()):
        if name in part.columns and part[name].null_count():
            matrix[part[name].is_null().to_numpy(), position] = np.nan
    return matrix, encoder


def _rows(X: Any, rows: Rows) -> Any:
    return X.tocsr()[rows] if scipy.sparse.issparse(X) else X[rows]


def assembled(reading: Reading, options: Options, prepared: tuple[Setting, Any], found: Findings) -> Study:
    """What was found as a study."""
    setting, encoder = prepared
    names, groups = feature_names(encoder, setting.train.X.shape[1])
    fits = tuple(found.rows if found.none is None else [found.none, *found.rows])
    return Study(
        understanding=replace(reading.understanding, n_features=len(names)),
        loss=setting.loss,
        error_name="mean squared error" if setting.loss.name == "squared" else "mean deviance",
        baseline=found.baseline,
        fits=fits,
        curves=tuple(found.curves),
        chosen=choose(fits),
        recommendation=recommend(fits, found.baseline, setting.loss, len(names)),
        feature_names=names,
        feature_groups=groups,
        scale=setting.scale,
        center=setting.center,
        train=setting.train,
        test=setting.test,
        encoder=encoder,
        labels=tuple(np.unique(reading.y).tolist()) if setting.loss.classifies else (),
        folds=options.folds,
        seed=options.seed,
        test_size=options.test_size,
        interrupted=found.interrupted,
        networks=tuple(found.networks),
        network_notes=tuple(found.network_notes),
        warnings=(*_coarse(setting), *_too_good(setting, fits)),
    )


def _coarse(setting: Setting) -> tuple[str, ...]:
    note = effort(setting).note
    return (note,) if note else ()


def _too_good(setting: Setting, fits: tuple[Fit, ...]) -> tuple[str, ...]:
    """A warning where a fit makes no mistake at all: seldom true of real data."""
    chosen = choose(fits)
    if chosen is None or not setting.loss.classifies or chosen.test.misclassified > 0:
        return ()
    strongest = np.argsort(-np.abs(np.atleast_2d(chosen.coef_standardized)).max(0), kind="stable")[:3]
    names = ", ".join(setting.names[position] for position in strongest)
    warning = (
        f"no test row is misclassified: make sure that no feature betrays the target ({names} weigh most); --exclude "
        "leaves columns out."
    )
    return (warning,)


def feature_names(encoder: Any, p: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the matrix's columns, and of the data's columns they came from."""
    if encoder.names is None:
        names = tuple(f"x{j + 1}" for j in range(p))
        return names, names
    if isinstance(encoder, BagOfWords):
        return encoder.names, encoder.sources
    return encoder.names, tuple(encoder.columns[group] for group in encoder.groups)
