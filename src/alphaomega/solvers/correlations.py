"""Correlations of every column with the forces of candidates: exact where they can matter, bounded elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..designs import Standardized
from .lanes import Points
from .screening import Basis, Slopes, doubtful
from .threads import Threads
from .tracks import Gathered, Track

Floats = NDArray[np.float64]
FEW_READ = 4  # points of a track in a batch that are read in full; those between them are near their span
WHOLE_READ = 0.3  # above this share of uncertified columns one whole read is cheaper than a gather


@dataclass
class Correlations:
    """X'[share forces], (p, B * K), of the candidates of some tracks together.

    `norms` are those of the columns, in the metric of all rows.
    """

    design: Standardized
    gathered: Gathered
    norms: Floats
    n_outputs: int
    threads: Threads

    def exact(self, tracks: list[Track], points: list[Points]) -> list[Slopes]:
        """One block read that leaves nothing open: of a few points of each track, which bound those between."""
        if self.gathered.complete:
            return [self._of_block(track, own) for track, own in zip(tracks, points)]
        some = [own.spread(FEW_READ) for own in points]
        read = self._read(tracks, some)
        for track, own, part in zip(tracks, some, read):
            assert own.forces is not None
            track.basis = Basis(own.forces, part, track.lane.sample.share)
        if any(own is not few for own, few in zip(points, some)):
            bounded = self.bounded(tracks, points)
            if bounded is not None:
                return bounded
            read = self._read(tracks, points)
        return [Slopes(self._by_coordinates(part, len(own.alphas))) for part, own in zip(read, points)]

    def _read(self, tracks: list[Track], points: list[Points]) -> list[Floats]:
        """X' of every track's weighted forces, in one read."""
        weighted = [_weighted(track, own) for track, own in zip(tracks, points)]
        forces = np.concatenate([part.T for part in weighted]).T
        with self.threads.reading(self.design):
            product = self.design.rmatvec(forces)
        return np.split(product, np.cumsum([part.shape[1] for part in weighted])[:-1], axis=1)

    def bounded(self, tracks: list[Track], points: list[Points]) -> list[Slopes] | None:
        """Correlations by the residual-subspace bound; None when too many columns would have to be read."""
        if self.gathered.complete:
            return None
        screened = self.threads.team.map(self._screen, tracks, points)
        columns = np.flatnonzero(np.logical_or.reduce([over for _, over in screened]))
        apart = columns[self.gathered.places[columns] < 0]
        if len(apart) > WHOLE_READ * len(self.norms):
            return None
        columns = np.concatenate([columns[self.gathered.places[columns] >= 0], apart])
        coordinates = (columns[:, None] * self.n_outputs + np.arange(self.n_outputs)).ravel()
        slopes = []
        for track, own, (shares, _), part in zip(tracks, points, screened, self._of_columns(columns, tracks, points)):
            assert track.basis is not None
            values = self._by_coordinates(part, len(own.alphas))
            slopes.append(Slopes(values, coordinates, (track.basis.correlations, shares)))
        return slopes

    def _screen(self, track: Track, points: Points) -> tuple[Floats, NDArray[np.bool_]]:
        """How a track's forces project on its basis, and which columns they leave open."""
        assert track.basis is not None and points.forces is not None
        shares, error = track.basis.project(points.forces)
        basis = (track.basis.correlations, shares)
        return shares, doubtful(track.lane.terms, points.alphas, basis, self.norms, track.bound * error)

    def _of_columns(self, columns: NDArray[np.intp], tracks: list[Track], points: list[Points]) -> list[Floats]:
        """X' of every track's weighted forces, of some columns alone: those in the block first."""
        weighted = np.hstack([_weighted(track, own) for track, own in zip(tracks, points)])
        places = self.gathered.places[columns]
        known = int((places >= 0).sum())
        block = self.gathered.block
        if 2 * known < block.size:
            shares = np.array_split(places[:known], self.threads.many)
            parts = self.threads.team.map(partial(block.rmatvec_at, weighted), shares)
        else:  # a product with some columns too many costs less than a copy
            with self.threads.reading(self.design):
                parts = [block.rmatvec(weighted)[places[:known]]]
        if known < len(columns):
            parts.append(self.design.rmatvec(weighted, columns[known:]))
        ends = np.cumsum([own.intercept.size for own in points])
        return np.split(np.concatenate(parts), ends[:-1], axis=1)

    def _by_coordinates(self, product: Floats, count: int) -> Floats:
        """(columns, points * outputs) as (columns * outputs, points)."""
        parts = product.reshape(len(product), count, self.n_outputs)
        return parts.transpose(0, 2, 1).reshape(-1, count)

    def _of_block(self, track: Track, points: Points) -> Slopes:
        """Correlations where every column stands in the block: X is not read again."""
        product = np.empty((len(self.norms), len(points.alphas) * self.n_outputs), order="F")
        product[self.gathered.columns] = self.gathered.block.rmatvec(_weighted(track, points))
        return Slopes(self._by_coordinates(product, len(points.alphas)))


def _weighted(track: Track, points: Points) -> Floats:
    assert points.forces is not None
    return track.lane.sample.share[:, None] * points.forces
