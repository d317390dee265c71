"""Run every chapter; what cannot be done is one sentence in its place."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..progress import Progress, Stages, silent
from ..results import Study
from .base import Chapter, Entry, Material

#: Faults of the data or of what is installed; anything else is a fault of ours, and is raised.
CONTAINED = (ValueError, ArithmeticError, ImportError, MemoryError, NotImplementedError, np.linalg.LinAlgError)


def run_chapters(material: Material, entries: Iterable[Entry], progress: Progress = silent) -> Iterator[Chapter]:
    """Every chapter as it is finished."""
    entries = tuple(entries)
    stages = Stages(progress, sum(entry.weight for entry in entries))
    for entry in entries:
        with stages.stage(entry.label, entry.weight) as told:
            found = _chapter(replace(material, told=told), entry)
        yield found


def material_of(study: Study) -> Material:
    """The material of a finished study: its training target is put back into the labels of the data."""
    y = study.train.y
    if study.labels:
        codes = y.astype(int) if y.ndim == 1 else y.argmax(1)
        y = np.asarray(study.labels)[codes]
    return Material(study, y)


def _chapter(material: Material, entry: Entry) -> Chapter:
    """One chapter, or its title with the reason why there is none; its warnings become notes."""
    module = importlib.import_module(f"{__package__}.{entry.module}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            found = module.chapter(material)
        except CONTAINED as error:
            reason = str(error).strip() or type(error).__name__
            note = f"Not done for this data: {reason.rstrip('.')}."
            found = Chapter(entry.module.replace("_", "-"), module.MENU, module.TITLE, "", notes=(note,))
    return replace(found, notes=(*found.notes, *_summed(str(warning.message) for warning in caught)))


def _summed(messages: Iterable[str]) -> tuple[str, ...]:
    """Every message once, with how often it came."""
    counts: dict[str, int] = {}
    for message in messages:
        counts[message] = counts.get(message, 0) + 1
    return tuple(f"{text} ({count} times)" if count > 1 else text for text, count in counts.items())
