"""Stability selection: which features half of the rows select again and again, and how many of those are false."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import solvers
from ..arguments import read_data, reporting
from ..losses import Loss
from ..penalties import L1, Penalty
from ..problem import Control, Grid, Problem
from . import resampling
from .bounds import meinshausen_buhlmann, shah_samworth
from .chosen import Chosen, Floats
from .resampling import Resamples

ABOVE = 2.0  # a half-sample's alpha_max is seldom larger than this multiple of that of all rows
BELOW = 0.5  # ... and it has selected q features well above this multiple of where all rows have


@dataclass(frozen=True, eq=False)
class Stability(Chosen):
    """How often each feature is among the first q that enter the path of a half-sample.

    Attributes
    ----------
    probability : (p,) share of the 2 * n_pairs half-samples that select the feature.
    simultaneous : (p,) share of the pairs of which both halves do.
    threshold : the probability from which a feature counts as selected.
    q : the most features that a half-sample selects.
    bound : Meinshausen and Bühlmann's bound on the expected number of false selections.
    bound_shah_samworth : Shah and Samworth's bound, tighter, under r-concave selection proportions; it counts as false
        what a half-sample selects with probability at most q / p.
    alphas, profile : (m,) and (m, p): at each alpha, the share of half-samples whose fit uses the feature.
    redrawn : draws that were repeated, as a class or a level was lacking.
    """

    probability: Floats
    simultaneous: Floats
    threshold: float
    q: int
    n_pairs: int
    bound: float
    bound_shah_samworth: float
    alphas: Floats
    profile: Floats

    @property
    def share(self) -> Floats:
        """`probability`."""
        return self.probability

    def columns(self) -> dict[str, Floats]:
        """What the table shows of each feature."""
        return {"probability": self.probability, "simultaneous": self.simultaneous}

    def plot(self, **options: Any) -> Any:
        """Bars of the probabilities as a plotly figure; see `alphaomega.plotting.stability_figure`."""
        from ..plotting import stability_figure

        return stability_figure(self, **options)


def stability_selection(
    X: Any,
    y: ArrayLike,
    loss: str | Loss = "squared",
    penalty: Penalty | None = None,
    q: int | None = None,
    threshold: float = 0.75,
    max_false: float = 1.0,
    n_resamples: int = 100,
    n_alphas: int = 100,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    standardize: bool = False,
    seed: int | None = 0,
    impute: str | None = None,
    progress: bool | Callable[[float], object] = False,
) -> Stability:
    """Select the features that are among the first q of the path on at least a share `threshold` of random halves.

    Halves come in complementary pairs. With p features, the expected number of false selections is at most
    q^2 / ((2 threshold - 1) p). All halves share the reads of X.

    Parameters
    ----------
    X, y, loss, penalty, weights, offset, standardize, impute, progress
        As for `ao.path`; the penalty must select (default L1()).
    q : int, optional
        Features a half-sample selects, the first on its path; default the most that keeps the bound at `max_false`.
    threshold : float in (1/2, 1], default 0.75
        Share of half-samples that must select a feature.
    max_false : float, default 1.0
        Expected false selections to allow; used where `q` is not given.
    n_resamples : int, default 100
        Half-samples, an even number.
    n_alphas : int, default 100
        Alphas of the grid on which features enter.
    seed : int or None, default 0
        Seed of the halves.

    Returns
    -------
    Stability

    Raises
    ------
    ValueError
        On bad input; if the penalty selects nothing; if a class is too rare to be in both halves.

    References
    ----------
    N. Meinshausen, P. Bühlmann (2010), Stability selection, JRSS B 72.
    R. Shah, R. Samworth (2013), Variable selection with error control, JRSS B 75.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> X = np.random.default_rng(0).standard_normal((100, 50))
    >>> found = ao.stability_selection(X, X[:, 3] - X[:, 8], q=5)
    >>> found.selected.tolist(), found.bound
    ([3, 8], 1.0)
    """
    data = read_data(X, y, loss, weights, offset, impute)
    problem = data.problem(L1() if penalty is None else penalty, standardize=standardize, intercept=True)
    n_pairs = _checked(problem, threshold, n_resamples)
    q = _first(q, problem.design.shape[1], (threshold, max_false))
    resamples = resampling.draw(data, "pairs", n_pairs, seed)
    with reporting(progress) as report:
        control = Control(report=report)
        grid = _grid(problem, q, int(n_alphas), control.part(0.0, 0.1))
        paths = resampling.solve(problem, resamples, grid, control.part(0.1, 1.0))[1:]
    return _counted(paths, resamples, (q, threshold, n_pairs), data.encoder.names)


def _checked(problem: Problem, threshold: float, n_resamples: int) -> int:
    """The number of pairs; an error where the request makes no sense."""
    if not 0.5 < threshold <= 1:
        raise ValueError(f"threshold must lie in (0.5, 1], got {threshold!r}: below, the bound says nothing")
    if int(n_resamples) < 2 or int(n_resamples) % 2:
        raise ValueError(f"n_resamples must be an even number, as halves come in pairs; got {n_resamples!r}")
    terms = problem.terms
    selects = terms is None or (terms.l1 > 0).any() or (terms.groups is not None)
    if not selects:
        raise ValueError(
            f"{problem.penalty!r} selects no features: all enter at once; pass a penalty with an L1 or group part"
        )
    return int(n_resamples) // 2


def _first(q: int | None, p: int, request: tuple[float, float]) -> int:
    threshold, max_false = request
    if q is not None:
        if not 1 <= int(q) <= p:
            raise ValueError(f"q must lie between 1 and the number of features {p}, got {q!r}")
        return int(q)
    if not max_false > 0:
        raise ValueError(f"max_false must be > 0, got {max_false!r}")
    return int(np.clip(np.sqrt(max_false * (2 * threshold - 1) * p) + 1e-9, 1, p))


def _grid(problem: Problem, q: int, n_alphas: int, control: Control) -> Grid:
    """Alphas between which half-samples find their first q features, from where all rows find theirs."""
    raw = solvers.solve_path(problem, Grid(None, max(n_alphas, 2)), control)
    enough = np.flatnonzero(raw.n_nonzero >= q)
    last = raw.alphas[enough[0]] if enough.size else raw.alphas[-1]
    return Grid(np.geomspace(ABOVE * raw.alphas[0], BELOW * last, n_alphas))


def first_entered(raw: solvers.RawPath, q: int) -> NDArray[np.bool_]:
    """The first q features of a path, those that enter at the same alpha by the size of their coefficient there."""
    coef = abs(raw.coef) if raw.coef.ndim == 2 else np.sqrt((raw.coef**2).sum(2))
    used = coef > 0
    entry = np.where(used.any(0), used.argmax(0), len(coef))
    size = coef[np.minimum(entry, len(coef) - 1), np.arange(coef.shape[1])] * raw.scale
    chosen = np.zeros(coef.shape[1], dtype=bool)
    chosen[np.lexsort((-size, entry))[:q]] = True
    return chosen & (entry < len(coef))


def _counted(
    paths: list[solvers.RawPath], resamples: Resamples, request: tuple[int, float, int], names: tuple[str, ...] | None
) -> Stability:
    q, threshold, n_pairs = request
    chosen = np.array([first_entered(raw, q) for raw in paths])
    pairs = chosen.reshape(n_pairs, 2, -1)
    profile = np.mean([raw.coef != 0 if raw.coef.ndim == 2 else raw.coef.any(2) for raw in paths], axis=0)
    p = chosen.shape[1]
    return Stability(
        probability=chosen.mean(0),
        simultaneous=pairs.all(1).mean(0),
        threshold=threshold,
        q=q,
        n_pairs=n_pairs,
        bound=meinshausen_buhlmann(q, threshold, p),
        bound_shah_samworth=shah_samworth(q, threshold, p, n_pairs),
        alphas=paths[0].alphas,
        profile=profile,
        feature_names=names,
        redrawn=resamples.redrawn,
        message=resamples.message,
    )
