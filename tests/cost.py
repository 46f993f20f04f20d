"""CPU time against size: does twice the input cost at most about twice the work?

CPU time is this process's own, and of several runs the cheapest counts, so that a busy machine
changes nothing. What costs less than FLOOR_SECONDS cannot hurt, whatever its curve.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

FLOOR_SECONDS = 0.008
RATIO_MAX = 2.5
ROUNDS_MAX = 10


class Costs:
    """The least CPU time that was seen for each size; `sizes` double."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self._seconds = dict.fromkeys(sizes, float("inf"))

    def seen(self, size: int, seconds: float) -> None:
        self._seconds[size] = min(self._seconds[size], seconds)

    def steep(self) -> Iterator[str]:
        """A sentence for each doubling that costs more than RATIO_MAX times as much."""
        for size, doubled in pairwise(self.sizes):
            before, after = self._seconds[size], self._seconds[doubled]
            if after > RATIO_MAX * max(before, FLOOR_SECONDS):
                yield f"{size}: {before * 1000:.1f} ms, {doubled}: {after * 1000:.1f} ms"


@contextmanager
def counted(costs: Costs, size: int) -> Iterator[None]:
    """Without the collector, which looks at everything that other tests have left."""
    gc.disable()
    began = time.process_time()
    try:
        yield
    finally:
        costs.seen(size, time.process_time() - began)
        gc.enable()


def assert_linear(work_of: Callable[[int], Callable[[], object]], sizes: Sequence[int]) -> None:
    """`work_of(size)` prepares, which is not counted, and returns what does the work."""
    costs = Costs(sizes)
    works = {size: work_of(size) for size in sizes}
    for _ in range(ROUNDS_MAX):
        for size, work in works.items():
            with counted(costs, size):
                work()
        if not list(costs.steep()):
            return
    raise AssertionError("; ".join(costs.steep()))
