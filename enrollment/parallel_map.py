"""Work on many photos in parallel and take the results in order, only a few ahead of what is done with them."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_AHEAD = 16
"""Photos worked on before the first of them is used; each may hold a few megabytes."""


def map_in_order(
    items: Iterable[Item], work: Callable[[Item], Result], pool: ThreadPoolExecutor, *, ahead: int = MAX_AHEAD
) -> Generator[tuple[Item, Result]]:
    """Yield each item with what `work` made of it, in the items' order; what `work` raises is raised at its turn."""
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) >= ahead:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        for _, future in waiting:
            future.cancel()
