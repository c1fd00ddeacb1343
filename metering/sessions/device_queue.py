"""What waits to be worked on, device by device: in order for each, in turn between them, and bounded.

What does not fit is turned away and not kept anywhere: a device sends again what is not answered.
"""

import threading
from collections import deque
from typing import Generic, TypeVar
from uuid import UUID

MOST_WAITING = 2_000
"""Messages of at most 16 KiB: 32 MiB when every one of them is as large as it may be."""
MOST_OF_A_DEVICE = 8
"""A controller has few reports under way; one that sends without end keeps nobody else out."""

Item = TypeVar("Item")


class DeviceQueue(Generic[Item]):
    """Items by device. Safe for threads; of one device only one item is worked on at a time."""

    def __init__(self, *, most: int = MOST_WAITING, most_of_a_device: int = MOST_OF_A_DEVICE) -> None:
        """Keep at most `most` items, and `most_of_a_device` of each device."""
        self._most = most
        self._most_of_a_device = most_of_a_device
        self._changed = threading.Condition()
        self._waiting: dict[UUID, deque[Item]] = {}
        self._ready: deque[UUID] = deque()
        self._worked_on: set[UUID] = set()
        self._number = 0
        self._closed = False
        self.turned_away = 0
        """Items that found no room."""

    def __len__(self) -> int:
        """Return how many wait."""
        return self._number

    def put(self, device: UUID, item: Item) -> bool:
        """Let `item` wait; one that waits already counts once. False when there is no room. Never blocks for long."""
        with self._changed:
            waiting = self._waiting.get(device)
            if waiting is not None and item in waiting:
                return True
            if self._closed or self._number >= self._most or len(waiting or ()) >= self._most_of_a_device:
                self.turned_away += 1
                return False
            if waiting is None:
                waiting = self._waiting[device] = deque()
                if device not in self._worked_on:
                    self._ready.append(device)
            waiting.append(item)
            self._number += 1
            self._changed.notify()
            return True

    def take(self) -> tuple[UUID, Item] | None:
        """Wait for an item, and keep its device to the caller until `done`; None once closed and empty."""
        with self._changed:
            while not self._ready:
                if self._closed and not self._number:
                    return None
                self._changed.wait()
            device = self._ready.popleft()
            self._worked_on.add(device)
            self._number -= 1
            waiting = self._waiting[device]
            item = waiting.popleft()
            if not waiting:
                del self._waiting[device]
            return device, item

    def done(self, device: UUID) -> None:
        """Give the device free again."""
        with self._changed:
            self._worked_on.discard(device)
            if device in self._waiting:
                self._ready.append(device)
            self._changed.notify_all()

    def close(self) -> None:
        """Take nothing more; who waits in `take` gets what is left, then None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
