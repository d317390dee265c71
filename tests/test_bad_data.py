"""Data that hold no answer, to every method that says what a fit means: an error that names the way out, or an answer.

The methods are a registry; the conditions: more columns than rows, columns and targets that do not vary, and a target
without noise. An answer on such data is finite.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import alphaomega as ao
from alphaomega.fitting import ConvergenceWarning

FEW = {"n_resamples": 4}
METHODS = {
    "ols": ao.inference.ols,
    "glm": lambda X, y: ao.inference.glm(X, y, "poisson"),
    "ridge": lambda X, y: ao.inference.ridge(X, y, 0.3),
    "ridge_alpha": ao.inference.ridge_alpha,
    "selective": lambda X, y: ao.inference.selective(X, y, 0.1),
    "debiased": ao.inference.debiased,
    "lar": lambda X, y: ao.inference.lar(X, y, 2),
    "covariance_test": ao.inference.covariance_test,
    "posterior, Gaussian": lambda X, y: ao.posterior(X, y, ao.priors.Gaussian()),
    "posterior, Laplace": lambda X, y: ao.posterior(X, y, ao.priors.Laplace(), draws=40, chains=2),
    "mean_shift, soft": ao.outliers.mean_shift,
    "mean_shift, hard": lambda X, y: ao.outliers.mean_shift(X, y, "hard", start="ols"),
    "sensitivity": lambda X, y: ao.outliers.sensitivity(X, y, distances=[0, 5], shares=[0, 0.1], n_repeats=1),
    "stability_selection": lambda X, y: ao.stability_selection(X, y, **FEW),
    "bolasso": lambda X, y: ao.bolasso(X, y, **FEW),
    "Ensemble": lambda X, y: ao.Ensemble(ao.Lasso(folds=3), 4).fit(X, y),
    "IterativeDropout, features": lambda X, y: ao.IterativeDropout(ao.OLS(), folds=3).fit(X, y),
    "IterativeDropout, samples": lambda X, y: ao.IterativeDropout(ao.OLS(), drop="samples", folds=3).fit(X, y),
    "bias_variance": lambda X, y: ao.bias_variance(X, y, **FEW),
    "criteria": lambda X, y: ao.criteria(ao.path(X, y)).alpha("aic"),
    "adaptive": ao.adaptive,
    "relaxed": ao.relaxed,
    "summary_table": lambda X, y: ao.diagnostics.summary_table(X, y, folds=3, **FEW),
}

#: What each method answers with an error, and the words that name what is wrong and the way out.
WIDE = {
    "ols": "12 rows cannot determine 21 coefficients.*ao.inference.debiased and ao.posterior",
    "glm": "12 rows cannot determine 21 coefficients.*ao.inference.debiased and ao.posterior",
    "ridge": r"12 rows leave no residual degrees.*noise_variance=.*ao.inference.debiased\(X, y\)",
    "ridge_alpha": "12 rows cannot determine 21 coefficients",
    "selective": r"12 rows leave no residual degrees.*noise_variance=.*ao.inference.debiased\(X, y\)",
    "lar": r"12 rows leave no residual degrees.*noise_variance=.*ao.inference.debiased\(X, y\)",
    "covariance_test": r"12 rows leave no residual degrees.*noise_variance=.*ao.inference.debiased\(X, y\)",
    "mean_shift, soft": r"12 rows are too few .*pass penalty=alpha \* ao.L1\(\)",
    "mean_shift, hard": r"12 rows are too few .*pass penalty=alpha \* ao.L1\(\)",
    "sensitivity": r"12 rows are too few .*mean_shift with penalty=alpha \* ao.L1\(\)",
    "criteria": "no residual degrees of freedom.*choose by gcv or cross-validation",
}
CONSTANT_COLUMN = {
    "ols": "'x1' is constant or a linear combination.*drop it, or use a penalty",
    "glm": "'x1' is constant or a linear combination.*drop it, or use a penalty",
    "ridge": "the rows do not determine least squares.*pass bound=, or use ao.posterior",
    "ridge_alpha": "a column is constant or a combination of others.*drop it, or use ao.Ridge",
    "debiased": "'x1' does not vary.*drop it",
}
NO_NOISE = "(fits?|fit) y without error.*(noise_variance=)"
CONSTANT_TARGET = {
    **dict.fromkeys(["ridge", "ridge_alpha", "selective", "lar", "covariance_test", "criteria"], NO_NOISE),
    "debiased": "y does not vary.*noise_variance=",
    "posterior, Gaussian": "y does not vary.*noise_variance=",
    "posterior, Laplace": "y does not vary.*noise_variance=",
    "mean_shift, soft": "fitted exactly.*pass alpha=",
    "mean_shift, hard": "fitted exactly.*pass alpha=",
}
EXACT_TARGET = {
    **CONSTANT_TARGET,
    "debiased": NO_NOISE,
    "posterior, Gaussian": "largest without any noise.*noise_variance=",
    "posterior, Laplace": NO_NOISE,
}


def data(what):
    rng = np.random.default_rng(0)
    if what == "wide":
        X = rng.standard_normal((12, 20))
        return X, X[:, 0] + 0.5 * rng.standard_normal(12) + 4
    X = rng.standard_normal((30, 4))
    y = 9 + X[:, 0] + rng.standard_normal(30)
    if what == "constant column":
        X[:, 1] = 3.0
    return X, {"constant target": np.full(30, 0.1), "exact target": 9 + X @ [1.0, 2.0, 0.0, 0.0]}.get(what, y)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("what", "errors"),
    [
        ("wide", WIDE),
        ("constant column", CONSTANT_COLUMN),
        ("constant target", CONSTANT_TARGET),
        ("exact target", EXACT_TARGET),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_that_names_the_way_out_or_an_answer(what, errors, method):
    X, y = data(what)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if method in errors:
            with pytest.raises(ValueError, match=errors[method]):
                METHODS[method](X, y)
            return
        found = METHODS[method](X, y)
    coef = getattr(found, "coef", getattr(found, "mean", getattr(found, "coef_", np.zeros(1))))
    assert np.isfinite(coef).all()


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_folds_of_a_target_that_does_not_vary(loss):
    """No coefficient enters anywhere: the held-out error is that of the mean, zero."""
    X, y = data("constant target")
    cv = ao.cross_validate(X, y, loss, folds=3, n_alphas=5)
    assert not cv.path.coef.any()
    np.testing.assert_allclose(cv.scores, 0, atol=1e-25)
