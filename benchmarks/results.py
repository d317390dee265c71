"""What was measured, as one JSON file: rows of the races, and each of the other benchmarks under its name."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Results:
    """The file; a new measurement replaces that of the same name."""

    file: Path

    @property
    def content(self) -> dict[str, Any]:
        """All of it."""
        return json.loads(self.file.read_text()) if self.file.exists() else {"machine": {}, "rows": []}

    def rows(self, suite: str, problem: str | None = None) -> list[dict]:
        """The rows of a suite, or of one problem of it."""
        return [row for row in self.content["rows"] if row["suite"] == suite and problem in (None, row["problem"])]

    def put_race(self, suite: str, problem: str, rows: list[dict]) -> None:
        """Replace a problem's rows."""
        content = self.content
        others = [row for row in content["rows"] if (row["suite"], row["problem"]) != (suite, problem)]
        self._write(content | {"rows": others + rows})

    def put(self, name: str, value: Any) -> None:
        """Replace another benchmark."""
        self._write(self.content | {name: value})

    def _write(self, content: dict[str, Any]) -> None:
        content["machine"] = machine()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, indent=1, default=float, sort_keys=True)
        self.file.write_text(text + "\n")


def machine() -> dict[str, str | int]:
    """The processor and what our own runs rest on."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": names[0].split(":")[1].strip() if names else platform.processor(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": version("scipy"),
        "numba": version("numba"),
    }
