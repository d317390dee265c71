"""Bias against variance over alpha, by resampling the training rows."""

from __future__ import annotations

import numpy as np

from ...diagnostics import BiasVariance, bias_variance
from ...plotting import bias_variance_figure
from ..numbers import number
from ..results import Curve
from .base import Cell, Chapter, Grid, Material, Picture

MENU = "Bias and variance"
TITLE = "Bias against variance"
PENALTIES = ("L2", "L1")
MOST_ALPHAS, FEWER_ALPHAS = 40, 15
N_RESAMPLES, FEWER_RESAMPLES = 100, 30
LARGE = 1e5  # cells of X beyond which fewer resamples must do
MOST_CELLS = 1e6


def chapter(material: Material) -> Chapter:
    """The parts of the error of L2 and L1 over their grids of the study."""
    curves = [curve for curve in (material.study.curve(name) for name in PENALTIES) if curve is not None]
    sample, note = material.sample(MOST_CELLS)
    found: dict[str, BiasVariance] = {}
    for number_done, curve in enumerate(curves):
        with material.part(number_done / len(curves), (number_done + 1) / len(curves)) as told:
            found[curve.name] = _decomposed(sample, curve, told)
    rows = tuple(row for name, parts in found.items() for row in _rows(name, parts))
    error = next(iter(found.values())).error
    head = ("fit", "alpha", "bias and noise", "variance", error)
    caption = "Rows are predicted by the fits whose bootstrap sample left them out."
    grid = Grid("The parts of the error", head, rows, caption)
    lead = (
        "A strong penalty makes every sample give nearly the same fit, far from the truth: bias. A weak one follows "
        "its sample: variance. Their sum is what a new row costs. On real data bias and noise cannot be told apart, so "
        "they are one line, and the variance is that over bootstrap samples of these rows."
    )
    pictures = tuple(_picture(name, parts) for name, parts in found.items())
    sentences = tuple(_sentence(name, parts) for name, parts in found.items())
    messages = sorted({parts.message for parts in found.values() if parts.message})
    return Chapter(
        "bias-variance", MENU, TITLE, lead, sentences, (grid,), pictures, (*([note] if note else []), *messages)
    )


def _decomposed(sample: Material, curve: Curve, told: object) -> BiasVariance:
    most = FEWER_ALPHAS if sample.curved else MOST_ALPHAS
    step = max(1, int(np.ceil(len(curve.path.alphas) / most)))
    few = sample.curved or np.prod(sample.X.shape) > LARGE
    resamples = FEWER_RESAMPLES if few else N_RESAMPLES
    return bias_variance(
        sample.X, sample.y, penalty=curve.path.penalty, alphas=curve.path.alphas[::step], n_resamples=resamples,
        seed=sample.study.seed, progress=told, **sample.arguments(),  # type: ignore[arg-type]
    )  # fmt: skip


def _rows(name: str, parts: BiasVariance) -> list[tuple[Cell, ...]]:
    places = {"strongest": 0, "best": parts.index_min, "weakest": len(parts.alphas) - 1}
    return [
        (
            f"{name}, {label}",
            *(float(values[k]) for values in (parts.alphas, parts.bias_noise, parts.variance, parts.total)),
        )
        for label, k in places.items()
    ]


def _sentence(name: str, parts: BiasVariance) -> str:
    k = parts.index_min
    share = parts.variance[k] / parts.total[k] if parts.total[k] > 0 else 0.0
    weak = parts.variance[-1] / parts.total[-1] if parts.total[-1] > 0 else 0.0
    return (
        f"{name}: the error is smallest at alpha {number(parts.alpha_min, 3)}, where variance is {share:.0%} of it; at "
        f"the weakest penalty it is {weak:.0%}."
    )


def _picture(name: str, parts: BiasVariance) -> Picture:
    caption = _sentence(name, parts)
    alt = f"Line chart of bias and noise, variance and their total against alpha for {name}. {caption}"
    return Picture(bias_variance_figure(parts), caption, alt, name)
