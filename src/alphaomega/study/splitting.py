"""Dealing rows into a training and a test part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..datasets import DataError

Rows = NDArray[np.intp]


def split(y: NDArray, stratify: bool, test_size: float, seed: int) -> tuple[Rows, Rows]:
    """Training and test rows, each in order; every class keeps its share in both (`stratify`).

    Raises
    ------
    DataError
        If a part would have too few rows.

    Examples
    --------
    >>> train, test = split(np.repeat(["a", "b"], [8, 4]), True, 0.25, 0)
    >>> len(train), sorted(np.repeat(["a", "b"], [8, 4])[test].tolist())
    (9, ['a', 'a', 'b'])
    """
    rng = np.random.default_rng(seed)
    groups = np.unique(y, return_inverse=True)[1] if stratify else np.zeros(len(y), dtype=np.intp)
    order = rng.permutation(len(y))
    test = []
    for group in range(groups.max(initial=0) + 1):
        members = order[groups[order] == group]
        count = round(test_size * len(members))
        test.append(members[: min(max(count, 1), len(members) - 1)])
    held_out = np.zeros(len(y), dtype=bool)
    held_out[np.concatenate(test)] = True
    if held_out.sum() < 2:
        raise DataError(
            f"--test-size {test_size:g} of {len(y)} rows leaves fewer than 2 rows to test; raise it or bring more"
        )
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
