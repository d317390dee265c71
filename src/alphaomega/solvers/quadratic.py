"""Exact minimisers of a quadratic plus separable terms, warm-started along a path."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

from ..penalties import Terms

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
MAX_SWEEPS = 5000
MAX_EXCHANGES = 200
START = 64
GROWTH = 1.5  # new pages cost more than copies
DEPENDENT = 1e-9  # a squared pivot below this share of the diagonal marks a dependent column


class LeftOut(NamedTuple):
    """What turns the Gram of all rows, centred at `means`, into that of a part of them, centred at `own_means`.

    `products` (m + k, k) are inner products over the rows left out, `kept` the share of the others.
    """

    means: Floats
    products: Floats
    kept: float
    own_means: Floats


class Quadratic:
    """min 1/2 u'Gu - b'u + Omega(v), u = v - origin, over a working set that grows, as do all arrays.

    `c` is b - G u. The factor of G + diag(quadratic) on the support survives from one alpha to the next as long as the
    quadratic terms do not change.
    """

    size: int
    gram: Floats
    factor: Floats
    b: Floats
    c: Floats
    v: Floats
    origin: Floats
    scaled: Floats
    work: Floats
    direction: Floats
    order: Integers
    position: Integers
    count: Integers

    def __init__(self, max_sweeps: int = MAX_SWEEPS) -> None:
        self.max_sweeps = max_sweeps
        self.size = 0
        self.gram = self.factor = np.empty((0, 0))
        self.b = self.c = self.v = self.origin = np.empty(0)
        self.scaled = np.empty((4, 0))
        self.order = self.position = np.empty(0, dtype=np.int64)
        self.count = np.zeros(1, dtype=np.int64)
        self.reserve(START)

    def reserve(self, capacity: int) -> None:
        """Room for so many coordinates; pages that are never touched cost nothing."""
        m, k = self.size, int(self.count[0])
        self.gram = _roomier(self.gram, m, capacity)  # one after the other: the old one goes before the next comes
        self.factor = _roomier(self.factor, k, capacity)
        for name in ("b", "c", "v", "origin"):
            setattr(self, name, _widened(getattr(self, name), (m,), (capacity,)))
        self.scaled = _widened(self.scaled, (4, m), (4, capacity))
        self.work, self.direction = np.zeros(capacity), np.zeros(capacity)
        self.order = _widened(self.order, (k,), (capacity,))
        position = np.full(capacity, -1, dtype=np.int64)
        position[: len(self.position)] = self.position
        self.position = position

    def grow(self, cross: Floats, b: Floats) -> None:
        """Add coordinates: `cross` is the Gram of (old, new) against new, shape (m + k, k); `b` their linear terms."""
        m, k = self.size, len(b)
        self._make_room(m + k)
        self.gram[: m + k, m : m + k] = cross
        self.gram[m : m + k, :m] = cross[:m].T
        self._added(b)

    def grow_within(self, whole: Quadratic, places: Integers, b: Floats, less: LeftOut) -> None:
        """Add coordinates that stand at `places` (m + k,) of a problem of more rows; `b` are their linear terms."""
        from .sweeps import part_without

        self._make_room(len(places))
        part_without(self.gram, self.size, whole.gram, places, *less)
        self._added(b)

    def _make_room(self, total: int) -> None:
        """For so many coordinates, and some more."""
        if total > len(self.b):
            self.reserve(max(int(GROWTH * len(self.b)), total))

    def _added(self, b: Floats) -> None:
        """Count the newest coordinates in, whose Gram is there."""
        m, k = self.size, len(b)
        self.b[m : m + k] = b
        self.size = m + k
        support = np.flatnonzero(self.v[:m])
        self.c[m : m + k] = b - self.v[support] @ self.gram[support, m : m + k]

    def take(self, gram: Floats, b: Floats) -> None:
        """Work on this Gram, (m, m), which is kept and not copied."""
        self.size, self.position = 0, self.position[:0]
        self.reserve(len(b))
        self.size, self.gram = len(b), np.ascontiguousarray(gram)
        self.b[:], self.c[:] = b, b

    def move_to(self, places: NDArray[np.intp], values: Floats) -> None:
        """Set v, zero but for `values` at `places`."""
        from .sweeps import refresh

        self.v[: self.size] = 0.0
        self.v[places] = values
        refresh(self.gram, self.size, self.b, self.c, self.v, self.origin)

    def model_at(self, v: Floats, pull: Floats) -> None:
        """Make this the model whose -gradient at `v` is `pull`, and start there."""
        m = self.size
        self.origin[:m] = self.v[:m] = v
        self.b[:m] = self.c[:m] = pull

    def forget_factor(self) -> None:
        """Drop the factor, e.g. because the quadratic terms changed."""
        self.position[:] = -1
        self.count[0] = 0

    def solve(self, terms: Terms, tolerance: float) -> None:
        """Minimise from the present v, to a gradient change per coordinate of at most `tolerance`."""
        self.follow(terms, np.ones(1), np.array([tolerance]))

    def follow(self, terms: Terms, alphas: Floats, tolerances: Floats) -> Floats:
        """The minimisers under terms * alpha for one alpha after the other, (alphas, m), each from the last."""
        m = self.size
        found = np.empty((len(alphas), m))
        self.scaled[2, :m], self.scaled[3, :m] = terms.lower, terms.upper
        packed = np.array([terms.l1, terms.quadratic])
        done = self._descend(packed, alphas, tolerances, found)
        if done < len(alphas):
            self._step_and_sweep(packed, alphas, tolerances, found, done)
        return found

    def _descend(self, packed: Floats, alphas: Floats, tolerances: Floats, found: Floats) -> int:
        """Solve easy problems by sweeps, and jumps where they take long; returns how many are done, from the first."""
        from .descent import EASY, MAX_JUMPS, SMALL, descend

        m, done, jumps = self.size, 0, 0
        if not 0 < m <= SMALL:
            return 0
        most = min(int(EASY / m**2), self.max_sweeps)
        terms = self.scaled[:, :m].copy()
        while True:
            before = done
            done += descend(
                self.gram, m, self.b, self.c, self.v, self.origin, terms, packed, alphas[done:], tolerances[done:],
                found[done:], most,
            )  # fmt: skip
            jumps = jumps + 1 if done == before else 1
            if done == len(alphas) or jumps > MAX_JUMPS or not self._jump(terms):
                return done

    def _jump(self, terms: Floats) -> bool:
        """Newton on the support, from kink to kink; False where columns depend on others.

        What `kernels` do as well, but a small first fit would wait for their compilation.
        """
        m = self.size
        gram, c, v = self.gram[:m, :m], self.c[:m], self.v[:m]
        while (support := _inside(v, terms)).size:
            l1, quadratic, lower, upper = terms[:, support]
            at, hessian = v[support], gram[support[:, None], support]
            diagonal = np.einsum("ii->i", hessian)  # a view
            diagonal += quadratic
            least = DEPENDENT * diagonal
            factor, info = dpotrf(hessian.T, clean=False, overwrite_a=True)
            if info or (factor.diagonal() ** 2 <= least).any():
                return False
            pull = c[support] - quadratic * at - l1 * np.sign(at)
            step = dpotrs(factor, pull)[0]
            if not pull @ step > 0:
                break
            edge = np.where(step > 0, upper, lower)
            edge[(step * at < 0) & (l1 > 0)] = 0.0
            beyond = np.flatnonzero(abs(edge - at) < abs(step))
            if beyond.size:
                shares = (edge[beyond] - at[beyond]) / step[beyond]
                nearest = beyond[np.argmin(shares)]
                step *= shares.min()
            v[support] += step
            c -= step @ gram[support]
            if not beyond.size:
                break
            v[support[nearest]] = edge[nearest]
        return True

    def _step_and_sweep(self, packed: Floats, alphas: Floats, tolerances: Floats, found: Floats, done: int) -> None:
        """Solve the rest by Newton steps and sweeps."""
        from . import kernels

        past = np.empty(self.size)
        state, asked = kernels.START, 0
        while done < len(alphas):
            before = done
            done, status = kernels.follow(
                self.gram, self.size, self.b, self.c, self.v, self.origin, self.scaled, packed, alphas, tolerances,
                found, past, self.factor, self.order, self.position, self.count, self.work, self.direction,
                self.max_sweeps, done, state,
            )  # fmt: skip
            if status == kernels.WANTS_FACTOR:
                self._factorise(self.scaled[:, : self.size])
                state = kernels.WITH_FACTOR
            elif status == kernels.WANTS_EXCHANGE:
                self._exchange()
                state = kernels.EXCHANGED
            asked = asked + 1 if done == before else 1
            if asked > MAX_EXCHANGES:  # more would be rounding: the certificate will say how near this is
                found[done], done, state = self.v[: self.size], done + 1, kernels.START

    def _exchange(self) -> None:
        """Let dependent coordinates, or others for them, become zero."""
        from .factor import exchange
        from .sweeps import refresh

        moved = exchange(
            self.gram, self.size, self.v, self.c, self.scaled, self.factor, self.order, self.position, self.count,
            self.work, self.direction,
        )  # fmt: skip
        if moved:
            refresh(self.gram, self.size, self.b, self.c, self.v, self.origin)

    def _factorise(self, packed: Floats) -> None:
        """The factor on the support by LAPACK; dependent coordinates are left out."""
        from .sweeps import part_of

        m = self.size
        quadratic = packed[1]
        support = _inside(self.v[:m], packed)
        block = part_of(self.gram, support, support)
        block[np.diag_indices_from(block)] += quadratic[support]
        self.forget_factor()
        size = np.diag(block).copy()
        alive = size > 0
        if not alive.all():
            support, size, block = support[alive], size[alive], block[np.ix_(alive, alive)]
        try:
            factor = scipy.linalg.cholesky(block, check_finite=False)
            dependent = bool((np.diag(factor) ** 2 <= DEPENDENT * size).any())
        except scipy.linalg.LinAlgError:
            dependent = True
        if dependent:  # pivoting puts the dependent ones last
            root = np.sqrt(size)
            factor, pivots, rank, _ = scipy.linalg.lapack.dpstrf(block / np.outer(root, root), tol=DEPENDENT)
            picked = pivots[:rank] - 1
            factor, support = np.triu(factor[:rank, :rank]) * root[picked], support[picked]
        k = len(support)
        self.factor[:k, :k] = factor
        self.order[:k], self.position[support], self.count[0] = support, np.arange(k), k


def _inside(v: Floats, packed: Floats) -> NDArray[np.intp]:
    """The coordinates that are non-zero (or unpenalised) and strictly between their bounds."""
    l1, _, lower, upper = packed
    return np.flatnonzero(np.where(v == 0, (l1 == 0) & (lower < 0) & (upper > 0), (lower < v) & (v < upper)))


def _widened(array: NDArray, used: tuple[int, ...], shape: tuple[int, ...]) -> NDArray:
    """Zeros of a larger shape, holding the used corner of an array."""
    result = np.zeros(shape, dtype=array.dtype)
    corner = tuple(slice(0, length) for length in used)
    result[corner] = array[corner]
    return result


def _roomier(matrix: Floats, used: int, size: int) -> Floats:
    """A larger square matrix, holding the used corner of one; beyond lies anything, so that no page is touched."""
    result = np.empty((size, size))
    result[:used, :used] = matrix[:used, :used]
    return result
