"""What the penalties need so that one class serves NumPy arrays and torch tensors alike."""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = Any  # a NumPy array or a torch tensor
Scalars: TypeAlias = Any  # a number, or an array of w's shape


def is_torch(w: Array) -> bool:
    """Whether `w` is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(w, torch.Tensor)


def array_namespace(w: Array) -> Any:
    """`torch` for a tensor, else `numpy`."""
    return sys.modules["torch"] if is_torch(w) else np


def to_numpy(values: Array) -> NDArray[np.float64]:
    """A float64 NumPy copy or view of an array or a tensor, wherever it lives."""
    return np.asarray(values.detach().cpu() if is_torch(values) else values, dtype=np.float64)


def like(values: NDArray[np.float64], w: Array) -> Array:
    """`values` as w's kind, dtype and device."""
    if is_torch(w):
        return sys.modules["torch"].as_tensor(values, dtype=w.dtype, device=w.device)
    return values


def match(values: ArrayLike, w: Array) -> Any:
    """`values` as numbers that broadcast along w's first axis, of w's kind, dtype and device."""
    values = np.asarray(values, dtype=float)
    if values.ndim == 0:
        return float(values)
    if values.shape[0] != w.shape[0]:
        raise ValueError(
            f"the penalty has {values.shape[0]} weights for {w.shape[0]} coefficients; "
            "give one number, or one per coefficient"
        )
    values = values.reshape(values.shape + (1,) * (w.ndim - values.ndim))
    if is_torch(w):
        return sys.modules["torch"].as_tensor(values, dtype=w.dtype, device=w.device)
    return values.astype(w.dtype, copy=False) if w.dtype.kind == "f" else values


def weigh(weights: Any, sizes: Array) -> Array:
    """weights * sizes, where a size of zero gives zero also at an infinite weight."""
    xp = array_namespace(sizes)
    return xp.where(sizes == 0, 0 * sizes, weights + 0 * sizes) * sizes


def strength(step: Scalars, weights: Any, w: Array) -> Scalars:
    """step * weights, where an infinite weight excludes also at step 0 (0 * inf is inf here); of w's dtype."""
    if np.ndim(weights) == 0:
        return step * weights if weights != np.inf else np.inf + 0 * w
    infinite = weights == np.inf
    xp = array_namespace(w)
    return xp.where(infinite, weights, step * xp.where(infinite, 0 * w, weights))


def group_sum(values: Array, labels: NDArray[np.int64], count: int) -> Array:
    """Sum `values` (first axis: features) over each of `count` groups of features and over all further axes."""
    rows = values.reshape(values.shape[0], -1).sum(1)
    if is_torch(values):
        torch = sys.modules["torch"]
        index = torch.as_tensor(labels, device=values.device)
        return torch.zeros(count, dtype=values.dtype, device=values.device).index_add(0, index, rows)
    return np.bincount(labels, rows, count).astype(values.dtype, copy=False)


def spread(values: Array, labels: NDArray[np.int64], w: Array) -> Array:
    """One number per group, repeated to broadcast against w."""
    if is_torch(w):
        labels = sys.modules["torch"].as_tensor(labels, device=w.device)
    return values[labels].reshape((-1,) + (1,) * (w.ndim - 1))


def check_weights(weights: ArrayLike, name: str = "weights") -> NDArray[np.float64]:
    """`weights` as a float array, or a ValueError that names the offending entry."""
    array = np.asarray(weights, dtype=float)
    bad = np.flatnonzero(np.isnan(array) | (array < 0))
    if bad.size:
        where = "" if array.ndim == 0 else f" at position {bad[0]}"
        raise ValueError(
            f"{name} must be >= 0 (0 = unpenalised, inf = excluded), found {array.ravel()[bad[0]]:g}{where}; "
            "remove or replace it"
        )
    return array


def full(values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """`values` (a number, one per feature, or of `shape`) repeated over the coordinates of `shape`, raveled."""
    array = np.asarray(values, dtype=float)
    if array.ndim and array.shape[0] != shape[0]:
        raise ValueError(
            f"the penalty has {array.shape[0]} weights for {shape[0]} features; give one number, or one per feature"
        )
    array = array.reshape(array.shape + (1,) * (len(shape) - array.ndim))
    return np.broadcast_to(array, shape).ravel().copy()
