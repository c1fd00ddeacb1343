"""One connection to an ACS, on which questions are asked one after the other.

Damaged frames are asked for again (97), as the ACS asks for ours (96); an answer to an earlier question is passed over.
"""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

from integrations.library_fines.library_system import LibraryAwayError
from integrations.sip2 import frames
from integrations.sip2.frames import CheckSumError, FrameError, Message

_REPEATS: Final = 3
"""How often a frame is asked for again; more, and it is the line that is broken (SIP2 says three to five)."""


class Conversation:
    """Questions and their answers on one connection."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        until_s: float,
        encoding: Literal["utf-8", "gb18030"],
        line_end: bytes,
        has_error_detection: bool,
    ) -> None:
        """Take a connection; `until_s` is when everything must have been answered, by the monotonic clock."""
        self._connection, self._until_s = connection, until_s
        self._encoding, self._line_end = encoding, line_end
        self._has_error_detection = has_error_detection
        self._asked = 0
        self._frames = self._read()

    def ask(self, question: Message, code: str) -> Message:
        """Ask, and return the answer with this code.

        Raises:
            LibraryAwayError: there is none in time, or none that can be read.
        """
        sequence = str(self._asked % 10) if self._has_error_detection else None
        self._asked += 1
        asked = replace(question, sequence=sequence)
        self._send(asked)
        repeats = 0
        for frame in self._frames:
            try:
                answer = frames.decode(frame, self._encoding)
            except CheckSumError:
                again: Message | None = Message("97")
            except FrameError as error:
                raise LibraryAwayError(f"its answer cannot be read: {error}") from error
            else:
                if answer.code == code and answer.sequence in {None, sequence}:
                    return answer
                again = asked if answer.code == "96" else None
            if again is not None:
                repeats += 1
                if repeats > _REPEATS:
                    raise LibraryAwayError("frames are damaged on their way, again and again")
                self._send(again)
        raise LibraryAwayError("it ends the connection without an answer")

    def _send(self, message: Message) -> None:
        frame = frames.encode(message, self._encoding).removesuffix(frames.END) + self._line_end
        try:
            self._connection.settimeout(self._left_s())
            self._connection.sendall(frame)
        except OSError as error:
            raise LibraryAwayError("it ends the connection") from error

    def _read(self) -> Iterator[bytes]:
        begun = b""
        while True:
            try:
                self._connection.settimeout(self._left_s())
                part = self._connection.recv(frames.LONGEST)
            except TimeoutError as error:
                raise LibraryAwayError("it does not answer in time") from error
            except OSError as error:
                raise LibraryAwayError("it ends the connection") from error
            if not part:
                return
            *whole, begun = (begun + part).replace(b"\n", frames.END).split(frames.END)
            yield from (frame for frame in whole if frame.strip(b"\0 "))
            if len(begun) > frames.LONGEST:
                raise LibraryAwayError("its answer is too long")

    def _left_s(self) -> float:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise LibraryAwayError("it does not answer in time")
        return left_s
