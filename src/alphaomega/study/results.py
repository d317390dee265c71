"""What a study finds: frozen records that the terminal, the report and the files are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..losses import Loss
from ..results import CrossValidation, Path, Solution

if TYPE_CHECKING:
    from .chapters import Chapter

Floats = NDArray[np.float64]
RULE_NAMES = {"min": "min", "1se": "1-SE"}


@dataclass(frozen=True)
class Column:
    """One thing to say about one column: its name, a count where one belongs to it, and the remark in words."""

    name: str
    remark: str
    count: int = 0


@dataclass(frozen=True)
class Understanding:
    """What was understood about the data before anything was fitted.

    Attributes
    ----------
    source : the name of the data set or file, without its folder.
    n_rows, n_columns : as read, the target among the columns.
    n_features : columns of the matrix that is fitted, indicators of categories counted singly.
    target, target_reason : the target column and why it was taken.
    family, family_reason : "gaussian", "binomial", "multinomial" or "poisson", and why.
    classes, class_counts : the classes in order (empty unless the family has classes) and how many rows each has.
    n_numeric : numeric feature columns.
    categorical : the categorical features; `count` is the number of levels.
    missing : the features with missing cells; `count` is how many, `remark` how they are filled.
    left_out : the columns not used (constant, duplicated, identifiers, free text ...) and why.
    offset : "" or how the offset is made, e.g. "log(Exposure)".
    text : "" or the column read as a bag of words.
    notes : further remarks worth a line each.
    """

    source: str
    n_rows: int
    n_columns: int
    n_features: int
    target: str
    target_reason: str
    family: str
    family_reason: str
    classes: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    n_numeric: int = 0
    categorical: tuple[Column, ...] = ()
    missing: tuple[Column, ...] = ()
    left_out: tuple[Column, ...] = ()
    offset: str = ""
    text: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Part:
    """Encoded rows: X (n, p) array or sparse matrix, y on the loss's own scale, offset (n,) or None.

    `sampled` are the rows that X holds where a file is too large to hold all; None where X holds every row.
    """

    X: Any
    y: Floats
    offset: Floats | None = None
    sampled: NDArray[np.intp] | None = None


@dataclass(frozen=True, eq=False)
class Errors:
    """The error of one fit on one part of the rows.

    `deviance` is the mean squared error for the squared loss, else the mean deviance (twice the loss); `misclassified`
    is the share of wrong classes, NaN where there are none. Each with the standard error of its mean over rows.
    """

    deviance: float
    deviance_standard_error: float
    misclassified: float = float("nan")
    misclassified_standard_error: float = float("nan")


@dataclass(frozen=True, eq=False)
class Fit:
    """One row of the comparison.

    Attributes
    ----------
    name : "mean only", "none", "L2", "L1" or "elastic net".
    rule : how alpha was chosen: "" (no choice), "min" or "1se".
    solution : alpha, coefficients in the columns' units (p,) or (K, p), intercept, certificate gap.
    coef_standardized : coefficients per standard deviation of each column.
    train, test : errors side by side.
    cv_error, cv_standard_error : cross-validated mean deviance and its standard error; NaN where there is none.
    cv_scores : (folds,) the mean deviance of each fold, on the folds that all rows share; None where there is none.
    unique : whether this is the only minimiser; `unique_reason` says why.
    seconds : wall time of the whole cross-validated path this row was picked from.
    l1_ratio : the share of L1 in an elastic net, else NaN.
    note : "" or a remark the reader needs.
    """

    name: str
    rule: str
    solution: Solution
    coef_standardized: Floats
    train: Errors
    test: Errors
    unique: bool
    unique_reason: str
    seconds: float
    cv_error: float = float("nan")
    cv_standard_error: float = float("nan")
    l1_ratio: float = float("nan")
    note: str = ""
    cv_scores: Floats | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """The name with its rule, as in "L1 (1-SE)"."""
        return f"{self.name} ({RULE_NAMES[self.rule]})" if self.rule else self.name

    @property
    def alpha(self) -> float:
        """The strength."""
        return self.solution.alpha

    @property
    def gap(self) -> float:
        """The certificate: relative duality gap."""
        return self.solution.gap

    @property
    def n_nonzero(self) -> int:
        """Features with any non-zero coefficient."""
        return self.solution.n_nonzero

    @property
    def l1_norm(self) -> float:
        """||w||_1 of the coefficients per standard deviation."""
        return float(abs(self.coef_standardized).sum())

    @property
    def l2_norm(self) -> float:
        """||w||_2 of the coefficients per standard deviation."""
        return float(np.sqrt((self.coef_standardized**2).sum()))


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """One small network as a row of the comparison.

    Attributes
    ----------
    name : "none", "L2", "L1" or "input groups": the penalty on its weights.
    alpha : the strength with the smallest validation error.
    train, test : errors on the same rows as every other fit's.
    n_nonzero : features with any non-zero weight in the first layer.
    n_weights, n_used : how many penalised weights there are, and how many are not zero.
    l1_norm, l2_norm : of the penalised weights; the features are standardised.
    validation_error : mean deviance on the training rows that chose alpha.
    deviances : (n_test,) the error of each test row.
    seconds : wall time of the whole path over alpha.
    """

    name: str
    alpha: float
    train: Errors
    test: Errors
    n_nonzero: int
    n_weights: int
    n_used: int
    l1_norm: float
    l2_norm: float
    validation_error: float
    deviances: Floats
    seconds: float
    rule: str = ""
    unique: bool = False
    gap: float = float("nan")
    cv_error: float = float("nan")

    @property
    def label(self) -> str:
        """The name as a row."""
        return f"network, {self.name}"


@dataclass(frozen=True, eq=False)
class Curve:
    """One penalty over its whole grid of alphas: the path, its cross-validation, and the errors on both parts.

    `name` is "L2", "L1" or "elastic net"; `train_error` and `test_error` (m,) are mean deviances at `path.alphas`.
    """

    name: str
    cross_validation: CrossValidation
    train_error: Floats
    test_error: Floats
    l1_ratio: float = float("nan")

    @property
    def path(self) -> Path:
        """The path on the training rows."""
        return self.cross_validation.path


@dataclass(frozen=True, eq=False)
class Study:
    """A finished (or interrupted) study.

    Attributes
    ----------
    understanding : what was understood about the data.
    loss : the loss of the family.
    error_name : what `deviance` means here, e.g. "mean squared error".
    baseline : the intercept-only model, as a row.
    fits : the rows of the comparison, in order: none, L2 min, L2 1se, L1 min, L1 1se, elastic net min, elastic net 1se.
    curves : one for each penalty that was finished.
    chosen : the recommended row; None when nothing was finished.
    recommendation : two plain sentences.
    feature_names : the p columns of the matrix.
    feature_groups : for each of them, the column of the data it came from.
    scale, center : (p,) standard deviation and mean of each column on the training rows.
    train, test : the encoded rows.
    encoder : turns new rows into the matrix.
    labels : the classes as they stand in the data, in order; empty unless the family has classes.
    folds, seed, test_size : how the rows were dealt.
    interrupted : whether the study was stopped before its end.
    networks : rows of small networks; empty where PyTorch is missing or they were left out.
    network_notes : what the networks are and what they say of the linear fits, or how to get them.
    warnings : what the reader should doubt or know of the whole, a sentence each.
    chapters : what a thorough study adds.
    """

    understanding: Understanding
    loss: Loss
    error_name: str
    baseline: Fit
    fits: tuple[Fit, ...]
    curves: tuple[Curve, ...]
    chosen: Fit | None
    recommendation: tuple[str, ...]
    feature_names: tuple[str, ...]
    feature_groups: tuple[str, ...]
    scale: Floats
    center: Floats
    train: Part
    test: Part
    encoder: Any = field(repr=False)
    labels: tuple[Any, ...] = ()
    folds: int = 10
    seed: int = 0
    test_size: float = 0.2
    interrupted: bool = False
    warnings: tuple[str, ...] = ()
    networks: tuple[NetworkFit, ...] = ()
    network_notes: tuple[str, ...] = ()
    chapters: tuple[Chapter, ...] = ()

    def curve(self, name: str) -> Curve | None:
        """The curve of a penalty by name, None where it was not finished."""
        return next((curve for curve in self.curves if curve.name == name), None)

    def fit(self, name: str, rule: str = "min") -> Fit | None:
        """A row by name and rule, None where it was not finished; "none" has no rule."""
        return next((row for row in self.fits if row.name == name and row.rule in ("", rule)), None)

    def remarks(self) -> list[tuple[str, str]]:
        """Labels of rows and the note that they share, each note once."""
        labels: dict[str, list[str]] = {}
        for row in self.fits:
            if row.note:
                labels.setdefault(row.note, []).append(row.label)
        return [(", ".join(rows), note) for note, rows in labels.items()]

    def explained(self, row: Fit | NetworkFit) -> float:
        """The share of the mean-only model's test error that a row saves: R^2 on the test rows for numbers."""
        null = self.baseline.test.deviance
        return 1 - row.test.deviance / null if null > 0 else float("nan")
