"""
Weights, bounds and sums of penalties
=====================================

Penalties are objects with an algebra: they take weights and bounds, can be scaled, and add up. Each line below is a
model that elsewhere needs a class or an option of its own. All are solved by the same engine, with a duality gap.
"""

import numpy as np

import alphaomega as ao
from alphaomega.plotting import coefficients_figure

data = ao.datasets.load("diabetes").frame
X, y = data.drop("progression"), data["progression"].to_numpy()
names = X.columns

# %%
# A weight of 0 leaves a feature unpenalised, so that it is always in the model; inf excludes it. Other weights express
# how much is known in advance.

weights = np.ones(len(names))
weights[names.index("sex")], weights[names.index("s1")] = 0.0, np.inf

penalties = {
    "L1": ao.L1(),
    "L1, sex free, s1 out": ao.L1(weights),
    "L1, no negative weight": ao.Bounded(ao.L1(), lower=0),
    "L1, |w| <= 15": ao.Bounded(ao.L1(), lower=-15, upper=15),
    "L1 + 0.2 L2": ao.L1() + 0.2 * ao.L2(),
    "sparse groups": 0.5 * ao.L1() + 0.5 * ao.GroupL1([name.startswith("s") and name != "sex" for name in names]),
}

# %%
# alpha is the same for all, in the units of the coefficients per standard deviation.

coefs = {}
for name, penalty in penalties.items():
    fit = ao.path(X, y, penalty=penalty, alphas=[2.0], standardize=True)
    coefs[name] = fit.coef_standardized[0]
    print(f"{name:>24}: {fit.n_nonzero[0]} features, {fit.certificate} {fit.gap[0]:.0e}")
coefficients_figure(coefs, names)

# %%
# Estimators take weights and bounds by column name.

model = ao.Lasso(alpha=2.0, penalty_weights={"sex": 0, "s1": np.inf}, bounds={"bmi": (0, 4)}).fit(X, y)
print(dict(zip(names, model.coef_.round(2).tolist(), strict=True)))
