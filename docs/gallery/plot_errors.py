"""
Training error and test error
=============================

Regularization lowers the test error at the expense of the training error, where there is something to regularize. Here
there is: 60 rows, and the ten diabetes measurements with all their squares and products, 65 columns.
"""

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import PolynomialFeatures

import alphaomega as ao
from alphaomega.plotting import ErrorCurve, error_figure

X, y = load_diabetes(return_X_y=True)
X = PolynomialFeatures(2, include_bias=False).fit_transform(X)
order = np.random.default_rng(0).permutation(len(y))
train, test = order[:60], order[60:]

# %%
# alpha is chosen on the training rows alone, by cross-validation.

curves = {}
for name, penalty in (("L2", ao.L2()), ("L1", ao.L1())):
    cv = ao.cross_validate(X[train], y[train], penalty=penalty, standardize=True)
    curves[name] = ErrorCurve.of(cv.path, (X[train], y[train]), (X[test], y[test]), cv.alpha_min)
null_error = np.mean((y[test] - y[train].mean()) ** 2)
error_figure(curves, ao.Squared(), null_error=null_error)

# %%
# At the right end of the axis lies the fit with almost no penalty: the smallest training error, the largest test error.

for name, curve in curves.items():
    chosen = np.flatnonzero(curve.alphas == curve.chosen)[0]
    for label, k in (("weakest", -1), ("chosen", chosen)):
        print(f"{name} {label:>8}: training error {curve.train[k]:6.0f}, test error {curve.test[k]:6.0f}")
print(f"mean only: test error {null_error:6.0f}")
