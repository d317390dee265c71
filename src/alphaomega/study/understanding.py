"""What the data are, before anything is fitted: target, family, features, missing cells, columns left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets import DataError, Table
from .columns import cases_note, check_finite, dates_note, prepared, sort_out, with_missing_level
from .results import Column, Understanding
from .target import FAMILIES, check_column, choose_family, choose_target

Floats = NDArray[np.float64]
LARGEST_OFFSET = 100.0  # exp of twice as much is near the largest number there is


@dataclass(frozen=True)
class Options:
    """What a person can ask of a study; the names are those of the command's options."""

    target: str = ""
    family: str = "auto"
    test_size: float = 0.2
    folds: int = 10
    seed: int = 0
    offset: str = ""
    exposure: str = ""
    text: str = ""
    networks: bool = True
    exclude: tuple[str, ...] = ()
    thorough: bool = False

    def __post_init__(self) -> None:
        if self.family not in ("auto", *FAMILIES):
            raise DataError(f"--family {self.family!r} is unknown; choose one of auto, {', '.join(FAMILIES)}")
        if not 0 < self.test_size < 1:
            raise DataError(f"--test-size must lie between 0 and 1, got {self.test_size:g}")
        if self.folds < 2:
            raise DataError(f"--folds must be at least 2, got {self.folds}")
        if self.seed < 0:
            raise DataError(f"--seed must be at least 0, got {self.seed}")


@dataclass(frozen=True, eq=False)
class Reading:
    """A table understood: `X` a polars frame or sparse matrix of features, `y` (n,), `offset` (n,) or None."""

    table: Table
    understanding: Understanding
    X: Any
    y: NDArray
    offset: Floats | None


def understand(table: Table, options: Options) -> Reading:
    """Decide what is target, what are features and what has to be left out, and why.

    Raises
    ------
    DataError
        If a named column does not exist, the target is unusable, a cell is infinite, or no feature is left.
    """
    if table.frame is None:
        return _understand_matrix(table, options)
    frame = prepared(table.frame)
    check_finite(frame, table)
    taken = taken_columns(frame, options)
    target, target_reason = choose_target(table, options.target, taken)
    family, family_reason = choose_family(frame[target], table, options.family, options.exposure)
    offset, offset_words, used = offset_of(frame, table, options, family)
    features = frame.drop([target, *used, *options.exclude], strict=False)
    if features.width == 0:
        raise DataError(f"{table.name} has no column but the target {target!r}; a study needs at least one feature")
    features, left_out = _features(features, options.text)
    left_out = (*left_out, *(Column(name, "named by --exclude") for name in options.exclude))
    y = frame[target].to_numpy() if frame[target].dtype.is_numeric() else np.array(frame[target].to_list())
    understanding = Understanding(
        source=table.name,
        n_rows=frame.height,
        n_columns=frame.width,
        n_features=features.width,
        target=target,
        target_reason=target_reason,
        family=family,
        family_reason=family_reason,
        left_out=left_out,
        offset=offset_words,
        text=options.text,
        notes=(*table.notes, *dates_note(table.frame), *_repeated_rows(frame), *cases_note(frame)),
    )
    understanding = _describe(replace(understanding, **classes_of(y, family)), features)
    return Reading(table, understanding, features if options.text else with_missing_level(features), y, offset)


def taken_columns(frame: Any, options: Options) -> dict[str, str]:
    """The columns that options name for a part other than the target, each with its option."""
    named = [("--text", options.text), ("--offset", options.offset), ("--exposure", options.exposure)]
    taken: dict[str, str] = {}
    for argument, name in [*named, *(("--exclude", name) for name in options.exclude)]:
        if not name:
            continue
        check_column(frame.columns, name, argument)
        if taken.setdefault(name, argument) != argument:
            raise DataError(f"column {name!r} cannot be both {taken[name]} and {argument}; drop one of the two")
    return taken


def _features(features: Any, text: str) -> tuple[Any, tuple[Column, ...]]:
    """The usable columns, and remarks on the others."""
    if text:
        others = tuple(Column(name, "with --text only the text is used") for name in features.columns if name != text)
        return features.select(text), others
    kept, left_out = sort_out(features)
    if not kept:
        reasons = "; ".join(f"{column.name!r}: {column.remark}" for column in left_out[:5])
        raise DataError(f"no feature is left ({reasons}); add a column that varies and is no identifier")
    return features.select(kept), left_out


def classes_of(y: NDArray, family: str) -> dict[str, Any]:
    """The classes in order and how many rows each has; nothing for numbers."""
    if family not in ("binomial", "multinomial"):
        return {}
    labels, counts = np.unique(y, return_counts=True)
    return {"classes": tuple(str(label) for label in labels), "class_counts": tuple(int(count) for count in counts)}


def _describe(understanding: Understanding, features: Any) -> Understanding:
    """Add the numeric, categorical and missing columns."""
    import polars

    if understanding.text:
        return understanding
    numeric = [name for name, kind in features.schema.items() if kind.is_numeric()]
    words = [name for name, kind in features.schema.items() if kind == polars.String]
    levels = {name: features[name].drop_nulls().n_unique() for name in words}
    missing = dict(zip(features.columns, features.null_count().row(0)))
    return replace(
        understanding,
        n_numeric=len(numeric),
        categorical=tuple(Column(name, f"{count} categories", count) for name, count in levels.items()),
        missing=tuple(
            Column(name, "mean of the training rows" if name in set(numeric) else "a category of its own", count)
            for name, count in missing.items()
            if count
        ),
    )


def offset_of(frame: Any, table: Table, options: Options, family: str) -> tuple[Floats | None, str, list[str]]:
    """The offset (n,), how it is made, and the columns it uses up."""
    if options.exposure and family != "poisson":
        raise DataError(f"--exposure is for counts, the family is {family}; add --family poisson, or use --offset")
    parts, words, used = [], [], []
    for name, argument in ((options.offset, "--offset"), (options.exposure, "--exposure")):
        if not name:
            continue
        part = offset_part(frame[name], table, argument)
        if family != "gaussian" and abs(part).max() > LARGEST_OFFSET:
            raise DataError(
                f"{argument} {name!r} adds {part[abs(part).argmax()]:g} to the linear predictor, beyond what exp can "
                "hold; --offset wants logarithms, --exposure the amounts themselves"
            )
        parts.append(part)
        words.append(f"log({name})" if argument == "--exposure" else name)
        used.append(name)
    return (sum(parts) if parts else None), " + ".join(words), used  # type: ignore[return-value]


def offset_part(column: Any, table: Table, argument: str) -> Floats:
    """One column's share of the offset: the numbers, or the logarithm of an exposure."""
    if not column.dtype.is_numeric():
        raise DataError(f"{argument} {column.name!r} holds words; it needs numbers")
    missing = column.is_null()
    if missing.any():
        raise DataError(f"{argument} {column.name!r} is missing in {table.where(int(missing.arg_max()))}; fill it")
    values = column.to_numpy().astype(np.float64)
    if argument == "--offset":
        return values
    bad = np.flatnonzero(values <= 0)
    if bad.size:
        raise DataError(
            f"--exposure {column.name!r} is {values[bad[0]]:g} in {table.where(int(bad[0]))}; it must be positive: "
            "remove those rows"
        )
    return np.log(values)


def _repeated_rows(frame: Any) -> tuple[str, ...]:
    repeated = frame.height - frame.n_unique()
    if not repeated:
        return ()
    verb = "rows repeat" if repeated > 1 else "row repeats"
    return (f"{repeated} {verb} an earlier one; copies may fall on both sides of a split",)


def _understand_matrix(table: Table, options: Options) -> Reading:
    """Sparse files have no names: every column is a number, the target stands apart."""
    import polars

    named = {"--offset": options.offset, "--exposure": options.exposure, "--text": options.text}
    for argument, value in {**named, "--exclude": options.exclude}.items():
        if value:
            raise DataError(f"{argument} names a column, but the columns of {table.name} have no names")
    if options.target not in ("", table.target):
        raise DataError(f"--target {options.target!r} is not a column; the target of {table.name} is {table.target!r}")
    target = (
        polars.Series(table.target, table.y).fill_nan(None) if table.y.dtype.kind == "f" else polars.Series(table.y)
    )
    family, reason = choose_family(target.alias(table.target), table, options.family, "")
    matrix = table.matrix
    if not np.isfinite(matrix.data).all():
        raise DataError(f"{table.name} holds NaN or infinity; replace those values")
    understanding = Understanding(
        source=table.name,
        n_rows=matrix.shape[0],
        n_columns=matrix.shape[1] + 1,
        n_features=matrix.shape[1],
        target=table.target,
        target_reason="the target of this file",
        family=family,
        family_reason=reason,
        n_numeric=matrix.shape[1],
        notes=(f"sparse: {matrix.nnz} cells are not zero",),
        **classes_of(table.y, family),
    )
    return Reading(table, understanding, matrix, table.y, None)
