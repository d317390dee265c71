"""The solvers compared. Each function takes a Task and gives the whole path of L1 solutions, or a cross-validation.

Objective of all: mean loss + alpha ||w||_1, bias free, columns as given. This module is read by the Python of the
peers, which need not hold this package; every import of a peer stays inside its function. Threads are as each package
sets them by itself; where it asks, all cores are given to cross-validation, whose folds are independent.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse

FOLDS = 10
THREADS = os.cpu_count() or 1


@dataclass(frozen=True, eq=False)
class Task:
    """Arrays, grid and tolerance of one run."""

    X: Any
    y: np.ndarray
    alphas: np.ndarray
    tol: float
    offset: np.ndarray | None = None

    @property
    def sparse(self) -> bool:
        """Whether X is sparse."""
        return scipy.sparse.issparse(self.X)

    @property
    def folds(self) -> np.ndarray:
        """The fold of each row."""
        return np.arange(len(self.y)) % FOLDS


@dataclass(frozen=True, eq=False)
class Fit:
    """Coefficients (m, p), intercepts (m,); reads of X where they are counted; the alpha a cross-validation chose.

    `seconds` and `peak` (bytes) are given by solvers that run in a process of their own.
    """

    coef: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    intercept: np.ndarray = field(default_factory=lambda: np.empty(0))
    reads: float | None = None
    alpha: float | None = None
    seconds: float | None = None
    peak: float | None = None


def ours(loss: str, task: Task) -> Fit:
    import alphaomega as ao

    path = ao.path(task.X, task.y, loss, ao.L1(), alphas=task.alphas, offset=task.offset, tol=task.tol)
    return Fit(path.coef, path.intercept, reads=path.reads)


def ours_cv(task: Task) -> Fit:
    import alphaomega as ao

    cv = ao.cross_validate(task.X, task.y, penalty=ao.L1(), alphas=task.alphas, folds=task.folds, tol=task.tol)
    return Fit(cv.path.coef, cv.path.intercept, reads=cv.path.reads, alpha=cv.alpha_min)


def _one_by_one(model: Any, task: Task, strength: Callable[[float], dict[str, float]]) -> Fit:
    """A scikit-learn estimator, started from its last solution at each alpha."""
    coef, intercept = [], []
    for alpha in task.alphas:
        model.set_params(**strength(alpha)).fit(task.X, task.y)
        coef.append(np.ravel(model.coef_).copy())
        intercept.append(float(np.ravel(model.intercept_)[0]))
    return Fit(np.array(coef), np.array(intercept))


def _centred(task: Task, solve: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Fit:
    """A path function without intercept, on centred arrays; it gives (p, m)."""
    center, mean = task.X.mean(0), task.y.mean()
    coef = np.asarray(solve(np.asfortranarray(task.X - center), task.y - mean)).T
    return Fit(coef, mean - coef @ center)


def sklearn_squared(task: Task) -> Fit:
    from sklearn.linear_model import Lasso, enet_path

    if task.sparse:
        return _one_by_one(Lasso(warm_start=True, tol=task.tol, max_iter=100_000), task, lambda a: {"alpha": a})
    options = {"l1_ratio": 1.0, "alphas": task.alphas, "tol": task.tol, "max_iter": 100_000}
    return _centred(task, lambda X, y: enet_path(X, y, **options)[1])


def sklearn_logistic(task: Task) -> Fit:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(l1_ratio=1.0, solver="saga", warm_start=True, tol=task.tol, max_iter=1000)
    return _one_by_one(model, task, lambda a: {"C": 1 / (a * len(task.y))})


def sklearn_cv(task: Task) -> Fit:
    from sklearn.linear_model import LassoCV
    from sklearn.model_selection import PredefinedSplit

    split = PredefinedSplit(task.folds)
    model = LassoCV(alphas=task.alphas, cv=split, n_jobs=THREADS, tol=task.tol, max_iter=100_000)
    return Fit(alpha=float(model.fit(task.X, task.y).alpha_))


def celer_squared(task: Task) -> Fit:
    from celer import Lasso
    from celer.homotopy import celer_path

    if task.sparse:
        return _one_by_one(Lasso(warm_start=True, tol=task.tol), task, lambda a: {"alpha": a})
    return _centred(task, lambda X, y: celer_path(X, y, "lasso", alphas=task.alphas, tol=task.tol)[1])


def skglm_squared(task: Task) -> Fit:
    from skglm import Lasso

    return _one_by_one(Lasso(warm_start=True, tol=task.tol), task, lambda a: {"alpha": a})


def skglm_logistic(task: Task) -> Fit:
    from skglm import SparseLogisticRegression

    return _one_by_one(SparseLogisticRegression(warm_start=True, tol=task.tol), task, lambda a: {"alpha": a})


def _adelie_matrix(task: Task) -> Any:
    import adelie

    kind = adelie.matrix.sparse if task.sparse else adelie.matrix.dense
    return kind(task.X, method="naive")


def adelie_path(family: str, task: Task) -> Fit:
    import adelie

    fit = adelie.grpnet(
        _adelie_matrix(task),
        getattr(adelie.glm, family)(task.y),
        lmda_path=task.alphas,
        offsets=task.offset,
        tol=task.tol,
        irls_tol=min(1e-7, task.tol),
        progress_bar=False,
        early_exit=False,
        adev_tol=1.0,
    )
    betas = fit.betas
    return Fit(betas.toarray() if scipy.sparse.issparse(betas) else np.asarray(betas), np.asarray(fit.intercepts))


def adelie_cv(task: Task) -> Fit:
    import adelie

    cv = adelie.cv_grpnet(
        task.X,
        adelie.glm.gaussian(task.y),
        n_folds=FOLDS,
        lmda_path_size=len(task.alphas),
        min_ratio=task.alphas[-1] / task.alphas[0],
        tol=task.tol,
        progress_bar=False,
        n_threads=THREADS,
    )
    return Fit(alpha=float(cv.lmdas[cv.best_idx]))


def glum_poisson(task: Task) -> Fit:
    from glum import GeneralizedLinearRegressor

    model = GeneralizedLinearRegressor(
        family="poisson", l1_ratio=1.0, alpha_search=True, alphas=task.alphas, gradient_tol=task.tol, max_iter=1000
    )
    model.fit(task.X, task.y, offset=task.offset)
    return Fit(np.asarray(model.coef_path_), np.asarray(model.intercept_path_))


def glmnet(family: str, task: Task) -> Fit:
    from .glmnet import run

    return run(family, task)


@dataclass(frozen=True)
class Peer:
    """A package: what it calls itself, what it can solve, its own tolerance first and then ever tighter ones."""

    name: str
    package: str
    tasks: dict[str, Callable[[Task], Fit]]
    tolerances: tuple[float, ...]


def _tens(own: int, start: int, stop: int) -> tuple[float, ...]:
    return tuple(10.0**-k for k in (own, *range(start, stop + 1)))


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "alphaomega",
            "alphaomega",
            {"cv": ours_cv} | {loss: partial(ours, loss) for loss in ("squared", "logistic", "poisson")},
            (1e-6,),
        ),
        Peer(
            "scikit-learn",
            "scikit-learn",
            {"squared": sklearn_squared, "logistic": sklearn_logistic, "cv": sklearn_cv},
            _tens(4, 6, 9),
        ),
        Peer("celer", "celer", {"squared": celer_squared}, _tens(4, 6, 10)),
        Peer("skglm", "skglm", {"squared": skglm_squared, "logistic": skglm_logistic}, _tens(4, 6, 10)),
        Peer(
            "adelie",
            "adelie",
            {
                "squared": partial(adelie_path, "gaussian"),
                "logistic": partial(adelie_path, "binomial"),
                "poisson": partial(adelie_path, "poisson"),
                "cv": adelie_cv,
            },
            _tens(7, 12, 16),
        ),
        Peer("glum", "glum", {"poisson": glum_poisson}, _tens(4, 6, 10)),
        Peer(
            "glmnet",
            "glmnet",
            {
                "squared": partial(glmnet, "gaussian"),
                "logistic": partial(glmnet, "binomial"),
                "poisson": partial(glmnet, "poisson"),
                "cv": partial(glmnet, "cv"),
            },
            _tens(7, 12, 16),
        ),
    )
}


def solve(peer: str, task_name: str, task: Task) -> Fit:
    """One run, without the warnings that peers print of each fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PEERS[peer].tasks[task_name](task)
