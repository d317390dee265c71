"""
Cross-validation and the one-standard-error rule
================================================

Which alpha? Ten-fold cross-validation estimates the error of each on rows it was not fitted to. The smallest estimate
is a noisy winner: the one-standard-error rule takes the strongest penalty whose estimate is within one standard error
of it.
"""

import alphaomega as ao

data = ao.datasets.load("diabetes").frame
X, y = data.drop("progression"), data["progression"]
cv = ao.cross_validate(X, y, penalty=ao.L1(), standardize=True, folds=10, seed=0)
cv.plot()

# %%
# The band is one standard error of the mean over folds. The rule buys a simpler model for a loss of accuracy that these
# data cannot tell from noise.

for name, alpha, index in (("min", cv.alpha_min, cv.index_min), ("1-SE", cv.alpha_1se, cv.index_1se)):
    score, error = cv.mean[index], cv.standard_error[index]
    print(
        f"{name:>5}: alpha {alpha:6.3g}, {cv.path.n_nonzero[index]} features, held-out error {score:.0f} ± {error:.0f}"
    )

# %%
# The estimators choose alpha in the same way, and say so. There is no silent default strength.

print(ao.Lasso(alpha="1se").fit(X, y).summary())
