"""A lasso path with ten folds on a .npy file larger than memory: reads, seconds, peak memory.

python benchmarks/scale_make.py FOLDER 25e6 100
python benchmarks/scale_disk.py FOLDER
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

import alphaomega as ao

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


def main(folder: Path) -> None:
    seconds_plain = plain_read(folder / "X.npy")
    forget(folder / "X.npy")
    start, before = time.perf_counter(), time.process_time()
    design, y = ao.designs.from_npy(folder / "X.npy"), np.load(folder / "y.npy")
    cv = ao.cross_validate(design, y, n_alphas=100, folds=10)
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "rows": design.shape[0],
                "columns": design.shape[1],
                "gigabytes": design.source.size / 1e9,
                "reads_of_the_file": design.bytes_read / design.source.size,
                "reads_of_the_path": cv.path.reads,
                "largest_gap": cv.path.gap.max(),
                "n_alphas": len(cv.path.alphas),
                "folds": len(cv.scores),
                "alpha_1se": cv.alpha_1se,
                "nonzero_at_1se": int(cv.path.n_nonzero[cv.path.index(cv.alpha_1se)]),
                "seconds": round(seconds, 1),
                "processor_seconds": round(time.process_time() - before, 1),
                "seconds_of_a_plain_read": round(seconds_plain, 1),
                "plain_reads": round(seconds / seconds_plain, 2),
                "peak_rss_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
                "cores": len(os.sched_getaffinity(0)),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
