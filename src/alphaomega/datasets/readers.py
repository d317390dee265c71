"""Files to tables: one small reader a format."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from . import delimited
from .table import DataError, Table

DESIGN_KEYS = ("X", "x", "X_train", "x_train", "data", "features")
TARGET_KEYS = ("y", "Y", "y_train", "target", "labels")
SHEETS = (".xlsx", ".xls", ".ods")
NAME_KEYS = ("feature_names", "names", "columns")


def read(source: str | PathLike[str]) -> Table:
    """Read a table from a file; the name's ending says the format (`FORMATS`), with .gz on top for text.

    Raises
    ------
    DataError
        If the file is missing, empty, damaged, ragged, or of an unknown format.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp(), "people.csv")
    >>> _ = file.write_text("height,weight\\n1.80,75\\n1.65,60\\n")
    >>> read(file).shape
    (2, 2)
    """
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder; name one file in it")
    if not path.exists():
        raise DataError(f"there is no file {path}; check its spelling and folder")
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending in SHEETS:
        raise DataError(f"{path.name} is a spreadsheet; save the sheet as CSV and name that file")
    if ending not in FORMATS:
        raise DataError(
            f"{path.name}: the ending {ending or 'of the name'!r} is unknown; known are {', '.join(FORMATS)}"
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty; it needs column names and at least one row")
    return FORMATS[ending](path)


def _content(path: Path) -> bytes:
    raw = path.read_bytes()
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} is damaged: {error}; copy or download it again") from error


def _delimited(path: Path) -> Table:
    return delimited.parse(_content(path), path.name)


def _tabs(path: Path) -> Table:
    return delimited.parse(_content(path), path.name, "\t")


def _polars(reader: str) -> Callable[[Path], Table]:
    def load(path: Path) -> Table:
        import polars

        try:
            frame = getattr(polars, reader)(path.read_bytes())
        except (polars.exceptions.PolarsError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"{path.name} is damaged or of another format: {reason}") from error
        if frame.height == 0 or frame.width == 0:
            raise DataError(f"{path.name} is empty: {frame.height} rows, {frame.width} columns")
        return Table(path.name, frame)

    return load


def _libsvm(path: Path) -> Table:
    import io

    from sklearn.datasets import load_svmlight_file

    content = _content(path)
    try:
        matrix, y = load_svmlight_file(io.BytesIO(content))
    except (ValueError, IndexError) as error:
        raise DataError(
            f"{path.name}, line {_faulty_line(content)}: not in libsvm form 'target index:value ...'"
        ) from error
    return Table(path.name, matrix=matrix, y=y, target="y", lines=np.arange(1, len(y) + 1))


def _faulty_line(content: bytes) -> int:
    """The first line that is not `number index:value ...`."""
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        head, *cells = line.split("#")[0].split() or ["0"]
        pairs = [cell.split(":") for cell in cells]
        if not _all_numbers([head]) or any(len(pair) != 2 or not _all_numbers(pair[1:]) for pair in pairs):
            return number
    return 1


def _all_numbers(cells: list[str]) -> bool:
    try:
        [float(cell) for cell in cells]
    except ValueError:
        return False
    return True


def _npz(path: Path) -> Table:
    import polars

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, zlib.error, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name} is damaged or holds Python objects; store plain arrays X and y") from error
    y = _first(arrays, TARGET_KEYS)
    X: Any = _sparse(arrays) if "indptr" in arrays else _first(arrays, DESIGN_KEYS)
    if X is None or y is None:
        raise DataError(
            f"{path.name} holds {', '.join(arrays) or 'nothing'}; store X, an array (n, p), and a target y (n,)"
        )
    if y.ndim != 1 or X.ndim < 2 or X.shape[0] != len(y):
        raise DataError(f"{path.name}: X has shape {X.shape}, y {y.shape}; they must be (n, p) and (n,)")
    if "indptr" in arrays:
        return Table(path.name, matrix=X, y=y, target="y")
    X = X.reshape(len(X), -1)
    names = _first(arrays, NAME_KEYS)
    columns = [f"x{j}" for j in range(X.shape[1])] if names is None else [str(name) for name in names]
    frame = polars.DataFrame({name: X[:, j] for j, name in enumerate(columns)})
    return Table(path.name, frame.with_columns(polars.Series("y", y)), target="y")


def _first(arrays: dict[str, np.ndarray], keys: tuple[str, ...]) -> np.ndarray | None:
    return next((arrays[key] for key in keys if key in arrays), None)


def _sparse(arrays: dict[str, np.ndarray]) -> Any:
    import scipy.sparse

    kind = (
        scipy.sparse.csc_array if b"csc" in arrays.get("format", np.array(b"csr")).tobytes() else scipy.sparse.csr_array
    )
    return kind((arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(arrays["shape"]))


#: Endings of file names and their readers.
FORMATS: dict[str, Callable[[Path], Table]] = {
    ".csv": _delimited,
    ".tsv": _tabs,
    ".tab": _tabs,
    ".txt": _delimited,
    ".data": _delimited,
    ".parquet": _polars("read_parquet"),
    ".feather": _polars("read_ipc"),
    ".arrow": _polars("read_ipc"),
    ".ipc": _polars("read_ipc"),
    ".libsvm": _libsvm,
    ".svmlight": _libsvm,
    ".svm": _libsvm,
    ".npz": _npz,
}
