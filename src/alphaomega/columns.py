"""One column of a dataframe: is it numbers or a category, and what does it hold?"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from .designs import Design, adopt, split_off, vector_of

#: The level that missing entries of a category become where they are to be filled.
MISSING = "missing"
TIMES = (datetime.date, datetime.time, datetime.timedelta)


def as_frame(X: Any) -> Any:
    """X as a narwhals DataFrame with columns of unique names; None if X is no dataframe."""
    if isinstance(X, (np.ndarray, Design, list, tuple)) or scipy.sparse.issparse(X):
        return None
    import narwhals as nw
    from narwhals.exceptions import DuplicateError

    try:
        frame = nw.from_native(X, pass_through=True, allow_series=True)
    except (DuplicateError, ValueError) as error:
        raise ValueError(f"X has several columns of one name; rename them ({' '.join(str(error).split())})") from None
    if isinstance(frame, nw.LazyFrame):
        raise TypeError("X is a lazy frame; pass X.collect()")
    if isinstance(frame, nw.Series):
        raise ValueError(f"X is one column ({frame.name!r}), not a table; pass a dataframe with that column")
    return frame if isinstance(frame, nw.DataFrame) else None


def as_array(X: Any) -> Any:
    """X as a two-dimensional array of numbers, a sparse matrix, or a design: as it is where possible."""
    if isinstance(X, Design) or scipy.sparse.issparse(X):
        return X
    array = np.asarray(X)
    if array.ndim != 2:
        mend = "X.reshape(-1, 1) for one column" if array.ndim == 1 else "rows by columns"
        raise ValueError(f"X must be two-dimensional, got shape {array.shape}; pass {mend}")
    if array.dtype.kind in "biuf":
        return array.astype(np.float64) if array.dtype == np.float16 else array
    if array.dtype.kind == "c":
        raise ValueError("X holds complex numbers; pass real ones, e.g. the real and imaginary parts as columns")
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError):
            pass
    row, column = next(
        place for place, entry in np.ndenumerate(array) if not isinstance(entry, (int, float, np.number))
    )
    entry = array.item(row, column)
    raise ValueError(
        f"X holds {entry!r} at row {row}, column {column}, where a number is needed; convert it, or pass a dataframe, "
        "whose text columns become categories"
    )


def separated(X: Any, y: Any) -> tuple[Any, Any]:
    """X as a design where it is no array of ours, without y where y is the name of one of its columns.

    Raises
    ------
    ValueError
        If y is a name and X has no column of that name.
    """
    if not isinstance(y, str):
        return adopt(X), vector_of(y)
    parted = split_off(X, y)
    if parted is not None:
        return parted
    frame = as_frame(X)
    if frame is None:
        raise ValueError(f"y={y!r} is a name, but X has no named columns; give y as an array of one entry per row")
    named = columns_of(frame)
    if y not in named:
        raise ValueError(f"X has no column {y!r}; it has {', '.join(list(named)[:20])}")
    return frame.drop(named[y].name).to_native(), named[y].to_numpy()


def columns_of(frame: Any) -> dict[str, Any]:
    """The columns of a frame by name; names that are no text (pandas) are turned into text."""
    return {str(name): frame.get_column(name) for name in frame.columns}


def is_category(series: Any) -> bool:
    """Whether a column holds levels (text, categorical, enum) and not numbers or booleans.

    Raises
    ------
    ValueError
        If it holds neither: dates, lists, nothing at all, or a mixture of text and numbers.
    """
    kind = series.dtype
    name = str(kind).split("(")[0]
    if kind.is_numeric() or name == "Boolean":
        return False
    if len(series) and len(series) == series.null_count():
        raise ValueError(f"column {series.name!r} is entirely missing; drop it")
    if name in ("String", "Categorical", "Enum"):
        return True
    types = set() if kind.is_temporal() else types_in(series)
    if kind.is_temporal() or any(issubclass(found, TIMES) for found in types):
        raise ValueError(
            f"column {series.name!r} holds dates or times ({kind}); convert it to a number first, e.g. days since a "
            "date, or drop it"
        )
    if all(issubclass(found, (bool, int, float, np.number, np.bool_)) for found in types):
        return False
    if types == {str}:
        return True
    found = ", ".join(sorted(found.__name__ for found in types))
    raise ValueError(
        f"column {series.name!r} holds {found} entries (type {kind}); convert it to numbers, or all of it to text"
    )


def types_in(series: Any) -> set[type]:
    """The Python types of a column's entries, gaps left out."""
    return {type(entry) for entry, gap in zip(series.to_list(), gaps_of(series), strict=True) if not gap}


def gaps_of(series: Any) -> NDArray[np.bool_]:
    """Where a column is null."""
    return series.is_null().to_numpy().astype(bool)


def numbers_of(series: Any) -> NDArray:
    """A numeric or boolean column as an array, NaN where it is null."""
    import narwhals as nw

    gaps = gaps_of(series)
    if gaps.all():
        return np.full(len(gaps), np.nan)
    if is_category(series):
        row = int(np.argmin(gaps))
        raise ValueError(
            f"column {series.name!r} was numeric at fitting but now holds {series.to_list()[row]!r} at row {row}; "
            "convert it to numbers"
        )
    if series.dtype.is_decimal():
        series = series.cast(nw.Float64)
    values = series.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    entries = zip(series.to_list(), gaps, strict=True)
    return np.array([np.nan if gap else float(entry) for entry, gap in entries])


def labels_of(series: Any) -> list[str]:
    """A column's levels as text, row by row; missing entries read "missing"."""
    return [MISSING if gap else str(entry) for entry, gap in zip(series.to_list(), gaps_of(series), strict=True)]


def learn_levels(series: Any) -> tuple[str, ...]:
    """The levels that occur: in declared order for an enum, else sorted, "missing" last; the first is the reference."""
    gaps = gaps_of(series)
    present = {entry for entry, gap in zip(series.to_list(), gaps, strict=True) if not gap}
    declared = getattr(series.dtype, "categories", None)
    if declared is not None:
        ordered = [level for level in declared if level in present]
    else:
        kinds = {type(entry) for entry in present}
        ordered = sorted(present) if len(kinds) <= 1 else sorted(present, key=str)
    levels = [str(level) for level in ordered]
    if gaps.any():
        levels = [level for level in levels if level != MISSING] + [MISSING]
    return tuple(levels)
