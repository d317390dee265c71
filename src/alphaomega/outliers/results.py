"""What a mean-shift fit and its path return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CAUTION = {
    "soft": "An L1 penalty on the shifts is Huber's loss: it limits how hard a row pulls through y, not through X. "
    "Outliers of high leverage can draw the fit to themselves and stay unflagged; threshold='hard' from a robust start "
    "finds them.",
    "hard": "Hard thresholds are not convex: the fit is stationary, the best that its starts lead to.",
}


@dataclass(frozen=True, eq=False)
class ShiftPath:
    """Mean-shift fits over a decreasing grid of thresholds.

    Attributes
    ----------
    threshold : "soft" or "hard".
    alphas : (m,) decreasing, in the units of y.
    shifts : (m, n) the shift of each row, zero where it is not flagged.
    coef : (m, p); intercept : (m,).
    bic : (m,) log-likelihood criterion of least squares on the rows not flagged; inf where over half are flagged.
    """

    threshold: str
    alphas: Floats
    shifts: Floats
    coef: Floats
    intercept: Floats
    bic: Floats

    @property
    def n_flagged(self) -> NDArray[np.intp]:
        """(m,) how many rows have a shift."""
        return np.count_nonzero(self.shifts, axis=1)

    @property
    def index_bic(self) -> int:
        """Position of the smallest criterion; of equals, the largest threshold."""
        return int(np.argmin(self.bic))

    def to_frame(self) -> Any:
        """One row per threshold: alpha, rows flagged, BIC, which rows (a polars DataFrame)."""
        import polars

        flagged = [np.flatnonzero(row).tolist() for row in self.shifts]
        return polars.DataFrame(
            {"alpha": self.alphas, "n_flagged": self.n_flagged, "bic": self.bic, "flagged": flagged},
            schema_overrides={"flagged": polars.List(polars.Int64)},
        )

    def plot(self, **options: Any) -> Any:
        """The shifts over the threshold as a plotly figure; see `alphaomega.plotting.shift_path_figure`."""
        from ..plotting import shift_path_figure

        return shift_path_figure(self, **options)


@dataclass(frozen=True, eq=False)
class MeanShift:
    """y = Xw + b + g + noise with few g_i that are not zero.

    Attributes
    ----------
    threshold : "soft" or "hard"; alpha : the threshold, in the units of y.
    rule : one sentence on how alpha was chosen.
    coef : (p,) in units of y per unit of the column; intercept : float.
    y, fitted : (n,) the response, and Xw + b.
    shifts : (n,) g, zero for rows not flagged.
    scores : (n,) residual over its standard error: of a kept row with the noise of the others, of a flagged row as a
        new one; Student's t with df - 1 and df degrees of freedom if the row were clean and chosen beforehand.
    leverage : (n,) x_i'(X'X)^-1 x_i of all rows, between 0 and 1; zeros where w is penalised.
    noise : standard deviation of the rows not flagged about their own least squares (or penalised) fit.
    certificate : relative duality gap of a soft fit; for a hard fit 0, stationary: the rows kept no longer change.
    path : the fits over all thresholds where they chose alpha, else None.
    """

    threshold: str
    alpha: float
    rule: str
    coef: Floats
    intercept: float
    y: Floats
    fitted: Floats
    shifts: Floats
    scores: Floats
    leverage: Floats
    noise: float
    certificate: float
    feature_names: tuple[str, ...] | None = None
    path: ShiftPath | None = None

    @property
    def flagged(self) -> NDArray[np.intp]:
        """The rows with a shift, counted from 0."""
        return np.flatnonzero(self.shifts)

    @property
    def residuals(self) -> Floats:
        """(n,) y - Xw - b."""
        return self.y - self.fitted

    @property
    def caution(self) -> str:
        """What this threshold cannot do."""
        return CAUTION[self.threshold]

    def to_frame(self) -> Any:
        """One row per row of the data, in order (a polars DataFrame)."""
        import polars

        return polars.DataFrame(
            {
                "row": np.arange(len(self.y)),
                "flagged": self.shifts != 0,
                "shift": self.shifts,
                "score": self.scores,
                "leverage": self.leverage,
                "y": self.y,
                "fitted": self.fitted,
                "residual": self.residuals,
            }
        )

    def __str__(self) -> str:
        rows = ", ".join(map(str, self.flagged[:20])) + (", ..." if len(self.flagged) > 20 else "")
        return (
            f"Mean shift, {self.threshold} threshold. {self.rule}\n"
            f"{len(self.flagged)} of {len(self.y)} rows flagged{': ' + rows if rows else ''}. Noise of the others "
            f"{self.noise:.4g}.\n{self.caution}"
        )

    def plot(self, **options: Any) -> Any:
        """Residual against leverage as a plotly figure; see `alphaomega.plotting.outlier_figure`."""
        from ..plotting import outlier_figure

        return outlier_figure(self, **options)
