"""R's glmnet in a process of its own, timed inside R: reading the arrays does not count."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .peers import Fit, Task

SCRIPT = """
suppressMessages({library(Matrix); library(glmnet)})
file <- function(name) file.path(Sys.getenv("FOLDER"), name)
bytes <- c(double = 8, integer = 4)
numbers <- function(name, kind = "double") readBin(file(name), kind, file.info(file(name))$size / bytes[[kind]])
status <- function(name)
  1024 * as.numeric(gsub("[^0-9]", "", grep(name, readLines("/proc/self/status"), value = TRUE)))
size <- numbers("size", "integer")
sparse <- function() new("dgCMatrix", x = numbers("x"), i = numbers("i", "integer"), p = numbers("p", "integer"),
  Dim = size)
x <- if (SPARSE) sparse() else matrix(numbers("x"), size[1], size[2])
y <- numbers("y"); lambda <- numbers("alphas"); offset <- if (OFFSET) numbers("offset") else NULL
glmnet.control(fdev = 0, devmax = 1)
invisible(glmnet(matrix(c(1, 2, 3, 4, 2, 1, 4, 3), 4), c(0, 1, 0, 1), standardize = FALSE))
invisible(gc()); try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE); before <- status("VmRSS")
start <- proc.time()[["elapsed"]]
fit <- CALL
seconds <- proc.time()[["elapsed"]] - start
best <- if (is.null(fit$lambda.min)) -1 else fit$lambda.min
cat(seconds, status("VmHWM") - before, best, "\\n")
if (best < 0) {
  writeBin(as.double(as.matrix(fit$beta)), file("beta"))
  writeBin(as.double(fit$a0), file("a0"))
}
"""
COMMON = "lambda = lambda, offset = offset, standardize = FALSE, thresh = THRESH, maxit = 1e7"


def run(family: str, task: Task) -> Fit:
    """One run of glmnet, or of cv.glmnet on the task's folds."""
    from .peers import FOLDS, Fit

    call = f'glmnet(x, y, family = "{family}", {COMMON})'
    if family == "cv":
        call = f"cv.glmnet(x, y, {COMMON}, foldid = (seq_along(y) - 1) %% {FOLDS} + 1)"
    script = SCRIPT.replace("CALL", call.replace("THRESH", repr(task.tol)))
    script = script.replace("SPARSE", str(task.sparse).upper()).replace("OFFSET", str(task.offset is not None).upper())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, task)
        (folder / "run.R").write_text(script)
        done = subprocess.run(
            ["Rscript", folder / "run.R"], env=_environment(folder), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-500:])
        seconds, peak, alpha = map(float, done.stdout.split())
        if family == "cv":
            return Fit(seconds=seconds, peak=peak, alpha=alpha)
        coef = np.fromfile(folder / "beta").reshape(-1, task.X.shape[1])
        return Fit(coef, np.fromfile(folder / "a0"), seconds=seconds, peak=peak)


def version() -> str | None:
    """glmnet's version, None where R or the package is missing."""
    try:
        done = subprocess.run(
            ["Rscript", "-e", 'cat(as.character(packageVersion("glmnet")))'], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"FOLDER": str(folder)}


def _write(folder: Path, task: Task) -> None:
    np.array(task.X.shape, dtype=np.int32).tofile(folder / "size")
    if task.sparse:
        task.X.data.tofile(folder / "x")
        task.X.indices.astype(np.int32).tofile(folder / "i")
        task.X.indptr.astype(np.int32).tofile(folder / "p")
    else:
        np.asfortranarray(task.X).T.tofile(folder / "x")
    task.y.tofile(folder / "y")
    task.alphas.tofile(folder / "alphas")
    if task.offset is not None:
        task.offset.tofile(folder / "offset")
