"""Readers that speak lines over TCP: a reader on the network behind a small adapter, a script, a demonstration.

    → card 04A31B72        a card was presented (UID in hexadecimal)
    ← granted              or: denied card_lost
    → code 48211907        a visitor typed a code; or a virtual card's signed code was scanned
    ← denied unknown_credential
    → sun picc_data=…&cmac=…    what an NTAG 424 DNA wrote

Whoever can connect can present any card, so it listens on the loopback address or on the reader's own network only.
Further verbs can be given: a bench without a real door moves its wires that way (`contact on`).

What waited in a connection while nobody looked is answered with an error. A connection whose other end is not reached
for three seconds is given up, so that no line is delivered when the network is back.
"""

import select
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pydantic import Field

from gate_controller.readers import Dropped, Read, Reader, ReaderError, Reading, ReadingResult, Unreadable
from gate_controller.readers.freshness import STALE_S, Freshness
from gate_controller.readers.numbers import NumberFormat, describe_text
from gate_controller.readers.options import ReaderOptions
from gate_controller.readers.texts import SUN_FORM

LONGEST_LINE = 256
"""Bytes; the longest thing to say is `code` with a signed code of 183 digits."""
ANSWER_TIMEOUT_S = 5.0
"""The controller decides within `answer_wait_ms`; a disk that is so slow has opened nothing any more."""
IDLE_TIMEOUT_S = 3600.0
_POLL_S = 0.2
_LISTEN_S = 0.1
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2))
"""Seconds, seconds, probes: three seconds without a sign of the other end."""


class LineOptions(ReaderOptions):
    """Where a reader that speaks lines is listened for."""

    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)


Verb = Callable[[str], str]
"""Takes the rest of the line and returns the line to answer."""


class LineReader(Reader):
    """Listens on `host`:`port`; port 0 means any free one, and `port` tells it after `start`."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        verbs: Mapping[str, Verb] | None = None,
        numbers: NumberFormat | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._numbers = numbers or NumberFormat()
        self._verbs: dict[str, Verb] = {**(verbs or {}), "card": self._card, "code": self._code, "sun": self._sun}
        self._server: _Server | None = None
        self._read: Read | None = None

    def start(self, read: Read) -> None:
        """Listen.

        Raises:
            ReaderError: the port is taken, or the address is not this machine's.
        """
        self._read = read
        try:
            self._server = _Server((self.host, self.port), self)
        except OSError as error:
            raise ReaderError(f"cannot listen for readers on {self.host}:{self.port}: {error.strerror}") from error
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(_LISTEN_S,), name="line-reader", daemon=True).start()

    def add_verbs(self, verbs: Mapping[str, Verb]) -> None:
        """Understand further verbs; before `start`."""
        self._verbs = {**verbs, **self._verbs}

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, line: bytes) -> str:
        """Return the answer to a line that was said now."""
        if len(line) > LONGEST_LINE:
            self._unreadable(line)
            return "error the line is too long"
        try:
            verb, _, rest = line.decode("ascii").strip().partition(" ")
        except UnicodeDecodeError:
            self._unreadable(line)
            return "error the line is not ASCII"
        function = self._verbs.get(verb)
        if function is None:
            self._unreadable(line)
            return f"error unknown verb; known are {', '.join(sorted(self._verbs))}"
        return function(rest.strip())

    def too_late(self, freshness: Freshness) -> str:
        """Report that a line was dropped unread, and return the answer to it."""
        if self._read is not None:
            self._read(Dropped(1, freshness.why))
        return "error it came too late; say it again"

    def _unreadable(self, line: bytes) -> None:
        if self._read is not None and line.strip():
            self._read(Unreadable(f"unreadable: {len(line.rstrip())} bytes"))

    def _card(self, uid: str) -> str:
        number, form = self._numbers.parse_text(uid), describe_text(uid)
        return self._present(uid, Unreadable(form) if number is None else Reading(number, form=form))

    def _code(self, code: str) -> str:
        return self._present(code, Reading(code, "code", form=describe_text(code)))

    def _sun(self, text: str) -> str:
        return self._present(text, Reading(text, "sun", form=SUN_FORM))

    def _present(self, said: str, presented: Reading | Unreadable) -> str:
        results: list[ReadingResult] = []
        answered = threading.Event()

        def take(result: ReadingResult) -> None:
            results.append(result)
            answered.set()

        read = self._read
        if read is None or not said:
            return "error nothing was presented"
        read(replace(presented, answer=take))
        if not answered.wait(ANSWER_TIMEOUT_S):
            return "error no decision"
        return "granted" if results[0].granted else f"denied {results[0].reason}"


def open_line_reader(options: LineOptions) -> LineReader | None:
    """Return the reader, None without a port."""
    return None if options.port is None else LineReader(options.host, options.port, numbers=options.numbers)


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who connected, and whether that was noticed at once."""

    address: object
    at: float
    """When that was, in monotonic seconds."""
    fresh: bool


class _Conversation(socketserver.BaseRequestHandler):
    """One connection: lines in, an answer to each out."""

    request: socket.socket
    client_address: _Caller
    server: "_Server"

    def handle(self) -> None:
        """Answer until the other end closes, says too much in one line, or nothing for an hour."""
        self._freshness = Freshness(self.client_address.at, settled=self.client_address.fresh)
        said_at, rest = time.monotonic(), b""
        try:
            while time.monotonic() < said_at + IDLE_TIMEOUT_S:
                if not select.select([self.request], [], [], _POLL_S)[0]:
                    self._freshness.record_poll(time.monotonic(), empty=True)
                    continue
                data, said_at = self.request.recv(4096), time.monotonic()
                fresh = self._freshness.record_poll(said_at, empty=False)
                *lines, rest = (rest + data).split(b"\n")
                if rest and (not data or len(rest) > LONGEST_LINE):
                    lines.append(rest)
                for line in lines:
                    self._answer(line, fresh=fresh and time.monotonic() - said_at <= STALE_S)
                    if len(line) > LONGEST_LINE:
                        return
                if not data:
                    return
        except OSError:
            return

    def _answer(self, line: bytes, *, fresh: bool) -> None:
        reader = self.server.reader
        answer = reader.answer(line) if fresh else reader.too_late(self._freshness)
        self.request.sendall(answer.encode() + b"\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], reader: LineReader) -> None:
        self.reader = reader
        self._freshness = Freshness(time.monotonic(), settled=True)
        self._was_called = False
        super().__init__(address, _Conversation)

    def get_request(self) -> tuple[socket.socket, _Caller]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        self._was_called = True
        now = time.monotonic()
        return connection, _Caller(address, now, self._freshness.record_poll(now, empty=False))

    def service_actions(self) -> None:
        """Record a poll that found nobody calling."""
        if not self._was_called:
            self._freshness.record_poll(time.monotonic(), empty=True)
        self._was_called = False
