"""Look-ups of many requests in one query: whoever asks while one is under way is answered by the next.

Nothing is remembered. A look-up begins after it was asked for, so it sees whatever was committed before the request
came; a lone request waits for nobody. Meant for what nearly every request asks first: who is calling.
"""

import asyncio
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

LARGEST_BATCH = 500
"""Keys in one query: databases take only so many values (SQLite 32,766), and nobody waits for thousands of others."""


@dataclass(eq=False)
class _Queue(Generic[Key, Value]):
    """What one event loop waits for."""

    waiting: list[tuple[Key, "asyncio.Future[Value | None]"]] = field(default_factory=list)
    reader: "asyncio.Task[None] | None" = None
    # A thread of its own: requests that fill the pool must not keep anybody from being recognised.
    thread: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))


class BatchedReads(Generic[Key, Value]):
    """Looks keys up together. Safe for several event loops; each has a queue of its own."""

    def __init__(self, load: Callable[[Collection[Key]], Mapping[Key, Value]]) -> None:
        """Take what looks up a set of keys, in a thread; keys that it leaves out are unknown."""
        self._load = load
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue[Key, Value]] = WeakKeyDictionary()

    async def get(self, key: Key) -> Value | None:
        """Return what `key` stands for at this moment, or None.

        Raises:
            Exception: what the look-up raised.
        """
        loop = asyncio.get_running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            queue = self._queues.setdefault(loop, _Queue())
        answer: asyncio.Future[Value | None] = loop.create_future()
        queue.waiting.append((key, answer))
        if queue.reader is None:
            queue.reader = loop.create_task(self._read(queue))
        return await answer

    async def _read(self, queue: "_Queue[Key, Value]") -> None:
        asked: list[tuple[Key, asyncio.Future[Value | None]]] = []
        try:
            while queue.waiting:
                asked, queue.waiting = queue.waiting[:LARGEST_BATCH], queue.waiting[LARGEST_BATCH:]
                try:
                    found = await to_thread.run_sync(self._load, {key for key, _ in asked}, limiter=queue.thread)
                except Exception as error:  # noqa: BLE001 - it belongs to those who asked
                    for _, answer in asked:
                        if not answer.done():
                            answer.set_exception(error)
                    continue
                for key, answer in asked:
                    # Whoever asked may have given up.
                    if not answer.done():
                        answer.set_result(found.get(key))
        finally:
            queue.reader = None
            # None is left, unless the loop ends: then nobody waits for what does not come any more.
            left, queue.waiting = [*asked, *queue.waiting], []
            for _, answer in left:
                answer.cancel()
