"""Correlations of every column with the forces of candidates: exact where they can matter, bounded elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..designs import Standardized
from .lanes import Points
from .screening import Basis
from .threads import Threads
from .tracks import Gathered, Track

Floats = NDArray[np.float64]
SMALL_READ = 1e7  # multiplications of a read that are not worth waking the threads of BLAS
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
    pool: ThreadPoolExecutor

    def exact(self, tracks: list[Track], points: list[Points]) -> list[Floats]:
        """One block read for all candidates of all tracks; its forces become the bases of the bounds."""
        if self.gathered.complete:
            return [self._of_block(track, own) for track, own in zip(tracks, points)]
        slopes = self._read([_weighted(track, own) for track, own in zip(tracks, points)])
        for track, own, part in zip(tracks, points, slopes):
            assert own.forces is not None
            track.basis = Basis(own.forces, part, track.lane.sample.share)
        return slopes

    def _read(self, weighted: list[Floats]) -> list[Floats]:
        """X' of every track's weighted forces, in one read.

        Where lanes run side by side, so does their read, in shares: threads of BLAS go on spinning for some 25 ms after
        a product, and take the processors from the lanes.
        """
        count = min(len(weighted), self.threads.many if self.design.side_by_side else 1)
        shares = [weighted[k * len(weighted) // count : (k + 1) * len(weighted) // count] for k in range(count)]
        wholes = [np.concatenate([part.T for part in share]).T for share in shares]
        if count > 1:
            products = self.design.rmatvec_each(wholes, self.pool.map)
        else:
            large = wholes[0].size * len(self.norms) > SMALL_READ
            with self.threads.reading() if large else nullcontext():
                products = [self.design.rmatvec(wholes[0])]
        ends = [np.cumsum([part.shape[1] for part in share])[:-1] for share in shares]
        return [part for product, end in zip(products, ends) for part in np.split(product, end, axis=1)]

    def bounded(self, tracks: list[Track], points: list[Points]) -> list[Floats] | None:
        """Correlations by the residual-subspace bound; None when too many columns would have to be read."""
        if self.gathered.complete:
            return None
        estimates, doubtful = [], np.zeros(len(self.norms), dtype=bool)
        for track, own in zip(tracks, points):
            assert track.basis is not None and own.forces is not None
            estimate, error = track.basis.estimate(own.forces)
            estimates.append(estimate)
            doubtful |= self._doubtful(track, own.alphas, estimate, error)
        doubtful &= self.gathered.places < 0
        columns = np.flatnonzero(doubtful)
        if len(columns) > WHOLE_READ * len(self.norms):
            return None
        weighted = [_weighted(track, own) for track, own in zip(tracks, points)]
        read = self.design.rmatvec(np.hstack(weighted), columns) if columns.size else None
        at = 0
        for part, estimate in zip(weighted, estimates):
            if read is not None:
                estimate[columns] = read[:, at : at + part.shape[1]]
            at += part.shape[1]
            estimate[self.gathered.columns] = self.gathered.block.rmatvec(part)
        return estimates

    def _doubtful(self, track: Track, alphas: Floats, estimate: Floats, error: Floats) -> NDArray[np.bool_]:
        """Columns that the bound cannot certify inactive at some alpha, and whose estimate may not stand for them."""
        terms, k = track.lane.terms, self.n_outputs
        bound = abs(estimate) + np.multiply.outer(self.norms, track.bound * error)
        if terms.groups is None or terms.group_weights is None:
            with np.errstate(invalid="ignore"):  # an excluded coordinate at alpha = 0
                level = np.multiply.outer(alphas, terms.l1.reshape(-1, k)).transpose(1, 0, 2).reshape(len(bound), -1)
            return np.asarray((bound > level).any(1))
        doubtful = np.zeros(len(bound), dtype=bool)
        for place, alpha in enumerate(alphas):
            mine = bound[:, place * k : (place + 1) * k]
            soft = np.where(terms.excluded, 0.0, np.maximum(mine.ravel() - (terms * float(alpha)).l1, 0.0))
            norm = np.sqrt(np.bincount(terms.groups, soft**2, len(terms.group_weights)))
            over = (norm > alpha * terms.group_weights)[terms.groups]
            doubtful |= over.reshape(mine.shape).any(1)
        return doubtful

    def _of_block(self, track: Track, points: Points) -> Floats:
        """Correlations where every column stands in the block: X is not read again."""
        product = np.empty((len(self.norms), len(points.alphas) * self.n_outputs), order="F")
        product[self.gathered.columns] = self.gathered.block.rmatvec(_weighted(track, points))
        return product


def _weighted(track: Track, points: Points) -> Floats:
    assert points.forces is not None
    return track.lane.sample.share[:, None] * points.forces
