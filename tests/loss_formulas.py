"""Losses, slopes, curvatures and conjugates written out from their definitions, in whatever precision they get."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from alphaomega.losses import find

DELTA = 1.345


def loss_value(loss: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    if loss == "squared":
        return (y - eta) ** 2 / 2
    if loss == "huber":
        size = abs(y - eta)
        return np.where(size <= DELTA, size**2 / 2, DELTA * size - DELTA**2 / 2)
    if loss == "logistic":
        return np.logaddexp(0, eta) - y * eta
    if loss == "poisson":
        return np.exp(eta) - y * eta + xlogx(y) - y
    if loss == "multinomial":
        top = eta.max(1)
        return top + np.log(np.exp(eta - top[:, None]).sum(1)) - (y * eta).sum(1)
    return find(loss).value(y, eta)  # of a loss not written out here: its own law tests vouch for it


def residual(loss: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """minus d loss / d eta."""
    if loss == "squared":
        return y - eta
    if loss == "huber":
        return np.clip(y - eta, -DELTA, DELTA)
    if loss == "logistic":
        return y * expit(-eta) - (1 - y) * expit(eta)  # to the last digit also next to y
    if loss == "poisson":
        return y - np.exp(eta)
    if loss == "multinomial":
        mean = softmax(eta)
        others = np.stack([np.delete(mean, k, axis=1).sum(1) for k in range(mean.shape[1])], axis=1)
        return y * others - (1 - y) * mean
    return -find(loss).gradient(y, eta)


def curvature_root(loss: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """B of shape (n, K, K) with B B' = d^2 loss / d eta^2."""
    if loss == "multinomial":
        root = np.sqrt(softmax(eta))
        return root[:, :, None] * (np.eye(root.shape[1]) - root[:, :, None] * root[:, None, :])
    curvature = {
        "squared": lambda: np.ones_like(eta),
        "huber": lambda: (abs(y - eta) <= DELTA).astype(eta.dtype),
        "logistic": lambda: expit(eta) * expit(-eta),
        "poisson": lambda: np.exp(eta),
    }.get(loss, lambda: find(loss).curvature(y, eta))()
    return np.sqrt(curvature)[:, None, None]


def conjugate(loss: str, y: np.ndarray, force: np.ndarray) -> np.ndarray:
    """sup over eta of -force . eta - loss(y, eta)."""
    if loss in ("squared", "huber"):
        assert loss == "squared" or (abs(force) <= DELTA * (1 + 1e-12)).all()
        return force**2 / 2 - force * y
    if loss not in ("logistic", "multinomial", "poisson"):
        return find(loss).conjugate(y, -force)
    mean = y - force
    assert mean.min() >= -1e-13
    mean = np.maximum(mean, 0)
    if loss == "poisson":
        return xlogx(mean) - mean - xlogx(y) + y
    if loss == "logistic":
        return xlogx(mean) + xlogx(np.maximum(1 - mean, 0))
    return xlogx(mean).sum(1)


def xlogx(x: np.ndarray) -> np.ndarray:
    return x * np.log(np.where(x > 0, x, 1))


def softmax(eta: np.ndarray) -> np.ndarray:
    odds = np.exp(eta - eta.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def numeric_target(loss: str, y: np.ndarray) -> np.ndarray:
    if loss == "logistic":
        return (y == np.max(y) if y.dtype.kind != "U" else y == sorted(set(y))[1]).astype(float)
    if loss == "multinomial":
        return (y[:, None] == np.unique(y)).astype(float)
    return find(loss).target(y).values
