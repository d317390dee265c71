"""`Proximal`: a stock torch optimizer whose every step ends with the prox of the penalties."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import optim
from torch.utils.weak import WeakIdKeyDictionary

from .metric import metric_of
from .penalizing import Entry, Penalized
from .steps import Step

#: Which Proximal each parameter answers to, so that no weight is thresholded twice.
_owners: Any = WeakIdKeyDictionary()


class Proximal(optim.Optimizer):
    """A stock optimizer with an exact proximal step after each of its own: zeros are exactly zero.

    w <- argmin over x of (x - w)' D (x - w) / (2 scale) + alpha * Omega(x)

    D and scale are the optimizer's own: 1 and lr (1 - dampening) / (1 - momentum) for SGD (nesterov too), sqrt(vhat) +
    eps and lr for Adam and its kin, times 1 / (1 - momentum) for RMSprop. With them a weight rests where the penalised
    objective is stationary, whatever the optimizer; thresholds that ignore them (lr * alpha) solve another problem.

    The prox runs by the post-step hook, so stepping the stock optimizer or this object is the same; it follows the
    learning rate (schedules, one per parameter group), runs once per optimizer step (not per micro-batch), and leaves
    out steps that a gradient scaler skipped. Parameters without a gradient are left alone, as the optimizer does.
    `state_dict` is the stock optimizer's.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        SGD, Adam, AdamW, RMSprop, Adagrad, NAdam or RAdam; with metric="decoupled" any with a learning rate. Keep its
        weight_decay at 0 unless a second penalty is meant.
    penalized : Penalized
        From `penalize`; every penalised parameter must be in the optimizer.
    metric : {"optimizer", "decoupled"}, default "optimizer"
        "decoupled" takes the plain step lr for every coordinate, as AdamW's decay does: alpha is then in units of the
        update, and the fixed points are not those of J + alpha * Omega. The only form with a meaning for Muon, Lion or
        Shampoo.

    Raises
    ------
    TypeError
        If the optimizer has no metric known here, or is L-BFGS.
    ValueError
        If a penalised parameter is not in the optimizer or already answers to another Proximal, a gradient is sparse
        (on `step`), or `metric` is unknown.

    References
    ----------
    J. Yun, A. Lozano, E. Yang (2021), Adaptive proximal gradient methods for structured neural networks, NeurIPS 34.

    Examples
    --------
    >>> import torch, alphaomega as ao
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    >>> optimizer = ao.networks.Proximal(optimizer, ao.networks.penalize(model, 0.5 * ao.L1()))
    >>> for _ in range(500):
    ...     optimizer.zero_grad()
    ...     (0.5 * (model.weight - torch.tensor([[2.0, 0.3]])) ** 2).sum().backward()
    ...     optimizer.step()
    >>> model.weight.detach().round(decimals=3)
    tensor([[1.5000, 0.0000]])
    """

    def __init__(self, optimizer: optim.Optimizer, penalized: Penalized, metric: str = "optimizer") -> None:
        if not isinstance(optimizer, optim.Optimizer) or isinstance(optimizer, Proximal):
            raise TypeError(f"optimizer must be a stock torch optimizer, got {type(optimizer).__name__}")
        self._rule = metric_of(optimizer, metric)
        self.optimizer, self.penalized, self.metric = optimizer, penalized, metric
        held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        missing = [entry.name for entry in penalized.penalized if id(entry.parameter) not in held]
        if missing:
            raise ValueError(
                f"the optimizer does not hold the penalised parameter {missing[0]!r} ({len(missing)} in all); build "
                "it from the parameters of the same model, after the model was moved or sharded"
            )
        for entry in penalized.penalized:
            _check_unowned(entry)
        self._steps = {id(entry.parameter): (entry, step_of(penalized, entry)) for entry in penalized.penalized}
        for entry in penalized.penalized:
            _owners[entry.parameter] = weakref.ref(self)
        self._hook = optimizer.register_step_post_hook(self._after_step)

    def _after_step(self, optimizer: optim.Optimizer, args: Any, kwargs: Any) -> None:
        found_inf = getattr(
            optimizer, "found_inf", None
        )  # set by a gradient scaler around a fused step, absent otherwise
        if found_inf is not None and found_inf.device.type == "cpu":
            if found_inf.item():
                return
            found_inf = None
        with torch.no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is None or id(parameter) not in self._steps:
                        continue
                    entry, step = self._steps[id(parameter)]
                    if parameter.grad.layout != torch.strided:
                        raise ValueError(
                            f"{entry.name!r} has sparse gradients, which leave most of its metric unknown; use "
                            f"dense gradients (sparse=False) or exclude={entry.name!r}"
                        )
                    step(parameter.detach(), self._rule(group, optimizer.state[parameter]), found_inf)

    def remove(self) -> None:
        """Take the prox off the stock optimizer, which goes on without it."""
        self._hook.remove()
        for entry in self.penalized.penalized:
            if entry.parameter in _owners and _owners[entry.parameter]() is self:
                del _owners[entry.parameter]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """One step of the stock optimizer and the prox."""
        scaling = {name: self.__dict__[name] for name in ("grad_scale", "found_inf") if name in self.__dict__}
        for (
            name,
            value,
        ) in scaling.items():  # a gradient scaler sets them on the optimizer it was given: hand them on for this step
            setattr(self.optimizer, name, value)
        try:
            return self.optimizer.step() if closure is None else self.optimizer.step(closure)
        finally:
            for name in scaling:
                delattr(self.optimizer, name)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """As the stock optimizer's."""
        self.optimizer.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The stock optimizer's state: the prox has none of its own."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state of the stock optimizer."""
        self.optimizer.load_state_dict(state_dict)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As the stock optimizer's; parameters that `penalized` does not know stay free."""
        self.optimizer.add_param_group(param_group)

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The stock optimizer's groups, the very same objects: learning rates are read from them at each step."""
        return self.optimizer.param_groups

    @property
    def state(self) -> Any:  # type: ignore[override]
        """The stock optimizer's state."""
        return self.optimizer.state

    @property
    def defaults(self) -> dict[str, Any]:  # type: ignore[override]
        """The stock optimizer's defaults."""
        return self.optimizer.defaults

    @property
    def _step_supports_amp_scaling(self) -> bool:
        return getattr(self.optimizer, "_step_supports_amp_scaling", False)

    def register_step_pre_hook(self, hook: Any) -> Any:
        """As the stock optimizer's."""
        return self.optimizer.register_step_pre_hook(hook)

    def register_step_post_hook(self, hook: Any) -> Any:
        """As the stock optimizer's; it runs after the prox."""
        return self.optimizer.register_step_post_hook(hook)

    def __repr__(self) -> str:
        return f"Proximal(metric={self.metric!r}, {self.optimizer!r})"


def step_of(penalized: Penalized, entry: Entry) -> Step:
    """The proximal step of a penalised parameter."""
    rows = entry.read(entry.parameter.detach()).shape[0]
    return Step(penalized.penalty_of(entry), entry.layout, rows)


def _check_unowned(entry: Entry) -> None:
    """A ValueError if another Proximal, still in use, rules the parameter."""
    for attempt in range(2):
        owner = _owners.get(entry.parameter)
        if owner is None or owner() is None:
            return
        if attempt == 0:
            gc.collect()  # an optimizer and its Proximal hold each other: a dropped pair lives until it is collected
    raise ValueError(
        f"{entry.name!r} already has a Proximal: two would threshold it twice; call .remove() on the first one"
    )
