"""Threads that work on items side by side, for whatever gives up Python's lock: BLAS, compiled kernels, torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


class Team:
    """This thread and some others, which work on items side by side.

    This one works as well: a processor whose thread waits is left idle for a while before others are moved there, on
    Linux for up to a tick of some milliseconds.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.others = ThreadPoolExecutor(max(1, size - 1), thread_name_prefix="alphaomega")
        self.busy = False

    def close(self) -> None:
        """Let the others go."""
        self.others.shutdown()

    def map(self, work: Callable[..., T], *items: Sequence) -> list[T]:
        """Work on every item, or on every group of items that stand at the same place; who is free takes the next.

        Work that asks for the team itself gets no help: all are busy.
        """
        tasks = list(zip(*items))
        if self.busy or min(self.size, len(tasks)) < 2:
            return [work(*task) for task in tasks]
        results: dict[int, T] = {}
        places = iter(range(len(tasks)))

        def take() -> None:
            try:
                for place in places:
                    results[place] = work(*tasks[place])
            except BaseException:
                for _ in places:  # nobody takes another
                    pass
                raise

        self.busy = True
        try:
            others = [self.others.submit(take) for _ in range(min(self.size, len(tasks)) - 1)]
            try:
                take()
            finally:
                begun = [other for other in others if not other.cancel()]
                wait(begun)
            for other in begun:
                other.result()
        finally:
            self.busy = False
        return [results[place] for place in range(len(tasks))]
