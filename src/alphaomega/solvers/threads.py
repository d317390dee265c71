"""How many threads the linear algebra uses: all for reads of X, one for small solves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

from ..designs import Design
from ..team import Team


@cache
def _controller() -> ThreadpoolController:
    """Made once: finding the loaded libraries costs more than a small solve."""
    return ThreadpoolController().select(user_api="blas")


class Threads:
    """Switches the BLAS libraries between one thread and as many as were allowed.

    Two BLAS threads double the time of a small solve; only products with all of X are worth more than one.
    """

    def __init__(self, limit: int | None) -> None:
        self.libraries = _controller().lib_controllers
        self.before = [library.get_num_threads() for library in self.libraries]
        allowed = max(self.before, default=1)
        self.many = allowed if limit is None else max(1, min(limit, allowed))

    def use(self, count: int) -> None:
        """Let every BLAS library use `count` threads."""
        for library in self.libraries:
            library.set_num_threads(count)

    @contextmanager
    def small(self) -> Iterator[None]:
        """One thread of BLAS inside, and a team; as before afterwards."""
        self.use(1)
        self.team = Team(self.many)
        try:
            yield
        finally:
            self.team.close()
            for library, count in zip(self.libraries, self.before):
                library.set_num_threads(count)

    @contextmanager
    def reading(self, design: Design | None = None) -> Iterator[None]:
        """All threads of BLAS for a product with X, inside `small`; none more where the design has a team.

        They go on spinning for a tenth of a second, and take the processors from whatever runs side by side then.
        """
        if self.many == 1 or (design is not None and design.in_shares):
            yield
            return
        self.use(self.many)
        try:
            yield
        finally:
            self.use(1)
