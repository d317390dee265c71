"""The path driver: batches of alphas on a working set, one block read of X to certify them all.

For each batch every lane is solved on its working set alone. One block product X'[forces] of a few alphas then gives,
by the residual-subspace bound and a read of the columns that it cannot certify, the exact duality gap of every alpha
and lane of the batch, and every column that wants to enter. A lane's alphas before its first violation are done; the
others are solved again on the larger working set, and checked with the same product.

The problem on all rows goes first. Folds follow it together: each has a working set of its own, smaller for what the
leader has shown of when columns come, but they share the gathered columns and every read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..designs import Standardized
from ..problem import Control
from .correlations import Correlations
from .dual import reaching, scale_and_conjugate, simple, survey, thresholds, violators, violators_along
from .lanes import Points
from .screening import Slopes
from .threads import Threads
from .tracks import TIGHTEST, TOLERANCE, Coordinates, Gathered, Track, Trial

Floats = NDArray[np.float64]
S = TypeVar("S")
T = TypeVar("T")

LARGEST_BATCH = 10  # alphas
BLOCK_NUMBERS = 2e7  # at most so many correlations are held at once
SMALL_WORK = 3e4  # numbers of the working block below which Python is what threads would share
MAX_ROUNDS = 100
LOOK_AHEAD = 1.1  # columns that reach this multiple of the last threshold of a batch join its working set
LEAST_ADDED = 120  # at most this many columns join at once, or as many as there are
MOST_ADDED = 0.25  # ... but no more than this share of the rows: near saturation many look as if they soon will
NEAR, EARLY = 0.9, 0.9  # followers consider what came so near to a leader's thresholds by EARLY * alpha
SOON = 1.3  # ... and reaches this multiple of the last threshold of a batch
ALREADY = 0.97  # ... or what is so near to their own thresholds


@dataclass
class Driver:
    """Runs all tracks down the grid of alphas, sharing the gathered columns and every read of X.

    Without `gathered` every lane has the Gram of all columns. Behind a `leader`, a track that is done, its `arrival`
    shows which columns come when, and its lane keeps the Gram of all gathered columns.
    """

    design: Standardized
    gathered: Gathered | None
    tracks: list[Track]
    alphas: Floats
    norms: Floats
    n_outputs: int
    control: Control
    threads: Threads
    leader: Track | None = None

    def run(self) -> None:
        """Solve, certify and record every alpha of every track."""
        for track in self.tracks:
            track.tolerance = float(np.clip(0.1 * self.control.tol, TIGHTEST, TOLERANCE))
        room = int(BLOCK_NUMBERS / (len(self.norms) * self.n_outputs * len(self.tracks)))
        largest = max(1, min(LARGEST_BATCH if self.leader is None else self.tracks[0].lane.batch_behind, room))
        if self.gathered is not None:
            outputs, threads = self.n_outputs, self.threads
            self.correlations = Correlations(self.design, self.gathered, self.norms, outputs, threads)
        position, batch = 0, 1 if self.gathered is not None and self.leader is None else largest
        while position < len(self.alphas):
            batch = max(1, min(batch, largest))
            rounds = self._batch(self.alphas[position : position + batch])
            position += batch
            self.control.tell(min(position / len(self.alphas), 1.0))
            batch = 2 * batch if rounds <= 2 else batch // 2

    def map(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """Work on every item, side by side unless the work is so small that Python is most of it."""
        columns = len(self.norms if self.gathered is None else self.gathered.columns)
        numbers = self.design.shape[0] * self.n_outputs * max(columns, 1)
        if self.threads.many == 1 or len(items) == 1 or numbers < SMALL_WORK:
            return [work(item) for item in items]
        return self.threads.team.map(work, items)

    def _batch(self, alphas: Floats) -> int:
        """Solve and certify one batch; returns how many rounds it took."""
        self._predict(alphas)
        pending = [(track, alphas, track.latest()) for track in self.tracks]
        for rounds in range(1, MAX_ROUNDS + 1):
            points = self.map(self._solve, pending)
            tracks = [track for track, _, _ in pending]
            slopes = self._slopes(tracks, points, rounds)
            trials = [self._judge(track, own, product) for track, own, product in zip(tracks, points, slopes)]
            pending = []
            for trial in trials:
                done = self._record(trial, force=rounds == MAX_ROUNDS)
                if done < len(trial.points.alphas):
                    rest = trial.points.some(slice(done, None))
                    pending.append((trial.track, rest.alphas, [rest]))
            if not pending:
                break
            self._enter(trials, [track for track, _, _ in pending])
        for track in self.tracks:
            track.basis = None  # it holds the correlations of the whole batch
        return rounds

    def _solve(self, task: tuple[Track, Floats, list[Points]]) -> Points:
        track, alphas, start = task
        if self.gathered is not None:
            self._grow(track)
        if start:
            track.lane.start_from(start[0])
        return track.lane.solve(alphas, track.tolerance)

    def _slopes(self, tracks: list[Track], points: list[Points], rounds: int) -> list[Slopes]:
        """Correlations of every candidate: exact where they can matter, certified below threshold elsewhere."""
        if self.gathered is None:
            return [Slopes(track.lane.correlations(own)) for track, own in zip(tracks, points)]
        bounded = self.correlations.bounded(tracks, points) if rounds > 1 else None
        return self.correlations.exact(tracks, points) if bounded is None else bounded

    def _judge(self, track: Track, points: Points, slopes: Slopes) -> Trial:
        """Relative gaps of a track's candidates, and whether columns outside its working set want to enter."""
        terms, count = slopes.terms(track.lane.terms), len(points.alphas)
        outside = slopes.outside(np.repeat(track.inside, self.n_outputs))
        if simple(terms):
            scale, missing = survey(terms, points.alphas, slopes.values, outside)
            conjugate = np.zeros(count)
        else:
            scale, conjugate, missing = np.empty(count), np.empty(count), np.empty(count, dtype=bool)
            for k, alpha in enumerate(points.alphas):
                scaled = terms * float(alpha)
                scale[k], conjugate[k] = scale_and_conjugate(scaled, slopes.values[:, k], track.pull)
                missing[k] = outside[violators(scaled, slopes.values[:, k])].any()
        gaps = track.lane.gaps(points, slopes, scale, conjugate)
        wrong = gaps < -self.control.tol * track.null_loss  # no minimum is below a dual: rounding has won
        gaps = np.fmin(np.maximum(gaps, 0.0), points.objective)  # forces of zero are feasible: no objective is negative
        gaps[wrong] = np.inf
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
            track.slope = trial.slopes.whole(done - 1)
            if self.gathered is not None and self.leader is None:
                self._note_arrivals(track, kept.alphas)
        return done

    def _note_arrivals(self, track: Track, alphas: Floats) -> None:
        """Which columns had come near by the last of these alphas."""
        reached = reaching(track.lane.terms, NEAR * float(alphas[-1]), track.slope)
        near = reached.reshape(-1, self.n_outputs).any(1)
        track.arrival[near] = np.maximum(track.arrival[near], alphas[0])

    def _enter(self, trials: list[Trial], pending: list[Track]) -> None:
        """Bring in what violates at any pending alpha of a track, the strongest first."""
        if self.gathered is not None:
            self._add({id(trial.track): self._violating(trial) for trial in trials if trial.track in pending})

    def _violating(self, trial: Trial) -> Coordinates:
        """What wants to enter at any of a trial's alphas, the strongest first."""
        track, slopes = trial.track, trial.slopes
        outside = slopes.outside(np.repeat(track.inside, self.n_outputs))
        terms = slopes.terms(track.lane.terms)
        found = violators_along(terms, trial.points.alphas, slopes.values, outside)
        return slopes.numbers(found[: self._room(track)])

    def _predict(self, alphas: Floats) -> None:
        """Bring in what will probably be wanted before the last alpha of the batch."""
        if self.gathered is None:
            return
        chosen = {}
        for track in self.tracks:
            terms = track.lane.terms
            free = np.flatnonzero((thresholds(terms) == 0) & ~terms.excluded)
            if self.leader is None:
                soon = violators(terms * (LOOK_AHEAD * float(alphas[-1])), track.slope)
                soon = soon[~track.inside[soon // self.n_outputs]][: self._room(track)]
            else:
                soon = np.flatnonzero(self._promising(self.leader, track, alphas))
            begun = np.empty(0, dtype=np.intp) if track.start is None or track.points else track.start.coordinates
            chosen[id(track)] = np.concatenate([free, soon, begun])
        self._add(chosen)

    def _promising(self, leader: Track, track: Track, alphas: Floats) -> NDArray[np.bool_]:
        """What a leader was near to in time, of the coordinates that look so here; and what is near already."""
        terms, slope = track.lane.terms, track.slope
        led = np.repeat(leader.arrival > EARLY * alphas[-1], self.n_outputs)
        near = reaching(terms, SOON * float(alphas[-1]), slope)
        return (led & near) | reaching(terms, ALREADY * float(alphas[0]), slope)

    def _room(self, track: Track) -> int:
        return max(LEAST_ADDED, int(min(track.inside.sum(), MOST_ADDED * self.design.shape[0])))

    def _add(self, chosen: dict[int, Coordinates]) -> None:
        """Gather what columns (whole groups) are new to the block; lanes grow by their own when they are solved."""
        assert self.gathered is not None
        for track in self.tracks:
            if id(track) in chosen:
                track.entering = self._columns(chosen[id(track)])
        self.gathered.add(np.unique(np.concatenate([track.entering for track in self.tracks])))
        if self.leader is not None and self.leader.lane.leads:
            self.leader.entering = self.gathered.columns
            self._grow(self.leader)

    def _columns(self, coordinates: Coordinates) -> Coordinates:
        terms = self.tracks[0].lane.terms
        if terms.groups is not None:
            coordinates = np.flatnonzero(np.isin(terms.groups, terms.groups[coordinates]))
        return np.unique(coordinates // self.n_outputs)

    def _grow(self, track: Track) -> None:
        """Let a lane grow by what enters."""
        assert self.gathered is not None
        columns = self.gathered.columns if track.lane.whole_block else track.entering
        columns = columns[~track.inside[columns]]
        if columns.size:
            track.inside[columns] = True
            coordinates = (columns[:, None] * self.n_outputs + np.arange(self.n_outputs)).ravel()
            track.lane.grow(coordinates, self.gathered.places[columns])
        track.entering = track.entering[:0]
