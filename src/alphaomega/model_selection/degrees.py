"""Degrees of freedom of a penalised fit: how far its fitted values follow y."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..penalties import Terms
from ..problem import Problem

Floats = NDArray[np.float64]
AT_BOUND = 1e-9  # so near, relatively, a coefficient is at its bound
RANK = 1e-10  # eigenvalues below this share of the largest are rounding


def degrees_of_freedom(problem: Problem, alpha: float, coef: Floats, intercept: Floats, scale: Floats) -> float:
    """tr[H (H + alpha Omega'')^-1] on the coordinates that can move, and the intercept.

    H is the curvature of J in the coefficients per `scale`, with the intercept profiled out. For L1 it is the rank of
    the support, mostly its size; for L2 the trace of the hat matrix; for the elastic net that trace on the support;
    for groups the exact divergence of Vaiter et al. `coef` is (p,) or (p, K).

    References
    ----------
    H. Zou, T. Hastie, R. Tibshirani (2007), On the degrees of freedom of the lasso, Annals of Statistics 35.
    S. Vaiter et al. (2012), The degrees of freedom of the group lasso, arXiv:1205.1481.
    """
    terms = problem.terms
    if terms is None:
        raise TypeError(
            f"degrees of freedom need a penalty with `terms`; {type(problem.penalty).__name__} has none. Choose alpha "
            "by ao.cross_validate"
        )
    k = problem.n_outputs
    v = (coef.T * scale).T.ravel()
    at_bound = (abs(v - terms.lower) <= AT_BOUND * abs(v)) | (abs(v - terms.upper) <= AT_BOUND * abs(v))
    moving = np.flatnonzero((v != 0) & ~at_bound)
    rows, flat = _rows(problem, moving, coef, intercept, np.repeat(scale, k))
    if not moving.size:
        return flat
    return flat + _trace(rows, _penalty_curvature(terms * alpha, moving, v))


def _rows(
    problem: Problem, moving: NDArray[np.intp], coef: Floats, intercept: Floats, scale: Floats
) -> tuple[Floats, float]:
    """Z with Z'Z = H on the moving coordinates, (n K, m), and the degrees of freedom of the intercept."""
    k, share = problem.n_outputs, problem.weights / problem.total
    support = np.flatnonzero(np.atleast_2d(coef.T).any(0))
    eta = problem.base_eta() + intercept
    if support.size:
        eta = eta + problem.design.matvec(coef[support], support)
    root = _root(problem.loss.curvature(problem.y, eta), share)
    features, position = np.unique(moving // k, return_inverse=True)
    columns = problem.design.take(features)
    columns -= share @ columns  # nothing changes but the digits kept
    rows = (columns[:, position, None] * root[:, moving % k, :]).swapaxes(1, 2)
    rows = rows.reshape(len(columns) * k, len(moving)) / scale[moving]
    if not problem.intercept:
        return rows, 0.0
    left, values, _ = np.linalg.svd(root.swapaxes(1, 2).reshape(-1, k), full_matrices=False)
    basis = left[:, values > np.sqrt(RANK) * values[0]]
    return rows - basis @ (basis.T @ rows), float(basis.shape[1])


def _root(curvature: Floats, share: Floats) -> Floats:
    """Symmetric roots of share_i times the curvature of each sample, (n, K, K)."""
    if curvature.ndim == 1:
        return np.sqrt(np.maximum(share * curvature, 0.0))[:, None, None]
    values, vectors = np.linalg.eigh(curvature * share[:, None, None])
    return np.einsum("nij,nj,nkj->nik", vectors, np.sqrt(np.maximum(values, 0.0)), vectors)


def _penalty_curvature(terms: Terms, moving: NDArray[np.intp], v: Floats) -> Floats:
    """The second derivative of Omega on the moving coordinates: a diagonal (m,), or with groups a matrix (m, m)."""
    diagonal = terms.quadratic[moving]
    if terms.groups is None or terms.group_weights is None:
        return diagonal
    labels = terms.groups[moving]
    norm = np.sqrt(np.bincount(terms.groups, v**2, len(terms.group_weights)))[labels]
    stiffness = terms.group_weights[labels] / norm
    unit = v[moving] / norm
    same = labels[:, None] == labels
    return np.diag(diagonal + stiffness) - same * (stiffness[:, None] * np.outer(unit, unit))


def _trace(rows: Floats, stiffness: Floats) -> float:
    """tr[H (H + B)^-1] for H = Z'Z, on the smaller side of Z."""
    if len(rows) < rows.shape[1] and stiffness.ndim == 1 and (stiffness > 0).all():
        values = scipy.linalg.eigvalsh((rows / stiffness) @ rows.T, check_finite=False).clip(0)
        return float((values / (1 + values)).sum())
    gram = rows.T @ rows
    whole = gram + (np.diag(stiffness) if stiffness.ndim == 1 else stiffness)
    unit = 1 / np.sqrt(np.maximum(np.diag(whole), np.finfo(float).tiny))
    values, vectors = scipy.linalg.eigh(whole * unit * unit[:, None], check_finite=False)
    keep = values > RANK * values[-1]
    turned = vectors[:, keep].T @ (gram * unit * unit[:, None]) @ vectors[:, keep]
    return float((np.diag(turned) / values[keep]).sum())
