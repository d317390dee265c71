"""
Counts with exposure: a Poisson lasso
=====================================

Claims of insurance policies that were in force for different lengths of time. What should be modelled is the rate per
year, not the count: the logarithm of the exposure enters as an offset, with a coefficient of exactly one. Simulated
data: of 20 features five matter.
"""

import numpy as np

import alphaomega as ao

rng = np.random.default_rng(4)
n, p = 5000, 20
X = rng.standard_normal((n, p))
truth = np.zeros(p)
truth[:5] = [0.5, -0.4, 0.3, 0.2, -0.1]
exposure = rng.uniform(0.1, 1.0, n)
claims = rng.poisson(exposure * np.exp(-2 + X @ truth))

# %%
# Fitted with an offset, a path needs one to predict too, and says so when it is missing.

offset = np.log(exposure)
cv = ao.cross_validate(X, claims, loss="poisson", offset=offset, standardize=True)
cv.plot()

# %%
# With offset zero the prediction is the rate of a full year.

k = cv.index_1se
found = np.flatnonzero(cv.path.coef[k])
rates = cv.path.predict(X, cv.alpha_1se, offset=np.zeros(n))
print(f"features found: {found.tolist()}; largest relative gap of the path {cv.path.gap.max():.0e}")
print(f"claims {claims.sum()}, predicted {np.sum(rates * exposure):.1f}; mean rate per year {rates.mean():.3f}")
try:
    cv.path.predict(X, cv.alpha_1se)
except ValueError as error:
    print(error)

# %%
# L1 shrinks what it keeps. Fitting the kept features once more without a penalty undoes the shrinkage.

refit = ao.path(X[:, found], claims, loss="poisson", offset=offset, alphas=[0.0])
for j, feature in enumerate(found):
    shrunk, plain = cv.path.coef[k, feature], refit.coef[0, j]
    print(f"x{feature}: true {truth[feature]:5.2f}, lasso {shrunk:6.3f}, refitted {plain:6.3f}")
