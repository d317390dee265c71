"""From a Problem to lanes, and from their points back to coefficients."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..designs.base import Block
from ..problem import Control, Grid, Problem
from . import smooth
from .curved import CurvedLane
from .frame import Frame, Part
from .lanes import Lane, SquaredLane
from .raw import RawPath, shortfall
from .ridge import RidgeLane
from .threads import Threads
from .working_set import Driver, Track

Floats = NDArray[np.float64]


def solve(
    problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control
) -> tuple[RawPath, list[RawPath]]:
    """The path on all rows, and without each fold; all lanes share the reads of X."""
    count = 0 if folds is None else int(folds.max()) + 1
    weights = [problem.weights] + [np.where(folds == fold, 0.0, problem.weights) for fold in range(count)]
    threads = Threads(control.n_threads)
    with threads.small():
        paths = Lanes(folds, control, threads).solve(problem, weights, grid)
    return paths[0], paths[1:]


@dataclass(frozen=True)
class Lanes:
    """How many problems that differ in their sample weights alone are solved together."""

    folds: NDArray[np.intp] | None
    control: Control
    threads: Threads

    def solve(self, problem: Problem, weights: list[Floats], grid: Grid) -> list[RawPath]:
        """The path under each of these weights, on the grid of the first."""
        if smooth.by_rows(problem):
            with self.threads.reading():
                return smooth.solve_by_rows(problem, weights, grid, self._by_columns)
        return self._by_columns(problem, weights, grid)

    def _by_columns(self, problem: Problem, weights: list[Floats], grid: Grid) -> list[RawPath]:
        if smooth.by_products(problem):
            with self.threads.reading():
                return smooth.solve_by_products(problem, weights, grid, self.control)
        return self._screened(problem, weights, grid)

    def _screened(self, problem: Problem, weights: list[Floats], grid: Grid) -> list[RawPath]:
        """All lanes on one working set, or on one Gram of all columns."""
        start = problem.design.reads
        with self.threads.reading():
            frame = Frame.of(replace(problem, weights=weights[0]), weights, self.folds if len(weights) > 1 else None)
        alphas = frame.alphas(grid)
        block = None if frame.whole else problem.design.block(frame.center, frame.scale)
        tracks = [
            Track(_lane(frame, part, block), part.null.loss, part.slope, bound=np.sqrt(weights[0].sum() / weight.sum()))
            for part, weight in zip(frame.parts, weights)
        ]
        if len(tracks) == 1:
            tracks[0].lane.all_threads = self.threads.reading
        driver = Driver(frame.design, block, tracks, alphas, frame.norms, problem.n_outputs, self.control, self.threads)
        driver.run()
        tracks[0].message = shortfall(np.array(tracks[0].gaps), alphas, self.control.tol)
        reads = problem.design.reads - start
        return [_raw(frame, part, track, alphas, reads) for part, track in zip(frame.parts, tracks)]


def _lane(frame: Frame, part: Part, block: Block | None) -> Lane:
    if part.gram is not None and smooth.pure(part.terms):
        return RidgeLane(part.sample, part.terms, *part.gram)
    if not frame.problem.loss.constant_curvature:
        assert block is not None
        return CurvedLane(part.sample, part.terms, block, part.null)
    lane = SquaredLane(part.sample, part.terms, block)
    if part.gram is not None:
        lane.take_whole(*part.gram)
    return lane


def _raw(frame: Frame, part: Part, track: Track, alphas: Floats, reads: float) -> RawPath:
    """Points in the block's coordinates as coefficients in the columns' units."""
    p, k = frame.design.shape[1], frame.problem.n_outputs
    coef = np.zeros((len(alphas), p * k))
    intercept = np.zeros((len(alphas), k))
    scale, center = np.repeat(frame.scale, k), np.repeat(frame.center, k)
    lower, upper = _bounds(frame, part)
    supports = []
    for row, point in enumerate(track.points):
        value = (point.v / scale[point.coordinates]).clip(lower[point.coordinates], upper[point.coordinates])
        coef[row, point.coordinates] = value
        shift = np.bincount(point.coordinates % k, value * center[point.coordinates], k)
        intercept[row] = np.atleast_1d(point.intercept) - shift
        supports.append(np.unique(point.coordinates // k))
    many = frame.problem.y.ndim == 2
    if many:
        intercept -= intercept.mean(1, keepdims=True)
    return RawPath(
        alphas=alphas,
        coef=coef.reshape(len(alphas), p, k) if many else coef,
        intercept=intercept if many else intercept[:, 0],
        gap=np.array(track.gaps),
        supports=supports,
        reads=reads,
        null_loss=part.null.loss,
        scale=part.scale,
        center=frame.center,
        message=track.message,
    )


def _bounds(frame: Frame, part: Part) -> tuple[Floats, Floats]:
    """The bounds in the columns' units, which rescaling must not miss by a last digit."""
    terms = frame.problem.terms
    assert terms is not None
    own = np.repeat(part.scale, frame.problem.n_outputs)
    return terms.lower / own, terms.upper / own
