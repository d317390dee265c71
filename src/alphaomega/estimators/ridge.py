"""Ridge regression, whose leave-one-out errors need no refits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..fitting import path
from ..model_selection.criteria import criteria
from ..penalties import L2, Penalty
from .choice import Choice, Selected
from .least_squares import RegressionMixin
from .selection import ByNameModel

SCORES = {"loo": "mean squared leave-one-out error", "gcv": "generalised cross-validation score"}


class Ridge(RegressionMixin, ByNameModel):
    """Ridge regression: squared loss with the L2 penalty; alpha by cross-validation, leave-one-out or GCV unless given.

    min over (w, b) of  sum_i s_i (y_i - x_i'w - b - offset_i)^2 / (2 sum_i s_i)  +  alpha sum_j weights_j v_j^2 / 2,
    v = w * standard deviations of the columns if `standardize`, else w.

    Parameters
    ----------
    alpha : {"cv", "1se", "loo", "gcv"} or float >= 0, default "cv"
        "loo": the alpha of the smallest mean squared error of each row under the fit without it, exact and without
        refits; "gcv": that of generalised cross-validation. Both come from one decomposition of the smaller side of X.
        `ao.criteria(path)` shows them along the path. Others as for `Lasso`.
    penalty_weights, bounds, ..., unseen
        As for `Lasso`.

    Attributes
    ----------
    Those of `Lasso`; `cv_` is None unless alpha is "cv" or "1se".

    References
    ----------
    A. Hoerl and R. Kennard (1970), Ridge regression, Technometrics 12.
    G. Golub, M. Heath, G. Wahba (1979), Generalized cross-validation as a method for choosing a good ridge parameter,
    Technometrics 21.

    Examples
    --------
    >>> import alphaomega as ao
    >>> ao.Ridge(alpha=1.0, standardize=False).fit([[0.0], [2.0]], [0.0, 2.0]).coef_
    array([0.5])
    >>> model = ao.Ridge(alpha="loo").fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 1.0, 4.0])
    >>> model.alpha_choice_
    'alpha = 0.088271: the smallest mean squared leave-one-out error over 100 alphas.'
    """

    rules = ("cv", "1se", *SCORES)

    def _loss(self, y: NDArray) -> str:
        return "squared"

    def _weighted(self, weights: Any) -> dict[str, Penalty]:
        return {"L2": L2(weights)}

    def _select(self, X: Any, y: NDArray, penalties: Mapping[str, Penalty], common: dict[str, Any]) -> Selected:
        if not (isinstance(self.alpha, str) and self.alpha in SCORES):
            return super()._select(X, y, penalties, common)
        (penalty,) = penalties.values()
        fitted = path(X, y, penalty=penalty, alphas=self.alphas, n_alphas=self.n_alphas, **common)
        scores = getattr(criteria(fitted), self.alpha)
        if not np.isfinite(scores).any():
            raise ValueError(
                f"alpha={self.alpha!r} finds no alpha with a finite score: every row determines its own fit; pass "
                "larger alphas, or alpha='cv'"
            )
        alpha = float(fitted.alphas[np.argmin(scores)])
        sentence = f"alpha = {alpha:.6g}: the smallest {SCORES[self.alpha]} over {len(scores)} alphas."
        return Selected(fitted, Choice(alpha, sentence))
