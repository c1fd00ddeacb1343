"""Readers that speak lines over TCP: a reader on the network behind a small adapter, a script, a demonstration.

    → card 04A31B72        a card was presented (UID in hexadecimal)
    ← granted              or: denied card_lost
    → code 48211907        a visitor typed a code
    ← denied unknown_credential
    → sun picc_data=…&cmac=…    what an NTAG 424 DNA wrote

Whoever can connect can present any card, so it listens on the loopback address or on the reader's own network only.
Further verbs can be given: a bench without a real door moves its wires that way (`contact on`).
"""

import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from typing import Literal

import structlog

from gate_controller.readers import Outcome, Reader, ReaderError, Reading

log = structlog.get_logger()

LONGEST_LINE = 256
ANSWER_TIMEOUT_S = 5.0
IDLE_TIMEOUT_S = 3600.0

Verb = Callable[[str], str]
"""Takes the rest of the line and returns the line to answer."""


class LineReader(Reader):
    """Listens on `host`:`port`; port 0 means any free one, and `port` tells it after `start`."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, verbs: Mapping[str, Verb] | None = None) -> None:
        self.host = host
        self.port = port
        self._verbs: dict[str, Verb] = {**(verbs or {}), "card": self._card, "code": self._code, "sun": self._sun}
        self._server: socketserver.ThreadingTCPServer | None = None
        self._read: Callable[[Reading], None] | None = None

    def start(self, read: Callable[[Reading], None]) -> None:
        """Listen.

        Raises:
            ReaderError: the port is taken, or the address is not this machine's.
        """
        self._read = read
        answer = self._answer

        class Conversation(socketserver.StreamRequestHandler):
            timeout = IDLE_TIMEOUT_S

            def handle(self) -> None:
                try:
                    while line := self.rfile.readline(LONGEST_LINE + 1):
                        self.wfile.write(answer(line).encode() + b"\n")
                        if len(line) > LONGEST_LINE:
                            return
                except OSError:
                    return

        try:
            self._server = _Server((self.host, self.port), Conversation)
        except OSError as error:
            raise ReaderError(f"cannot listen for readers on {self.host}:{self.port}: {error.strerror}") from error
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="line-reader", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _answer(self, line: bytes) -> str:
        if len(line) > LONGEST_LINE:
            return "error the line is too long"
        try:
            verb, _, rest = line.decode("ascii").strip().partition(" ")
        except UnicodeDecodeError:
            return "error the line is not ASCII"
        function = self._verbs.get(verb)
        if function is None:
            return f"error unknown verb; known are {', '.join(sorted(self._verbs))}"
        return function(rest.strip())

    def _card(self, uid: str) -> str:
        return self._present(uid, "card")

    def _code(self, code: str) -> str:
        return self._present(code, "code")

    def _sun(self, text: str) -> str:
        return self._present(text, "sun")

    def _present(self, value: str, kind: Literal["card", "code", "sun"]) -> str:
        outcomes: list[Outcome] = []
        answered = threading.Event()

        def take(outcome: Outcome) -> None:
            outcomes.append(outcome)
            answered.set()

        read = self._read
        if read is None or not value:
            return "error nothing was presented"
        read(Reading(value, kind, answer=take))
        if not answered.wait(ANSWER_TIMEOUT_S):
            return "error no decision"
        return "granted" if outcomes[0].granted else f"denied {outcomes[0].reason}"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address
