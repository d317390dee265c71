"""The path driver: batches of alphas on a working set, one block read of X to certify them all.

For each batch every lane is solved on its working set alone. One block product X'[forces] then gives, for every alpha
and lane of the batch, the exact duality gap and every column that wants to enter. A lane's alphas before its first
violation are done; the others are solved again on the larger working set, and checked by the residual-subspace bound,
which reads only the columns that it cannot certify. Folds are lanes: each has a working set of its own, but they share
the gathered columns and every read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..designs import Standardized
from ..designs.base import Block
from ..problem import Control
from .dual import scale_and_conjugate, simple, survey, thresholds, violators
from .lanes import Lane, Points
from .screening import Basis
from .threads import Threads

Floats = NDArray[np.float64]
Coordinates = NDArray[np.intp]
S = TypeVar("S")
T = TypeVar("T")

LARGEST_BATCH = 10
BLOCK_NUMBERS = 2e7  # at most so many correlations are held at once
WHOLE_READ = 0.3  # above this share of uncertified columns one whole read is cheaper than a gather
SMALL_WORK = 3e5  # numbers of the working block below which Python, not arithmetic, is what threads would share
MAX_ROUNDS = 100
TOLERANCE, TIGHTEST = 1e-7, 1e-13  # of the small solves, relative to alpha
LOOK_AHEAD = 1.1  # columns that reach this multiple of the last threshold of a batch join its working set
LEAST_ADDED = 200  # at most this many columns join at once, or as many as there are
MOST_ADDED = 0.25  # ... but no more than this share of the rows: near saturation many look as if they soon will


@dataclass(eq=False)
class Track:
    """A lane and what it has finished; the last known correlations, and which columns are in its working set.

    `bound` is how long a unit column of the frame can be in the metric of the lane's own shares, `pull` the largest
    correlation at the null model.
    """

    lane: Lane
    null_loss: float
    slope: Floats
    inside: NDArray[np.bool_]
    points: list[Points] = field(default_factory=list)
    gaps: list[Floats] = field(default_factory=list)
    tolerance: float = TOLERANCE
    basis: Basis | None = None
    bound: float = 1.0
    pull: float = 0.0
    message: str = ""
    start: Points | None = None

    def latest(self) -> list[Points]:
        """The point to go on from, none at the beginning of a path that starts at zero."""
        return self.points[-1:] or ([] if self.start is None else [self.start])


@dataclass(eq=False)
class Trial:
    """What a track proposes for its pending alphas: points, correlations (p * K, B) and what they mean."""

    track: Track
    points: Points
    slopes: Floats
    gaps: Floats
    missing: NDArray[np.bool_]


@dataclass
class Driver:
    """Runs all tracks down the grid of alphas, sharing the gathered columns and every read of X."""

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
        self.places = np.full(len(self.norms), -1, dtype=np.intp)  # of each column in the block
        self.gathered = np.empty(0, dtype=np.intp)
        for track in self.tracks:
            track.tolerance = float(np.clip(0.1 * self.control.tol, TIGHTEST, TOLERANCE))
        with ThreadPoolExecutor(self.threads.many) as pool:
            self.pool = pool
            position, batch = 0, 1 if self.block is not None else LARGEST_BATCH
            while position < len(self.alphas):
                room = int(BLOCK_NUMBERS / (len(self.norms) * self.n_outputs * len(self.tracks)))
                batch = max(1, min(batch, LARGEST_BATCH, room))
                rounds = self._batch(self.alphas[position : position + batch])
                position += batch
                self.control.tell(min(position / len(self.alphas), 1.0))
                batch = 2 * batch if rounds <= 2 else max(1, batch // 2)

    def map(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """Work on every item, side by side unless the work is so small that Python is most of it."""
        numbers = self.design.shape[0] * self.n_outputs * max(len(self.gathered), 1)
        if self.threads.many == 1 or len(items) == 1 or numbers < SMALL_WORK:
            return [work(item) for item in items]
        return list(self.pool.map(work, items))

    def _batch(self, alphas: Floats) -> int:
        """Solve and certify one batch; returns how many rounds it took."""
        self._predict(alphas)
        pending = [(track, alphas, track.latest()) for track in self.tracks]
        for rounds in range(1, MAX_ROUNDS + 1):
            points = self.map(self._solve, pending)
            tracks = [track for track, _, _ in pending]
            slopes = self._slopes(tracks, points, rounds)
            trials = self.map(self._judge, list(zip(tracks, points, slopes)))
            pending = []
            for trial in trials:
                done = self._record(trial, force=rounds == MAX_ROUNDS)
                if done < len(trial.points.alphas):
                    rest = trial.points.some(slice(done, None))
                    pending.append((trial.track, rest.alphas, [rest]))
            if not pending:
                break
            self._enter(trials, [track for track, _, _ in pending])
        return rounds

    def _solve(self, task: tuple[Track, Floats, list[Points]]) -> Points:
        track, alphas, start = task
        if start:
            track.lane.start_from(start[0])
        return track.lane.solve(alphas, track.tolerance)

    def _slopes(self, tracks: list[Track], points: list[Points], rounds: int) -> list[Floats]:
        """Correlations of every candidate: exact where they can matter, certified below threshold elsewhere."""
        if self.block is None:
            return [track.lane.correlations(own) for track, own in zip(tracks, points)]
        if len(self.gathered) == len(self.norms):
            return [self._of_block(track, own) for track, own in zip(tracks, points)]
        if rounds > 1:
            bounded = self._bounded(tracks, points)
            if bounded is not None:
                return bounded
        return self._read(tracks, points)

    def _of_block(self, track: Track, points: Points) -> Floats:
        """Correlations where every column stands in the block: X is not read again."""
        assert self.block is not None
        product = np.empty((len(self.norms), len(points.alphas) * self.n_outputs), order="F")
        product[self.gathered] = self.block.rmatvec(self._weighted(track, points))
        return product

    def _weighted(self, track: Track, points: Points) -> Floats:
        assert points.forces is not None
        return track.lane.sample.share[:, None] * points.forces

    def _read(self, tracks: list[Track], points: list[Points]) -> list[Floats]:
        """One block read for all candidates of all tracks; its forces become the bases of the bounds."""
        weighted = [self._weighted(track, own) for track, own in zip(tracks, points)]
        whole = np.concatenate([part.T for part in weighted]).T
        with self.threads.reading():
            product = self.design.rmatvec(whole)
        slopes, at = [], 0
        for track, own in zip(tracks, points):
            assert own.forces is not None
            part = product[:, at : at + own.forces.shape[1]]
            at += own.forces.shape[1]
            track.basis = Basis(own.forces, part, track.lane.sample.share)
            slopes.append(part)
        return slopes

    def _bounded(self, tracks: list[Track], points: list[Points]) -> list[Floats] | None:
        """Correlations by the residual-subspace bound; None when too many columns would have to be read."""
        assert self.block is not None
        estimates, doubtful = [], np.zeros(len(self.norms), dtype=bool)
        for track, own in zip(tracks, points):
            assert track.basis is not None and own.forces is not None
            estimate, error = track.basis.estimate(own.forces)
            estimates.append(estimate)
            for k, alpha in enumerate(own.alphas):
                mine = slice(k * self.n_outputs, (k + 1) * self.n_outputs)
                doubtful |= self._doubtful(track, estimate[:, mine], error[mine], float(alpha))
        doubtful &= self.places < 0
        columns = np.flatnonzero(doubtful)
        if len(columns) > WHOLE_READ * len(self.norms):
            return None
        weighted = [self._weighted(track, own) for track, own in zip(tracks, points)]
        read = self.design.rmatvec(np.hstack(weighted), columns) if columns.size else None
        at = 0
        for part, estimate in zip(weighted, estimates):
            if read is not None:
                estimate[columns] = read[:, at : at + part.shape[1]]
            at += part.shape[1]
            estimate[self.gathered] = self.block.rmatvec(part)
        return estimates

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

    def _judge(self, candidate: tuple[Track, Points, Floats]) -> Trial:
        """Relative gaps of a track's candidates, and whether columns outside its working set want to enter."""
        track, points, product = candidate
        terms, count = track.lane.terms, len(points.alphas)
        slopes = product.reshape(len(self.norms), count, self.n_outputs).transpose(0, 2, 1).reshape(-1, count)
        outside = np.repeat(~track.inside, self.n_outputs)
        if simple(terms):
            scale, missing = survey(terms, points.alphas, slopes, outside)
            conjugate = np.zeros(count)
        else:
            scale, conjugate, missing = np.empty(count), np.empty(count), np.empty(count, dtype=bool)
            for k, alpha in enumerate(points.alphas):
                scaled = terms * float(alpha)
                scale[k], conjugate[k] = scale_and_conjugate(scaled, slopes[:, k], track.pull)
                missing[k] = outside[violators(scaled, slopes[:, k])].any()
        gaps = np.maximum(track.lane.gaps(points, slopes, scale, conjugate), 0.0)
        gaps = np.fmin(gaps, points.objective)  # forces of zero are feasible too: no objective is negative
        gaps = gaps / track.null_loss if track.null_loss > 0 else np.zeros(count)
        return Trial(track, points, slopes, gaps, missing)

    def _record(self, trial: Trial, force: bool) -> int:
        """Record the leading alphas that are certified; returns how many."""
        track, count = trial.track, len(trial.points.alphas)
        done = count
        if not force:
            short = (trial.gaps > self.control.tol) & ~trial.missing
            if track.tolerance <= TIGHTEST:
                short[:] = False
            bad = np.flatnonzero(trial.missing | short)
            if bad.size:
                done = int(bad[0])
                if short[done]:
                    track.tolerance = max(track.tolerance * 1e-2, TIGHTEST)
        if done:
            kept = replace(trial.points.some(slice(0, done)), forces=None)
            track.points.append(kept)
            track.gaps.append(trial.gaps[:done])
            track.slope = trial.slopes[:, done - 1]
        return done

    def _enter(self, trials: list[Trial], pending: list[Track]) -> None:
        """Bring in what violates at any pending alpha of a track, the strongest first."""
        if self.block is not None:
            self._add({id(trial.track): self._violating(trial) for trial in trials if trial.track in pending})

    def _violating(self, trial: Trial) -> Coordinates:
        track, chosen = trial.track, []
        for slope, alpha in zip(trial.slopes.T, trial.points.alphas):
            outside = violators(track.lane.terms * float(alpha), slope)
            chosen.append(outside[~track.inside[outside // self.n_outputs]][: self._room(track)])
        return np.concatenate(chosen)

    def _predict(self, alphas: Floats) -> None:
        """Bring in what will probably be wanted before the last alpha of the batch."""
        if self.block is None:
            return
        chosen = {}
        for track in self.tracks:
            terms = track.lane.terms
            free = np.flatnonzero((thresholds(terms) == 0) & ~terms.excluded)
            soon = violators(terms * (LOOK_AHEAD * float(alphas[-1])), track.slope)
            soon = soon[~track.inside[soon // self.n_outputs]][: self._room(track)]
            begun = np.empty(0, dtype=np.intp) if track.start is None or track.points else track.start.coordinates
            chosen[id(track)] = np.concatenate([free, soon, begun])
        self._add(chosen)

    def _room(self, track: Track) -> int:
        return max(LEAST_ADDED, int(min(track.inside.sum(), MOST_ADDED * self.design.shape[0])))

    def _add(self, chosen: dict[int, Coordinates]) -> None:
        """Gather what columns (whole groups) are new to the block, and let every lane grow by its own."""
        assert self.block is not None
        wanted = {key: self._columns(coordinates) for key, coordinates in chosen.items()}
        union = np.unique(np.concatenate(list(wanted.values())))
        fresh = union[self.places[union] < 0]
        if fresh.size:
            self.places[fresh] = len(self.gathered) + np.arange(len(fresh))
            self.gathered = np.append(self.gathered, fresh)
            self.block.append(fresh)
        self.map(partial(self._grow, wanted), self.tracks)

    def _columns(self, coordinates: Coordinates) -> Coordinates:
        terms = self.tracks[0].lane.terms
        if terms.groups is not None:
            coordinates = np.flatnonzero(np.isin(terms.groups, terms.groups[coordinates]))
        return np.unique(coordinates // self.n_outputs)

    def _grow(self, wanted: dict[int, Coordinates], track: Track) -> None:
        columns = self.gathered if track.lane.whole_block else wanted.get(id(track), self.gathered[:0])
        columns = columns[~track.inside[columns]]
        if columns.size:
            track.inside[columns] = True
            coordinates = (columns[:, None] * self.n_outputs + np.arange(self.n_outputs)).ravel()
            track.lane.grow(coordinates, self.places[columns])
