"""Names and patterns: which parameters a user means."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .weights import AFFINE, BIAS, SHIFT, Found


def ruling_keys(per_layer: Mapping[str, Any], found: Sequence[Found]) -> dict[int, str]:
    """The key of `per_layer` that rules each parameter, by id of its Found."""
    result: dict[int, str] = {}
    exact = [key for key in per_layer if any(key in _levels(item, own=True) for item in found)]
    for key in [*exact, *(key for key in per_layer if key not in exact)]:
        matches = [item for item in found if _matches(key, item)]
        if not matches:
            raise _no_match("per_layer", key, found)
        ruled = [item for item in matches if item.role.kind == AFFINE or key in item.names] or matches[:1]
        for item in ruled:
            result.setdefault(id(item), key)
    return result


def chosen(patterns: str | Iterable[str] | None, found: Sequence[Found], argument: str) -> set[int]:
    """Ids of the parameters that match any pattern; a module's name does not stand for its biases."""
    ids: set[int] = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns or []:
        matches = [item for item in found if _matches(pattern, item)]
        if not matches:
            raise _no_match(argument, pattern, found)
        by_parameter = [item for item in matches if any(fnmatch.fnmatchcase(name, pattern) for name in item.names)]
        ids.update(
            id(item) for item in by_parameter or [item for item in matches if item.role.kind not in (BIAS, SHIFT)]
        )
    return ids


def _levels(item: Found, own: bool = False) -> set[str]:
    """The names that can mean a parameter: its own, its module's and (unless `own`) those of modules around."""
    levels: set[str] = set()
    for name in item.names:
        parts = name.split(".")
        levels.update(".".join(parts[:k]) for k in range(max(1, len(parts) - 1) if own else 1, len(parts) + 1))
    return levels


def _matches(pattern: str, item: Found) -> bool:
    return any(fnmatch.fnmatchcase(level, pattern) for level in _levels(item))


def _no_match(argument: str, pattern: str, found: Sequence[Found]) -> ValueError:
    names = [item.name for item in found]
    shown = ", ".join(names[:20]) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")
    return ValueError(f"{argument}={pattern!r} matches no parameter; the model has {shown}")
