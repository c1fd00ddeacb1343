"""Ending a connection to the broker as when the cable is pulled: without a DISCONNECT."""

import contextlib
import socket
from typing import Any


def cut(session: Any) -> None:
    """End the connection of a `bus` session; both ends notice at once.

    To close the socket from here is not enough: the client's thread may wait for it in `select`, and somebody else may
    get its number meanwhile; then nobody notices before the keep-alive is over.
    """
    with contextlib.suppress(OSError):  # it has ended already
        session._client._sock.shutdown(socket.SHUT_RDWR)
