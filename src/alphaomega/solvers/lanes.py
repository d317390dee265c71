"""A lane: one problem (all rows, or all but a fold) solved on the working set that every lane shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..designs.base import Block
from ..losses import Loss
from ..penalties import Terms
from .dual import scale_and_conjugate
from .grouped import GroupedQuadratic
from .quadratic import MAX_SWEEPS, Quadratic

Floats = NDArray[np.float64]
Coordinates = NDArray[np.intp]


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
class Point:
    """A solution on the working set.

    `coordinates` and `v` are the non-zeros, `force` is -loss' per sample (None where the lane needs no reads),
    `objective` the primal value, `energy` what the lane's dual needs.
    """

    coordinates: Coordinates
    v: Floats
    intercept: Floats
    force: Floats | None
    objective: float
    energy: tuple[float, float] = (0.0, 0.0)


class Lane(ABC):
    """Solves one problem on the working set, warm-started from alpha to alpha.

    `terms` are those of all coordinates in the block's scaling; `coordinates` the working set, in the order it grew.
    """

    sample: Sample
    terms: Terms
    coordinates: Coordinates
    #: Around large Grams: lets them use every BLAS thread, where no other lane runs beside this one.
    all_threads: Callable[[], AbstractContextManager] = nullcontext

    @abstractmethod
    def grow(self, coordinates: Coordinates) -> None:
        """The shared block has gained the columns of these coordinates, which now follow the others."""

    @abstractmethod
    def start_from(self, point: Point) -> None:
        """Warm-start at an earlier solution."""

    @abstractmethod
    def solve(self, alpha: float, tolerance: float) -> Point:
        """The solution at alpha, no coordinate violating stationarity by more than tolerance * alpha (roughly)."""

    @abstractmethod
    def correlations(self, point: Point) -> Floats:
        """X'(share force) on the working set, from the gathered columns alone."""

    @abstractmethod
    def gap(self, point: Point, terms: Terms, slope: Floats) -> float:
        """Primal minus dual objective at `point`, given all correlations; `terms` already times alpha."""

    def _places(self, coordinates: Coordinates) -> NDArray[np.intp]:
        """Where coordinates stand in the working set."""
        lookup = np.full(len(self.terms.l1), -1, dtype=np.intp)
        lookup[self.coordinates] = np.arange(len(self.coordinates))
        return lookup[coordinates]


def quadratic_for(terms: Terms, max_sweeps: int = MAX_SWEEPS) -> Quadratic | GroupedQuadratic:
    """The quadratic solver that these terms need."""
    return Quadratic(max_sweeps) if terms.groups is None else GroupedQuadratic()


def omega_of(terms: Terms, v: Floats) -> float:
    """The penalty's value at v, which satisfies the bounds (inf * 0 counts as 0)."""
    support = np.flatnonzero(v)
    value = float(terms.l1[support] @ abs(v[support]) + terms.quadratic[support] @ v[support] ** 2 / 2)
    if terms.groups is not None and terms.group_weights is not None:
        norms = np.sqrt(np.bincount(terms.groups, v**2, len(terms.group_weights)))
        alive = norms > 0
        value += float(terms.group_weights[alive] @ norms[alive])
    return value


class SquaredLane(Lane):
    """Squared loss: one Gram per working set serves every alpha.

    Either the columns stand in `block`, or `take_whole` gives Gram, linear term and column means of all coordinates
    from one pass over X; X is then never read again, and no forces are needed.
    """

    def __init__(self, sample: Sample, terms: Terms, block: Block | None) -> None:
        self.sample, self.terms, self.block = sample, terms, block
        target = sample.y - sample.base
        self.mean_y = float(sample.share @ target) if sample.intercept else 0.0
        self.y = target - self.mean_y
        self.energy_y = float(sample.share @ self.y**2)
        self.coordinates = np.empty(0, dtype=np.intp)
        self.means = np.empty(0)
        self.working = quadratic_for(terms)
        self.working_terms = terms.subset(self.coordinates)

    def take_whole(self, whole: WholeGram) -> None:
        """Use a Gram of all coordinates; the sample is not looked at."""
        self.coordinates = np.arange(len(whole.linear))
        self.means, self.working_terms = whole.means, self.terms
        self.mean_y, self.energy_y = whole.mean_y, whole.energy_y
        self.working.grow(whole.gram, whole.linear)

    def grow(self, coordinates: Coordinates) -> None:
        assert self.block is not None
        old, total = len(self.coordinates), len(self.coordinates) + len(coordinates)
        fresh, everything = np.arange(old, total), np.arange(total)
        share = self.sample.share
        with self.all_threads():
            cross = self.block.gram(share, everything, fresh)
        both = self.block.rmatvec(np.stack([share, share * self.y], axis=1))
        self.means = both[:, 0] if self.sample.intercept else np.zeros(total)
        cross -= np.outer(self.means, self.means[fresh])
        self.coordinates = np.append(self.coordinates, coordinates)
        self.working_terms = self.terms.subset(self.coordinates)
        self.working.grow(cross, both[fresh, 1])

    def start_from(self, point: Point) -> None:
        self.working.move_to(self._places(point.coordinates), point.v)

    def solve(self, alpha: float, tolerance: float) -> Point:
        terms = self.working_terms * alpha
        self.working.solve(terms, tolerance)
        m = len(self.coordinates)
        v, c, b = self.working.v[:m], self.working.c[:m], self.working.b[:m]
        places = np.flatnonzero(v)
        value = v[places]
        shift = float(self.means[places] @ value)
        force = None
        if self.block is None:
            pull = self.energy_y - float(b[places] @ value)
            energy = max(pull - float(c[places] @ value), 0.0)
        else:
            force = self.y - self.block.matvec(value, places) + shift
            if self.sample.intercept:
                force -= self.sample.share @ force
            weighted = self.sample.share * force
            pull, energy = float(weighted @ self.y), float(weighted @ force)
        objective = energy / 2 + omega_of(terms, v)
        return Point(self.coordinates[places], value, np.asarray(self.mean_y - shift), force, objective, (pull, energy))

    def correlations(self, point: Point) -> Floats:
        if self.block is None:  # from the point itself: the solver may have moved on
            m, support = len(self.coordinates), point.coordinates
            return self.working.b[:m] - point.v @ self.working.gram[support, :m]
        assert point.force is not None
        return self.block.rmatvec(self.sample.share * point.force)

    def gap(self, point: Point, terms: Terms, slope: Floats) -> float:
        scale, conjugate = scale_and_conjugate(terms, slope)
        pull, energy = point.energy
        return point.objective - (scale * pull - scale**2 * energy / 2) + conjugate
