"""J: the losses. One file a loss."""

from .base import Loss, Target
from .huber import Huber
from .logistic import Logistic
from .multinomial import Multinomial
from .poisson import Poisson
from .squared import Squared

#: Every loss of the library by name: what `loss="..."` accepts and what the registry tests run over.
REGISTRY: dict[str, type[Loss]] = {loss.name: loss for loss in (Squared, Logistic, Multinomial, Poisson, Huber)}


def find(loss: str | Loss) -> Loss:
    """The loss called `loss`, or `loss` itself.

    Examples
    --------
    >>> find("squared")
    Squared()
    """
    if isinstance(loss, Loss):
        return loss
    if loss not in REGISTRY:
        raise ValueError(f"unknown loss {loss!r}; choose one of {', '.join(REGISTRY)}, or pass a Loss instance")
    return REGISTRY[loss]()


__all__ = ["REGISTRY", "Huber", "Logistic", "Loss", "Multinomial", "Poisson", "Squared", "Target", "find"]
