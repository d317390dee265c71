"""Resamples as weights of the rows, solved together: the one engine of stability, ensembles, bias and variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .. import solvers
from ..arguments import Data
from ..problem import Control, Grid, Problem

Floats = NDArray[np.float64]
MOST_DRAWS = 50  # of one resample, until it holds every class and level
Draw = Callable[[np.random.Generator, Floats], list[Floats]]


@dataclass(frozen=True, eq=False)
class Resamples:
    """`weights` (B, n): the weight of each row in each resample, 0 where it is left out.

    `redrawn` counts the draws that were thrown away as a class or a level was lacking; `lacking` names the levels that
    some resamples lack all the same: there they cannot be selected.
    """

    weights: Floats
    redrawn: int = 0
    lacking: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """What a reader should know of the draws; "" where nothing."""
        parts = []
        if self.redrawn:
            times = "draw was" if self.redrawn == 1 else "draws were"
            parts.append(f"{self.redrawn} {times} repeated, as a class or a level was lacking")
        if self.lacking:
            names = ", ".join(self.lacking[:5]) + (" ..." if len(self.lacking) > 5 else "")
            parts.append(f"some resamples lack {names}, too rare to be in all: there it counts as not selected")
        return "; ".join(parts)


def bootstrap(rng: np.random.Generator, weights: Floats) -> list[Floats]:
    """As many rows as there are, with replacement; a row of weight k is k rows."""
    if _counts(weights):
        return [rng.multinomial(int(weights.sum()), weights / weights.sum()).astype(float)]
    alive = weights > 0
    return [rng.multinomial(int(alive.sum()), alive / alive.sum()) * weights]


def subsample(rng: np.random.Generator, weights: Floats) -> list[Floats]:
    """Half of the rows, without replacement."""
    return pair(rng, weights)[:1]


def pair(rng: np.random.Generator, weights: Floats) -> list[Floats]:
    """Two disjoint halves of the rows; of an odd number one row is left out."""
    if _counts(weights) and weights.max() > 1:
        whole = weights.astype(np.int64)
        half = int(whole.sum()) // 2
        first = rng.multivariate_hypergeometric(whole, half)
        return [first.astype(float), rng.multivariate_hypergeometric(whole - first, half).astype(float)]
    alive = rng.permutation(np.flatnonzero(weights > 0))
    half = len(alive) // 2
    halves = []
    for rows in (alive[:half], alive[half : 2 * half]):
        own = np.zeros_like(weights)
        own[rows] = weights[rows]
        halves.append(own)
    return halves


RESAMPLINGS: dict[str, Draw] = {"bootstrap": bootstrap, "half": subsample, "pairs": pair}


def draw(data: Data, kind: str, count: int, seed: int | None) -> Resamples:
    """`count` resamples of a kind (for "pairs" twice as many); what lacks a class or a level is drawn again.

    Raises
    ------
    ValueError
        If the kind is unknown, there are too few rows, or a class is too rare to be in every resample.
    """
    if kind not in RESAMPLINGS:
        raise ValueError(f"resampling must be one of {', '.join(RESAMPLINGS)}, got {kind!r}")
    if int(count) < 1:
        raise ValueError(f"the number of resamples must be at least 1, got {count!r}")
    rows = int((data.weights > 0).sum())
    if rows < 4:
        raise ValueError(f"{rows} rows are too few to draw resamples from; bring at least 4")
    rng = np.random.default_rng(seed)
    needs = _needs(data)
    kept: list[Floats] = []
    redrawn, lacking = 0, set()
    for _ in range(int(count)):
        fewest: tuple[list[Floats], list[str]] | None = None
        for _attempt in range(MOST_DRAWS):
            trial = RESAMPLINGS[kind](rng, data.weights)
            missed = _missed(needs, trial)
            if fewest is None or len(missed) < len(fewest[1]):
                fewest = trial, missed
            if not missed:
                break
            redrawn += 1
        assert fewest is not None
        _check_classes(fewest[1])
        lacking |= set(fewest[1])
        kept += fewest[0]
    return Resamples(np.array(kept), redrawn, tuple(sorted(lacking)))


def solve(problem: Problem, resamples: Resamples, grid: Grid, control: Control) -> list[solvers.RawPath]:
    """The path on all rows, then on every resample, on the grid of the first; all share the reads of X."""
    return solvers.solve_many(
        [problem, *(replace(problem, weights=weights) for weights in resamples.weights)], grid, control
    )


def _counts(weights: Floats) -> bool:
    """Whether weights count rows."""
    return bool((weights == np.round(weights)).all())


def _needs(data: Data) -> dict[str, NDArray[np.bool_]]:
    """What every resample should hold: for each class, and each level of a category, the rows that have it."""
    needs: dict[str, NDArray[np.bool_]] = {}
    target = data.target
    if target.classes is not None:
        codes = target.values if target.values.ndim == 1 else target.values.argmax(1)
        needs |= {f"class {np.asarray(label).item()!r}": codes == k for k, label in enumerate(target.classes)}
    names = data.encoder.names or ()
    for column, levels in data.encoder.levels.items():
        positions = np.array([names.index(f"{column}={level}") for level in levels[1:]], dtype=np.intp)
        rows = data.design.take(positions) != 0
        needs |= {f"level {names[place]}": rows[:, k] for k, place in enumerate(positions)}
        needs[f"level {column}={levels[0]}"] = ~rows.any(1)
    return {name: rows for name, rows in needs.items() if rows[data.weights > 0].any()}


def _missed(needs: dict[str, NDArray[np.bool_]], trial: list[Floats]) -> list[str]:
    return [name for name, rows in needs.items() if any(not (weights[rows] > 0).any() for weights in trial)]


def _check_classes(missed: list[str]) -> None:
    rare = [name for name in missed if name.startswith("class ")]
    if rare:
        raise ValueError(f"{MOST_DRAWS} resamples in a row lack {rare[0]}: merge rare classes, or bring more rows")
