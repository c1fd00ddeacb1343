"""An OSDP reader made of software: libosdp's own reader side, on the other end of a serial line that can be cut."""

import os
import pty
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from osdp import (
    Capability,
    CardFormat,
    Channel,
    Event,
    LibFlag,
    LogLevel,
    PDCapabilities,
    PDInfo,
    PeripheralDevice,
)

SPEED = 115200
LIGHT_AND_TONE = ((Capability.LEDControl, 2, 1), (Capability.AudibleControl, 1, 1))


class SoftwareReader:
    """A reader on a pseudo-terminal. Like real ones it keeps the cards that it could not tell."""

    def __init__(
        self, key: bytes, *, address: int = 0, abilities: Sequence[tuple[int, int, int]] = LIGHT_AND_TONE
    ) -> None:
        """Take a pseudo-terminal; `abilities` are (capability, level, number). It listens after `start`."""
        self.line = _Line()
        self.path = self.line.path
        self.device = PeripheralDevice(
            PDInfo(address, self.line, scbk=key, flags=[LibFlag.EnforceSecure]),
            PDCapabilities(list(abilities)),
            log_level=LogLevel.Critical,
        )

    def __enter__(self) -> Self:
        """Listen, and stop at the end of the block."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        self.stop()

    def start(self) -> None:
        """Listen."""
        self.device.start()

    def stop(self) -> None:
        """Listen no more, and give the pseudo-terminal back."""
        self.device.stop()
        self.line.close()

    def present_card(self, uid: str) -> bool:
        """Hold a card (UID in hexadecimal) to it; return whether the reader took it."""
        data = bytes.fromhex(uid)
        return self.present_bits(data, 8 * len(data))

    def present_bits(self, data: bytes, bits: int) -> bool:
        """Let it read `bits` bits; return whether the reader took them."""
        event = {"event": Event.CardRead, "reader_no": 0, "direction": 0, "format": CardFormat.Unspecified}
        return bool(self.device.submit_event({**event, "length": bits, "data": data}))

    def forget_commands(self) -> None:
        """Forget what was to be shown."""
        while self.device.get_command(timeout=0):
            pass


class _Line(Channel):  # type: ignore[misc]  # libosdp brings no types
    """The reader's end of the line."""

    def __init__(self) -> None:
        super().__init__()
        self._here, self._there = pty.openpty()
        os.set_blocking(self._here, False)
        self.path = Path(os.ttyname(self._there))
        self._cut = threading.Event()

    def cut(self) -> None:
        """Let nothing through."""
        self._cut.set()

    def mend(self) -> None:
        """Let everything through again."""
        self._cut.clear()

    def read(self, most: int) -> bytes:
        """Return what has arrived."""
        try:
            data = os.read(self._here, most)
        except BlockingIOError:
            return b""
        return b"" if self._cut.is_set() else data

    def write(self, data: bytes) -> int:
        """Write; return how much."""
        return len(data) if self._cut.is_set() else os.write(self._here, data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Give both ends back."""
        for end in (self._here, self._there):
            os.close(end)
