"""The summary table of L1 against L2, every row measured: on the data at hand, and on simulations that match it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import reporting
from ..losses import Loss
from .measured import Measured, measure
from .simulators import Process, dense_equal, sparse

MOST_ROWS, MOST_COLUMNS = 500, 400  # of a simulation
STEADY, ROBUST = 0.8, 0.5  # shares from which a selection counts as stable, and below which a fit as robust


@dataclass(frozen=True)
class Line:
    """One claim about L1 and L2: the textbook's words, what was measured here and in simulation, and whether it holds.

    `holds` is None where the claim makes no prediction for this data.
    """

    aspect: str
    textbook: str
    l1: str
    l2: str
    simulated_l1: str
    simulated_l2: str
    holds: bool | None
    remark: str


@dataclass(frozen=True, eq=False)
class SummaryTable:
    """The lines, and the measurements they were read from."""

    lines: tuple[Line, ...]
    here: Measured
    sparse: Measured
    dense: Measured

    def failures(self) -> list[str]:
        """What the textbook says that does not hold here, a sentence each."""
        return [f"{line.aspect}: {line.remark}" for line in self.lines if line.holds is False]

    def to_frame(self) -> Any:
        """One row per line (a polars DataFrame)."""
        import polars

        names = ("aspect", "textbook", "l1", "l2", "simulated_l1", "simulated_l2", "holds", "remark")
        return polars.DataFrame({name: [getattr(line, name) for line in self.lines] for name in names})


def summary_table(
    X: Any,
    y: ArrayLike,
    loss: str | Loss = "squared",
    offset: ArrayLike | None = None,
    folds: int = 10,
    n_resamples: int = 40,
    seed: int = 0,
    progress: bool | Callable[[float], object] = False,
) -> SummaryTable:
    """Fill the table that compares L1 and L2: zeros, solutions, selection, outliers, error, complexity, all measured.

    Both penalties act on coefficients per standard deviation, at the alpha with the smallest cross-validated error.
    Beside the data stand two simulations with as many rows and features (500 and 400 at most): a sparse truth, with as
    many features as L1 keeps here, and one in which all features matter equally.

    Parameters
    ----------
    X, y, loss, offset, progress
        As for `ao.path`.
    folds, n_resamples : int, default 10 and 40
        Of the cross-validation, and of the bootstrap that measures how stable the selection is.
    seed : int, default 0

    Returns
    -------
    SummaryTable

    References
    ----------
    R. Tibshirani (1996), Regression shrinkage and selection via the lasso, JRSS B 58, section 11.

    Examples
    --------
    >>> import alphaomega as ao
    >>> X, y = ao.diagnostics.sparse(p=10, k=2, seed=1).draw(60, seed=1)
    >>> table = ao.diagnostics.summary_table(X, y, n_resamples=5, folds=5)
    >>> table.lines[1].aspect, table.lines[1].holds
    ('zeros', True)
    """
    spec = (folds, n_resamples, seed)
    with reporting(progress) as report:
        tell = report or (lambda share: None)
        here = measure(X, y, loss, offset, spec)
        tell(0.6)
        few, all_matter = _matching(here, seed)
        n = min(here.n_rows, MOST_ROWS)
        simulated = []
        for number, process in enumerate((few, all_matter)):
            simulated.append(measure(*process.draw(n, seed), process.loss, None, spec))
            tell(0.8 + 0.2 * number)
    return SummaryTable(_lines(here, *simulated), here, *simulated)


def _matching(here: Measured, seed: int) -> tuple[Process, Process]:
    """Processes as large and as noisy as the data: one with few features that matter, one in which all do."""
    p = min(here.n_features, MOST_COLUMNS)
    family = {"squared": "gaussian", "huber": "gaussian", "poisson": "poisson"}.get(here.loss.name, "binomial")
    explained = float(np.clip(here.explained, 0.1, 0.9))
    snr = explained / (1 - explained) if family == "gaussian" else 4.0
    k = int(np.clip(p - here.l1.zeros * p // here.n_features, 1, max(p // 4, 1)))
    return sparse(p, k, snr, family, seed), dense_equal(p, snr, family, seed)


def _lines(here: Measured, few: Measured, every: Measured) -> tuple[Line, ...]:
    return (
        _summed(here, few),
        _zeros(here, few),
        _solutions(here, few),
        _selection(here, few),
        _outliers(here, few),
        _error("error, few features matter", "L1 is better", here, few, "L1"),
        _error("error, all features matter", "L2 is better", here, every, "L2"),
        _complexity(here, few),
    )


def _summed(here: Measured, few: Measured) -> Line:
    def words(found: Measured) -> tuple[str, str]:
        return f"Σ|w| = {found.l1.absolute:.3g}", f"½Σw² = {found.l2.squares:.3g}"

    remark = (
        f"by definition; Σ|w| is {here.l1.absolute:.3g} under L1 and {here.l2.absolute:.3g} under L2, "
        f"½Σw² {here.l1.squares:.3g} and {here.l2.squares:.3g}"
    )
    return Line("what is summed", "absolute values / squares", *words(here), *words(few), True, remark)


def _zeros(here: Measured, few: Measured) -> Line:
    def words(found: Measured) -> tuple[str, str]:
        return f"{found.l1.zeros:,} of {found.n_features:,}", f"{found.l2.zeros:,} of {found.n_features:,}"

    holds = here.l1.zeros > 0 and here.l2.zeros == here.constant
    remark = "L1 leaves features out" if here.l1.zeros else "at the best alpha L1 keeps every feature"
    return Line("zeros", "L1 has zeros, L2 none", *words(here), *words(few), holds, remark)


def _solutions(here: Measured, few: Measured) -> Line:
    def words(found: Measured) -> tuple[str, str]:
        return ("one" if found.l1.unique else "possibly several"), "one"

    remark = f"L1 has one solution here: {here.l1.reason}" if here.l1.unique else f"L1: {here.l1.reason}"
    return Line("solutions", "L1 may have several, L2 one", *words(here), *words(few), not here.l1.unique, remark)


def _selection(here: Measured, few: Measured) -> Line:
    def words(found: Measured) -> tuple[str, str]:
        return f"keeps {found.n_features - found.l1.zeros:,}, overlap {found.l1.overlap:.0%}", "keeps all"

    steady = here.l1.overlap >= STEADY
    remark = f"two bootstrap samples agree on {here.l1.overlap:.0%} of the features that L1 keeps in either"
    if not steady:
        remark += ": it selects, but much of the selection is chance"
    return Line("selection", "L1 selects features", *words(here), *words(few), steady, remark)


def _outliers(here: Measured, few: Measured) -> Line:
    def words(found: Measured) -> tuple[str, str]:
        return f"w moves by {found.l1.moved:.0%}", f"w moves by {found.l2.moved:.0%}"

    holds = here.l1.moved <= ROBUST * here.l2.moved
    remark = (
        f"with {here.corrupted} targets spoilt, L1's coefficients move by {here.l1.moved:.0%} of their length and "
        f"L2's by {here.l2.moved:.0%}: a penalty on w does not resist outliers in y; a robust loss or a mean shift does"
    )
    return Line("outliers", "L1 is robust, L2 is not", *words(here), *words(few), holds, remark)


def _error(aspect: str, textbook: str, here: Measured, simulated: Measured, better: str) -> Line:
    def words(found: Measured) -> tuple[str, str]:
        return f"{found.l1.error:.4g}", f"{found.l2.error:.4g}"

    winner = here.better
    simulation = f"the simulation goes to {simulated.better or 'neither'}"
    if winner is None:
        remark = f"no measurable difference on this data; {simulation}"
        return Line(aspect, textbook, *words(here), *words(simulated), None, remark)
    if winner != better:
        return Line(aspect, textbook, *words(here), *words(simulated), None, f"{winner} is better here; {simulation}")
    holds = simulated.better in (None, better)
    return Line(aspect, textbook, *words(here), *words(simulated), holds, f"{winner} is better here; {simulation}")


def _complexity(here: Measured, few: Measured) -> Line:
    def words(found: Measured) -> tuple[str, str]:
        return f"{found.l1.df:.1f} degrees of freedom", f"{found.l2.df:.1f} degrees of freedom"

    holds = here.l1.df <= here.l2.df
    remark = f"L1's fit has {here.l1.df:.1f} degrees of freedom, L2's {here.l2.df:.1f}"
    return Line("complexity", "L1 learns simple patterns, L2 complex ones", *words(here), *words(few), holds, remark)
