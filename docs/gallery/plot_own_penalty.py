"""
A penalty of your own
=====================

A penalty is one small class: its value and its prox. It then works in `ao.path`, in cross-validation, in the estimators
and on networks, and adds to other penalties. This one is the minimax concave penalty (MCP): like L1 near zero, and flat
far out, so that large coefficients are not shrunk.
"""

from dataclasses import dataclass

import numpy as np

import alphaomega as ao


@dataclass(frozen=True)
class MCP(ao.Penalty):
    """sum_j |w_j| - w_j^2 / (2 gamma) up to |w_j| = gamma, constant gamma / 2 beyond."""

    gamma: float = 3.0

    def value(self, w):
        size = abs(w).clip(0, self.gamma)
        return (size - size**2 / (2 * self.gamma)).sum()

    def prox(self, w, step):
        shrunk = (w - w.clip(-step, step)) / (1 - step / self.gamma)
        inside = abs(w) <= self.gamma
        return shrunk * inside + w * ~inside


# %%
# It is not convex, so there is no duality gap. The certificate is stationarity: the largest violation of the optimality
# conditions, relative to the gradient at zero. (The prox above needs steps below gamma.)

rng = np.random.default_rng(0)
X = rng.standard_normal((100, 20))
truth = np.r_[4.0, -4.0, 2.0, np.zeros(17)]
y = X @ truth + rng.standard_normal(100)
paths = {name: ao.path(X, y, penalty=penalty, alphas=[0.3]) for name, penalty in (("L1", ao.L1()), ("MCP", MCP(3.0)))}
for name, path in paths.items():
    print(f"{name}: {path.coef[0, :3].round(2)}, {path.n_nonzero[0]} non-zero, {path.certificate} {path.gap[0]:.0e}")

# %%
# L1 shrinks the coefficients that matter; MCP does not.

paths["MCP"] = ao.path(X, y, penalty=MCP(3.0), n_alphas=30)
paths["MCP"].plot()
