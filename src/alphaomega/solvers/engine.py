"""From a Problem to lanes, and from their points back to coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..coefficients import Coefficients
from ..problem import Control, Grid, Problem, Start
from . import smooth
from .curved import CurvedLane
from .frame import Frame, Part, whole_gram_pays
from .lanes import Lane, Points, SquaredLane
from .raw import RawPath, shortfall
from .ridge import RidgeLane
from .summed import FoldSums
from .threads import Threads
from .tracks import Gathered, Track
from .working_set import Driver

Floats = NDArray[np.float64]
MOST_LANES = 32  # more share a working set that none of them needs
FOLLOWING = 0.3  # the work of a lane that follows, as a share of the leader's
MOST_HELD_OUT = 0.3  # a Gram of the others costs no more than one of so many rows, and keeps more digits
LANE_NUMBERS = 2e7  # numbers that the points of all lanes hold at once


def solve(
    problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control
) -> tuple[RawPath, list[RawPath]]:
    """The path on all rows, and without each fold; all lanes share the reads of X."""
    count = 0 if folds is None else int(folds.max()) + 1
    threads = Threads(control.n_threads)
    lanes = Lanes(control, threads)
    with threads.small():
        if summed(problem, count):
            paths = lanes.from_sums(problem, folds, grid)
        else:
            left_out = [
                replace(problem, weights=np.where(folds == fold, 0.0, problem.weights)) for fold in range(count)
            ]
            paths = lanes.solve([problem, *left_out], grid)
    return paths[0], paths[1:]


def summed(problem: Problem, folds: int) -> bool:
    """Whether sums over the rows of each fold, from one pass, are all that a path and its folds need."""
    if folds and _own_scales(problem):
        return False
    return whole_gram_pays(problem) and not smooth.by_rows(problem) and not smooth.by_products(problem)


def solve_many(problems: list[Problem], grid: Grid, control: Control) -> list[RawPath]:
    """The path of each of these problems, on the grid of the first; see `solvers.solve_many`."""
    threads = Threads(control.n_threads)
    first, rest = problems[0], problems[1:]
    n, p = first.design.shape
    room = LANE_NUMBERS / ((grid.n_alphas * n + 2 * p) * first.n_outputs)
    size = int(np.clip(room, 1, MOST_LANES))
    chunks = [rest[start : start + size] for start in range(0, len(rest), size)] or [[]]
    paths: list[RawPath] = []
    reads = 0.0
    with threads.small():
        for number, chunk in enumerate(chunks):
            part = control.part(number / len(chunks), (number + 1) / len(chunks))
            found = Lanes(part, threads).solve([first, *chunk], grid)
            grid = Grid(found[0].alphas)
            paths += found[1:] if paths else found
            reads += found[0].reads
    return [replace(path, reads=reads) for path in paths]


@dataclass(frozen=True)
class Lanes:
    """How many problems that differ in weights, y or offset alone are solved together."""

    control: Control
    threads: Threads

    def solve(self, problems: list[Problem], grid: Grid) -> list[RawPath]:
        """The path of each of these problems, on the grid of the first."""
        if len(problems) > 1 and _own_scales(problems[0]):
            return self._one_by_one(problems, grid)
        if smooth.by_rows(problems[0]):
            with self.threads.reading():
                return smooth.solve_by_rows(problems, grid, self._by_columns)
        return self._by_columns(problems, grid)

    def _one_by_one(self, problems: list[Problem], grid: Grid) -> list[RawPath]:
        """Each problem in a frame of its own."""
        paths: list[RawPath] = []
        for number, problem in enumerate(problems):
            part = self.control.part(number / len(problems), (number + 1) / len(problems))
            paths += Lanes(part, self.threads).solve([problem], Grid(paths[0].alphas) if paths else grid)
        reads = sum(path.reads for path in paths)
        return [replace(path, reads=reads) for path in paths]

    def _by_columns(self, problems: list[Problem], grid: Grid) -> list[RawPath]:
        if smooth.by_products(problems[0]):
            with self.threads.reading():
                return smooth.solve_by_products(problems, grid, self.control)
        return self._screened(problems, grid)

    def _screened(self, problems: list[Problem], grid: Grid) -> list[RawPath]:
        """All lanes on one working set, or on one Gram of all columns."""
        problem = problems[0]
        start = problem.design.reads
        if problem.loss.constant_curvature and not whole_gram_pays(problem):
            design = problem.design.shared(self.threads.team.map, self.threads.many)
            problems = [replace(own, design=design) for own in problems]
        with self.threads.reading(problems[0].design):
            frame = Frame.of(problems)
        bounds = np.ones(len(problems)) if frame.whole else [_stretch(problem, own) for own in problems]
        held_out = [None, *(_held_out(problem, own) for own in problems[1:])]
        return self._driven(frame, bounds, grid, start, held_out)

    def from_sums(self, problem: Problem, folds: NDArray[np.intp] | None, grid: Grid) -> list[RawPath]:
        """The path of a problem, and without each fold; no lane holds anything as long as X."""
        start = problem.design.reads
        with self.threads.reading():
            sums = FoldSums.of(problem, folds)
            frame = sums.frame()
        first, *rest = self._driven(frame, np.ones(len(frame.parts)), grid, start)
        return [first, *(replace(path, held_out=sums.held_out(fold, path)) for fold, path in enumerate(rest))]

    def _driven(
        self, frame: Frame, bounds: Sequence[float] | Floats, grid: Grid, start: float,
        held_out: Sequence[NDArray[np.intp] | None] = (),
    ) -> list[RawPath]:  # fmt: skip
        """Every lane of a frame down the grid: the first, then all others together behind it."""
        problem = frame.problem
        alphas, p = frame.alphas(grid), problem.design.shape[1]
        gathered = self._gathered(frame)
        behind = gathered if problem.loss.constant_curvature else self._gathered(frame)
        tracks = []
        for number, (part, bound) in enumerate(zip(frame.parts, bounds)):
            lane = _lane(frame, part, behind if number else gathered)
            inside = np.full(p, frame.whole)
            pull = float(np.max(abs(part.slope), initial=0.0))
            tracks.append(Track(lane, part.null.loss, part.slope, inside, np.zeros(p), bound=float(bound), pull=pull))
        if grid.start is not None:
            tracks[0].start = _begin(frame, grid.start, float(alphas[0]))
        tracks[0].lane.all_threads = partial(self.threads.reading, frame.design)
        driver = Driver(
            frame.design, gathered, tracks, alphas, frame.norms, problem.n_outputs, self.control, self.threads
        )
        if gathered is None or len(tracks) == 1:
            driver.run()
        else:
            share = 1 / (1 + FOLLOWING * (len(tracks) - 1))
            leader = replace(driver, tracks=tracks[:1], control=self.control.part(0.0, share))
            leader.run()
            first = tracks[0].lane
            first.all_threads = nullcontext  # from here on lanes run side by side
            for track, rows in zip(tracks, held_out):
                if rows is not None and isinstance(track.lane, SquaredLane) and isinstance(first, SquaredLane):
                    track.lane.follow(first, rows)
            design = frame.design.shared(self.threads.team.map, self.threads.many)
            rest = self.control.part(share, 1.0)
            replace(leader, design=design, tracks=tracks[1:], gathered=behind, control=rest, leader=tracks[0]).run()
        tracks[0].message = shortfall(np.concatenate(tracks[0].gaps), alphas, self.control.tol)
        reads = problem.design.reads - start
        return [_raw(frame, part, track, alphas, reads) for part, track in zip(frame.parts, tracks)]

    @staticmethod
    def _gathered(frame: Frame) -> Gathered | None:
        if frame.whole:
            return None
        design = frame.problem.design
        return Gathered.empty(design.block(frame.center, frame.scale), design.shape[1])


def _own_scales(problem: Problem) -> bool:
    """Whether lanes cannot share a frame: a group's norm in their own deviations is no multiple of one in others'."""
    terms = problem.terms
    assert terms is not None
    return problem.standardize and terms.groups is not None


def _stretch(first: Problem, other: Problem) -> float:
    """How long a column of unit norm in the metric of the first problem's shares can be in another's."""
    alive = first.weights > 0
    largest = np.max(other.weights[alive] / first.weights[alive], initial=0.0)
    return float(np.sqrt(largest * first.total / other.total))


def _held_out(first: Problem, other: Problem) -> NDArray[np.intp] | None:
    """The few rows of the first problem that the other leaves out, None where they differ otherwise."""
    rows = np.flatnonzero((other.weights == 0) & (first.weights > 0))
    same = other.weights == first.weights
    same[rows] = True
    few = rows.size <= MOST_HELD_OUT * len(same) and other.total >= (1 - MOST_HELD_OUT) * first.total
    return rows if few and same.all() else None


def _lane(frame: Frame, part: Part, gathered: Gathered | None) -> Lane:
    if part.gram is not None and smooth.pure(part.terms):
        return RidgeLane(part.sample, part.terms, part.gram)
    if not frame.problem.loss.constant_curvature:
        assert gathered is not None
        return CurvedLane(part.sample, part.terms, gathered.block, part.null, frame.norms)
    lane = SquaredLane(part.sample, part.terms, None if gathered is None else gathered.block)
    if part.gram is not None:
        lane.take_whole(part.gram)
    return lane


def _begin(frame: Frame, start: Start, alpha: float) -> Points:
    """A start in the coordinates of the first lane, inside its bounds and without what it excludes."""
    k, terms = frame.problem.n_outputs, frame.parts[0].terms
    v = (start.coef * (frame.scale if start.coef.ndim == 1 else frame.scale[:, None])).ravel()
    v = np.where(terms.excluded, 0.0, v.clip(terms.lower, terms.upper))
    at = np.flatnonzero(v)
    intercept = np.atleast_1d(start.intercept + frame.center @ start.coef) * np.ones(k)
    return Points(np.array([alpha]), at, v[None, at], intercept[None], None, np.zeros(1), np.zeros((2, 1)))


def _raw(frame: Frame, part: Part, track: Track, alphas: Floats, reads: float) -> RawPath:
    """Points in the block's coordinates as coefficients in the columns' units."""
    p, k = frame.design.shape[1], frame.problem.n_outputs
    active = [np.flatnonzero(points.v.any(0)) for points in track.points]
    used = np.zeros(p, dtype=bool)
    for points, own in zip(track.points, active):
        used[points.coordinates[own] // k] = True
    columns = np.flatnonzero(used)
    values = np.zeros((len(alphas), len(columns) * k))
    intercept = np.zeros((len(alphas), k))
    scale, center = np.repeat(frame.scale[columns], k), np.repeat(frame.center[columns], k)
    lower, upper = _bounds(frame, part, columns)
    start = 0
    for points, own in zip(track.points, active):
        at, rows = points.coordinates[own], slice(start, start + len(points.alphas))
        at = np.searchsorted(columns, at // k) * k + at % k
        value = (points.v[:, own] / scale[at]).clip(lower[at], upper[at])
        values[rows, at] = value
        for output in range(k):
            mine = at % k == output
            intercept[rows, output] = points.intercept[:, output] - value[:, mine] @ center[at[mine]]
        start = rows.stop
    many = frame.problem.y.ndim == 2
    if many:
        intercept -= intercept.mean(1, keepdims=True)
    table = values.reshape(len(alphas), len(columns), k) if many else values
    return RawPath(
        alphas=alphas,
        table=Coefficients(columns, table, p),
        intercept=intercept if many else intercept[:, 0],
        gap=np.concatenate(track.gaps),
        reads=reads,
        null_loss=part.null.loss,
        scale=part.scale,
        center=frame.center,
        message=track.message,
    )


def _bounds(frame: Frame, part: Part, columns: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """The bounds of some columns in their units, which rescaling must not miss by a last digit."""
    terms, k = frame.problem.terms, frame.problem.n_outputs
    assert terms is not None
    own, at = np.repeat(part.scale[columns], k), (columns[:, None] * k + np.arange(k)).ravel()
    return terms.lower[at] / own, terms.upper[at] / own
