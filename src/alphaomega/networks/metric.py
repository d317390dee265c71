"""The metric of an optimizer's step: what the proximal step has to be taken in.

An optimizer of Adam's family moves by scale * m / d; its proximal step minimises <m, w> + (w-w0)'diag(d)(w-w0) / (2
scale) + alpha*Omega(w), so the prox gets the step scale / d, per coordinate. Momentum multiplies the standing pull of a
gradient, so it multiplies the scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, optim

Group = Mapping[str, Any]
State = Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """Step sizes of the prox: scale / (sqrt(moment) * root + eps), or `scale` alone where there is no moment."""

    scale: float | Tensor
    moment: Tensor | None = None
    root: float | Tensor = 1.0
    eps: float = 0.0

    def step(self) -> float | Tensor:
        """The step of each coordinate, of the parameter's shape, or one number for all."""
        if self.moment is None:
            return self.scale
        return self.scale / (self.moment.sqrt().mul_(self.root).add_(self.eps))


def _number(value: Any) -> Any:
    """A tensor on the host as a number; one on a device stays there, so that nobody waits for it."""
    return value.item() if isinstance(value, Tensor) and value.device.type == "cpu" else value


def _sgd(group: Group, state: State) -> Metric:
    """Steady momentum: buffer = (1 - dampening) / (1 - momentum) * gradient; nesterov comes to the same."""
    momentum, dampening = group["momentum"], group["dampening"]
    factor = (1 - dampening) / (1 - momentum) if momentum else 1.0
    return Metric(_number(group["lr"]) * factor)


def _adam(group: Group, state: State) -> Metric:
    moment = state["max_exp_avg_sq"] if group["amsgrad"] else state["exp_avg_sq"]
    correction = 1 - _number(group["betas"][1]) ** _number(state["step"])
    return Metric(_number(group["lr"]), moment, correction**-0.5, group["eps"])


def _nadam(group: Group, state: State) -> Metric:
    """Its step adds the gradient and the moving average with weights whose sum drifts around one."""
    step, beta = _number(state["step"]), _number(group["betas"][0])
    momentum, following = (beta * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
    correction = 1 - _number(group["betas"][1]) ** step
    return Metric(
        _number(group["lr"]) * (1 - momentum + following), state["exp_avg_sq"], correction**-0.5, group["eps"]
    )


def _radam(group: Group, state: State) -> Metric:
    """Plain steps while the second moment rests on at most 5 effective samples, rectified ones after."""
    step, beta = _number(state["step"]), _number(group["betas"][1])
    correction = 1 - beta**step
    longest = 2 / (1 - beta) - 1
    length = longest - 2 * step * beta**step / correction
    if not length > 5:
        return Metric(_number(group["lr"]))
    rectified = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5
    return Metric(_number(group["lr"]) * rectified * correction**0.5, state["exp_avg_sq"], 1.0, group["eps"])


def _rmsprop(group: Group, state: State) -> Metric:
    moment = state["square_avg"]
    if group["centered"]:
        moment = moment.addcmul(state["grad_avg"], state["grad_avg"], value=-1).clamp_(min=0)
    return Metric(_number(group["lr"]) / (1 - group["momentum"]), moment, 1.0, group["eps"])


def _adagrad(group: Group, state: State) -> Metric:
    decayed = _number(group["lr"]) / (1 + (_number(state["step"]) - 1) * group["lr_decay"])
    return Metric(decayed, state["sum"], 1.0, group["eps"])


#: How each stock optimizer measures a step; subclasses (AdamW is one of Adam) share their parent's.
METRICS: dict[type[optim.Optimizer], Callable[[Group, State], Metric]] = {
    optim.SGD: _sgd,
    optim.Adam: _adam,
    optim.AdamW: _adam,
    optim.NAdam: _nadam,
    optim.RAdam: _radam,
    optim.RMSprop: _rmsprop,
    optim.Adagrad: _adagrad,
}


def _decoupled(group: Group, state: State) -> Metric:
    return Metric(_number(group["lr"]))


def metric_of(optimizer: optim.Optimizer, metric: str) -> Callable[[Group, State], Metric]:
    """The rule that gives a parameter's metric from its group and state.

    Raises
    ------
    ValueError
        If `metric` is neither "optimizer" nor "decoupled".
    TypeError
        If the optimizer has no diagonal metric, or no learning rate that the prox could follow.
    """
    if metric not in ("optimizer", "decoupled"):
        raise ValueError(f"metric must be 'optimizer' or 'decoupled', got {metric!r}")
    name = type(optimizer).__name__
    if isinstance(optimizer, optim.LBFGS):
        raise TypeError(
            f"{name} steps along a line search and takes no prox; put a smooth penalty into its loss by "
            f"penalized.value()"
        )
    if metric == "decoupled":
        return _decoupled
    for kind, rule in METRICS.items():
        if isinstance(optimizer, kind):
            return rule
    known = ", ".join(kind.__name__ for kind in METRICS)
    raise TypeError(
        f"{name} has no diagonal metric that is known here ({known} have); metric='decoupled' works, and alpha is "
        f"then in units of the update"
    )
