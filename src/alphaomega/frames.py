"""Dataframes in, named columns out: the same way at fitting and at prediction."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .columns import as_array, as_frame, columns_of, gaps_of, is_category, labels_of, learn_levels, numbers_of
from .designs import Chunked, Design, Partitioned, adopt
from .imputation import FILLS, design_fills, fill_values, filled, missing_columns

UNSEEN = ("error", "reference")
SHOWN_LEVELS = 8
FLOATS = ("Float32", "Float64")


@dataclass(frozen=True)
class Encoder:
    """Turns X into a matrix of numbers, and remembers how, so that new rows are read the same way.

    Numeric columns stay as they are; booleans become 0 and 1; a text, categorical or enum column with levels l_1, ...,
    l_L becomes the L - 1 indicator columns "column=l_2", ..., "column=l_L". The first level (the first declared one of
    an enum, else the smallest) is the *reference*: its effect is in the intercept. Columns are matched by name, in any
    order.

    Attributes
    ----------
    columns : source columns of a dataframe, None for arrays, sparse matrices and designs.
    n_columns : how many source columns.
    levels : the levels of each categorical column, the reference first.
    impute : None, "mean" or "median": how missing numbers are filled; then missing categories are a level "missing".
    unseen : "error" or "reference": what a level that was never seen at fitting means.
    fills : the number that fills each source column, learnt on the fitted rows; empty without `impute`.
    had_missing : whether the fitted rows had missing entries.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, section 9.6 (missing entries).

    Examples
    --------
    >>> import polars
    >>> frame = polars.DataFrame({"size": [1.0, 2.0, 4.0], "colour": ["red", "blue", "red"]})
    >>> encoder = Encoder.fit(frame)
    >>> encoder.names, encoder.groups
    (('size', 'colour=red'), (0, 1))
    >>> encoder.transform(frame)
    array([[1., 1.],
           [2., 0.],
           [4., 1.]])
    """

    columns: tuple[str, ...] | None = None
    n_columns: int | None = None
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    impute: str | None = None
    unseen: str = "error"
    fills: tuple[float, ...] = ()
    had_missing: bool = False

    def __post_init__(self) -> None:
        if self.impute is not None and self.impute not in FILLS:
            raise ValueError(f"impute must be None, {' or '.join(map(repr, FILLS))}, got {self.impute!r}")
        if self.unseen not in UNSEEN:
            raise ValueError(f"unseen must be {' or '.join(map(repr, UNSEEN))}, got {self.unseen!r}")
        names = self.names or ()
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two columns of X are called {twice!r}; rename one")

    @classmethod
    def fit(cls, X: Any, impute: str | None = None, weights: ArrayLike | None = None, unseen: str = "error") -> Encoder:
        """Learn the columns of X, the levels of its categories, and what fills its gaps.

        Parameters
        ----------
        X : array, sparse matrix, design or dataframe (pandas, polars, pyarrow, anything narwhals reads) of shape (n, p)
        impute : {None, "mean", "median"}
            None: missing entries are an error. Otherwise missing numbers become the column's mean or median over the
            fitted rows, and missing categories the level "missing".
        weights : array of shape (n,), optional
            Sample weights of the means and medians; rows of weight 0 do not count.
        unseen : {"error", "reference"}
            Whether a level never seen at fitting is an error, or is read as the reference level with one warning.

        Raises
        ------
        ValueError
            If a column is neither numbers, booleans nor text, two share a name, or one has no entry at all.
        """
        X = adopt(X)
        frame = as_frame(X)
        if isinstance(X, Design) and X.schema is not None:
            encoder = cls(X.schema.columns, len(X.schema.columns), X.schema.levels, impute, unseen)
        elif frame is None:
            encoder = cls(None, as_array(X).shape[1], {}, impute, unseen)
        else:
            levels = {
                str(name): learn_levels(column) for name, column in columns_of(frame).items() if is_category(column)
            }
            encoder = cls(tuple(map(str, frame.columns)), len(frame.columns), levels, impute, unseen)
        return encoder if impute is None else encoder.refit(X, weights)

    def refit(self, X: Any, weights: ArrayLike | None = None) -> Encoder:
        """The same columns and levels, with fill values learnt anew on the rows of X with positive weight."""
        X = adopt(X)
        if isinstance(X, Partitioned) and self.impute is not None:
            fills, gaps = design_fills(X, self.impute, weights, self._label)
            gaps = gaps or (X.schema is not None and len(X.schema.gaps) > 0)
            return replace(self, fills=tuple(self._by_source(fills).tolist()), had_missing=gaps)
        if self.impute is None or isinstance(X, Design):
            return self
        matrix = self._matrix(X)
        fills = fill_values(matrix, self.impute, weights, self._label)
        gaps = missing_columns(matrix).size > 0
        if self.columns is not None:
            series = columns_of(as_frame(X))
            gaps = gaps or any(series[column].null_count() for column in self.levels)
            fills = self._by_source(fills)
        return replace(self, fills=tuple(fills.tolist()), had_missing=bool(gaps))

    def _by_source(self, fills: NDArray[np.float64]) -> NDArray[np.float64]:
        """What fills each source column, from what fills each column of the matrix."""
        if self.columns is None:
            return fills
        result = np.zeros(len(self.columns))
        result[list(self.groups or ())] = fills
        return result

    @cached_property
    def names(self) -> tuple[str, ...] | None:
        """Names of the matrix's columns, None for plain arrays."""
        if self.columns is None:
            return None
        return tuple(name for column in self.columns for name in self._names_of(column))

    @cached_property
    def groups(self) -> tuple[int, ...] | None:
        """For each column of the matrix the position of its source column: what `ao.GroupL1` takes."""
        if self.columns is None:
            return None
        return tuple(k for k, column in enumerate(self.columns) for _ in self._names_of(column))

    def _names_of(self, column: str) -> list[str]:
        if column not in self.levels:
            return [column]
        return [f"{column}={level}" for level in self.levels[column][1:]]

    def _label(self, column: int) -> str:
        return repr(self.names[column]) if self.names is not None else str(column)

    def transform(self, X: Any) -> Any:
        """X as an array (n, p), sparse matrix or design, its columns in the order of `names`.

        Raises
        ------
        ValueError
            If a column is missing, holds NaN or infinity (unless filled), text for numbers, or a level never seen.
        """
        X = adopt(X)
        fills = None
        if self.fills:
            fills = np.array(self.fills)
            fills = fills if self.groups is None else fills[list(self.groups)]
        if isinstance(X, Design):
            return self._design(X, fills)
        return filled(self._matrix(X), fills, self._label)

    def _design(self, X: Design, fills: NDArray[np.float64] | None) -> Design:
        """A design with the fit's columns, its gaps filled."""
        if isinstance(X, Chunked) and X.schema is not None and self.columns is not None:
            same = X.schema.columns == self.columns and dict(X.schema.levels) == dict(self.levels)
            X = X if same else X.recoded(self.columns, self.levels)
            if self.impute is None and X.schema is not None and X.schema.gaps:
                name, row = next(iter(X.schema.gaps.items()))
                raise ValueError(
                    f"X has a missing entry at row {row} ({X.place(row)}), column {name!r}; drop or fill those rows, "
                    "or pass impute='mean' or 'median', which makes 'missing' a level"
                )
        design = self._matrix(X)
        return design.filled(fills) if isinstance(design, Partitioned) and fills is not None else design

    def _matrix(self, X: Any) -> Any:
        """The matrix with its gaps still NaN."""
        frame = as_frame(X)
        if frame is not None and self.columns is not None:
            return self._encode(frame)
        if self.levels and not isinstance(X, Design):
            raise ValueError(
                f"the fit had categorical columns ({', '.join(self.levels)}); pass a dataframe with the columns "
                f"{', '.join(self.columns or ())}"
            )
        if frame is not None:
            plain = Encoder(tuple(map(str, frame.columns)), len(frame.columns))
            array = plain._encode(frame)
        else:
            array = as_array(X)
        expected = len(self.names) if self.names is not None else self.n_columns
        if expected is not None and array.shape[1] != expected:
            raise ValueError(
                f"X has {array.shape[1]} columns, the path was fitted on {expected}; pass the same columns"
            )
        return array

    def _encode(self, frame: Any) -> NDArray:
        assert self.columns is not None and self.names is not None
        series = columns_of(frame)
        absent = [column for column in self.columns if column not in series]
        if absent:
            more = f" and {len(absent) - 1} more columns of the fit" if len(absent) > 1 else ""
            raise ValueError(f"X lacks the column {absent[0]!r}{more}; add it")
        kinds = {str(series[column].dtype) for column in self.columns if column not in self.levels}
        picked = [series[column].name for column in self.columns]
        if (
            not self.levels
            and len(kinds) == 1
            and kinds < set(FLOATS)
            and all(isinstance(name, str) for name in picked)
        ):
            return frame.select(picked).to_numpy()
        single = "Float32" in kinds and kinds <= {"Float32", "Boolean"}
        matrix = np.zeros((len(frame), len(self.names)), dtype=np.float32 if single else np.float64, order="F")
        position = 0
        for column in self.columns:
            if column in self.levels:
                codes = self._codes(series[column], column)
                rows = np.flatnonzero(codes)
                matrix[rows, position + codes[rows] - 1] = 1.0
            else:
                matrix[:, position] = numbers_of(series[column])
            position += len(self._names_of(column))
        return matrix

    def _codes(self, series: Any, column: str) -> NDArray[np.intp]:
        """The level of every row: 0 for the reference."""
        levels = self.levels[column]
        if self.impute is None and series.null_count():
            row = int(np.flatnonzero(gaps_of(series))[0])
            raise ValueError(
                f"X has a missing entry at row {row}, column {column!r} ({series.null_count()} in that column); drop "
                "or fill those rows, or pass impute='mean' or 'median', which makes 'missing' a level"
            )
        lookup = {level: k for k, level in enumerate(levels)}
        labels = labels_of(series)
        codes = np.fromiter((lookup.get(label, -1) for label in labels), dtype=np.intp, count=len(labels))
        unknown = np.flatnonzero(codes < 0)
        if unknown.size:
            known = ", ".join(map(repr, levels[:SHOWN_LEVELS])) + (", ..." if len(levels) > SHOWN_LEVELS else "")
            text = (
                f"column {column!r} holds {labels[unknown[0]]!r} at row {unknown[0]} ({unknown.size} such rows), a "
                f"level not seen at fitting ({known})"
            )
            if self.unseen == "error":
                raise ValueError(f"{text}; use one of these levels, or fit with unseen='reference'")
            warnings.warn(f"{text}; read as the reference level {levels[0]!r}", UserWarning, stacklevel=5)
            codes[unknown] = 0
        return codes

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return {
            "columns": None if self.columns is None else list(self.columns),
            "n_columns": self.n_columns,
            "levels": {column: list(levels) for column, levels in self.levels.items()},
            "impute": self.impute,
            "unseen": self.unseen,
            "fills": list(self.fills),
            "had_missing": self.had_missing,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Encoder:
        """The encoder that `to_dict` wrote."""
        columns = None if data["columns"] is None else tuple(data["columns"])
        levels = {column: tuple(found) for column, found in data["levels"].items()}
        fills = tuple(float(fill) for fill in data["fills"])
        return cls(columns, data["n_columns"], levels, data["impute"], data["unseen"], fills, data["had_missing"])
