"""A connection that loses, repeats, reorders and delays messages, both ways, or is cut off altogether."""

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bus.errors import NotConnectedError
from bus.port import Bus, Handler


@dataclass(frozen=True, slots=True)
class Mishaps:
    """How often what happens to a message, as shares of one."""

    lost: float = 0.0
    repeated: float = 0.0
    delayed: float = 0.0
    longest_delay_s: float = 0.0
    """A delayed message comes after up to so long, and so after later ones."""


class UnreliableBus:
    """A `bus.port.Bus` over another. Who drives it calls `pump`, which delivers what was delayed."""

    def __init__(self, bus: Bus, mishaps: Mishaps, chance: random.Random) -> None:
        """Send and hear over `bus`."""
        self.mishaps = mishaps
        self.is_cut_off = False
        """Nothing goes out, and nothing comes in; what is under way is lost."""
        self._bus = bus
        self._chance = chance
        self._handlers: dict[str, Handler] = {}
        self._late: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""
        return self._bus.connected and not self.is_cut_off

    @property
    def connection_number(self) -> int:
        """The number of the connection that stands, or of the last."""
        return self._bus.connection_number

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, wait_s: float | None = None
    ) -> None:
        """Publish now, later, twice or never.

        Raises:
            NotConnectedError: there is no broker, or it is cut off.
        """
        if self.is_cut_off:
            raise NotConnectedError("cut off")
        self._deliver(partial(self._publish, topic, payload, qos, retain, wait_s))

    def subscribe(self, topic_filter: str, handler: Handler, *, qos: int = 1) -> None:
        """Let `handler` hear; one that subscribes again takes the place of the one before, which has lost its power."""
        is_new = topic_filter not in self._handlers
        self._handlers[topic_filter] = handler
        if is_new:
            self._bus.subscribe(topic_filter, partial(self._receive, topic_filter), qos=qos)

    def on_connect(self, hook: Callable[[], None]) -> None:
        """Run `hook` after every connection."""
        self._bus.on_connect(hook)

    def on_disconnect(self, hook: Callable[[], None]) -> None:
        """Run `hook` after a connection was lost."""
        self._bus.on_disconnect(hook)

    def pump(self) -> None:
        """Deliver what was delayed and is due."""
        while True:
            with self._lock:
                if not self._late or self._late[0][0] > time.monotonic():
                    return
                _, _, deliver = heapq.heappop(self._late)
            if not self.is_cut_off:
                deliver()

    def _publish(self, topic: str, payload: bytes, qos: int, retain: bool, wait_s: float | None) -> None:
        try:
            self._bus.publish(topic, payload, qos=qos, retain=retain, wait_s=wait_s)
        except NotConnectedError:
            return

    def _receive(self, topic_filter: str, topic: str, payload: bytes, retained: bool) -> None:
        if not self.is_cut_off:
            self._deliver(lambda: self._handlers[topic_filter](topic, payload, retained))

    def _deliver(self, deliver: Callable[[], None]) -> None:
        with self._lock:
            fates = [self._chance.random() for _ in range(3)]
            delay_s = self._chance.uniform(0, self.mishaps.longest_delay_s)
            copies = 2 if fates[1] < self.mishaps.repeated else 1
            if fates[0] < self.mishaps.lost:
                return
            if fates[2] < self.mishaps.delayed:
                for _ in range(copies):
                    heapq.heappush(self._late, (time.monotonic() + delay_s, next(self._order), deliver))
                return
        for _ in range(copies):
            deliver()
