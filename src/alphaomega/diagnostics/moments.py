"""What is kept of many fits while they pass by: sums per alpha and row, from which the parts of the error follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..losses import Loss

Floats = NDArray[np.float64]


class Moments:
    """Sums over fits of eta and of the deviance at y, per alpha and row; each fit counts for the rows it may.

    For a loss A(eta) - y eta + c(y), as squared, logistic, multinomial and Poisson are, the mean deviance over fits is
    the deviance of the mean eta plus a part that depends on the fits alone: their variance. For squared error it is the
    variance of the predictions; for log loss the mean divergence of a fit from their (geometric) mean.

    References
    ----------
    T. Heskes (1998), Bias/variance decompositions for likelihood-based estimators, Neural Computation 10.
    """

    def __init__(self, loss: Loss, y: Floats, n_alphas: int) -> None:
        self.loss, self.y = loss, y
        self.eta = np.zeros((n_alphas, *y.shape))
        self.deviance = np.zeros((n_alphas, len(y)))
        self.count = np.zeros(len(y))

    def add(self, eta: Floats, use: NDArray[np.bool_] | None = None) -> None:
        """One fit's predictors, (m, n) or (m, n, K), on the rows that `use` says."""
        share = np.ones(len(self.y)) if use is None else use.astype(float)
        self.eta += eta * (share if eta.ndim == 2 else share[:, None])
        for k, own in enumerate(eta):
            self.deviance[k] += share * self.loss.deviance(self.y, own)
        self.count += share

    def rows(self) -> NDArray[np.intp]:
        """The rows with at least two fits."""
        return np.flatnonzero(self.count >= 2)

    def parts(self, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """The deviance of the mean predictor and the variance, each (m, rows), without bias from the finite number.

        With B fits the spread around their own mean is (B - 1) / B of the variance, and the mean's deviance contains
        the missing variance / B.
        """
        count = self.count[rows]
        shape = count if self.eta.ndim == 2 else count[:, None]
        main = np.array([self.loss.deviance(self.y[rows], own[rows] / shape) for own in self.eta])
        spread = self.deviance[:, rows] / count - main
        variance = spread * count / (count - 1)
        return main - variance / count, variance


class Votes:
    """Counts of the classes that fits predict, per alpha and row.

    References
    ----------
    P. Domingos (2000), A unified bias-variance decomposition, ICML.
    """

    def __init__(self, loss: Loss, n_alphas: int, n: int, n_classes: int) -> None:
        self.loss = loss
        self.votes = np.zeros((n_alphas, n, n_classes))
        self.count = np.zeros(n)

    def add(self, eta: Floats, use: NDArray[np.bool_] | None = None) -> None:
        """One fit's predictors, (m, n) or (m, n, K), on the rows that `use` says."""
        share = np.ones(len(self.count)) if use is None else use.astype(float)
        for k, own in enumerate(eta):
            predicted = np.asarray(self.loss.predict(own), dtype=np.intp)
            self.votes[k, np.arange(len(share)), predicted] += share
        self.count += share

    def rows(self) -> NDArray[np.intp]:
        """The rows with at least two fits."""
        return np.flatnonzero(self.count >= 2)

    def parts(self, truth: NDArray[np.intp], rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Bias and net variance of each row, (m, rows), against the class that should be predicted.

        The bias is 1 where the main prediction, the commonest, is wrong. There variance helps: the net variance is the
        share of fits that differ from the main prediction, and minus the share that are right where it is wrong.
        """
        share = self.votes[:, rows] / self.count[rows][:, None]
        main = share.argmax(2)
        right = share[:, np.arange(len(rows)), truth[rows]]
        bias = (main != truth[rows]).astype(float)
        return bias, np.where(bias == 0, 1 - right, -right)
