"""What is measured of rows and columns to find the weakest: errors, leverages, deviations, order of entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.linear_model import lars_path

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
SMALLEST_PROBABILITY = 1e-15
LEVERAGE_ROWS = 2  # rows per column that leverages need


def row_errors(model: Any, X: Any, y: NDArray) -> Floats:
    """Squared error of each row; for classifiers the deviance, -2 log probability of its class."""
    if not is_classifier(model):
        return np.asarray((y - model.predict(X)) ** 2, dtype=float)
    probability = model.predict_proba(X)
    place = np.searchsorted(model.classes_, y)
    return -2 * np.log(np.maximum(probability[np.arange(len(y)), place], SMALLEST_PROBABILITY))


def deviations(X: Any) -> Floats:
    """Standard deviation of each column."""
    if not scipy.sparse.issparse(X):
        return np.asarray(X.std(0), dtype=float)
    mean = np.asarray(X.mean(0)).ravel()
    return np.sqrt(np.maximum(np.asarray(X.multiply(X).mean(0)).ravel() - mean**2, 0.0))


def entry_order(X: Any, y: NDArray) -> Places:
    """The rank 0, 1, ... of each standardised column in the order in which least angle regression lets it in."""
    table = np.asarray(X.todense()) if scipy.sparse.issparse(X) else np.asarray(X, dtype=float)
    spread = table.std(0)
    table = (table - table.mean(0)) / np.where(spread > 0, spread, 1.0)
    response = np.asarray(y, dtype=float) if y.dtype.kind in "biuf" else np.unique(y, return_inverse=True)[1]
    active = np.array(lars_path(table, response - response.mean(), method="lar")[1], dtype=np.intp)
    rest = np.setdiff1d(np.arange(table.shape[1]), active)
    rest = rest[np.argsort(-abs(table[:, rest].T @ (response - response.mean())), kind="stable")]
    rank = np.empty(table.shape[1], dtype=np.intp)
    rank[np.append(active, rest)] = np.arange(table.shape[1])
    return rank


def leverages(X: Any) -> Floats:
    """x_i'(X'X)^-1 x_i with a constant column, at most 1; zeros where rows are too few for it to tell."""
    n, p = X.shape
    if scipy.sparse.issparse(X) or n < LEVERAGE_ROWS * (p + 1):
        return np.zeros(n)
    basis = np.linalg.svd(np.column_stack([np.ones(n), X - X.mean(0)]), full_matrices=False)
    kept = basis[1] > 1e-10 * basis[1][0]
    return np.minimum((basis[0][:, kept] ** 2).sum(1), 1 - 1e-6)
