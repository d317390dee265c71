"""Long fits in parts: what is finished lies in a file, written whole or not at all, and a second run goes on from it.

A path with a checkpoint is solved ten alphas at a time, each part from the start, never from the state that an earlier
part left in memory. So a run that was killed and one that was not do the same arithmetic, and agree bit for bit. The
Grams and sums of the first pass over X are kept too: parts do not read X again for them.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import solvers
from .coefficients import Coefficients
from .designs.remembering import Remembering
from .problem import Control, Grid, Problem
from .solvers import RawPath
from .solvers.grid import default_ratio

Arrays = dict[str, NDArray]
PART = 10  # alphas that are solved, and saved, at once
VERSION = "alphaomega-checkpoint 2"


def solve(
    problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control, checkpoint: Checkpoint | None = None
) -> tuple[RawPath, list[RawPath]]:
    """The path on all rows and without each fold; with a checkpoint part by part."""
    if checkpoint is None:
        return solvers.solve_folds(problem, folds, grid, control)
    first, *rest = checkpoint.solve(problem, folds, grid, control)
    return first, rest


@dataclass
class Checkpoint:
    """A file of finished alphas."""

    path: Path
    arrays: Arrays = field(default_factory=dict)
    sections: int = 0
    whole: bool = False
    warned: bool = False

    def all_or_nothing(self) -> Checkpoint:
        """The same file, where Ctrl-C gives no finished part: parts of some folds alone are no cross-validation."""
        return replace(self, whole=True)

    @classmethod
    def at(cls, path: str | os.PathLike | None) -> Checkpoint | None:
        """The checkpoint of this name, with what an earlier run left in it; None for None."""
        if path is None:
            return None
        path = Path(path)
        if not path.parent.is_dir():
            raise ValueError(f"checkpoint={str(path)!r}: there is no folder {path.parent}; make it first")
        return cls(path, _read(path) if path.exists() else {})

    def solve(self, problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control) -> list[RawPath]:
        """All lanes down the grid, part by part; Ctrl-C gives the finished parts."""
        section = str(self.sections)
        self.sections += 1
        self._claim(section, _key(problem, folds, grid, control))
        memory = _Memory(self.arrays, f"{section}/memory/", self._save)
        work = replace(problem, design=Remembering(problem.design, memory))
        parts: list[list[RawPath]] = []
        setup = 0.0
        try:
            if grid.alphas is None:  # the first alpha tells the others
                first = self._part(
                    section, 0, lambda: _solve(work, folds, replace(grid, n_alphas=1), control.part(0, 0))
                )
                setup = first[0].reads
                ratio = grid.ratio or default_ratio(problem)
                grid = Grid(first[0].alphas[0] * np.geomspace(1, ratio, grid.n_alphas))
            assert grid.alphas is not None
            pieces = np.split(grid.alphas, np.arange(PART, len(grid.alphas), PART))
            for number, piece in enumerate(pieces):
                share = control.part(number / len(pieces), (number + 1) / len(pieces))

                def compute(piece: NDArray = piece, share: Control = share) -> list[RawPath]:
                    return _solve(work, folds, Grid(piece), share)

                parts.append(self._part(section, number + 1, compute))
                control.tell((number + 1) / len(pieces))
        except KeyboardInterrupt:
            if not parts or self.whole:
                raise
            return _interrupted(_joined(parts, setup), self.path, 0 if grid.alphas is None else len(grid.alphas))
        return _joined(parts, setup)

    def _part(self, section: str, number: int, compute: Callable[[], list[RawPath]]) -> list[RawPath]:
        """A part as the file has it, or solved and saved."""
        prefix = f"{section}/part{number}/"
        found = {name[len(prefix) :]: array for name, array in self.arrays.items() if name.startswith(prefix)}
        if found:
            return [_unpacked(found, lane) for lane in range(int(found["lanes"]))]
        paths = compute()
        self.arrays[f"{prefix}lanes"] = np.array(len(paths))
        for lane, path in enumerate(paths):
            self.arrays |= {f"{prefix}{lane}/{name}": array for name, array in _packed(path).items()}
        self._save()
        return paths

    def _claim(self, section: str, key: Arrays) -> None:
        """Give a section of the file to this problem, or refuse it where another's is there."""
        for name, array in key.items():
            there = self.arrays.get(f"{section}/key/{name}")
            if there is not None and not np.array_equal(there, array):
                raise ValueError(
                    f"checkpoint={str(self.path)!r} belongs to another fit ({name} differs); delete the file, or give "
                    "another name"
                )
            self.arrays[f"{section}/key/{name}"] = array

    def _save(self) -> None:
        """Write the file beside itself and then rename it; a full disk costs the checkpoint, not the fit."""
        buffer = BytesIO()
        np.savez(buffer, **{name.replace("/", "|"): array for name, array in self.arrays.items()}, format=VERSION)  # type: ignore[arg-type]
        beside = self.path.with_name(self.path.name + ".part")
        try:
            with beside.open("wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            if not self.warned:
                self.warned = True
                kept = "the last one that could be written stays" if self.path.exists() else "none is there yet"
                warnings.warn(
                    f"checkpoint={str(self.path)!r} cannot be written ({error.strerror}): {kept}, and the fit goes on; "
                    "make room to have later parts saved",
                    RuntimeWarning,
                    stacklevel=2,
                )


class _Memory(dict):
    """What a remembering design keeps, mirrored in the file at once."""

    def __init__(self, arrays: Arrays, prefix: str, save: Callable[[], None]) -> None:
        super().__init__()
        self.arrays, self.prefix, self.save = arrays, prefix, save
        for name in sorted(name for name in arrays if name.startswith(prefix)):
            key = name[len(prefix) :].rpartition("/")[0]
            super().setdefault(key, []).append(arrays[name])

    def __setitem__(self, key: str, values: list[NDArray]) -> None:
        super().__setitem__(key, values)
        for place, array in enumerate(values):
            self.arrays[f"{self.prefix}{key}/{place}"] = array
        self.save()


def _solve(problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control) -> list[RawPath]:
    first, rest = solvers.solve_folds(problem, folds, grid, control)
    return [first, *rest]


def _read(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["format"]) != VERSION:
                raise ValueError(f"format {file['format']}")
            return {name.replace("|", "/"): file[name] for name in file.files if name != "format"}
    except Exception as error:
        raise ValueError(
            f"checkpoint={str(path)!r} is no checkpoint of this version ({error}); delete the file, or give another "
            "name"
        ) from error


def _key(problem: Problem, folds: NDArray[np.intp] | None, grid: Grid, control: Control) -> Arrays:
    """What must be the same for a checkpoint to be of use, by the name of the argument."""
    terms = problem.terms
    penalty = [repr(problem.penalty)] if terms is None else [repr(type(problem.penalty)), *vars(terms).values()]
    entries: dict[str, list[Any]] = {
        "X": [problem.design.shape, problem.design.fingerprint()],
        "y": [problem.y],
        "weights": [problem.weights],
        "offset": [problem.offset],
        "loss": [repr(problem.loss)],
        "penalty": penalty,
        "folds": [folds],
        "alphas": [grid.alphas, grid.n_alphas, grid.ratio],
        "tol": [control.tol],
        "intercept": [problem.intercept],
        "standardize": [problem.standardize],
    }
    return {name: np.array(_digest(values)) for name, values in entries.items()}


def _digest(values: list[Any]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        array = isinstance(value, np.ndarray)
        digest.update(np.ascontiguousarray(value).data if array else repr(value).encode())
        digest.update(b"|")
    return digest.hexdigest()


def _packed(path: RawPath) -> Arrays:
    """A path as arrays."""
    packed = {
        "alphas": path.alphas,
        "columns": path.table.columns,
        "values": path.table.values,
        "n_features": np.array(path.table.n_features),
        "intercept": path.intercept,
        "gap": path.gap,
        "reads": np.array(path.reads),
        "null_loss": np.array(path.null_loss),
        "scale": path.scale,
        "center": path.center,
        "certificate": np.array(path.certificate),
        "message": np.array(path.message),
    }
    return packed if path.held_out is None else packed | {"held_out": path.held_out}


def _unpacked(arrays: Arrays, lane: int) -> RawPath:
    def get(name: str) -> NDArray:
        return arrays[f"{lane}/{name}"]

    return RawPath(
        alphas=get("alphas"),
        table=Coefficients(get("columns"), get("values"), int(get("n_features"))),
        intercept=get("intercept"),
        gap=get("gap"),
        reads=float(get("reads")),
        null_loss=float(get("null_loss")),
        scale=get("scale"),
        center=get("center"),
        certificate=str(get("certificate")),
        message=str(get("message")),
        held_out=arrays.get(f"{lane}/held_out"),
    )


def _joined(parts: list[list[RawPath]], setup: float) -> list[RawPath]:
    """Parts one below the other, lane by lane; `setup` are the reads before the first."""
    return [_one(list(lane), setup) for lane in zip(*parts, strict=True)]


def _one(parts: list[RawPath], setup: float) -> RawPath:
    held_out = [part.held_out for part in parts if part.held_out is not None]
    return replace(
        parts[0],
        alphas=np.concatenate([part.alphas for part in parts]),
        table=Coefficients.joined([part.table for part in parts]),
        intercept=np.concatenate([part.intercept for part in parts]),
        gap=np.concatenate([part.gap for part in parts]),
        reads=setup + sum(part.reads for part in parts),
        message=" ".join(dict.fromkeys(part.message for part in parts if part.message)),
        held_out=np.concatenate(held_out) if len(held_out) == len(parts) else None,
    )


def _interrupted(paths: list[RawPath], path: Path, total: int) -> list[RawPath]:
    text = (
        f"interrupted after {len(paths[0].alphas)} of {total} alphas: the path ends there. The same call goes on from "
        f"checkpoint={str(path)!r}."
    )
    return [replace(paths[0], message=f"{paths[0].message} {text}".strip()), *paths[1:]]
