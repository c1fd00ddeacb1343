"""A limit on what takes a processor for itself, such as hashing a password: a few at once, and a queue that ends.

Whoever waits for a slot holds no thread, so that everybody else is answered meanwhile; who would wait too long is told
so at once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from web.problems import BusyError


@dataclass
class _Queue:
    free: asyncio.Semaphore
    waiting: int = 0


@dataclass
class ConcurrencyLimit:
    """At most `at_once` run and `max_waiting` wait, in each event loop."""

    at_once: int
    max_waiting: int
    _queues: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue]" = field(
        default_factory=WeakKeyDictionary, init=False, repr=False
    )

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and keep it for as long as the block lasts.

        Raises:
            BusyError: too many wait already.
        """
        queue = self._queues.setdefault(asyncio.get_running_loop(), _Queue(asyncio.Semaphore(self.at_once)))
        if queue.waiting >= self.max_waiting:
            raise BusyError(headers={"Retry-After": "1"})
        queue.waiting += 1
        try:
            await queue.free.acquire()
        finally:
            queue.waiting -= 1
        try:
            yield
        finally:
            queue.free.release()
