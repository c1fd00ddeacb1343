"""The server's two connections to the broker."""

from dataclasses import dataclass

from bus import Connection


@dataclass(frozen=True, slots=True)
class ServerConnections:
    """The server's connections.

    `events` hears the gates and hints at changes; `orders` gives orders and hears answers, which so never wait behind a
    rush of events.
    """

    events: Connection
    orders: Connection

    def contested(self) -> str | None:
        """Return which connection is ended by the other side again and again: `events`, `orders`, both, or None."""
        named = (("events", self.events), ("orders", self.orders))
        return "_and_".join(name for name, connection in named if connection.thrown_out) or None
