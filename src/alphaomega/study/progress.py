"""How far a study is: stages of known weight, each told by its share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Called with the name of the stage and the share of all work that is done.
Progress = Callable[[str, float], None]


def silent(stage: str, done: float) -> None:
    """Progress that is not shown."""


@dataclass
class Stages:
    """Tells `progress` of stages whose weights sum to `total`.

    Examples
    --------
    >>> stages = Stages(lambda stage, done: print(f"{stage} {done:.0%}"), 4.0)
    >>> with stages.stage("L2", 1.0) as told:
    ...     told(0.5)
    L2 0%
    L2 12%
    >>> with stages.stage("L1", 3.0):
    ...     pass
    L1 25%
    """

    progress: Progress
    total: float
    finished: float = 0.0

    @contextmanager
    def stage(self, name: str, weight: float) -> Iterator[Callable[[float], None]]:
        """One stage; what it yields is called with the share of the stage that is done."""
        self.progress(name, self.finished / self.total)
        yield lambda share: self.progress(name, (self.finished + share * weight) / self.total)
        self.finished += weight


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar with the time left on standard error; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=1.0)
        yield lambda stage, done: bar.update(task, description=f"fitting {stage}", completed=done)
