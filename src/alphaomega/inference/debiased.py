"""The debiased lasso: a normal estimate of every coefficient, also where columns outnumber rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import Data, read_data, reporting
from .rows import centred
from .scaled_lasso import Sample, scaled_lasso
from .tables import check_level
from .triangle import column_names
from .wald import Wald

Floats = NDArray[np.float64]
STRENGTHS = np.geomspace(1, 0.05, 9)  # of the universal one, tried for each feature's regression on the others
PRICE = 1.25  # how much longer an interval may get, to be rid of more bias
SAME = 0.99  # overlap from which two columns cannot be told apart
NODE_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False, kw_only=True)
class DebiasedInference(Wald):
    """Every asked feature, selected or not, one entry each.

    Attributes
    ----------
    names, indices : which features, by name and by position.
    coef : the debiased estimates; not sparse, and not shrunk.
    standard_error : in the units of y per unit of the column.
    initial : the estimates before the correction, least squares on what the lasso selected; zero elsewhere.
    overlap : the largest |z'x_k| / |z'x_j| over other features k: the share of their errors left in this estimate, so
        that |bias_j| <= overlap_j * ||initial - w||_1 (columns of one length); small is good.
    alpha : strength of the lasso that selected, on columns of standard deviation one.
    noise_variance, level, guarantee : as used, and what the numbers promise.
    """

    indices: NDArray[np.intp]
    initial: Floats
    overlap: Floats
    alpha: float
    noise_variance: float


def debiased(
    X: Any,
    y: ArrayLike,
    alpha: float | None = None,
    noise_variance: float | None = None,
    level: float = 0.9,
    features: Sequence[str | int] | None = None,
    weights: ArrayLike | None = None,
    intercept: bool = True,
    progress: bool | Callable[[float], object] = False,
) -> DebiasedInference:
    """Standard errors, p-values and intervals for every coefficient of a sparse model, p > n allowed.

    estimate_j = w_j + z_j'(y - X w) / z_j'x_j,  standard error = sqrt(noise_variance) ||z_j|| / |z_j'x_j|

    w is least squares on what the lasso selects, z_j the residual of a lasso of column j on all the others, which takes
    out of z_j what they explain. Nothing is conditioned on and no selection is reported: it answers for each feature
    whether it matters. Valid asymptotically where few coefficients are non-zero: (number of them) log p << sqrt(n).

    Parameters
    ----------
    X : array, sparse matrix, dataframe or design of shape (n, p)
    y : array of shape (n,)
    alpha : float > 0, optional
        Strength of the first lasso, on columns of standard deviation one. Default: the scaled lasso's, noise deviation
        * sqrt(2 log p / n).
    noise_variance : float, optional
        Variance of the errors. Default: of the residuals of w, RSS / (n - number of its coefficients).
    level : float in (0, 1), default 0.9
        Confidence level of the intervals.
    features : sequence of names or positions, optional
        Which features to answer for; each costs a lasso of that column on all others. Default all.
    weights : array of shape (n,), optional
        Counts: a weight k equals the row repeated k times.
    intercept : bool, default True
        Whether an intercept is fitted (it is not reported).
    progress : bool or callable, default False
        As for `alphaomega.path`.

    Raises
    ------
    ValueError
        On bad input; if an asked column does not vary or cannot be told apart from another (named); as
        `NoiseNotEstimable` if the selected features fit without error.

    References
    ----------
    C.-H. Zhang and S. Zhang (2014), Confidence intervals for low dimensional parameters in high dimensional linear
    models, JRSS B 76. S. van de Geer, P. Buehlmann, Y. Ritov, R. Dezeure (2014), On asymptotically optimal confidence
    regions and tests for high-dimensional models, Annals of Statistics 42.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 100))
    >>> table = ao.inference.debiased(X, 2 * X[:, 3] + rng.standard_normal(60), features=[3, 4])
    >>> table.names, bool(table.p[0] < 1e-6), bool(table.lower[1] < 0 < table.upper[1])
    (('x3', 'x4'), True, True)
    """
    check_level(level)
    for value, name in ((alpha, "alpha"), (noise_variance, "noise_variance")):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a finite number > 0, got {value!r}")
    data = read_data(X, y, "squared", weights, None)
    columns, response = centred(data, np.arange(data.design.shape[1]), intercept)
    lengths, total = np.linalg.norm(columns, axis=0), float(data.weights.sum())
    scale = np.where(lengths > 0, lengths, 1.0) / np.sqrt(total)
    sample = Sample(np.asfortranarray(columns / scale), response, total, intercept)
    asked = _asked(features, data, lengths)
    first = scaled_lasso(sample, alpha, noise_variance)
    with reporting(progress) as report:
        scores = score_vectors(sample, asked, column_names(data), report)
    return _table(sample, (asked, scores), first, (scale, column_names(data))).at_level(level)


def score_vectors(
    sample: Sample, asked: NDArray[np.intp], names: tuple[str, ...], report: Callable[[float], object] | None = None
) -> Floats:
    """z_j for each asked column, (m, k): they depend on X alone.

    Of a falling series of strengths the smallest is taken whose ||z_j|| / |z_j'x_j| exceeds the least by no more than a
    quarter: less bias for a little more variance, as in Zhang & Zhang (2014), section 2.3.
    """
    scores = np.zeros((len(sample.response), len(asked)))
    for place, j in enumerate(asked):
        column = sample.columns[:, j]
        weights = np.ones(sample.columns.shape[1])
        weights[j] = np.inf
        coef = sample.lasso(column, sample.universal * STRENGTHS, weights, NODE_TOLERANCE)
        residuals = column[:, None] - sample.columns @ coef.T
        products, lengths = column @ residuals, np.linalg.norm(residuals, axis=0)
        usable = products > 1e-8 * sample.total
        factors = np.where(usable, lengths / np.where(usable, products, 1.0), np.inf)
        chosen = int(np.flatnonzero(factors <= PRICE * factors.min())[-1])
        scores[:, place] = residuals[:, chosen]
        _refuse_twin(sample, int(j), scores[:, place], names)
        if report is not None:
            report((place + 1) / len(asked))
    return scores


def _overlaps(sample: Sample, j: int, score: Floats) -> Floats:
    """|z_j'x_k| / |z_j'x_j| for every k, zero at j."""
    products = abs(sample.columns.T @ score)
    own, products[j] = products[j], 0.0
    return products / own if own > 0 else np.full(len(products), np.inf)


def _refuse_twin(sample: Sample, j: int, score: Floats, names: tuple[str, ...]) -> None:
    overlaps = _overlaps(sample, j, score)
    twin = int(np.argmax(overlaps))
    if overlaps[twin] >= SAME:
        raise ValueError(
            f"columns {names[j]!r} and {names[twin]!r} cannot be told apart, so neither coefficient is determined; "
            "drop one of them"
        )


def _table(
    sample: Sample, asked: tuple[NDArray[np.intp], Floats], first: Any, units: tuple[Floats, tuple[str, ...]]
) -> DebiasedInference:
    (indices, scores), (scale, names) = asked, units
    residual = sample.response - sample.columns @ first.coef
    products = (scores * sample.columns[:, indices]).sum(0)
    coef = first.coef[indices] + scores.T @ residual / products
    error = np.sqrt(first.noise_variance) * np.linalg.norm(scores, axis=0) / abs(products)
    return DebiasedInference(
        names=tuple(names[j] for j in indices),
        indices=indices,
        coef=coef / scale[indices],
        standard_error=error / scale[indices],
        df=np.inf,
        initial=first.coef[indices] / scale[indices],
        overlap=np.array([_overlaps(sample, int(j), z).max(initial=0.0) for j, z in zip(indices, scores.T)]),
        alpha=first.alpha,
        noise_variance=first.noise_variance,
        guarantee=(
            "valid asymptotically, for each feature whether or not it was selected, where few coefficients are "
            "non-zero, with independent errors of equal variance; not corrected for how many features are looked at"
        ),
    )


def _asked(features: Sequence[str | int] | None, data: Data, lengths: Floats) -> NDArray[np.intp]:
    names = column_names(data)
    if features is None:
        asked = np.arange(len(names))
    else:
        places = {name: j for j, name in enumerate(names)}
        unknown = [each for each in features if each not in places and not _is_place(each, len(names))]
        if unknown:
            raise ValueError(
                f"features names {unknown[0]!r}, which is no column of X nor a position below {len(names)}"
            )
        asked = np.array([places.get(each, each) for each in features], dtype=np.intp)  # type: ignore[arg-type,call-overload]
    still = asked[lengths[asked] == 0]
    if still.size:
        raise ValueError(f"column {names[still[0]]!r} does not vary, so its coefficient is not determined; drop it")
    return asked


def _is_place(value: str | int, size: int) -> bool:
    return isinstance(value, (int, np.integer)) and 0 <= value < size
