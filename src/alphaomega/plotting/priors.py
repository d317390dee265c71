"""What alpha means as a prior on each coefficient."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ..penalties import Penalty
from .theme import color_of, figure, plain_text, significant

Floats = NDArray[np.float64]
GRID_POINTS = 2001
MOST_MARKS = 400
NEGLIGIBLE = 40.0  # exp(-40): what the density may lose beyond the grid


def prior_density(penalty: Penalty, alpha: float, n_rows: float, noise_variance: float = 1.0) -> tuple[Floats, Floats]:
    """The prior density of one coefficient under which the penalised fit is the most probable a posteriori.

    density(w) = exp(-rate Omega(w)) / integral,   rate = alpha * n_rows / noise_variance

    For L2 that is a normal with precision `rate`, for L1 a Laplace with scale 1 / rate.

    Parameters
    ----------
    penalty : Penalty
        That adds over coefficients; its unit-weight coordinate is drawn.
    alpha, n_rows : float
        The strength, and the number (or total weight) of rows that J is the mean over.
    noise_variance : float, default 1.0
        Variance of y around its mean for the squared loss; 1 for losses that are a negative log likelihood.

    Returns
    -------
    grid, density : two arrays of equal shape
        A grid of coefficients, symmetric about zero, and the density there.

    Raises
    ------
    ValueError
        If a number is not positive: alpha = 0 is a flat prior, which has no density.

    References
    ----------
    R. Tibshirani (1996), Regression shrinkage and selection via the lasso, JRSS B 58, section 5.

    Examples
    --------
    >>> import alphaomega as ao
    >>> grid, density = prior_density(ao.L1(), alpha=0.1, n_rows=100, noise_variance=2.0)
    >>> bool(np.isclose(density.max(), 100 * 0.1 / 2.0 / 2, rtol=1e-3))  # rate / 2 at zero
    True
    """
    for name, value in (("alpha", alpha), ("n_rows", n_rows), ("noise_variance", noise_variance)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(
                f"{name} must be a positive number, got {value!r}; alpha = 0 is a flat prior without a density"
            )
    rate = alpha * n_rows / noise_variance
    reach = 1.0
    while rate * _omega(penalty, reach) > NEGLIGIBLE:
        reach /= 2
    while rate * _omega(penalty, reach) < NEGLIGIBLE:
        reach *= 1.25
    half = reach * np.linspace(0, 1, GRID_POINTS) ** 2  # dense at zero, where a Laplace density has its corner
    grid = np.concatenate([-half[:0:-1], half])
    height = np.exp(-rate * np.array([_omega(penalty, w) for w in grid]))
    return grid, height / np.trapezoid(height, grid)


def _omega(penalty: Penalty, w: float) -> float:
    return float(penalty.value(np.array([w])))


def prior_figure(
    priors: Mapping[str, tuple[Penalty, float]],
    n_rows: float,
    *,
    noise_variance: float = 1.0,
    coefs: Mapping[str, ArrayLike] | None = None,
    height: int = 420,
) -> go.Figure:
    """The prior on one coefficient that each (penalty, alpha) stands for, with the fitted coefficients as a rug below.

    Parameters
    ----------
    priors : mapping of name to (Penalty, alpha)
        Fits with alpha = 0 have a flat prior and are not drawn.
    n_rows, noise_variance : float
        As in `prior_density`.
    coefs : mapping of name to array, optional
        The fitted coefficients, on the scale the penalty sees; the 400 largest that are not zero are marked.
    height : int, default 420
        Pixels.

    Raises
    ------
    ValueError
        If no alpha is positive.

    Examples
    --------
    >>> import alphaomega as ao
    >>> chart = prior_figure({"L2": (ao.L2(), 0.5), "L1": (ao.L1(), 0.1)}, n_rows=100)
    >>> [trace.name for trace in chart.data]
    ['L2', 'L1']
    """
    drawn = {name: pair for name, pair in priors.items() if pair[1] > 0}
    if not drawn:
        raise ValueError("priors holds no positive alpha; alpha = 0 is a flat prior, which cannot be drawn")
    densities = {
        name: prior_density(penalty, alpha, n_rows, noise_variance) for name, (penalty, alpha) in drawn.items()
    }
    result = figure("What alpha means as a prior", height)
    for position, (name, (grid, density)) in enumerate(densities.items()):
        color = color_of(name, position)
        label = plain_text(name)
        result.add_trace(
            go.Scatter(
                x=grid,
                y=density,
                mode="lines",
                line={"color": color, "width": 2},
                name=label,
                hovertemplate=f"alpha {significant(drawn[name][1], 3)}<br>coefficient %{{x:.3g}}<br>density %{{y:.3g}}",
            )
        )
        if coefs is not None and name in coefs:
            _add_rug(result, _marks(np.asarray(coefs[name], dtype=float).ravel()), (label, color, position))
    reach = max(_spread(grid, density) for grid, density in densities.values())
    for name in drawn:
        if coefs is not None and name in coefs:
            reach = max(reach, 1.1 * float(abs(np.asarray(coefs[name])).max(initial=0.0)))
    result.update_layout(
        xaxis={
            "title": {"text": "coefficient per standard deviation"},
            "range": [-reach, reach],
            "anchor": "y2" if coefs else "y",
        },
        yaxis={"title": {"text": "prior density"}, "rangemode": "tozero", "domain": [0.26 if coefs else 0.0, 1.0]},
    )
    if coefs:
        result.update_layout(
            yaxis2={
                "domain": [0.0, 0.2],
                "range": [len(drawn) - 0.4, -0.6],
                "tickvals": list(range(len(drawn))),
                "ticktext": [f"fitted, {plain_text(name, 12)}" for name in drawn],
                "showgrid": False,
                "zeroline": False,
                "ticks": "",
                "automargin": True,
            }
        )
    return result


def _spread(grid: Floats, density: Floats) -> float:
    """Where the density has lost all but a tenth of its mass."""
    mass = np.cumsum(density * np.gradient(grid))
    return float(grid[np.searchsorted(mass, 0.95 * mass[-1])])


def _marks(coef: Floats) -> Floats:
    """The coefficients worth a mark: not zero, the largest where there are very many."""
    nonzero = coef[coef != 0]
    return nonzero[np.argsort(-abs(nonzero), kind="stable")[:MOST_MARKS]]


def _add_rug(result: go.Figure, coef: Floats, style: tuple[str, str, int]) -> None:
    label, color, position = style
    result.add_trace(
        go.Scatter(
            x=coef,
            y=np.full(len(coef), position),
            yaxis="y2",
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 10, "color": color, "line": {"width": 1.5}},
            name=f"{label}, fitted",
            showlegend=False,
            hovertemplate="fitted coefficient %{x:.4g}",
        )
    )
