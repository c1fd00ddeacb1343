# ruff: noqa: ARG002 - it takes what the port prescribes
"""A bus in memory, for what speaks over a connection."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bus.errors import NotConnectedError
from messages import Command, SignedMessage


@dataclass
class MemoryBus:
    """Keeps what is published, and lets the test speak to whoever listens."""

    connected: bool = True
    breaks: bool = False
    published: list[tuple[str, bytes]] = field(default_factory=list)
    handlers: dict[str, Callable[[str, bytes, bool], None]] = field(default_factory=dict)
    lost_hooks: list[Callable[[], None]] = field(default_factory=list)

    @property
    def connection_number(self) -> int:
        return 1

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, wait_s: float | None = None
    ) -> None:
        assert (qos, retain) == (1, False), "a command is never retained"
        if self.breaks:
            raise NotConnectedError("gone")
        self.published.append((topic, payload))

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None], *, qos: int = 1) -> None:
        self.handlers[topic_filter] = handler

    def on_connect(self, hook: Callable[[], None]) -> None:
        raise AssertionError("nothing is to be said at a connection")

    def on_disconnect(self, hook: Callable[[], None]) -> None:
        self.lost_hooks.append(hook)

    def say(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        for topic_filter, handler in self.handlers.items():
            if topic_filter in {topic, topic.replace("/north/", "/+/").replace("/south/", "/+/")}:
                handler(topic, payload, retained)

    def lose(self) -> None:
        self.connected = False
        for hook in self.lost_hooks:
            hook()

    @property
    def commands(self) -> list[Command]:
        return [Command.decode(SignedMessage.decode(payload).body.encode()) for _, payload in self.published]
