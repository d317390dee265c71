"""From a Problem to lanes, and from their points back to coefficients."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..designs import Dense, Standardized
from ..penalties import L2, Terms
from ..problem import Control, Grid, NullModel, Problem
from .curved import CurvedLane
from .frame import Frame, Part
from .lanes import Lane, SquaredLane
from .raw import RawPath
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
        return _solve(problem, weights, folds, grid, control, threads)


def _solve(problem, weights, folds, grid, control, threads):
    start = problem.design.reads
    with threads.reading():
        frame = Frame.of(problem, weights, folds)
    alphas = frame.alphas(grid)
    block = None if frame.whole else problem.design.block(frame.center, frame.scale)
    tracks = [Track(_lane(frame, part, block), part.null.loss, part.slope, bound=part.bound) for part in frame.parts]
    driver = Driver(frame.design, block, tracks, alphas, frame.norms, problem.n_outputs, control, threads)
    driver.run()
    tracks[0].message = _shortfall(np.array(tracks[0].gaps), alphas, control.tol)
    reads = problem.design.reads - start
    paths = [_raw(frame, part, track, alphas, reads) for part, track in zip(frame.parts, tracks)]
    return paths[0], paths[1:]


def _lane(frame: Frame, part: Part, block) -> Lane:
    if not frame.problem.loss.constant_curvature:
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


def _shortfall(gaps: Floats, alphas: Floats, tol: float) -> str:
    """What the certificates miss, what follows, and the argument that mends it; empty when all hold."""
    late = gaps > tol
    if not late.any():
        return ""
    return (
        f"{late.sum()} of {len(gaps)} fits miss tol={tol:g}, all at alpha <= {alphas[late].max():.3g} (largest relative "
        f"gap {gaps.max():.1e}): their coefficients are approximate. Use larger alphas, standardize=True, or a larger tol."
    )


def _bounds(frame: Frame, part: Part) -> tuple[Floats, Floats]:
    """The bounds in the columns' units, which rescaling must not miss by a last digit."""
    terms = frame.problem.terms
    assert terms is not None
    own = np.repeat(part.scale, frame.problem.n_outputs)
    return terms.lower / own, terms.upper / own
