"""The dual side of one problem at one alpha: gaps and violations from the correlations with X."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..losses import Loss
from ..penalties import Terms
from ..penalties.base import subdifferential_distance
from .conjugate import dual_scale, penalty_conjugate

Floats = NDArray[np.float64]
SLACK = 1e-9  # relative violation that rounding alone can cause
SIDE_BY_SIDE = 64
CANCELLED = 1e-9  # share of the forces up to which their sum counts as zero: a dual point tilts nothing unpenalised


def simple(terms: Terms) -> bool:
    """Whether only weighted absolute values are penalised: the common case, with cheap formulas."""
    return terms.groups is None and not terms.bounded and not terms.quadratic.any()


def balanced(terms: Terms, slope: Floats, size: Floats) -> bool:
    """Whether nothing pulls at a coordinate that nothing penalises; `size` is that of all forces times the column's."""
    free = terms.free & np.isinf(terms.lower) & np.isinf(terms.upper) & ~terms.excluded
    return bool((abs(slope[free]) <= CANCELLED * size[free]).all())


def cancels(force: Floats, share: Floats) -> bool:
    """Whether the forces (n, K) of a dual point sum to zero, but for rounding."""
    return bool((abs(share @ force) <= CANCELLED * (share @ abs(force))).all())


def dual_loss(loss: Loss, y: Floats, share: Floats, force: Floats, base: Floats) -> float:
    """sum_i share_i (loss*(y_i, -force_i) + force_i base_i): minus the dual objective, the penalty's part left out."""
    tilt = force * base
    conjugate = loss.conjugate(y, -force) + (tilt if tilt.ndim == 1 else tilt.sum(1))
    return float(share @ (conjugate if share.min() > 0 else np.where(share > 0, conjugate, 0.0)))


def simple_scale(terms: Terms, slope: Floats) -> float:
    """`dual_scale` where only absolute values are penalised."""
    size = abs(slope)
    over = np.flatnonzero((size > terms.l1) & (terms.l1 > 0))
    return float((terms.l1[over] / size[over]).min()) if over.size else 1.0


def survey(terms: Terms, alphas: Floats, slopes: Floats, outside: NDArray) -> tuple[Floats, NDArray[np.bool_]]:
    """For `simple` terms and slopes (d, B): `simple_scale` at every alpha, and whether an `outside` one violates."""
    with np.errstate(divide="ignore"):
        inverse = np.where(terms.l1 > 0, 1 / terms.l1, 0.0)
    ratio = abs(slopes)
    ratio *= inverse[:, None]
    largest = _column_max(ratio)
    scale = np.divide(alphas, largest, out=np.ones(len(alphas)), where=(largest > alphas) & (alphas > 0))
    missing = largest > alphas * (1 + SLACK)
    for k in np.flatnonzero(missing):
        missing[k] = (ratio[outside, k] > alphas[k] * (1 + SLACK)).any()
    return scale, missing


def _column_max(table: Floats) -> Floats:
    """The maximum of each column, or 0; NumPy is slow along many short rows, so they are laid side by side first."""
    rows, columns = table.shape
    if not table.flags.c_contiguous or rows < 2 * SIDE_BY_SIDE:
        return table.max(0, initial=0.0)
    whole = rows - rows % SIDE_BY_SIDE
    wide = table[:whole].reshape(-1, SIDE_BY_SIDE * columns).max(0).reshape(SIDE_BY_SIDE, columns)
    return np.maximum(wide.max(0), table[whole:].max(0, initial=0.0))


def scale_and_conjugate(terms: Terms, slope: Floats, pull: float) -> tuple[float, float]:
    """The factor that makes the dual point feasible, and the penalty's conjugate there.

    Where nothing but one bound holds a coordinate, the slope at a point inside is zero but for rounding; `pull` is the
    largest slope at the null model.
    """
    if simple(terms):
        return simple_scale(terms, slope), 0.0
    if terms.bounded:
        held = terms.free & (np.isinf(terms.lower) != np.isinf(terms.upper))
        slope = np.where(held & (abs(slope) <= CANCELLED * pull), 0.0, slope)
    scale = dual_scale(terms, slope)
    return scale, penalty_conjugate(terms, scale * slope)


def violation(terms: Terms, slope: Floats, v: Floats) -> Floats:
    """`subdifferential_distance`, cheaper where neither groups nor bounds are there."""
    if terms.groups is not None or terms.bounded or terms.excluded.any():
        return subdifferential_distance(terms, slope, v)
    rest = slope + terms.quadratic * v
    return np.where(v != 0, abs(rest + terms.l1 * np.sign(v)), np.maximum(abs(rest) - terms.l1, 0.0))


def violators(terms: Terms, slope: Floats, slack: float = SLACK) -> NDArray[np.intp]:
    """Zero coordinates that want to leave zero at these correlations, beyond rounding; the strongest first."""
    if terms.groups is None and not terms.bounded:
        size = abs(slope)
        found = np.flatnonzero(size > terms.l1 * (1 + slack))
        with np.errstate(over="ignore"):  # nothing penalises it: it comes first
            ratio = size[found] / np.maximum(terms.l1[found], 1e-300)
        return found[np.argsort(-ratio)]
    distance = subdifferential_distance(terms, -slope, np.zeros_like(slope))
    reference = thresholds(terms)
    found = np.flatnonzero(distance > slack * np.where(np.isfinite(reference), reference, 1.0))
    with np.errstate(over="ignore"):
        return found[np.argsort(-distance[found] / np.maximum(reference[found], 1e-300))]


def violators_along(terms: Terms, alphas: Floats, slopes: Floats, outside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """`violators` among the `outside` coordinates at any of some alphas; slopes (d, B); the strongest first."""
    if terms.groups is not None or terms.bounded:
        found = [violators(terms * float(alpha), slope) for alpha, slope in zip(alphas, slopes.T)]
        coordinates = np.concatenate(found)
        return np.asarray(list(dict.fromkeys(coordinates[outside[coordinates]].tolist())), dtype=np.intp)
    size = abs(slopes)
    with np.errstate(invalid="ignore"):  # an excluded coordinate at alpha = 0
        over = (size > np.multiply.outer(terms.l1, alphas * (1 + SLACK))).any(1)
    coordinates = np.flatnonzero(over & outside)
    level = np.maximum(np.multiply.outer(terms.l1[coordinates], alphas), 1e-300)
    with np.errstate(over="ignore"):  # nothing penalises it: it comes first
        return coordinates[np.argsort(-(size[coordinates] / level).max(1))]


def reaching(terms: Terms, alpha: float, slope: Floats) -> NDArray[np.bool_]:
    """Which zero coordinates would want to leave zero at this alpha, with these correlations."""
    if terms.groups is None and not terms.bounded:
        with np.errstate(invalid="ignore"):  # an excluded coordinate at alpha = 0
            return np.asarray(abs(slope) > alpha * terms.l1)
    reached = np.zeros(len(slope), dtype=bool)
    reached[violators(terms * alpha, slope)] = True
    return reached


def thresholds(terms: Terms) -> Floats:
    """The correlation up to which a zero coordinate (or its whole group) surely stays zero."""
    if terms.groups is None or terms.group_weights is None:
        return terms.l1
    return terms.l1 + terms.group_weights[terms.groups]
