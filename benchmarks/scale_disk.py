"""A lasso path with ten folds on a .npy file larger than memory: reads, seconds, peak memory.

python benchmarks/scale_make.py FOLDER 25e6 100
python benchmarks/scale_disk.py FOLDER          # later reads may come from the page cache
python benchmarks/scale_disk.py FOLDER --cold   # every read is one of the disk
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import alphaomega as ao
from alphaomega.designs.sources import Npy

BUFFER = 32 << 20


def forget(path: Path) -> None:
    """Drop the file from the page cache, so that every read is one of the disk."""
    handle = os.open(path, os.O_RDONLY)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def plain_read(path: Path) -> float:
    """Seconds of one sequential read."""
    forget(path)
    start, buffer = time.perf_counter(), bytearray(BUFFER)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - start


class Cold(Npy):
    """The file, dropped from the page cache before every read."""

    def batches(self, columns: NDArray[np.intp] | None, first: int = 0) -> Iterator[NDArray]:
        forget(self.path)
        yield from super().batches(columns, first)


def from_the_disk() -> int:
    """Bytes that this process had fetched from a disk so far, not from the page cache."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["read_bytes"])


def main(folder: Path, cold: bool) -> None:
    seconds_plain = [plain_read(folder / "X.npy") for _ in range(2)]  # a disk may give faster what it gave just now
    forget(folder / "X.npy")
    start, before, fetched = time.perf_counter(), time.process_time(), from_the_disk()
    design = ao.designs.Chunked((Cold if cold else Npy)(folder / "X.npy"))
    y = np.load(folder / "y.npy")
    cv = ao.cross_validate(design, y, n_alphas=100, folds=10)
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "rows": design.shape[0],
                "columns": design.shape[1],
                "gigabytes": design.source.size / 1e9,
                "reads_of_the_file": design.bytes_read / design.source.size,
                "gigabytes_from_the_disk": (from_the_disk() - fetched) / 1e9,
                "reads_of_the_path": cv.path.reads,
                "largest_gap": cv.path.gap.max(),
                "n_alphas": len(cv.path.alphas),
                "folds": len(cv.scores),
                "alpha_1se": cv.alpha_1se,
                "nonzero_at_1se": int(cv.path.n_nonzero[cv.path.index(cv.alpha_1se)]),
                "seconds": round(seconds, 1),
                "processor_seconds": round(time.process_time() - before, 1),
                "seconds_of_two_plain_reads": [round(plain, 1) for plain in seconds_plain],
                "plain_reads": round(seconds / min(seconds_plain), 2),
                "peak_rss_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
                "every_read_from_the_disk": cold,
                "cores": len(os.sched_getaffinity(0)),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--cold" in sys.argv)
