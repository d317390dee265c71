"""Quadratic forms w'Qw / 2: what ties coefficients to one another, smoothly."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from .arrays import Array, Scalars, array_namespace, is_torch
from .base import Penalty

PSD = 1e-10  # eigenvalues below minus this share of the largest make a matrix indefinite
LARGEST_CHECK = 3000  # columns of a matrix whose eigenvalues are looked at


class QuadraticForm(Penalty):
    """Omega(w) = 1/2 sum_k w_k' Q w_k over the outputs k; a subclass says which Q.

    On its own it is solved as a ridge in other coordinates, for every loss. In a sum, or inside bounds, it has no prox
    of closed form: there proximal gradient treats it as part of the smooth term.
    """

    @abstractmethod
    def form(self, p: int) -> Any:
        """Q, symmetric and positive semidefinite, (p, p): an array or a SciPy sparse array."""

    def pull(self, w: Array) -> Array:
        """Q w, the gradient."""
        return _matrix(self.form(w.shape[0]), w) @ w

    def value(self, w: Array) -> Array:
        return (w * self.pull(w)).sum() / 2

    def prox(self, w: Array, step: Scalars) -> Array:
        form = self.form(w.shape[0])
        if np.ndim(step) == 0 and not is_torch(w) and scipy.sparse.issparse(form):
            system = scipy.sparse.eye_array(len(w), format="csc") + float(step) * form.tocsc()
            return scipy.sparse.linalg.spsolve(system, w).reshape(w.shape).astype(w.dtype)
        xp, table = array_namespace(w), w.reshape(w.shape[0], -1)
        steps = (step + 0 * w).reshape(table.shape)
        matrix, eye = _matrix(form, w), xp.eye(len(w), dtype=w.dtype)
        eye = eye.to(w.device) if is_torch(w) else eye
        columns = [xp.linalg.solve(eye + steps[:, k : k + 1] * matrix, table[:, k]) for k in range(table.shape[1])]
        return xp.stack(columns, 1).reshape(w.shape)

    def violation(self, gradient: Array, w: Array) -> Array:
        """|gradient + Q w|."""
        return abs(gradient + self.pull(w))


def _matrix(form: Any, w: Array) -> Any:
    """Q of w's kind, dtype and device."""
    if is_torch(w):
        dense = form.toarray() if scipy.sparse.issparse(form) else form
        return sys.modules["torch"].as_tensor(dense, dtype=w.dtype, device=w.device)
    return form.astype(w.dtype, copy=False)


def check_form(matrix: Any, name: str) -> Any:
    """`matrix` as a symmetric positive semidefinite array or sparse array, or a ValueError that says what is wrong."""
    sparse = scipy.sparse.issparse(matrix)
    form: Any = scipy.sparse.csr_array(matrix, dtype=float) if sparse else np.asarray(matrix, dtype=float)
    if form.ndim != 2 or form.shape[0] != form.shape[1]:
        raise ValueError(f"{name} must be square, one row and column per feature, got shape {form.shape}")
    entries = form.data if sparse else form
    if not np.isfinite(entries).all():
        raise ValueError(f"{name} holds NaN or infinity; remove or replace it")
    size = float(abs(entries).max(initial=0.0))
    if float(abs(form - form.T).max()) > PSD * size:
        raise ValueError(f"{name} must be symmetric; pass (Q + Q.T) / 2, which has the same value")
    if form.shape[0] <= LARGEST_CHECK:
        lowest = float(np.linalg.eigvalsh(form.toarray() if sparse else form)[0])
        if lowest < -PSD * max(size, 1e-300):
            raise ValueError(
                f"{name} must be positive semidefinite, but has the eigenvalue {lowest:.3g}: there the penalty would "
                "fall without bound; pass D.T @ D for the differences D that should be small"
            )
    return form
