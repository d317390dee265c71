"""Rewrite cvxpy.json with an interior-point solver: `pip install cvxpy; python tests/golden/make_cvxpy.py`.

Group norms and bounds, which no package at hand solves for every loss. The data are written along, to three decimals.
"""

import json
from pathlib import Path

import cvxpy as cp
import numpy as np

HERE = Path(__file__).parent
GROUPS = [0, 0, 0, 1, 1, 2]
SIZES = np.sqrt([3, 2, 1])
N, P = 40, 6

rng = np.random.default_rng(7)
X = rng.standard_normal((N, P)).round(3)
eta = X @ np.array([1.0, -0.5, 0.3, 0.0, 0.1, -0.8])
weights = rng.uniform(0.5, 2, N).round(3)
targets = {
    "squared": (1 + eta + rng.standard_normal(N)).round(3),
    "huber": (1 + eta + rng.standard_t(1.5, N)).round(3),
    "logistic": (eta + rng.logistic(size=N) > 0).astype(float),
    "poisson": rng.poisson(np.exp(0.5 * eta)).astype(float),
    "multinomial": np.digitize(eta + rng.logistic(size=N), [-1, 1]).astype(float),
}


def mean_loss(loss, w, b):
    y = targets[loss]
    if loss == "multinomial":
        scores = X @ w + np.ones((N, 1)) @ b
        one_hot = np.eye(3)[y.astype(int)]
        return (
            weights @ (cp.log_sum_exp(scores, axis=1) - cp.sum(cp.multiply(one_hot, scores), axis=1))
        ) / weights.sum()
    scores = X @ w + b
    parts = {
        "squared": lambda: cp.square(y - scores) / 2,
        "huber": lambda: cp.huber(y - scores, 1.345) / 2,
        "logistic": lambda: cp.logistic(scores) - cp.multiply(y, scores),
        "poisson": lambda: cp.exp(scores) - cp.multiply(y, scores),
    }
    return (weights @ parts[loss]()) / weights.sum()


def penalty(name, w):
    """The value, and the constraints."""
    flat = w if w.ndim == 2 else cp.reshape(w, (P, 1), order="C")
    group = sum(
        SIZES[g] * cp.norm(cp.vec(flat[[j for j in range(P) if GROUPS[j] == g], :], order="C"), 2) for g in range(3)
    )
    l1, l2 = cp.sum(cp.abs(flat)), cp.sum_squares(flat) / 2
    return {
        "group": (group, []),
        "sparse group": (0.5 * l1 + 0.5 * group, []),
        "group + L2": (group + 0.5 * l2, []),
        "non-negative group": (group, [flat >= 0]),
        "box": (0.5 * l1 + 0.5 * l2, [flat >= -0.3, flat <= 0.2]),
    }[name]


records = []
for loss in targets:
    for name in ("group", "sparse group", "group + L2", "non-negative group", "box"):
        for alpha in (0.1, 0.02):
            many = loss == "multinomial"
            w, b = cp.Variable((P, 3) if many else P), cp.Variable((1, 3) if many else ())
            value, constraints = penalty(name, w)
            problem = cp.Problem(cp.Minimize(mean_loss(loss, w, b) + alpha * value), constraints)
            best = np.inf
            for tolerance in (1e-9, 1e-11, 1e-13):  # the tightest may end early, and worse
                tight = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), tolerance)
                problem.solve(solver="CLARABEL", max_iter=500, **tight)
                assert problem.status in ("optimal", "optimal_inaccurate"), problem.status
                if problem.value < best:
                    best, coef, intercept = problem.value, w.value, np.ravel(b.value)
            records.append(
                {
                    "loss": loss,
                    "penalty": name,
                    "alpha": alpha,
                    "objective": float(best),
                    "coef": np.round(coef, 9).T.tolist(),
                    "intercept": np.round(intercept - intercept.mean() * many, 9).tolist(),
                }
            )

golden = {
    "source": f"cvxpy {cp.__version__} with Clarabel; written by make_cvxpy.py",
    "X": X.tolist(),
    "weights": weights.tolist(),
    "targets": {name: y.tolist() for name, y in targets.items()},
    "groups": GROUPS,
    "records": records,
}
(HERE / "cvxpy.json").write_text(json.dumps(golden) + "\n")
