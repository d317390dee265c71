"""What every table of estimates with standard errors shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .tables import Floats, IntervalTable


@dataclass(frozen=True, eq=False, kw_only=True)
class Wald(IntervalTable):
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
