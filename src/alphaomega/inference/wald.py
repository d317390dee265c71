"""What every table of estimates with standard errors shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Wald:
    """Estimates and their standard errors; every array has one entry per coefficient, the intercept first if fitted.

    Attributes
    ----------
    names : coefficient names.
    coef, standard_error : in the units of the linear predictor per unit of the column.
    df : degrees of freedom of Student's t; infinite where the normal distribution is meant.
    covariance : how the standard errors were made: "classical", or "HC0" to "HC3".
    level : confidence level of `lower` and `upper`.
    guarantee : what the numbers promise, in words.
    """

    names: tuple[str, ...]
    coef: Floats
    standard_error: Floats
    df: float
    guarantee: str
    covariance: str = "classical"
    level: float = 0.95

    @property
    def statistic(self) -> Floats:
        """coef / standard_error."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.coef / self.standard_error

    @property
    def p(self) -> Floats:
        """Two-sided p-value of each coefficient being zero."""
        from scipy.stats import t as student

        return 2 * student.sf(abs(self.statistic), self.df)

    @property
    def margin(self) -> Floats:
        """Half the width of the confidence interval."""
        from scipy.stats import t as student

        return student.ppf((1 + self.level) / 2, self.df) * self.standard_error

    @property
    def lower(self) -> Floats:
        """Lower confidence limits."""
        return self.coef - self.margin

    @property
    def upper(self) -> Floats:
        """Upper confidence limits."""
        return self.coef + self.margin

    def at_level(self, level: float) -> Self:
        """The same inference with intervals of another confidence level in (0, 1)."""
        if not 0 < level < 1:
            raise ValueError(f"level must lie in (0, 1), e.g. 0.95, got {level!r}")
        return replace(self, level=level)

    def columns(self) -> dict[str, Any]:
        """The table as columns, by name."""
        return {
            "name": list(self.names),
            "coef": self.coef,
            "standard_error": self.standard_error,
            "z" if np.isinf(self.df) else "t": self.statistic,
            "p": self.p,
            "lower": self.lower,
            "upper": self.upper,
        }

    def to_frame(self) -> Any:
        """One row per coefficient (a polars DataFrame)."""
        import polars

        return polars.DataFrame(self.columns())
