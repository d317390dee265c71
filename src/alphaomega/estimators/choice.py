"""What was chosen of a path, by which rule, and how exact it is."""

from __future__ import annotations

from dataclasses import dataclass

from ..results import CrossValidation, Path


@dataclass(frozen=True)
class FitCertificate:
    """How far the fitted coefficients can be from optimal.

    Attributes
    ----------
    kind : "duality gap" (relative to the loss of the intercept-only model) or "stationarity".
    gap : its value at the chosen alpha.
    tol : the tolerance asked for.
    message : empty, or what went short and what mends it.
    """

    kind: str
    gap: float
    tol: float
    message: str = ""

    def __float__(self) -> float:
        return self.gap


@dataclass(frozen=True)
class Choice:
    """How alpha was chosen: its value and one sentence."""

    alpha: float
    sentence: str


@dataclass(frozen=True, eq=False)
class Selected:
    """A path, the alpha chosen on it, and the cross-validation that chose it."""

    path: Path
    choice: Choice
    cv: CrossValidation | None = None
