"""Which column is the target, and of what family it is: always with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..datasets import DataError, Table
from .columns import is_text

TARGET_NAMES = ("target", "y", "label", "class", "outcome", "response")
FAMILIES = {"gaussian": "squared", "binomial": "logistic", "multinomial": "multinomial", "poisson": "poisson"}
MAX_CLASSES = 100
MAX_CLASS_NUMBERS = 20  # so few distinct whole numbers may be classes
BALANCE = 5  # ... if the largest is at most so many times the smallest
MAX_COUNT_MEAN = 10.0  # whole numbers from zero on with a mean below this are counts


def choose_target(table: Table, requested: str, taken: dict[str, str]) -> tuple[str, str]:
    """The target's name and why; `taken` are columns with another part to play, and the option that says so.

    Raises
    ------
    DataError
        If the requested column does not exist or is taken, or there is no column to take.
    """
    columns = [column for column in table.frame.columns if column not in taken]
    if requested:
        check_column(table.frame.columns, requested, "--target")
    wanted = requested or table.target
    if wanted in taken:
        raise DataError(f"column {wanted!r} cannot be both the target and {taken[wanted]}; name two columns")
    if wanted:
        return wanted, "named by --target" if requested else "the target of this data set"
    if not columns:
        raise DataError(f"{table.name} has no column left to be the target")
    named = [column for column in columns if column.lower() in TARGET_NAMES]
    if len(named) == 1 and named[0] != columns[-1]:
        return named[0], f"a column called {named[0]!r}; --target names another"
    return columns[-1], "the last column; --target names another"


def check_column(columns: list[str], name: str, argument: str) -> None:
    """A DataError where `name` is not among the columns, with the nearest spelling."""
    if name in columns:
        return
    import difflib

    lowered = {column.lower(): column for column in columns}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.5)
    hint = f"did you mean {lowered[close[0]]!r}?" if close else f"the columns are {listed(columns)}"
    raise DataError(f"{argument} {name!r} is not a column; {hint}")


def listed(names: list[str], limit: int = 8) -> str:
    """Names in one line, cut after `limit`."""
    shown = ", ".join(map(str, names[:limit]))
    return shown + (f" ... ({len(names)} in all)" if len(names) > limit else "")


def choose_family(y: Any, table: Table, requested: str, exposure: str) -> tuple[str, str]:
    """The family of the target column `y` (a polars Series) and why.

    Raises
    ------
    DataError
        If the target has missing cells, one value only, or does not fit the requested family.
    """
    _check_present(y, table)
    values = y.unique()
    if len(values) < 2:
        raise DataError(
            f"target {y.name!r} is constant ({values[0]!r} in every row); name another column with --target"
        )
    if requested != "auto":
        _check_family(y, table, requested, len(values))
        return requested, "named by --family"
    if table.family and table.target == y.name:
        return table.family, "the family of this data set"
    family, reason = _family_of_words(y, len(values)) if not y.dtype.is_numeric() else _family_of_numbers(y, exposure)
    _check_family(y, table, family, len(values))
    return family, f"{reason}; --family names another"


def _check_present(y: Any, table: Table) -> None:
    missing = y.is_null()
    if missing.any():
        raise DataError(
            f"target {y.name!r} is missing in {missing.sum()} of {len(y)} rows "
            f"(first: {table.where(int(missing.arg_max()))}); remove or fill them, or name another column with --target"
        )


def _family_of_words(y: Any, n_values: int) -> tuple[str, str]:
    if n_values == 2:
        return "binomial", "two words"
    if n_values > MAX_CLASSES or n_values * 2 > len(y):
        text = f", and read this one as text with --text {y.name!r}" if is_text(y) else ""
        raise DataError(
            f"target {y.name!r} holds {n_values:,} different words in {len(y):,} rows: neither numbers nor classes; "
            f"name another column with --target{text}"
        )
    return "multinomial", f"{n_values} different words"


def _family_of_numbers(y: Any, exposure: str) -> tuple[str, str]:
    numbers = y.to_numpy().astype(np.float64)
    values, counts = np.unique(numbers, return_counts=True)
    whole = bool((numbers == np.round(numbers)).all())
    if whole and values[0] >= 0 and exposure:
        return "poisson", "whole numbers >= 0 with an exposure"
    if len(values) == 2:
        return "binomial", f"two numbers, {values[0]:g} and {values[1]:g}"
    if not whole:
        return "gaussian", "numbers with decimals"
    if len(values) <= MAX_CLASS_NUMBERS and counts.max() <= BALANCE * counts.min() and counts.min() >= 5:
        return "multinomial", f"{len(values)} different whole numbers, each in at least {counts.min()} rows"
    if values[0] == 0 and numbers.mean() < MAX_COUNT_MEAN:
        return "poisson", f"whole numbers from 0 on with mean {numbers.mean():.3g}, as counts are"
    return "gaussian", f"{len(values):,} different numbers"


def _check_family(y: Any, table: Table, family: str, n_values: int) -> None:
    numeric = y.dtype.is_numeric()
    if family in ("gaussian", "poisson") and not numeric:
        raise DataError(
            f"target {y.name!r} holds words ({y[0]!r} in {table.where(0)}), the {family} family needs numbers; "
            "use --family binomial or multinomial, or name another column with --target"
        )
    if family == "poisson" and bool((y < 0).any()):
        row = int((y < 0).arg_max())
        raise DataError(
            f"target {y.name!r} is negative in {table.where(row)} ({y[row]:g}), counts are not; mend the rows or use "
            "--family gaussian"
        )
    if family == "binomial" and n_values != 2:
        raise DataError(f"target {y.name!r} has {n_values} values, the binomial family two; use --family multinomial")
    if family == "multinomial" and n_values > MAX_CLASSES:
        raise DataError(f"target {y.name!r} has {n_values} values, too many for classes; use --family gaussian")
    if family in ("binomial", "multinomial"):
        rare = y.value_counts(sort=True).tail(1)
        label, count = rare.row(0)
        if count < 3:
            raise DataError(
                f"class {label!r} of target {y.name!r} has only {count} row{'s' * (count != 1)}, too few to learn and "
                "test; merge it with another class or remove it"
            )
