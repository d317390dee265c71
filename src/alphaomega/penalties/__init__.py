"""Omega: the parameter-norm penalties. One file a penalty, and `algebra` to add, scale and bound them."""

from .algebra import Bounded, Scaled, Sum
from .base import Penalty, Terms
from .elastic_net import ElasticNet
from .form import QuadraticForm
from .graph import GraphLaplacian
from .group import GroupL1
from .l1 import L1
from .l2 import L2
from .smoothness import Smoothness
from .tikhonov import Tikhonov

#: Every penalty of the library by name, with an instance for `p` features: what the registry tests run over.
REGISTRY = {
    "L1": lambda p: L1(),
    "L2": lambda p: L2(),
    "ElasticNet": lambda p: ElasticNet(0.5),
    "GroupL1": lambda p: GroupL1([j // 2 for j in range(p)]),
    "weighted L1": lambda p: L1([0.0 if j == 0 else 0.5 + j / p for j in range(p)]),
    "L1 + 0.5 * L2": lambda p: L1() + 0.5 * L2(),
    "sparse group": lambda p: 0.5 * L1() + 0.5 * GroupL1([j // 2 for j in range(p)]),
    "non-negative L1": lambda p: Bounded(L1(), lower=0.0),
    "box L2": lambda p: Bounded(L2(), lower=-0.5, upper=0.5),
    "Tikhonov": lambda p: Tikhonov([[2.0 * (i == j) + 0.5 ** abs(i - j) for j in range(p)] for i in range(p)]),
    "Smoothness": lambda p: Smoothness(),
    "GraphLaplacian": lambda p: GraphLaplacian([[float(abs(i - j) in (1, 2)) for j in range(p)] for i in range(p)]),
}

__all__ = [
    "L1",
    "L2",
    "REGISTRY",
    "Bounded",
    "ElasticNet",
    "GraphLaplacian",
    "GroupL1",
    "Penalty",
    "QuadraticForm",
    "Scaled",
    "Smoothness",
    "Sum",
    "Terms",
    "Tikhonov",
]
