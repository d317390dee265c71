"""The path driver: batches of alphas on a working set, one block read of X to certify them all.

For each batch every lane is solved on the working set alone. One block product X'[forces] then gives, for every alpha
and lane of the batch, the exact duality gap and every column that wants to enter. Alphas before the first violation are
done; the others are solved again on the larger working set, and checked by the residual-subspace bound, which reads
only the columns that it cannot certify. Folds are lanes: they share the working set, the block and every read.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..designs import Standardized
from ..designs.base import Block
from ..problem import Control
from .dual import thresholds, violators
from .lanes import Lane, Point
from .screening import Basis
from .threads import Threads

Floats = NDArray[np.float64]
Coordinates = NDArray[np.intp]
T = TypeVar("T")

LARGEST_BATCH = 10
BLOCK_NUMBERS = 2e7  # at most so many correlations are held at once
WHOLE_READ = 0.3  # above this share of uncertified columns one whole read is cheaper than a gather
SMALL_WORK = 3e5  # numbers of the working block below which Python, not arithmetic, is what threads would share
MAX_ROUNDS = 100
TOLERANCE, TIGHTEST = 1e-7, 1e-13  # of the small solves, relative to alpha
LOOK_AHEAD = 1.1  # columns that reach this multiple of the last threshold of a batch join its working set
LEAST_ADDED = 200  # at most this many columns, or as many as there are, join at once


@dataclass
class Track:
    """A lane and what it has finished: per alpha a point and a relative gap; the last known correlations.

    `bound` is how long a unit column of the frame can be in the metric of the lane's own shares.
    """

    lane: Lane
    null_loss: float
    slope: Floats
    points: list[Point] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    tolerance: float = TOLERANCE
    basis: Basis | None = None
    bound: float = 1.0
    message: str = ""


@dataclass
class Driver:
    """Runs all tracks down the grid of alphas, sharing the working set and every read of X."""

    design: Standardized
    block: Block | None
    tracks: list[Track]
    alphas: Floats
    norms: Floats
    n_outputs: int
    control: Control
    threads: Threads

    def run(self) -> None:
        """Solve, certify and record every alpha of every track."""
        self.inside = np.full(len(self.norms), self.block is None)
        for track in self.tracks:
            track.tolerance = float(np.clip(0.1 * self.control.tol, TIGHTEST, TOLERANCE))
        with ThreadPoolExecutor(self.threads.many) as pool:
            self.pool = pool
            position, batch = 0, 1
            while position < len(self.alphas):
                room = int(BLOCK_NUMBERS / (len(self.norms) * self.n_outputs * len(self.tracks)))
                batch = max(1, min(batch, LARGEST_BATCH, room))
                rounds = self._batch(self.alphas[position : position + batch])
                position += batch
                self.control.tell(min(position / len(self.alphas), 1.0))
                batch = 2 * batch if rounds <= 2 else max(1, batch // 2)

    def map(self, work: Callable[[Track], T]) -> list[T]:
        """Work on every track, side by side unless the work is so small that Python is most of it."""
        numbers = self.design.shape[0] * self.n_outputs * max(int(self.inside.sum()), 1)
        if self.threads.many == 1 or len(self.tracks) == 1 or numbers < SMALL_WORK:
            return [work(track) for track in self.tracks]
        return list(self.pool.map(work, self.tracks))

    def _batch(self, alphas: Floats) -> int:
        """Solve and certify one batch; returns how many rounds it took."""
        self._predict(alphas)
        done, rounds = 0, 0
        while done < len(alphas):
            rounds += 1
            pending = alphas[done:]
            candidates = self.map(partial(self._solve, pending))
            slopes = self._slopes(candidates, pending, rounds)
            accepted = self._accept(candidates, slopes, pending, force=rounds > MAX_ROUNDS)
            done += accepted
            if accepted < len(pending):
                self._enter(candidates, slopes, pending)
        return rounds

    def _solve(self, alphas: Floats, track: Track) -> list[Point]:
        if track.points:
            track.lane.start_from(track.points[-1])
        return [track.lane.solve(float(alpha), track.tolerance) for alpha in alphas]

    def _slopes(self, candidates: list[list[Point]], alphas: Floats, rounds: int) -> list[list[Floats]]:
        """Correlations of every candidate: exact where they can matter, certified below threshold elsewhere."""
        if self.block is None:
            return [
                [track.lane.correlations(point) for point in points] for track, points in zip(self.tracks, candidates)
            ]
        if self.inside.all():
            return self._gathered(candidates, self.block)
        if rounds > 1:
            bounded = self._bounded(candidates, alphas)
            if bounded is not None:
                return bounded
        return self._read(candidates)

    def _gathered(self, candidates: list[list[Point]], block: Block) -> list[list[Floats]]:
        """Correlations where every column stands in the block: X is not read again."""
        slopes = []
        for track, points in zip(self.tracks, candidates):
            product = np.empty((len(self.norms), len(points) * self.n_outputs))
            columns = track.lane.coordinates[:: self.n_outputs] // self.n_outputs
            product[columns] = block.rmatvec(track.lane.sample.share[:, None] * self._forces(points))
            slopes.append([self._of_point(product, k) for k in range(len(points))])
        return slopes

    def _read(self, candidates: list[list[Point]]) -> list[list[Floats]]:
        """One block read for all candidates of all tracks; its forces become the bases of the bounds."""
        forces = [self._forces(points) for points in candidates]
        weighted = [track.lane.sample.share[:, None] * force for track, force in zip(self.tracks, forces)]
        with self.threads.reading():
            product = self.design.rmatvec(np.asfortranarray(np.hstack(weighted)))
        slopes, at = [], 0
        for track, points, force in zip(self.tracks, candidates, forces):
            part = product[:, at : at + force.shape[1]]
            at += force.shape[1]
            track.basis = Basis(force, part, track.lane.sample.share)
            slopes.append([self._of_point(part, k) for k in range(len(points))])
        return slopes

    def _bounded(self, candidates: list[list[Point]], alphas: Floats) -> list[list[Floats]] | None:
        """Correlations by the residual-subspace bound; None when too many columns would have to be read."""
        estimates, doubtful = [], np.zeros(len(self.norms), dtype=bool)
        forces = [self._forces(points) for points in candidates]
        for track, force in zip(self.tracks, forces):
            assert track.basis is not None
            estimate, error = track.basis.estimate(force)
            estimates.append(estimate)
            for k, alpha in enumerate(alphas):
                mine = slice(k * self.n_outputs, (k + 1) * self.n_outputs)
                doubtful |= self._doubtful(track, estimate[:, mine], error[mine], float(alpha))
        doubtful &= ~self.inside
        columns = np.flatnonzero(doubtful)
        if len(columns) > WHOLE_READ * len(self.norms):
            return None
        slopes = []
        for track, points, force, estimate in zip(self.tracks, candidates, forces, estimates):
            weighted = track.lane.sample.share[:, None] * force
            if columns.size:
                estimate[columns] = self.design.rmatvec(weighted, columns)
            own = [self._of_point(estimate, k) for k in range(len(points))]
            for slope, point in zip(own, points):
                slope[track.lane.coordinates] = track.lane.correlations(point)
            slopes.append(own)
        return slopes

    def _doubtful(self, track: Track, estimate: Floats, error: Floats, alpha: float) -> NDArray[np.bool_]:
        """Columns that the bound cannot certify inactive at alpha, and whose estimate may not stand for them."""
        terms = track.lane.terms * alpha
        bound = abs(estimate) + np.outer(self.norms, track.bound * error)
        if terms.groups is None or terms.group_weights is None:
            return np.asarray((bound > terms.l1.reshape(bound.shape)).any(1))
        soft = np.maximum(bound.ravel() - terms.l1, 0.0)
        norm = np.sqrt(np.bincount(terms.groups, soft**2, len(terms.group_weights)))
        over = (norm > terms.group_weights)[terms.groups]
        return np.asarray(over.reshape(bound.shape).any(1))

    def _accept(self, candidates: list[list[Point]], slopes: list[list[Floats]], alphas: Floats, force: bool) -> int:
        """Record the leading alphas that every track certifies; returns how many."""
        for k, alpha in enumerate(alphas):
            gaps = []
            for track, points, mine in zip(self.tracks, candidates, slopes):
                terms = track.lane.terms * float(alpha)
                gap = (
                    max(track.lane.gap(points[k], terms, mine[k]), 0.0) / track.null_loss
                    if track.null_loss > 0
                    else 0.0
                )
                outside = violators(terms, mine[k])
                missing = bool((~self.inside[outside // self.n_outputs]).any())
                if gap > self.control.tol and not missing and not force:
                    if track.tolerance <= TIGHTEST:
                        missing = False
                    else:
                        track.tolerance = max(track.tolerance * 1e-2, TIGHTEST)
                        missing = True
                if missing and not force:
                    return k
                gaps.append(gap)
            for track, points, mine, gap in zip(self.tracks, candidates, slopes, gaps):
                track.points.append(points[k])
                track.gaps.append(gap)
                track.slope = mine[k]
        return len(alphas)

    def _enter(self, candidates: list[list[Point]], slopes: list[list[Floats]], alphas: Floats) -> None:
        """Bring in what violates at any pending alpha of any track, the strongest first."""
        chosen = []
        for track, mine in zip(self.tracks, slopes):
            for slope, alpha in zip(mine, alphas):
                outside = violators(track.lane.terms * float(alpha), slope)
                chosen.append(outside[~self.inside[outside // self.n_outputs]][: self._room()])
        self._add(np.concatenate(chosen))

    def _predict(self, alphas: Floats) -> None:
        """Bring in what will probably be wanted before the last alpha of the batch."""
        if self.block is None:
            return
        chosen = []
        for track in self.tracks:
            terms = track.lane.terms
            free = np.flatnonzero((thresholds(terms) == 0) & ~terms.excluded)
            soon = violators(terms * (LOOK_AHEAD * float(alphas[-1])), track.slope)
            soon = soon[~self.inside[soon // self.n_outputs]][: self._room()]
            chosen += [free, soon]
        self._add(np.concatenate(chosen))

    def _room(self) -> int:
        return max(LEAST_ADDED, int(self.inside.sum()))

    def _add(self, coordinates: Coordinates) -> None:
        """Gather the columns of these coordinates (whole groups) and let every lane grow."""
        terms = self.tracks[0].lane.terms
        if terms.groups is not None:
            coordinates = np.flatnonzero(np.isin(terms.groups, terms.groups[coordinates]))
        columns = np.unique(coordinates // self.n_outputs)
        columns = columns[~self.inside[columns]]
        if not columns.size:
            return
        assert self.block is not None
        self.inside[columns] = True
        self.block.append(columns)
        fresh = (columns[:, None] * self.n_outputs + np.arange(self.n_outputs)).ravel()
        self.map(lambda track: track.lane.grow(fresh))

    def _forces(self, points: list[Point]) -> Floats:
        """The forces of some points side by side, (n, points * K)."""
        forces = [point.force for point in points if point.force is not None]
        return np.stack(forces, axis=1).reshape(self.design.shape[0], -1)

    def _of_point(self, product: Floats, k: int) -> Floats:
        """The k-th point's correlations, raveled coordinate by coordinate."""
        return product[:, k * self.n_outputs : (k + 1) * self.n_outputs].ravel()
