"""
A lasso path
============

All fits of the lasso from the empty model to nearly least squares, on scikit-learn's diabetes data: 442 people, ten
measurements, and how far the disease had progressed a year later.
"""

import alphaomega as ao

data = ao.datasets.load("diabetes").frame
X, y = data.drop("progression"), data["progression"]

# %%
# `standardize=True` lets the penalty act on coefficients per standard deviation of their column, so that the units in
# which a column was measured do not matter. Coefficients are reported in the columns' own units all the same.

path = ao.path(X, y, penalty=ao.L1(), standardize=True)
path.plot()

# %%
# Every fit carries its certificate: how far, at most, its objective lies above the optimum, relative to the loss of the
# model with an intercept only.

print(f"{len(path.alphas)} fits; largest relative duality gap {path.gap.max():.0e}; full reads of X: {path.reads:g}")

# %%
# Features enter one by one as alpha falls (and may leave again). The order is that of Efron, Hastie, Johnstone and
# Tibshirani (2004), Least angle regression.

names = path.names()
entered = (path.coef != 0).argmax(0)
for position in sorted(range(len(names)), key=lambda j: entered[j]):
    print(f"{names[position]:>4} enters at alpha = {path.alphas[entered[position]]:.3g}")

# %%
# Between two grid points, `at` solves anew: the answer is exact at any alpha.

fit = path.at(5.0)
kept = [f"{name} {weight:.3g}" for name, weight in zip(names, fit.coef * path.scale, strict=True) if weight]
print(f"at alpha = 5 (gap {fit.gap:.0e}), per standard deviation: {', '.join(kept)}")
