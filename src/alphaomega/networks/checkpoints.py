"""A folder of finished alphas, written so that a killed process leaves whole files only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .path_results import Fit


@dataclass(frozen=True)
class Checkpoint:
    """Where finished alphas are kept; `folder` None keeps nothing."""

    folder: Path | None

    @classmethod
    def open(cls, folder: str | Path | None, fingerprint: dict[str, str]) -> Checkpoint:
        """The checkpoint in `folder`, made if missing.

        Raises
        ------
        ValueError
            If the folder holds another path; the message says in what it differs.
        """
        if folder is None:
            return cls(None)
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        header = place / "path.json"
        if header.exists():
            kept = json.loads(header.read_text())
            differs = [key for key, value in fingerprint.items() if kept.get(key) != value]
            if differs:
                key = differs[0]
                raise ValueError(
                    f"the checkpoint in {str(place)!r} belongs to another path: its {key} is {kept.get(key)}, not "
                    f"{fingerprint[key]}; choose another folder, or delete it"
                )
        else:
            _write_whole(header, lambda file: file.write_text(json.dumps(fingerprint, indent=1)))
        return cls(place)

    def load(self, position: int) -> Fit | None:
        """The fit at a position of the grid, None if it is still to be made."""
        from .path_results import Fit

        if self.folder is None or not (file := self._file(position)).exists():
            return None
        return Fit(**torch.load(file, weights_only=True))

    def save(self, position: int, fit: Fit) -> None:
        """Keep a finished fit."""
        if self.folder is not None:
            _write_whole(self._file(position), lambda file: torch.save(dict(vars(fit)), file))

    def _file(self, position: int) -> Path:
        assert self.folder is not None
        return self.folder / f"alpha-{position:04d}.pt"


def _write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Write beside, flush to disk, then rename: the file is there whole or not at all."""
    part = file.with_suffix(".part")
    write(part)
    with open(part, "rb") as handle:
        os.fsync(handle.fileno())
    os.replace(part, file)
