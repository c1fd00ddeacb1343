"""HTTP connections that do not wait for ever: a header arrives in time, and one address holds only so many of them.

The web server bounds neither by itself. What it has read of a header counts as nothing yet, so no middleware sees it.
"""

import asyncio
from collections import Counter
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


class BoundedConnection(H11Protocol):
    """One connection; `make_bounded_connection` makes the class of a server with its limits."""

    header_s: ClassVar[float] = 10.0
    """Seconds for the whole header of a request, counted from the first byte, or from the connection's start."""
    max_connections: ClassVar[int] = 512
    """Connections of one network address: a dormitory behind one address, a few for each person."""
    exempt: ClassVar[frozenset[str]] = frozenset()
    """Addresses of proxies, which hold everybody's connections and bound them themselves."""
    held: ClassVar[Counter[str]]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take what the web server gives."""
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._counted: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Count the connection, and refuse one too many by closing it."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if address not in self.exempt:
            self._counted = address
            self.held[address] += 1
            if self.held[address] > self.max_connections:
                transport.abort()
                return
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._unwatch()
        if self._counted is not None:
            self.held[self._counted] -= 1
            if not self.held[self._counted]:
                del self.held[self._counted]
            self._counted = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; what completes a header ends its deadline, what begins one starts it."""
        super().data_received(data)
        if self._is_answering():
            self._unwatch()
        elif self._deadline is None and not self.transport.is_closing():
            self._watch()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _watch(self) -> None:
        self._deadline = self.loop.call_later(self.header_s, self._late)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self._is_answering() and not self.transport.is_closing():
            self.transport.close()


def make_bounded_connection(
    *, header_s: float = 10.0, max_connections: int = 512, exempt: frozenset[str] = frozenset()
) -> type[BoundedConnection]:
    """Return the class of one server's connections, with counts of its own."""
    limits = {"header_s": header_s, "max_connections": max_connections, "exempt": exempt, "held": Counter()}
    return type("BoundedConnection", (BoundedConnection,), limits)
