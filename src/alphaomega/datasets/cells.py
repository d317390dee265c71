"""Cells of text to whole numbers, numbers, dates or words; whatever is not read as it stands is noted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .table import DataError

MISSING = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "Null", "#N/A", "?")
#: Words that among numbers stand for a missing cell; in a column of words they may be levels.
MISSING_NUMBERS = ("-", "--", "–", "—", ".", "unknown", "missing", "not available", "n.a.", "n.a", "tbd")
EXCEL_FAULTS = ("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!")
FEW = 0.2  # a column with at most this share of cells that are not numbers is a numeric column with faults in it
CODE_LEVELS = 12  # so few distinct numbers may be codes, among which a word is no fault
UNIT = r"^[$€£¥]\s*|\s*[$€£¥%]$"
SPACED = r"^[-+]?\d{1,3}([ '’\u00a0\u202f]\d{3})+([.,]\d+)?$"
POINTS = r"^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$"  # 1,234.5
SURE_POINTS = r",\d{3},|,\d{3}\."
COMMAS = r"^[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$"  # 1.234,5
GROUPS = r"^[-+]?\d{1,3}(\.\d{3})+$"
ISO_DATE = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}$"
ISO_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"
GERMAN_DATE = r"^\d{1,2}\.\d{1,2}\.\d{4}$"

Notes = dict[str, list[str]]


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the plural where it must be."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def quoted(cell: str, longest: int = 60) -> str:
    """A cell as a message quotes it, cut where it is long."""
    return repr(cell) if len(cell) <= longest else f"{cell[:longest]!r}... ({len(cell):,} letters)"


def typed(frame: Any, lines: NDArray[np.intp], separator: str) -> tuple[Any, list[str]]:
    """Columns of text as whole numbers, numbers, dates or words, and what was not read as it stands.

    Codes with leading zeros stay words. Separators of thousands, decimal commas, currency and percent signs are read
    where every cell of a column agrees with them.

    Raises
    ------
    DataError
        If a few words stand in a column of numbers.

    Examples
    --------
    >>> import polars
    >>> frame = polars.DataFrame({"price": ["1.200,50", "800"], "day": ["2024-01-31", "2024-02-01"]})
    >>> typed(frame, np.array([2, 3]), ";")[0].rows()
    [(1200.5, datetime.date(2024, 1, 31)), (800.0, datetime.date(2024, 2, 1))]
    """
    import polars

    every = polars.all()
    frame = frame.select(every.str.strip_chars())
    frame = frame.select(polars.when(every.is_in(MISSING).not_()).then(every))
    numbers = frame.select(every.cast(polars.Float64, strict=False))
    whole = frame.select(every.cast(polars.Int64, strict=False))
    codes = set(_where(frame.select(every.str.contains(r"^[-+]?0\d+$").any())))
    missing, not_numbers, not_whole = (table.null_count().row(0) for table in (frame, numbers, whole))
    notes: Notes = {}
    columns: dict[str, Any] = {}
    for j, name in enumerate(frame.columns):
        if not_numbers[j] > missing[j] and name not in codes:
            columns[name] = _other(frame[name], lines, separator, notes)
        else:
            words = not_numbers[j] > missing[j] or name in codes
            columns[name] = (frame if words else numbers if not_whole[j] > missing[j] else whole)[name]
    if COMMA_NOTE in notes:
        _thousands_elsewhere(frame, columns, notes)
    return polars.DataFrame(list(columns.values())), [_note(what, names) for what, names in notes.items()]


def _where(flags: Any) -> list[str]:
    """The columns of a one-row frame of flags that are true."""
    return [column for column, flag in zip(flags.columns, flags.row(0)) if flag]


COMMA_NOTE = "commas read as decimal points"
POINT_NOTE = "commas read as separators of thousands"
DOT_NOTE = "dots read as separators of thousands"
SPACE_NOTE = "spaces or apostrophes read as separators of thousands"
UNIT_NOTE = "signs of currency or percent not read"


def _note(what: str, names: list[str]) -> str:
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"{what}: {shown}"


def _other(text: Any, lines: NDArray[np.intp], separator: str, notes: Notes) -> Any:
    """A column that is not plain numbers: dates, numbers in another dress, or words."""
    days = _dates(text)
    if days is not None:
        return days
    plain, found = _undressed(text, separator)
    numbers = plain.cast(float, strict=False)
    words = plain.is_not_null() & numbers.is_null()
    if not words.any() and numbers.len() > numbers.null_count():
        for what in found:
            notes.setdefault(what, []).append(text.name)
        return numbers
    _check_words(text, text.cast(float, strict=False) if plain is text else numbers, words, lines)
    return text


def _dates(text: Any) -> Any:
    """Dates and times that can be read in one way only; None where there are others."""
    import polars

    present = text.drop_nulls()
    if present.str.contains(ISO_DATE).all():
        found = text.str.replace_all("/", "-", literal=True).str.to_date("%Y-%m-%d", strict=False)
    elif present.str.contains(GERMAN_DATE).all():
        found = text.str.to_date("%d.%m.%Y", strict=False)
    elif present.str.contains(ISO_TIME).all():
        spaced = text.str.replace("T", " ", literal=True)
        full = spaced.to_frame().select(
            polars.when(polars.first().str.len_chars() == 16).then(polars.first() + ":00").otherwise(polars.first())
        )
        found = full.to_series().str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False).alias(text.name)
    else:
        return None
    return found if found.null_count() == text.null_count() else None


def _undressed(text: Any, separator: str) -> tuple[Any, list[str]]:
    """Text without what surrounds numbers, and notes on what was taken away."""
    import polars

    found: list[str] = []
    lowered = text.str.to_lowercase()
    gaps = lowered.is_in([*MISSING_NUMBERS, *EXCEL_FAULTS]).fill_null(False)
    if gaps.any() and not gaps.all():
        shown = ", ".join(map(repr, text.filter(gaps).unique(maintain_order=True).to_list()[:3]))
        found.append(f"{shown} read as missing")
        text = text.to_frame().select(polars.when(~gaps).then(polars.first())).to_series().alias(text.name)
    if text.str.contains(UNIT).any():
        found.append(UNIT_NOTE)
        text = text.str.replace_all(UNIT, "")
    if text.str.contains(SPACED).any():
        found.append(SPACE_NOTE)
        spaceless = text.str.replace_all(r"(\d)[ '’\u00a0\u202f](\d{3})", "${1}${2}")
        text = spaceless.str.replace_all(r"(\d)[ '’\u00a0\u202f](\d{3})", "${1}${2}")
    odd = text.filter(text.is_not_null() & text.cast(float, strict=False).is_null())
    if not len(odd):
        return text, found
    if odd.str.contains(POINTS).all() and (separator == "," or odd.str.contains(SURE_POINTS).any()):
        return text.str.replace_all(",", "", literal=True), [*found, POINT_NOTE]
    if odd.str.contains(COMMAS).all() and text.drop_nulls().str.contains(COMMAS).all():
        what = COMMA_NOTE if odd.str.contains(",", literal=True).any() else DOT_NOTE
        return text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True), [*found, what]
    return text, found


def _thousands_elsewhere(frame: Any, columns: dict[str, Any], notes: Notes) -> None:
    """Where one column has decimal commas, the dots of another are no decimal points if three digits follow each."""
    for name in frame.columns:
        text = frame[name].drop_nulls()
        if not columns[name].dtype.is_float() or name in notes[COMMA_NOTE]:
            continue
        dotted = text.filter(text.str.contains(".", literal=True))
        if len(dotted) and dotted.str.contains(GROUPS).all():
            columns[name] = frame[name].str.replace_all(".", "", literal=True).cast(float)
            notes.setdefault(DOT_NOTE, []).append(name)


def _check_words(text: Any, numbers: Any, words: Any, lines: NDArray[np.intp]) -> None:
    """A DataError where a few words stand in a column of numbers."""
    first = int(words.arg_max())
    n_words, n_present = int(words.sum()), len(text) - text.null_count()
    distinct = numbers.drop_nulls().n_unique()
    codes = distinct <= CODE_LEVELS and distinct * 20 <= n_present
    if 0 < n_words <= FEW * n_present and not codes:
        raise DataError(
            f"column {text.name!r}, line {lines[first]}: {quoted(text[first])} is not a number, but "
            f"{n_present - n_words} of its {n_present} cells are ({counted(n_words, 'such cell')}); "
            "mend or empty those cells"
        )
