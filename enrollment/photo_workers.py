"""The threads that open and measure photos for whoever hands them in."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar, TypeVarTuple

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class PhotoWorkers:
    """As many threads as there are cores, away from those that answer requests; they end when nobody waits any more.

    An opened photo takes up to 300 MB and a core for up to a second; whoever comes meanwhile waits for their turn.
    malloc keeps what a thread freed for that thread's next use, so photos on any of forty threads leave several
    times as much behind.
    """

    def __init__(self, workers: int | None = None, *, when_idle: Callable[[], None] = lambda: None) -> None:
        """`when_idle` runs on one of the threads when nobody waits any more."""
        self._workers = workers or os.cpu_count() or 1
        self._when_idle = when_idle
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._under_way = 0

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Do `work` on one of the threads, in the context of the caller, and return its result."""
        called = partial(copy_context().run, work, *arguments)
        pool = self._enter()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, called)
        finally:
            self._leave(pool)

    def _enter(self) -> ThreadPoolExecutor:
        with self._lock:
            self._under_way += 1
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._workers, "photo")
            return self._pool

    def _leave(self, pool: ThreadPoolExecutor) -> None:
        with self._lock:
            self._under_way -= 1
            if self._under_way == 0:
                pool.submit(self._when_idle)
                pool.shutdown(wait=False)
                self._pool = None
