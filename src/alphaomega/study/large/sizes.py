"""How much memory a study may take, and whether a file would exceed it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ...datasets import DataError
from .reading import READERS

SHARE = 8  # the numbers of a file may fill one part in so many of the memory: a study copies and splits them
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def budget(memory: str) -> float:
    """Bytes that the numbers of a file may take: half of what --memory says, else an eighth of the machine's memory.

    Raises
    ------
    DataError
        If the text is no size.

    Examples
    --------
    >>> budget("2GB") == 2**30
    True
    """
    if not memory:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / SHARE
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", memory, re.IGNORECASE)
    if not found or not float(found[1]):
        raise DataError(f"--memory {memory!r} is no size; write for example 2GB or 500MB")
    return float(found[1]) * UNITS[found[2].upper()] / 2


def too_large(data: str, allowed: float) -> str:
    """One line that says how large the numbers of a file are, where they exceed the budget; else empty."""
    path = Path(data)
    if path.suffix.lower() not in READERS or not path.is_file():
        return ""
    size = _bytes_of_numbers(path)
    if size <= allowed:
        return ""
    return (
        f"{path.name} holds {size / 1e9:.2g} GB of numbers, more than the {allowed / 1e9:.2g} GB that a study in "
        "memory may take (--memory sets it): it is read in batches."
    )


def _bytes_of_numbers(path: Path) -> float:
    if path.suffix.lower() in (".parquet", ".pq"):
        import polars

        rows = polars.scan_parquet(path).select(polars.len()).collect().item()
        return 8.0 * rows * len(polars.read_parquet_schema(path))
    return float(path.stat().st_size)
