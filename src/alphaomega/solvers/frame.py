"""The coordinates in which lanes work: columns centred and scaled to unit size; each lane's null model and terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..designs import Standardized
from ..designs.base import GramParts
from ..penalties import Terms
from ..problem import Grid, NonFiniteError, NullModel, Problem
from .grid import RIDGE_FLOOR, alpha_max, default_ratio
from .lanes import Sample, WholeGram

Floats = NDArray[np.float64]

WHOLE_COLUMNS = 2000  # above so many columns a Gram of all of them is too large to be worth it
LOST = 1e-7  # a variance below this share of its sum of squares, or of all rows', has lost digits
CONSTANT = 1e-13  # deviations within this share of their mean are rounding
WHOLE_TALL = 4  # ... and with fewer rows per column it costs more than the working sets need


@dataclass(frozen=True)
class Part:
    """One lane's rows: its sample, null model, terms in the lane's coordinates, and its correlations at the null model.

    `scale` is where the penalty acts (the lane's own deviations, or ones); `gram` that of all columns, where one pass
    gave it: the sample is empty then.
    """

    sample: Sample
    null: NullModel
    terms: Terms
    slope: Floats
    scale: Floats
    gram: WholeGram | None = None


@dataclass(frozen=True)
class Frame:
    """v = scale * w on centred columns; every lane of a problem uses the same frame.

    `norms` are those of its columns in the metric of all rows' shares: one, but within groups of unlike columns.
    Columns that are constant on the rows of a lane are excluded there: the intercept does their work.
    """

    problem: Problem
    design: Standardized
    center: Floats
    scale: Floats
    norms: Floats
    parts: list[Part]
    whole: bool

    def alphas(self, grid: Grid) -> Floats:
        """The grid of alphas, largest first."""
        if grid.alphas is not None:
            return grid.alphas
        part = self.parts[0]
        top = alpha_max(part.terms, -part.slope) if part.null.loss > 0 else 1.0
        if top <= 0:
            pull = abs(part.slope) * np.repeat(self.scale / part.scale, self.problem.n_outputs)
            top = float(np.max(pull, initial=0.0)) / RIDGE_FLOOR or 1.0
        return top * np.geomspace(1, grid.ratio or default_ratio(self.problem), grid.n_alphas)

    @classmethod
    def of(cls, problems: list[Problem]) -> Frame:
        """Read X as rarely as possible, and set up every lane."""
        nulls = [NullModel.of(part) for part in problems]
        return (_whole if whole_gram_pays(problems[0]) else _gathered)(problems, nulls)


def whole_gram_pays(problem: Problem) -> bool:
    """Whether one Gram of all columns serves the whole path better than working sets."""
    n, p = problem.design.shape
    terms = problem.terms
    assert terms is not None
    dense_solution = not terms.l1.any() and terms.groups is None
    small = p <= 256 or n >= WHOLE_TALL * p or (dense_solution and p <= n)
    return problem.loss.constant_curvature and p <= WHOLE_COLUMNS and small


def _gathered(problems: list[Problem], nulls: list[NullModel]) -> Frame:
    """Means, deviations and null correlations of every lane from one block read."""
    problem = problems[0]
    n, k = problem.design.shape[0], problem.n_outputs
    lanes = len(problems)
    shares = np.stack([part.weights / part.total for part in problems], axis=1)
    pairs = zip(problems, nulls)
    forces = np.stack([-part.loss.gradient(part.y, null.eta) for part, null in pairs], axis=1).reshape(n, lanes, k)
    weighted = (forces * shares[:, :, None]).reshape(n, -1)
    spread = shares if problem.standardize else shares[:, :1]
    products, squares = problem.design.sums(np.hstack([shares, weighted]), spread)
    check_finite(problem, products)
    means, pulls = products[:, :lanes], products[:, lanes:].reshape(-1, lanes, k)
    deviation = problem.design.deviation(means[:, : spread.shape[1]], squares, spread)
    center, scale, norms = frame_scale(problem, means[:, 0], deviation[:, 0], squares[:, 0])
    parts = []
    for lane, (part, null) in enumerate(zip(problems, nulls)):
        own = deviation[:, min(lane, spread.shape[1] - 1)]
        total = weighted.reshape(n, lanes, k)[:, lane].sum(0)
        slope = (pulls[:, lane] - np.outer(center, total)) / scale[:, None]
        sample = Sample(part.loss, part.y, part.base_eta(), shares[:, lane].copy(), part.intercept)
        parts.append(part_of(part, sample, null, scale, (own, slope.ravel())))
    design = Standardized(problem.design, center, scale)
    return Frame(problem, design, center, scale, norms, parts, whole=False)


def _whole(problems: list[Problem], nulls: list[NullModel]) -> Frame:
    """Grams of all columns for every lane, one pass for each weighting."""
    problem = problems[0]
    moments = _moments_of_weightings(problems)
    targets = []
    for part in problems:
        share, target = part.weights / part.total, part.y - part.base_eta()
        mean = float(share @ target) if part.intercept else 0.0
        targets.append((mean, float(share @ (target - mean) ** 2)))
    return whole_frame(problem, nulls, moments, targets)


def whole_frame(
    problem: Problem, nulls: list[NullModel], moments: list[Moments], targets: list[tuple[float, float]]
) -> Frame:
    """The frame of lanes whose Grams are known; `targets` are mean and variance of y - offset."""
    center, scale, norms = frame_scale(problem, moments[0].mean, moments[0].deviation, np.diag(moments[0].gram))
    none = Sample(problem.loss, np.empty(0), np.empty(0), np.empty(0), problem.intercept)
    parts = []
    for null, own, target in zip(nulls, moments, targets):
        gram = own.gram / np.outer(scale, scale)
        linear, means = own.linear / scale, (own.mean - center) / scale
        made = part_of(problem, none, null, scale, (own.deviation, linear))
        parts.append(replace(made, gram=WholeGram(gram, linear, means, *target)))
    design = Standardized(problem.design, center, scale)
    return Frame(problem, design, center, scale, norms, parts, whole=True)


def _moments_of_weightings(problems: list[Problem]) -> list[Moments]:
    """One pass for each distinct weighting, which serves the targets of all lanes that have it."""
    lanes_of: dict[bytes, list[int]] = {}
    for lane, part in enumerate(problems):
        lanes_of.setdefault(part.weights.tobytes(), []).append(lane)
    moments: dict[int, Moments] = {}
    labels = np.zeros(problems[0].design.shape[0], dtype=np.intp)
    for lanes in lanes_of.values():
        part = problems[lanes[0]]
        targets = np.stack([problems[lane].y - problems[lane].base_eta() for lane in lanes], axis=1)
        passed = part.design.gram_parts(labels, part.weights / part.total, targets)
        p = len(passed.shift)
        check_finite(part, passed.parts[:, :p, -1].T)
        total = passed.parts.sum(0)
        for place, lane in enumerate(lanes):
            own = np.r_[:p, p + place, -1]
            moments[lane] = moments_of(part, total[np.ix_(own, own)], passed, partial(problems.__getitem__, lane))
    return [moments[lane] for lane in range(len(problems))]


@dataclass(frozen=True)
class Moments:
    """Gram and linear term (centred with an intercept), column means (zero without) and standard deviations."""

    gram: Floats
    linear: Floats
    mean: Floats
    deviation: Floats


def moments_of(first: Problem, total: Floats, passed: GramParts, lane: Callable[[], Problem]) -> Moments:
    """The moments of a lane's rows from their augmented Gram about a shift; exact also where digits were lost.

    The lane's own problem is made only for that: its weights are as long as X.
    """
    p, weight = len(passed.shift), total[-1, -1]
    mean, gram, linear = total[:p, -1] / weight, total[:p, :p] / weight, total[:p, p] / weight
    variance = np.diag(gram) - mean**2
    lost = np.flatnonzero(variance < LOST * np.einsum("fii->i", passed.parts)[:p])
    if first.intercept:
        gram, linear, mean = gram - np.outer(mean, mean), linear - mean * total[p, -1] / weight, mean + passed.shift
    else:
        cross = np.outer(mean, passed.shift)
        gram = gram + cross + cross.T + np.outer(passed.shift, passed.shift)
        linear, mean = linear + passed.shift * total[p, -1] / weight, np.zeros(p)
    if lost.size:
        variance[lost] = _recover(lane(), lost, gram, linear)
    return Moments(gram, linear, mean, np.sqrt(np.maximum(variance, 0.0)))


def _recover(problem: Problem, columns: NDArray[np.intp], gram: Floats, linear: Floats) -> Floats:
    """Write the moments of some columns anew, from their values; returns their variances, 0 for constant ones."""
    share = problem.weights / problem.total
    values = problem.design.take(columns)
    mean = share @ values
    centred = values - mean
    centred -= share @ centred
    variance = share @ centred**2
    variance[variance <= (CONSTANT * mean) ** 2] = 0.0
    used = np.where(variance > 0, centred, 0.0) if problem.intercept else values
    if used.any():
        cross = problem.design.rmatvec(share[:, None] * used)
        if problem.intercept:  # the sums of `used` are rounding, but means may be large
            cross -= np.outer(problem.design.rmatvec(share), share @ used)
    else:
        cross = np.zeros((len(gram), len(columns)))
    gram[:, columns], gram[columns] = cross, cross.T
    linear[columns] = (share * (problem.y - problem.base_eta())) @ used
    return variance


def frame_scale(problem: Problem, mean: Floats, deviation: Floats, square: Floats) -> tuple[Floats, Floats, Floats]:
    """Centre, scale and norms of the frame: unit columns, but one scale within a group unless standardised."""
    center = mean if problem.intercept else np.zeros_like(mean)
    size = deviation if problem.intercept or problem.standardize else np.sqrt(square)
    scale = np.where(size > 0, size, 1.0)
    terms = problem.terms
    assert terms is not None
    if terms.groups is not None and not problem.standardize:
        labels = terms.groups[:: problem.n_outputs]
        count = np.bincount(labels)
        scale = np.sqrt(np.bincount(labels, scale**2) / np.maximum(count, 1))[labels]
    return center, scale, (deviation if problem.intercept else np.sqrt(square)) / scale


def part_of(
    problem: Problem, sample: Sample, null: NullModel, scale: Floats, own_columns: tuple[Floats, Floats]
) -> Part:
    """A lane with its terms in the frame, columns that are constant on its rows excluded.

    `own_columns` are its standard deviations and its correlations at the null model.
    """
    deviation, slope = own_columns
    own = np.where(deviation > 0, deviation, 1.0) if problem.standardize else np.ones_like(scale)
    terms = problem.terms
    assert terms is not None
    terms = terms.rescaled(np.repeat(scale / own, problem.n_outputs))
    if problem.intercept:
        constant = np.repeat(deviation == 0, problem.n_outputs)
        terms = replace(terms, l1=np.where(constant, np.inf, terms.l1))
    return Part(sample, null, terms, slope, own)


def check_finite(problem: Problem, sums: Floats) -> None:
    """Raise for the first column whose sums are not finite, naming a row."""
    bad = np.flatnonzero(~np.isfinite(sums).all(1))
    if bad.size:
        raise NonFiniteError(int(bad[0]), problem.design.take(bad[:1])[:, 0])
