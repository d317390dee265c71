"""`.. run::` shows shell commands together with what they really print, run while the site is built.

All commands of a page share one empty folder, into which `:files:` are copied first. `:publish:` copies what the
commands wrote into `_static` of the site, so that the page can link to it. A command that fails stops the build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives

WIDTH = 100
LIMIT = 300  # seconds


class Run(Directive):
    """Run each line of the content as one command; `:expect:` is the exit status, 0 unless said."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "files": directives.unchanged,
        "publish": directives.unchanged,
        "expect": directives.nonnegative_int,
    }

    def run(self) -> list[nodes.Node]:
        """The commands and their output as one literal block."""
        settings = self.state.document.settings.env
        folder = settings.temp_data.setdefault("run_folder", tempfile.mkdtemp(prefix="run-"))
        settings.app.run_folders.add(folder)
        source = Path(settings.srcdir)
        for name in self.options.get("files", "").split():
            shutil.copy(source / name, folder)
        text = "".join(self._output(command, folder) for command in self.content)
        for name in self.options.get("publish", "").split():
            target = Path(settings.app.outdir) / "_static" / settings.docname / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(folder) / name, target)
        block = nodes.literal_block(text, text)
        block["language"] = "console"
        return [block]

    def _output(self, command: str, folder: str) -> str:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {"PATH": path, "COLUMNS": str(WIDTH), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
        )
        if done.returncode != self.options.get("expect", 0):
            raise self.error(f"`{command}` ended with {done.returncode}:\n{done.stdout}")
        lines = [line.rstrip() for line in done.stdout.splitlines()]
        return "\n".join([f"$ {command}", *lines]) + "\n\n"


def start(app: Any) -> None:
    """No folders yet."""
    app.run_folders = set()


def clean(app: Any, error: Exception | None) -> None:
    """Remove what the commands left."""
    for folder in app.run_folders:
        shutil.rmtree(folder, ignore_errors=True)


def setup(app: Any) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("run", Run)
    app.connect("builder-inited", start)
    app.connect("build-finished", clean)
    return {"parallel_read_safe": False}
