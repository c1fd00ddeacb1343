"""The demonstration's library: its own system, which says by SIP2 what people owe and takes what they pay."""

import contextlib
import socket
import threading
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from zoneinfo import ZoneInfo

from integrations.sip2 import frames
from integrations.sip2.answers import write_amount, write_time
from integrations.sip2.frames import FrameError, Message

_NO_STATUS: Final = " " * 14
_FINE: Final = "《红楼梦》超期 Dream of the Red Chamber, overdue"


class DemonstrationLibrary:
    """Enter it to open the library; it answers one connection after the other, in a thread of its own."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Nobody owes anything; `zone` is that of its clock."""
        self._zone = zone
        self._owed: dict[str, int] = {}
        self.payments: dict[str, str] = {}
        """What was paid, as the amount was said, by the payment's number."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="library", daemon=True)

    def __enter__(self) -> Self:
        """Open."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return int(self._listener.getsockname()[1])

    def charge(self, number: str, fen: int) -> None:
        """Let somebody owe so much for a book that is overdue."""
        self._owed[number] = self._owed.get(number, 0) + fen

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10.0)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            begun = b""
            while byte := file.read(1):
                if byte != frames.END:
                    begun += byte
                    continue
                with contextlib.suppress(FrameError):
                    question = frames.decode(begun.strip(b"\n"), "utf-8")
                    if (answer := self._answer(question)) is not None:
                        connection.sendall(frames.encode(answer, "utf-8"))
                begun = b""

    def _answer(self, question: Message) -> Message | None:
        now = write_time(datetime.now(self._zone))
        patron = question.get("AA")
        about = (("AO", question.get("AO")), ("AA", patron))
        match question.code:
            case "63":
                fen = self._owed.get(patron, 0)
                owes = (("BL", "Y"), ("BH", "CNY"), ("BV", write_amount(fen)))
                items = (("AV", _FINE),) if fen else ()
                counts = f"{'0' * 12}{len(items):04}{'0' * 8}"
                return Message("64", f"{_NO_STATUS}019{now}{counts}", (*about, *owes, *items), question.sequence)
            case "37":
                number = question.get("BK")
                if number not in self.payments:
                    self.payments[number] = question.get("BV")
                    self._owed[patron] = 0
                return Message("38", f"Y{now}", (*about, ("BK", number)), question.sequence)
            case "99":
                return Message("98", f"YNNNNN100003{now}2.00", (("AO", ""), ("BX", "N" * 16)), question.sequence)
        return None
