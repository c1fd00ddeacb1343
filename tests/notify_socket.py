"""The socket on which systemd hears of a process (sd_notify(3)), for tests."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from uuid import uuid4

from tests.waiting import until

_LOOK_S = 0.05


class NotifySocket:
    """Hears what processes tell their supervisor, at once: a few messages that wait are all that the kernel keeps."""

    def __init__(self, address: str) -> None:
        """Listen at `address`: a path, or "@" and a name that is no file."""
        self.address = address
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.settimeout(_LOOK_S)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def wait_for(self, *messages: str) -> None:
        """Wait until this was told, in this order and with nothing between."""
        wanted = list(messages)

        def is_told() -> bool:
            told = list(self.told)
            return any(told[at : at + len(wanted)] == wanted for at in range(len(told)))

        until(is_told, f"{messages} were never told, but {self.told}")

    def close(self) -> None:
        """Hear nothing more."""
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                self.told.append(self._socket.recv(1000).decode())


@contextlib.contextmanager
def notify_socket() -> Iterator[NotifySocket]:
    """Yield a socket of its own."""
    peer = NotifySocket(f"@campusgate-{uuid4()}")
    try:
        yield peer
    finally:
        peer.close()
