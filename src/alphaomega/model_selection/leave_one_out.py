"""Ridge without refits: degrees of freedom and leave-one-out errors of every alpha from one decomposition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..designs import Standardized
from ..folds import distinct_rows
from ..losses.base import Target
from ..problem import Problem
from ..solvers.smooth import Columns, ridge_weights

Floats = NDArray[np.float64]
RANK = 1e-13  # eigenvalues below this share of the largest are rounding
NUMBERS = 2e7  # at most so many are held at once
INTERPOLATES = 1e-12  # a row that keeps a smaller share of its own error has no fit without it


def is_ridge(problem: Problem) -> bool:
    """Whether fitted values are linear in y for every alpha: squared loss, and a ridge with nothing else."""
    return problem.loss.name == "squared" and problem.terms is not None and ridge_weights(problem) is not None


@dataclass(frozen=True, eq=False)
class Smoother:
    """Fitted values of ridge regression as H(alpha) y, with H = F F' + U diag(l / (l + alpha)) U'.

    Rows count by the root of their share of the weight. F spans the intercept and the columns that nothing penalises;
    U diag(l) U' is the Gram of the rows of the others, beside F.

    References
    ----------
    D. Allen (1974), The relationship between variable selection and data augmentation and a method for prediction,
    Technometrics 16.
    G. Golub, M. Heath, G. Wahba (1979), Generalized cross-validation as a method for choosing a good ridge parameter,
    Technometrics 21.
    """

    problem: Problem
    design: Standardized
    root: Floats
    free: Floats
    values: Floats
    vectors: Floats
    by_rows: bool

    @classmethod
    def of(cls, problem: Problem) -> Smoother:
        """Decompose the smaller side of X; two or three reads."""
        columns = Columns.of(problem, unit=False)
        root = np.sqrt(problem.weights / problem.total)
        free = _free(problem, columns, root)
        ridge = columns.ridge
        inverse = np.divide(1.0, ridge, out=np.zeros_like(ridge), where=(ridge > 0) & np.isfinite(ridge))
        inside = np.flatnonzero(inverse > 0)
        n = len(root)
        if n <= len(inside):
            basis = scipy.linalg.qr(free)[0][:, free.shape[1] :] if free.size else np.eye(n)
            gram = basis.T @ (columns.design.row_gram(inverse) * root * root[:, None]) @ basis
            values, vectors = scipy.linalg.eigh(gram, check_finite=False, driver="evd")
            return cls(problem, columns.design, root, free, _cleaned(values), basis @ vectors, by_rows=True)
        scale = np.sqrt(inverse[inside])
        gram = columns.design.gram(inside, root**2)
        across = columns.design.rmatvec(root[:, None] * free, inside)
        gram = (gram - across @ across.T) * scale * scale[:, None]
        values, vectors = scipy.linalg.eigh(gram, check_finite=False, driver="evd")
        values = _cleaned(values)
        keep = values > 0
        turned = np.zeros((problem.design.shape[1], int(keep.sum())))
        turned[inside] = scale[:, None] * vectors[:, keep] / np.sqrt(values[keep])
        return cls(problem, columns.design, root, free, values[keep], turned, by_rows=False)

    def degrees_of_freedom(self, alphas: Floats) -> Floats:
        """tr H at every alpha, (m,), the intercept's included."""
        return self.free.shape[1] + (1 - _kept(self.values, alphas)).sum(0)

    def deviance(self, coef: Floats, intercept: Floats) -> Floats:
        """Weighted residual sums of squares of these fits (m, p), (m,); one read for as many as memory should hold."""
        problem = self.problem
        target = problem.y - problem.base_eta()
        sums = []
        for some in self._parts(len(coef)):
            residual = target[:, None] - problem.design.matvec(np.ascontiguousarray(coef[some].T)) - intercept[some]
            sums.append(problem.weights @ residual**2)
        return np.concatenate(sums)

    def leave_one_out(self, alphas: Floats) -> Floats:
        """Weighted mean squared error of each distinct row under the fit without it, at every alpha, (m,).

        Without a row of share s the mean runs over less weight: the error e of the fit at alpha (1 - s) / (1 - H_ii)
        there is exact. Identical rows are left out together.
        """
        label, total = self._rows
        share = np.bincount(label, self.root**2, total)
        rest = np.asarray(1 - share[label], dtype=np.float64)
        return np.concatenate([self._errors(alphas[some], rest) for some in self._parts(len(alphas))])

    def _errors(self, alphas: Floats, rest: Floats) -> Floats:
        label, total = self._rows
        error, left = self._without(alphas, rest)
        taken = np.stack([np.bincount(label, 1 - column, total) for column in left.T], axis=1)[label]
        with np.errstate(divide="ignore", invalid="ignore"):
            missed = np.where(1 - taken > INTERPOLATES, error / (1 - taken), np.inf)
        alive = self.root > 0
        return np.asarray((missed[alive] ** 2).sum(0))

    def _without(self, alphas: Floats, rest: Floats) -> tuple[Floats, Floats]:
        """Errors of the fits at alpha * rest_i, by the root of the row's share, and 1 - H_ii there, both (n, m)."""
        response = self.root * (self.problem.y - self.problem.base_eta())
        outside = response - self.free @ (self.free.T @ response)
        unspanned = 1 - (self.free**2).sum(1)
        if self.by_rows:
            outside, unspanned = np.zeros_like(outside), np.zeros_like(unspanned)
        rests, which = np.unique(rest, return_inverse=True)
        members = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
        error, left = np.zeros((len(rest), len(alphas))), np.zeros((len(rest), len(alphas)))
        for values, basis in self._bases():
            pull = basis.T @ response
            if not self.by_rows:
                outside -= basis @ pull
                unspanned -= (basis**2).sum(1)
            for factor, rows in zip(rests, members):
                kept = _kept(values, alphas * factor)
                error[rows] += basis[rows] @ (pull[:, None] * kept)
                left[rows] += basis[rows] ** 2 @ kept
        return error + outside[:, None], left + unspanned[:, None]

    def _bases(self) -> Iterator[tuple[Floats, Floats]]:
        """Eigenvalues and columns of U."""
        if self.by_rows:
            yield self.values, self.vectors
            return
        for some in self._parts(len(self.values)):
            basis = self.root[:, None] * self.design.matvec(self.vectors[:, some])
            yield self.values[some], basis - self.free @ (self.free.T @ basis)

    def _parts(self, count: int) -> Iterator[slice]:
        """So many columns as long as X, in parts that memory should hold."""
        step = max(1, int(NUMBERS / len(self.root)))
        for start in range(0, count, step):
            yield slice(start, start + step)

    @cached_property
    def _rows(self) -> tuple[NDArray[np.intp], int]:
        """A label for each distinct row, and how many there are."""
        problem = self.problem
        norms = problem.design.column_norms(problem.weights)
        label = distinct_rows(problem.design, Target(problem.y), problem.offset, problem.weights, norms)
        return label, int(label.max()) + 1


def _free(problem: Problem, columns: Columns, root: Floats) -> Floats:
    """An orthonormal basis of what nothing penalises, each row times the root of its share, (n, f)."""
    loose = np.flatnonzero(columns.ridge == 0)
    parts = [root[:, None]] if problem.intercept else []
    if loose.size:
        taken = columns.design.take(loose)
        norms = np.sqrt(np.einsum("i,ij,ij->j", root**2, taken, taken))
        parts.append(root[:, None] * taken / np.where(norms > 0, norms, 1.0))
    if not parts:
        return np.empty((len(root), 0))
    left, values, _ = np.linalg.svd(np.hstack(parts), full_matrices=False)
    return left[:, values > np.sqrt(RANK) * values[0]]


def _cleaned(values: Floats) -> Floats:
    return np.where(values > RANK * max(float(values[-1]), 1e-300), values, 0.0) if values.size else values


def _kept(values: Floats, alphas: Floats) -> Floats:
    """alpha / (l + alpha), the share of each direction that is not fitted, (r, m); 1 where there is nothing to fit."""
    total = values[:, None] + alphas
    return np.divide(np.broadcast_to(alphas, total.shape), total, out=np.ones_like(total), where=total > 0)
