"""What a process needs of its connection to the broker, as a port: `bus.Connection` is one, tests have others."""

from collections.abc import Callable
from typing import Protocol

Handler = Callable[[str, bytes, bool], None]
"""Called with topic, payload, and whether the message was a retained one from the past."""


class Bus(Protocol):
    """A connection that is there or not; nothing is queued while it is not."""

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""
        ...

    @property
    def connection_number(self) -> int:
        """The number of the connection that stands, or of the last; it grows with each try."""
        ...

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, wait_s: float | None = None
    ) -> None:
        """Publish now; with `wait_s`, return only when the broker has acknowledged.

        Raises:
            NotConnectedError: there is no broker, and nothing was queued.
        """
        ...

    def subscribe(self, topic_filter: str, handler: Handler, *, qos: int = 1) -> None:
        """Call `handler` with every message on `topic_filter`."""
        ...

    def on_connect(self, hook: Callable[[], None]) -> None:
        """Run `hook` after every connection."""
        ...

    def on_disconnect(self, hook: Callable[[], None]) -> None:
        """Run `hook` after a connection was lost."""
        ...
