"""The line to an OSDP reader: its serial port, and what can be seen of the talk from outside.

libosdp hands over events without their age, and a reader keeps cards and keys while nobody polls it. So the packets are
watched: after a silence or a new handshake only a poll that was answered by nothing (an ACK) proves the reader empty.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from osdp import Channel

from gate_controller.readers import ReaderError
from gate_controller.readers.serial_port import SerialPort

_T = TypeVar("_T", bytes, int)

SILENCE_S = 1.0
"""Polls are 0.1 s apart. What a reader tells after so long a silence was shown in it."""
_REOPEN_S = 1.0
_START, _REPLY, _SECURED = 0x53, 0x80, 0x08
_HEADER_BYTES, _LONGEST = 5, 4096
_POLL, _LOCAL_STATUS, _CHALLENGE = 0x60, 0x64, 0x76
_ACK, _NAK = 0x40, 0x41
_UNKNOWN_COMMAND, _UNABLE = 3, 9


class SerialChannel(Channel):  # type: ignore[misc]  # libosdp brings no types
    """A serial port for libosdp. One that is missing, also at start, is tried again; meanwhile nothing arrives."""

    def __init__(self, path: Path, speed: int = 9600) -> None:
        """Name the port; it is opened when libosdp first reads or writes."""
        super().__init__()
        self._path, self._speed = path, speed
        self._port: SerialPort | None = None
        self._again_at = 0.0

    def read(self, most: int) -> bytes:
        """Return what has arrived."""
        return self._with_port(lambda port: port.read(most), b"")

    def write(self, data: bytes) -> int:
        """Write; return how much."""
        return self._with_port(lambda port: port.write(data), len(data))

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Give the port back."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _with_port(self, do: Callable[[SerialPort], _T], otherwise: _T) -> _T:
        try:
            if self._port is None:
                if time.monotonic() < self._again_at:
                    return otherwise
                self._again_at = time.monotonic() + _REOPEN_S
                self._port = SerialPort(self._path, self._speed)
            return do(self._port)
        except (OSError, ReaderError):
            self.close()
            return otherwise


class LineWatch:
    """Follows the packets on one line: whether the reader is known to be empty, and which commands it refused."""

    def __init__(self, changed: Callable[[Literal["began_anew", "settled"]], None]) -> None:
        """`changed` is called in the middle of the talk: it may take note, and no more."""
        self._changed = changed
        self._settled = False
        self._buffer = b""
        self._asked: int | None = None
        self._answered = True
        self._asked_since = False
        self.heard_at: float | None = None
        """When the reader said something last, in monotonic seconds."""
        self.refused: set[int] = set()
        """Codes of the commands (0x69 light, 0x6A tone …) that this reader said it cannot carry out."""

    @property
    def settled(self) -> bool:
        """Whether what the reader tells now is of this moment."""
        return self._settled

    def sent(self, data: bytes) -> None:
        """Take note of a packet to the reader."""
        self._buffer = b""
        packet = _packet(data[data.find(_START) :]) if _START in data else None
        asked = packet.code if packet is not None else None
        if self._asked == _LOCAL_STATUS != asked and not self._answered:
            # Older readers are silent at it, which costs the line too.
            self.refused.add(_LOCAL_STATUS)
        self._asked, self._answered, self._asked_since = asked, False, True
        if asked == _CHALLENGE:
            self._begin_anew()

    def received(self, data: bytes, now: float) -> None:
        """Take note of bytes from the reader, whole packets or parts of one, at `now` (monotonic seconds)."""
        self._buffer = (self._buffer + data)[-_LONGEST:]
        while (start := self._buffer.find(_START)) >= 0:
            self._buffer = self._buffer[start:]
            packet = _packet(self._buffer)
            if packet is None:
                return
            self._buffer = self._buffer[packet.length :]
            if packet.is_reply:
                self._heard(packet, now)

    def _heard(self, packet: "_Packet", now: float) -> None:
        silence_s = None if self.heard_at is None else now - self.heard_at
        self.heard_at, self._answered = now, True
        if silence_s is not None and silence_s > SILENCE_S:
            self._begin_anew()
        if packet.code == _NAK and self._asked is not None and packet.is_refusal:
            self.refused.add(self._asked)
        # The answer that ends a silence may have waited through it: only a poll of afterwards counts.
        is_empty = packet.code == _ACK and self._asked == _POLL and packet.secured and self._asked_since
        if is_empty and not self._settled:
            self._settled = True
            self._changed("settled")

    def _begin_anew(self) -> None:
        self._settled = self._asked_since = False
        self._changed("began_anew")


class WatchedChannel(Channel):  # type: ignore[misc]  # libosdp brings no types
    """A channel whose packets a `LineWatch` sees."""

    def __init__(self, channel: Channel, watch: LineWatch) -> None:
        super().__init__()
        self._channel, self._watch = channel, watch

    def read(self, most: int) -> bytes:
        """Return what has arrived."""
        data: bytes = self._channel.read(most)
        if data:
            self._watch.received(data, time.monotonic())
        return data

    def write(self, data: bytes) -> int:
        """Write; return how much."""
        self._watch.sent(bytes(data))
        written: int = self._channel.write(data)
        return written

    def flush(self) -> None:
        """Nothing waits."""
        self._channel.flush()


class _Packet:
    """The head of one packet; its data may be encrypted, its head never is (IEC 60839-11-5, 5.9)."""

    def __init__(self, data: bytes, length: int) -> None:
        self.length = length
        self.is_reply = bool(data[1] & _REPLY)
        self.secured = bool(data[4] & _SECURED)
        at = _HEADER_BYTES + (data[_HEADER_BYTES] if self.secured else 0)
        self.code = data[at] if at < length else None
        self._after = data[at + 1] if at + 1 < length else None

    @property
    def is_refusal(self) -> bool:
        """Whether a NAK means that the command is not known or cannot be done; others mean a talk out of step.

        A secured one has no readable reason, and a talk that is out of step has no secured ones.
        """
        return self.secured or self._after in (_UNKNOWN_COMMAND, _UNABLE)


def _packet(data: bytes) -> _Packet | None:
    """Return the packet that `data` begins with, None while it is not complete."""
    if len(data) < _HEADER_BYTES + 1:
        return None
    length = int.from_bytes(data[2:4], "little")
    return _Packet(data, length) if _HEADER_BYTES < length <= len(data) else None
