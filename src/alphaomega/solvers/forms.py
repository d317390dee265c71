"""Quadratic forms alone: w = T z turns w'Qw into ||z||^2, and any loss with it into a ridge that is solved exactly.

With Q = U diag(q) U' take T = [U_+ diag(q_+)^(-1/2), U_0]: the columns of U_0, which Q maps to zero, are free. What
comes back is certified in w itself, by stationarity.

L. Elden (1977), Algorithms for the regularization of ill-conditioned least squares problems, BIT 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

from ..coefficients import Coefficients
from ..designs import Dense, Standardized
from ..penalties import L2
from ..penalties.algebra import split_form
from ..problem import Control, Grid, NullModel, Problem
from . import engine
from .raw import RawPath

Floats = NDArray[np.float64]
LARGEST = 2000  # features of a matrix that is decomposed
FLAT = 1e-12  # eigenvalues below this share of the largest are zero
TIGHT = 1e-13  # gap of the ridge: its square root is what is missing from stationarity


def pure(problem: Problem) -> bool:
    """Whether Omega is quadratic forms and nothing else, over few enough features to decompose."""
    forms, rest = split_form(problem.penalty)
    return bool(forms) and rest is None and problem.design.shape[1] <= LARGEST


def solve(
    problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control
) -> tuple[RawPath, list[RawPath]]:
    """The path on all rows, and without each fold; folds share one decomposition unless each has its own scales."""
    count = 0 if folds is None else int(folds.max()) + 1
    if problem.standardize and folds is not None:
        left_out = [replace(problem, weights=np.where(folds == fold, 0.0, problem.weights)) for fold in range(count)]
        paths = solve_many([problem, *left_out], grid, control)
        return paths[0], paths[1:]
    start = problem.design.reads
    turned = Turned.of(problem)
    full, parts = engine.solve(turned.problem, folds, grid, turned.control(control))
    weights = [np.where(folds == fold, 0.0, problem.weights) for fold in range(count)]
    own = [replace(problem, weights=weight) for weight in weights]
    paths = [turned.back(part, path, control.tol) for part, path in zip([problem, *own], [full, *parts])]
    reads = problem.design.reads - start
    paths = [replace(path, reads=reads) for path in paths]
    return paths[0], paths[1:]


def solve_many(problems: Sequence[Problem], grid: Grid, control: Control) -> list[RawPath]:
    """The path of each problem, on the grid of the first."""
    paths: list[RawPath] = []
    for number, problem in enumerate(problems):
        own = Grid(paths[0].alphas) if paths else grid
        paths.append(solve(problem, None, own, control)[0])
        control.tell((number + 1) / len(problems))
    return paths


@dataclass(frozen=True, eq=False)
class Turned:
    """A problem in the coordinates z, and the way back."""

    problem: Problem
    form: Floats
    basis: Floats
    center: Floats
    scale: Floats

    @classmethod
    def of(cls, problem: Problem) -> Turned:
        """Decompose Q and read X once."""
        p = problem.design.shape[1]
        mean, deviation = problem.design.moments(problem.weights)
        center = mean if problem.intercept else np.zeros_like(mean)
        scale = np.where(deviation > 0, deviation, 1.0) if problem.standardize else np.ones_like(mean)
        form = np.zeros((p, p))
        for factor, part in split_form(problem.penalty)[0]:
            own = part.form(p)
            form += factor * (own.toarray() if scipy.sparse.issparse(own) else own)
        values, vectors = scipy.linalg.eigh(form)
        positive = values > FLAT * max(float(values[-1]), 1e-300)
        basis = vectors / np.sqrt(np.where(positive, values, 1.0))
        table = Standardized(problem.design, center, scale).matvec(basis)
        turned = replace(
            problem, design=Dense(np.asfortranarray(table)), penalty=L2(positive.astype(float)), standardize=False
        )
        return cls(turned, form, basis, center, scale)

    @staticmethod
    def control(control: Control) -> Control:
        """The same, to a gap that leaves hardly anything of stationarity."""
        return replace(control, tol=TIGHT)

    def back(self, problem: Problem, path: RawPath, tol: float) -> RawPath:
        """The path in the columns' units, with what it misses of stationarity."""
        standard = np.einsum("pz,mz...->mp...", self.basis, path.coef)
        coef = standard / (self.scale if standard.ndim == 2 else self.scale[:, None])
        intercept = path.intercept - np.einsum("p,mp...->m...", self.center, coef)
        if problem.y.ndim == 2:
            intercept = intercept - intercept.mean(1, keepdims=True)
        violation = self._violations(problem, standard, coef, intercept, path.alphas)
        late = path.alphas[violation > tol]
        message = ""
        if late.size:
            message = (
                f"{late.size} of {len(path.alphas)} fits miss tol={tol:g} in stationarity, all at alpha <= "
                f"{late.max():.3g}: their coefficients are approximate. Use larger alphas, standardize=True, or a "
                "larger tol."
            )
        return replace(
            path, table=Coefficients.of(coef), intercept=intercept, gap=violation, scale=self.scale,
            center=self.center, certificate="stationarity", message=message,
        )  # fmt: skip

    def _violations(
        self, problem: Problem, standard: Floats, coef: Floats, intercept: Floats, alphas: Floats
    ) -> Floats:
        """max |dJ/dw + alpha Q w| over the largest slope of J at zero, at every alpha; one read of X for all."""
        null, share = NullModel.of(problem), problem.weights / problem.total
        base, m = problem.base_eta(), len(alphas)
        flat = np.moveaxis(coef, 0, 1).reshape(coef.shape[1], -1)
        eta = problem.design.matvec(flat).reshape(len(base), *np.moveaxis(coef, 0, 1).shape[1:])
        forces = []
        for k in range(m):
            force = problem.loss.gradient(problem.y, base + eta[:, k] + intercept[k])
            forces.append((share * force.T).T)
        forces.append((share * problem.loss.gradient(problem.y, null.eta).T).T)
        stacked = np.stack(forces, axis=1)
        design = Standardized(problem.design, self.center, self.scale)
        slopes = design.rmatvec(stacked.reshape(len(base), -1)).reshape(coef.shape[1], *stacked.shape[1:])
        size = max(float(abs(slopes[:, m]).max(initial=0.0)), 1e-300)
        bend = np.einsum("pq,mq...->mp...", self.form, standard)
        rest = np.moveaxis(slopes[:, :m], 1, 0) + (alphas * bend.T).T
        return np.asarray(abs(rest.reshape(m, -1)).max(1) / size)
