"""`posterior`: from arrays and a prior to what is known of the coefficients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import Data, read_data
from ..fitting import ConvergenceWarning
from ..inference.noise import NoiseNotEstimable
from ..inference.rows import compact
from ..penalties import Penalty, Terms
from ..priors import Gaussian, Laplace, Prior
from . import gibbs, logistic
from .gaussian import closed_form
from .results import Model, Posterior, intercepts
from .sampled import SampledPosterior

Floats = NDArray[np.float64]
DISAGREE = 1.05  # R-hat above which chains are called apart
ROUNDING = 1e-24  # share of a sum of squares that is rounding
FEW = 100.0  # effective draws below which an interval's ends are guesswork


def posterior(
    X: Any,
    y: ArrayLike,
    prior: Prior,
    noise_variance: float | None = None,
    seed: int | None = 0,
    weights: ArrayLike | None = None,
    standardize: bool = False,
    intercept: bool = True,
    chains: int = 4,
    draws: int = 1000,
    loss: str = "squared",
) -> Posterior:
    """The posterior distribution of the coefficients under a prior; its mode is the penalised fit.

    p(w, b | y) proportional to exp(-sum_i s_i (y_i - x_i'w - b)^2 / (2 noise_variance)) * prior(w)

    A Gaussian prior has it in closed form; what is not given (noise variance, scale) is set where the evidence p(y) is
    largest, which chooses alpha = noise_variance / (n scale^2) from the data alone. Other priors are sampled exactly by
    Gibbs steps of two blocks; what is not given is learnt: the noise variance v under the density 1 / v, the scale of
    `Laplace()` relative to the noise's standard deviation under a half-Cauchy density, whose scale is one noise
    deviation per standard deviation of a column. With the logistic loss every prior is sampled, and a scale of None,
    `Gaussian()` too, is learnt under that half-Cauchy density, the noise deviation being one.

    Parameters
    ----------
    X : array, sparse matrix, dataframe or design of shape (n, p)
    y : array of shape (n,)
    prior : Prior
        `ao.priors.Gaussian`, `Laplace`, `GroupLaplace`, or Laplace * Gaussian. A scale of None is learnt.
    noise_variance : float, optional
        Variance of the errors, in the squared units of y. Default: learnt.
    seed : int or None, default 0
        Of the draws; the same seed gives the same draws.
    weights : array of shape (n,), optional
        Counts: a weight k equals the row repeated k times.
    standardize : bool, default False
        Let the prior act on coefficients per standard deviation of their column.
    intercept : bool, default True
        Whether there is an intercept; its prior is flat.
    chains, draws : int
        How many chains, and draws kept of each, after half as many that are not; only where sampling is needed.
    loss : {"squared", "logistic"}
        "logistic": y holds two values, of which the larger is the event, and there is no noise variance.

    Returns
    -------
    Posterior
        `mean`, `interval(level)`, `predict(X, level)`, `to_frame()`, `to_arviz()`.

    Raises
    ------
    TypeError
        If `prior` is no prior, or one whose posterior is not at hand.
    ValueError
        On bad input; as `NoiseNotEstimable` if the rows cannot tell noise from signal under this prior.

    References
    ----------
    D. MacKay (1992), Bayesian interpolation, Neural Computation 4. T. Park and G. Casella (2008), The Bayesian lasso,
    JASA 103. N. Polson, J. Scott, J. Windle (2013), Bayesian inference for logistic models, JASA 108.

    Examples
    --------
    >>> import numpy as np, alphaomega as ao
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 3))
    >>> known = ao.posterior(X, X[:, 0] + rng.standard_normal(50), ao.priors.Gaussian(1.0), noise_variance=1.0)
    >>> lower, upper = known.interval(0.9)
    >>> bool(lower[0] < 1 < upper[0])
    True
    """
    if isinstance(prior, Penalty):
        raise TypeError(f"prior must be a prior, got the penalty {prior!r}; use its prior(n, noise_variance, alpha)")
    if not isinstance(prior, Prior):
        raise TypeError(f"prior must be a prior such as ao.priors.Gaussian(1.0), got {prior!r}")
    if noise_variance is not None and not (np.isfinite(noise_variance) and noise_variance > 0):
        raise ValueError(f"noise_variance must be a finite number > 0, got {noise_variance!r}")
    if chains < 2 or draws < 10:
        raise ValueError(f"chains must be at least 2 and draws at least 10 to be compared, got {chains} and {draws}")
    if loss not in ("squared", "logistic"):
        raise ValueError(f"loss must be 'squared' or 'logistic', got {loss!r}; for others ao.path has the mode")
    data = read_data(X, y, loss, weights, None)
    if loss == "logistic":
        if noise_variance is not None:
            raise ValueError("the logistic loss has no noise_variance; leave it out")
        return _logistic(data, prior, (standardize, intercept), seed, (chains, draws))
    columns, response = compact(data, intercept)
    model = _model(data, prior, standardize, intercept)
    columns = columns / model.scale
    power = float(data.weights @ data.target.values**2)
    if noise_variance is None and response @ response <= ROUNDING * power:
        raise NoiseNotEstimable("y does not vary, so there is no noise to learn; pass noise_variance=")
    if isinstance(prior, Gaussian):
        return closed_form(model, columns, response, noise_variance)
    if noise_variance is None:
        _check_noise(columns, response, model.total - model.intercept)
    return _sampled(model, _gibbs_model(model, columns, response, noise_variance), seed, (chains, draws))


def _check_noise(columns: Floats, response: Floats, size: float) -> None:
    """An error where fewer coefficients than rows fit y without error: then smaller noise is ever more probable."""
    coef, _, rank, _ = np.linalg.lstsq(columns, response)
    residual = response - columns @ coef
    if rank < size and residual @ residual <= ROUNDING * (response @ response):
        raise NoiseNotEstimable(
            "the columns fit y without error, so there is no noise to learn; check that X does not contain y, or pass "
            "noise_variance="
        )


def _model(data: Data, prior: Prior, standardize: bool, intercept: bool) -> Model:
    share = data.weights / data.weights.sum()
    center, scale = data.design.moments(data.weights)
    p = data.design.shape[1]
    return Model(
        prior=prior,
        names=data.encoder.names or tuple(f"x{j}" for j in range(p)),
        total=float(data.weights.sum()),
        scale=np.where(scale > 0, scale, 1.0) if standardize else np.ones(p),
        center=center if intercept else np.zeros(p),
        mean=float(share @ data.target.values) if intercept else 0.0,
        intercept=intercept,
        encoder=data.encoder,
        classes=None if data.target.classes is None else tuple(data.target.classes.tolist()),
    )


def _gibbs_model(model: Model, columns: Floats, response: Floats, noise_variance: float | None) -> gibbs.Model:
    p, size = columns.shape[1], model.total - model.intercept
    if isinstance(model.prior, (Gaussian, Laplace)) and model.prior.scale is None:
        spread = float((columns**2).sum()) / (model.total * p)
        unit = 1 / np.sqrt(spread) if spread > 0 else 1.0
        return gibbs.Model(columns, response, size, np.arange(p), None, np.zeros(p), noise_variance, unit)
    terms = _local(model.prior, p)
    if noise_variance is None and size <= np.linalg.matrix_rank(columns):
        raise NoiseNotEstimable(
            f"{size:g} degrees of freedom cannot tell the noise from {p} coefficients whose prior scale is fixed; pass "
            "noise_variance=, or use ao.priors.Laplace() with its scale left to the data"
        )
    groups = np.arange(p) if terms.groups is None else terms.groups
    rates = terms.l1 if terms.group_weights is None else terms.group_weights
    with np.errstate(divide="ignore"):
        return gibbs.Model(columns, response, size, groups, 1 / rates, terms.quadratic, noise_variance)


def _logistic(
    data: Data, prior: Prior, how: tuple[bool, bool], seed: int | None, size: tuple[int, int]
) -> SampledPosterior:
    standardize, intercept = how
    model = _model(data, prior, standardize, intercept)
    counts = data.weights.astype(int)
    odd = np.flatnonzero(counts != data.weights)
    if odd.size:
        raise ValueError(
            f"weights are counts for the logistic posterior, found {data.weights[odd[0]]:g} at row {odd[0]}; give "
            "whole numbers"
        )
    columns = (data.design.take(np.arange(data.design.shape[1])) - model.center) / model.scale
    columns, event = columns.repeat(counts, axis=0), data.target.values.repeat(counts)
    local = _gibbs_model(model, columns, event, noise_variance=1.0)
    setting = logistic.Model(local, event - 0.5, intercept, isinstance(prior, Gaussian))
    count, draws = size
    streams = np.random.default_rng(seed).spawn(count)
    chains = [logistic.run(setting, draws // 2, draws, stream) for stream in streams]
    found = {"coef": np.array([chain.coef for chain in chains]) / model.scale}
    if intercept:
        centred = np.array([chain.intercept for chain in chains])
        found["intercept"] = centred - found["coef"] @ model.center
    if local.scale is None:
        found["scale"] = np.array([chain.scale for chain in chains])
    return _gathered(model, found, 1.0)


def _local(prior: Prior, p: int) -> Terms:
    """The prior's terms where it is normal given local variances."""
    terms = prior.energy().terms((p,))
    mixed = terms is not None and terms.groups is not None and bool(terms.l1.any())
    flat = terms is not None and terms.groups is None and not terms.l1.all() and not isinstance(prior, Gaussian)
    if terms is None or terms.bounded or mixed or flat:
        raise TypeError(
            f"the posterior under {prior!r} is not at hand; use Gaussian, Laplace, GroupLaplace or Laplace * Gaussian, "
            "or fit its mode: ao.path(X, y, penalty=prior.penalty(n, noise_variance), alphas=[1])"
        )
    return terms


def _sampled(model: Model, local: gibbs.Model, seed: int | None, size: tuple[int, int]) -> SampledPosterior:
    count, draws = size
    streams = np.random.default_rng(seed).spawn(count + 1)
    chains = [gibbs.run(local, draws // 2, draws, stream) for stream in streams[:count]]
    found = {"coef": np.array([chain.coef for chain in chains]) / model.scale}
    noise = np.array([chain.noise_variance for chain in chains])
    if model.intercept:
        found["intercept"] = intercepts(model, found["coef"], noise, streams[count])
    if local.noise_variance is None:
        found["noise_variance"] = noise
    if local.scale is None:
        found["scale"] = np.array([chain.scale for chain in chains])
    return _gathered(model, found, float(noise.mean()))


def _gathered(model: Model, found: dict[str, Floats], noise_variance: float) -> SampledPosterior:
    """The draws with their warning, where the chains disagree."""
    scale = float(found["scale"].mean()) if "scale" in found else getattr(model.prior, "scale", None)
    result = SampledPosterior(model, found, noise_variance, scale, _disagreement(model, found))
    if result.message:
        warnings.warn(result.message, ConvergenceWarning, stacklevel=4)
    return result


def _disagreement(model: Model, draws: dict[str, Floats]) -> str:
    """Which quantity the chains know worst, where that is not well enough."""
    from .diagnostics import effective_draws, r_hat

    worst, fewest = ("", 1.0), ("", np.inf)
    for name, values in draws.items():
        apart, sizes = np.atleast_1d(r_hat(values)), np.atleast_1d(effective_draws(values))
        labels = model.names if name == "coef" else (name,)
        worst = max(worst, (labels[int(np.argmax(apart))], float(apart.max())), key=lambda pair: pair[1])
        fewest = min(fewest, (labels[int(np.argmin(sizes))], float(sizes.min())), key=lambda pair: pair[1])
    if worst[1] <= DISAGREE and fewest[1] >= FEW:
        return ""
    mend = "give noise_variance=" if model.classes is None else "give the prior a scale"
    return (
        f"the chains disagree (R-hat {worst[1]:.2f} for {worst[0]!r}) or are worth too few draws ({fewest[1]:.0f} "
        f"independent ones for {fewest[0]!r}), so the intervals are not to be trusted; use more draws=, and if they "
        f"still disagree the rows leave too much open: {mend}"
    )
