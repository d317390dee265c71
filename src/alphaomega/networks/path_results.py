"""What `networks.path` returns."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from .. import losses

Floats = NDArray[np.float64]
RULES = ("min", "1se")


@dataclass(frozen=True, eq=False)
class Fit:
    """The network at one alpha.

    Attributes
    ----------
    alpha : the strength.
    score, score_error : mean deviance of the validation rows (squared error, or twice the loss), and its standard
    error. train_score : the same on the training rows.
    support : non-zero weights by penalised parameter.
    units : non-zero units by penalised parameter (inputs, unless the penalty names others).
    violation : of stationarity, relative to the largest gradient entry; NaN where identification was left out.
    state : the model's state_dict.
    """

    alpha: float
    score: float
    score_error: float
    train_score: float
    support: dict[str, int]
    units: dict[str, int]
    violation: float
    state: dict[str, Tensor] = field(repr=False)

    @property
    def n_nonzero(self) -> int:
        """Non-zero penalised weights."""
        return sum(self.support.values())


@dataclass(frozen=True, eq=False)
class NetworkPath:
    """A path of networks over decreasing alpha; reads as `ao.path`'s.

    Attributes
    ----------
    fits : one Fit per alpha, largest alpha first.
    template : a model of the same form; `model` fills a copy.
    loss : its name, None where it was a function.
    """

    fits: tuple[Fit, ...]
    template: nn.Module = field(repr=False)
    loss: str | None = None

    @property
    def alphas(self) -> Floats:
        """(m,) decreasing."""
        return np.array([fit.alpha for fit in self.fits])

    @property
    def scores(self) -> Floats:
        """(m,) mean validation deviance."""
        return np.array([fit.score for fit in self.fits])

    @property
    def n_nonzero(self) -> NDArray[np.intp]:
        """(m,) non-zero penalised weights."""
        return np.array([fit.n_nonzero for fit in self.fits], dtype=np.intp)

    def best(self, rule: str = "min") -> Fit:
        """The fit with the smallest validation score, or ("1se") the sparsest within one standard error of it.

        Raises
        ------
        ValueError
            If `rule` is neither.
        """
        if rule not in RULES:
            raise ValueError(f"rule must be 'min' or '1se', got {rule!r}")
        lowest = self.fits[int(np.argmin(self.scores))]
        if rule == "min":
            return lowest
        bar = lowest.score + lowest.score_error
        return next(fit for fit in self.fits if fit.score <= bar)

    def at(self, alpha: float) -> Fit:
        """The fit at an alpha of the grid; networks are not solved anew between grid points."""
        near = np.flatnonzero(np.isclose(self.alphas, alpha, rtol=1e-9, atol=0))
        if not near.size:
            raise ValueError(
                f"alpha={alpha:g} is not on this path's grid; choose one of path.alphas, or pass it in alphas="
            )
        return self.fits[int(near[0])]

    def model(self, fit: Fit | None = None) -> nn.Module:
        """A fresh model with the weights of `fit` (default: the best), in evaluation mode."""
        model = copy.deepcopy(self.template)
        model.load_state_dict((fit or self.best()).state)
        return model.eval()

    def decision(self, X: ArrayLike | Tensor, alpha: float) -> Floats:
        """The network's output at an alpha of the grid: (n,) where it has one output, else (n, K)."""
        model = self.model(self.at(alpha))
        first = next(model.parameters())
        inputs = X if isinstance(X, Tensor) else torch.from_numpy(np.require(X, requirements=["C", "W"]))
        inputs = inputs.to(first.device, first.dtype if inputs.is_floating_point() else inputs.dtype)
        with torch.no_grad():
            eta = model(inputs).double().cpu().numpy()
        return eta[:, 0] if eta.ndim == 2 and eta.shape[1] == 1 else eta

    def predict(self, X: ArrayLike | Tensor, alpha: float) -> NDArray:
        """Predictions in the units of y: means, counts, or class positions; the output where the loss has no name."""
        eta = self.decision(X, alpha)
        if self.loss is None:
            return eta
        return losses.find(self.loss).predict(eta, np.arange(2 if eta.ndim == 1 else eta.shape[1]))

    def to_frame(self) -> Any:
        """One row per alpha, with the non-zero weights and units of each layer (a polars DataFrame)."""
        import polars

        rows = []
        for fit in self.fits:
            row = {key: value for key, value in vars(fit).items() if key not in ("support", "units", "state")}
            row["n_nonzero"] = fit.n_nonzero
            row |= {f"{name} weights": count for name, count in fit.support.items()}
            row |= {f"{name} units": count for name, count in fit.units.items()}
            rows.append(row)
        return polars.DataFrame(rows)

    def plot(self) -> Any:
        """Validation and training score, and the share of non-zero weights, over alpha (a plotly figure)."""
        from plotly import graph_objects
        from plotly.subplots import make_subplots

        from ..plotting import template

        figure = make_subplots(specs=[[{"secondary_y": True}]])
        positive = [fit for fit in self.fits if fit.alpha > 0]
        alphas = [fit.alpha for fit in positive]
        error = {"type": "data", "array": [fit.score_error for fit in positive]}
        curves = [
            ("validation", [f.score for f in positive], error),
            ("training", [f.train_score for f in positive], None),
        ]
        for name, values, bars in curves:
            figure.add_trace(graph_objects.Scatter(x=alphas, y=values, name=name, error_y=bars, mode="lines+markers"))
        share = [fit.n_nonzero for fit in positive]
        figure.add_trace(
            graph_objects.Scatter(x=alphas, y=share, name="non-zero weights", mode="lines", line={"dash": "dot"}),
            secondary_y=True,
        )
        chosen = self.best("1se").alpha
        if chosen > 0:
            figure.add_vline(x=chosen, line_dash="dash", annotation_text="1-SE")
        figure.update_xaxes(type="log", title="alpha")
        figure.update_yaxes(title="mean deviance", secondary_y=False)
        figure.update_yaxes(title="non-zero weights", rangemode="tozero", secondary_y=True)
        return figure.update_layout(template=template(), legend={"orientation": "h", "y": 1.1})
