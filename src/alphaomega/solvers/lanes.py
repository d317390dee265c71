"""A lane: one problem (all rows, or all but a fold) solved on the working set that every lane shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dger

from ..designs.base import Block
from ..losses import Loss
from ..penalties import Terms
from .grouped import GroupedQuadratic
from .quadratic import MAX_SWEEPS, LeftOut, Quadratic
from .screening import Slopes

Floats = NDArray[np.float64]
Coordinates = NDArray[np.intp]
INDEFINITE = 1e-15  # eigenvalues of a Gram of unit columns below this share of the largest are rounding
LAST_DIGIT = 1e-16  # of a sum, as a share of its terms
FEW_ROWS = 200
FOLLOWERS_ROOM = 0.7  # of the leader's working set: theirs are smaller
LEAST_PULL = 1e-3  # share of the pull at zero below which thresholds no longer set how exactly to solve


@dataclass(frozen=True)
class Sample:
    """The rows of a lane: y and fixed part of eta in the loss's shape, shares s_i / sum s (0 for rows left out)."""

    loss: Loss
    y: Floats
    base: Floats
    share: Floats
    intercept: bool


@dataclass(frozen=True)
class WholeGram:
    """Gram, linear terms and means of all columns, centred and scaled; mean and variance of y - offset."""

    gram: Floats
    linear: Floats
    means: Floats
    mean_y: float
    energy_y: float


@dataclass(frozen=True)
class Points:
    """The solutions of one lane at some alphas, on its working set.

    `coordinates` (m,) are the working set, `v` (B, m) the values there, `intercept` (B, K), `forces` -loss' per sample,
    (n, B * K), None where the lane needs no reads; `objective` (B,) are primal values, `energy` (2, B) what the lane's
    dual needs.
    """

    alphas: Floats
    coordinates: Coordinates
    v: Floats
    intercept: Floats
    forces: Floats | None
    objective: Floats
    energy: Floats

    def some(self, which: slice) -> Points:
        """The solutions at some of the alphas."""
        outputs = self.intercept.shape[1]
        columns = slice(which.start and which.start * outputs, which.stop and which.stop * outputs)
        return self._picked(which, columns)

    def spread(self, count: int) -> Points:
        """So many of the solutions, evenly spread, the first and the last among them; all where there are no more."""
        if len(self.alphas) <= count:
            return self
        which = np.linspace(0, len(self.alphas) - 1, count).round().astype(np.intp)
        outputs = self.intercept.shape[1]
        return self._picked(which, (which[:, None] * outputs + np.arange(outputs)).ravel())

    def _picked(self, which: slice | NDArray[np.intp], columns: slice | NDArray[np.intp]) -> Points:
        forces = None if self.forces is None else self.forces[:, columns]
        return Points(
            self.alphas[which], self.coordinates, self.v[which], self.intercept[which], forces,
            self.objective[which], self.energy[:, which],
        )  # fmt: skip


class Lane(ABC):
    """Solves one problem on its working set, warm-started from alpha to alpha.

    `terms` are those of all coordinates in the frame; `coordinates` the working set, in the order it grew.
    """

    sample: Sample
    terms: Terms
    coordinates: Coordinates
    #: Whether the working set is always all of the shared block.
    whole_block = False
    #: Whether its Gram serves lanes behind it that leave out some rows.
    leads = False
    #: How many alphas to solve at once behind a leader, which shows what comes when: more where solves take less time.
    batch_behind = 10
    #: Around large Grams: lets them use every BLAS thread, where no other lane runs beside this one.
    all_threads: Callable[[], AbstractContextManager] = nullcontext

    @abstractmethod
    def grow(self, coordinates: Coordinates, places: Coordinates) -> None:
        """Work on these coordinates too, whose columns stand at `places` of the shared block."""

    @abstractmethod
    def start_from(self, points: Points) -> None:
        """Warm-start at the first of some earlier solutions."""

    @abstractmethod
    def solve(self, alphas: Floats, tolerance: float) -> Points:
        """The solutions, no coordinate violating stationarity by more than tolerance times its threshold (roughly)."""

    @abstractmethod
    def gaps(self, points: Points, slopes: Slopes, scale: Floats, conjugate: Floats) -> Floats:
        """Primal minus dual objectives, from the correlations; `scale` makes the forces dual feasible.

        `conjugate` is the penalty's conjugate there.
        """

    def correlations(self, points: Points) -> Floats:
        """X'(share forces) on all coordinates, (p, B), where the lane has their whole Gram."""
        raise NotImplementedError

    def places(self, coordinates: Coordinates) -> Coordinates:
        """Where coordinates stand in the working set."""
        lookup = np.full(len(self.terms.l1), -1, dtype=np.intp)
        lookup[self.coordinates] = np.arange(len(self.coordinates))
        return lookup[coordinates]


def quadratic_for(terms: Terms, max_sweeps: int = MAX_SWEEPS) -> Quadratic | GroupedQuadratic:
    """The quadratic solver that these terms need."""
    return Quadratic(max_sweeps) if terms.groups is None else GroupedQuadratic()


def reference_of(terms: Terms, pull: float) -> float:
    """The size against which violations count: the smallest threshold, or a small share of the pull."""
    return max(min(level_of(terms, pull), pull), 1e-5 * pull)


def omega_of(terms: Terms, v: Floats) -> float:
    """The penalty's value at v, which satisfies the bounds (inf * 0 counts as 0)."""
    support = np.flatnonzero(v)
    value = float(terms.l1[support] @ abs(v[support]) + terms.quadratic[support] @ v[support] ** 2 / 2)
    if terms.groups is not None and terms.group_weights is not None:
        norms = np.sqrt(np.bincount(terms.groups, v**2, len(terms.group_weights)))
        alive = norms > 0
        value += float(terms.group_weights[alive] @ norms[alive])
    return value


def omegas_of(terms: Terms, v: Floats) -> Floats:
    """`omega_of` for each row of v."""
    if terms.groups is not None:
        return np.array([omega_of(terms, row) for row in v])
    used = v.any(0)
    l1, quadratic, values = terms.l1[used], terms.quadratic[used], v[:, used]
    return abs(values) @ l1 + (values**2 @ quadratic / 2 if quadratic.any() else 0.0)


def level_of(terms: Terms, reference: float) -> float:
    """The smallest threshold of these terms, against which violations count; `reference` where there is none."""
    levels = terms.l1 if terms.group_weights is None else np.append(terms.l1, terms.group_weights)
    levels = levels[(levels > 0) & np.isfinite(levels)]
    return float(levels.min()) if levels.size else reference


def inverse_of(total: Floats) -> Floats:
    """The inverse of a K x K curvature, zero where the intercepts are redundant or flat."""
    if total.size == 1:
        return 1 / total if total[0, 0] > 0 else np.zeros_like(total)
    return np.asarray(np.linalg.pinv(total, rcond=1e-10, hermitian=True), dtype=np.float64)


class SquaredLane(Lane):
    """Squared loss: one Gram per working set serves every alpha.

    Either the columns stand in `block`, or `take_whole` gives Gram, linear term and column means of all coordinates
    from one pass over X; X is then never read again, and no forces are needed.
    """

    leads = True

    def __init__(self, sample: Sample, terms: Terms, block: Block | None) -> None:
        self.sample, self.terms, self.block = sample, terms, block
        target = sample.y - sample.base
        self.mean_y = float(sample.share @ target) if sample.intercept else 0.0
        self.y = target - self.mean_y
        self.energy_y = float(sample.share @ self.y**2)
        self.coordinates = self.in_block = np.empty(0, dtype=np.intp)
        self.means = np.empty(0)
        self.pull = 0.0
        self.working = quadratic_for(terms)
        if terms.groups is None:
            self.batch_behind = 24 if len(sample.y) > FEW_ROWS else 48
        self.working_terms = terms.subset(self.coordinates)
        self.some_free = bool(terms.free.any())
        self.leader: SquaredLane | None = None
        self.slopes = np.empty((0, 0))  # of the points just solved, where the Gram of all columns gives them

    def follow(self, leader: SquaredLane, held_out: NDArray[np.intp]) -> None:
        """Go behind a lane with the same rows and those held out: its Gram, less theirs, is this one's."""
        self.leader, self.held_out = leader, held_out
        share = leader.sample.share[held_out]
        self.held = np.empty((0, len(held_out)))
        self.held_share, self.kept = share, 1 - float(share.sum())
        target = leader.y[held_out]
        self.held_sides = np.stack([share, share * target], axis=1)
        self.shift = self.mean_y - leader.mean_y
        self.working.reserve(max(len(self.working.b), int(FOLLOWERS_ROOM * leader.working.size)))

    def take_whole(self, whole: WholeGram) -> None:
        """Use a Gram of all coordinates; the sample is not looked at."""
        self.coordinates = np.arange(len(whole.linear))
        self.means, self.working_terms = whole.means, self.terms
        self.mean_y, self.energy_y = whole.mean_y, whole.energy_y
        self.pull = float(np.max(abs(whole.linear), initial=0.0))
        self.working.take(whole.gram, whole.linear)

    def grow(self, coordinates: Coordinates, places: Coordinates) -> None:
        assert self.block is not None
        self.in_block = np.append(self.in_block, places)
        self.coordinates = np.append(self.coordinates, coordinates)
        self.working_terms = self.terms.subset(self.coordinates)
        fresh = None if self.leader is None else self.block.some_rows(self.held_out, places)
        if self.leader is None or fresh is None:
            self._grow_alone(self.block, places)
        else:
            self._grow_behind(self.leader, places, np.ascontiguousarray(fresh.T))

    def _grow_alone(self, block: Block, places: Coordinates) -> None:
        share, old = self.sample.share, len(self.means)
        cross = block.gram(share, self.in_block, places)
        both = block.rmatvec_at(np.stack([share, share * self.y], axis=1), places)
        self.means = np.append(self.means, both[:, 0] if self.sample.intercept else np.zeros(len(places)))
        cross = dger(-1.0, self.means[old:], self.means, a=cross.T, overwrite_a=True).T  # without a copy
        self.pull = max(self.pull, float(np.max(abs(both[:, 1]), initial=0.0)))
        self.working.grow(cross, both[:, 1])

    def _grow_behind(self, leader: SquaredLane, places: Coordinates, fresh: Floats) -> None:
        """Columns that the leader has: its sums less those over the rows held out, `fresh` (columns, rows)."""
        means, linear = (fresh @ self.held_sides).T
        means, linear = leader.means[places] - means, leader.working.b[places] - linear
        linear = (linear - self.shift * means) / self.kept
        means = means / self.kept
        self.means = np.append(self.means, means if self.sample.intercept else np.zeros(len(places)))
        self.held = np.concatenate([self.held, fresh])
        self.pull = max(self.pull, float(np.max(abs(linear), initial=0.0)))
        less = LeftOut(leader.means, self.held @ (fresh * self.held_share).T, self.kept, self.means)
        self.working.grow_within(leader.working, self.in_block, linear, less)

    def start_from(self, points: Points) -> None:
        support = np.flatnonzero(points.v[0])
        self.working.move_to(self.places(points.coordinates[support]), points.v[0, support])

    def solve(self, alphas: Floats, tolerance: float) -> Points:
        terms, m = self.working_terms, len(self.coordinates)
        level = level_of(terms, self.pull)
        goals = tolerance * np.clip(alphas * level, LEAST_PULL * self.pull, self.pull)
        v = self.working.follow(terms, alphas, goals)
        shift = v @ self.means
        forces = None
        if self.block is None:
            self.slopes = self.working.b[:m] - v @ self.working.gram[:m, :m]
            pulls = self.energy_y - v @ self.working.b[:m]
            size = np.sqrt(self.energy_y) + abs(v) @ np.sqrt(np.diag(self.working.gram[:m, :m]))
            lost = LAST_DIGIT * size**2  # sums of products of this size
            energy = np.maximum(pulls - np.vecdot(v, self.slopes), 0.0) + lost
            pulls = pulls - lost
        else:
            used = np.flatnonzero(v.any(0))
            fitted = self.block.matvec(np.ascontiguousarray(v[:, used].T), self.in_block[used])
            forces = np.asfortranarray(self.y[:, None] - fitted + shift)
            if self.sample.intercept:
                forces -= self.sample.share @ forces
            weighted = forces.T * self.sample.share
            pulls, energy = weighted @ self.y, np.vecdot(weighted, forces.T)
        objective = energy / 2 + alphas * omegas_of(terms, v)
        intercept = (self.mean_y - shift)[:, None]
        return Points(alphas, self.coordinates, v, intercept, forces, objective, np.stack([pulls, energy]))

    def correlations(self, points: Points) -> Floats:
        assert len(points.alphas) == len(self.slopes)  # those just solved
        return self.slopes.T

    def gaps(self, points: Points, slopes: Slopes, scale: Floats, conjugate: Floats) -> Floats:
        pull, energy = points.energy
        if self.some_free or points.alphas.min() == 0:
            pull, energy = points.energy - self._unbalanced(points.alphas, slopes)
        return points.objective - (scale * pull - scale**2 * energy / 2) + conjugate

    def _unbalanced(self, alphas: Floats, slopes: Slopes) -> Floats:
        """What pull and energy lose as forces give way where nothing holds a coordinate: no dual point may pull there.

        d = G^-1 slope there, the forces less X d have no slope, X'y d less pull and slope'd less energy.
        """
        lost = np.zeros((2, len(alphas)))
        for penalised in (False, True):
            which, terms = np.flatnonzero((alphas > 0) == penalised), self.working_terms * float(penalised)
            free = np.flatnonzero(terms.free & np.isinf(terms.lower) & np.isinf(terms.upper))
            if which.size and free.size:
                gram = self.working.gram[np.ix_(free, free)]
                size = np.sqrt(np.diag(gram))
                size[size == 0] = np.inf
                values, vectors = np.linalg.eigh(gram / np.outer(size, size))
                into = vectors.T / size
                slope = into @ slopes.at(self.coordinates[free])[:, which]
                d = slope / np.maximum(values, max(INDEFINITE * values[-1], 1e-300))[:, None]
                lost[:, which] = (into @ self.working.b[free]) @ d, (slope * d).sum(0)
        return lost
