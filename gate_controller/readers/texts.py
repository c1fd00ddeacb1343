"""Readers that type: each card is a line of text, from a serial port or from a keyboard device (keyboard wedge)."""

import fcntl
import os
import select
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

import structlog

from gate_controller.card_proof import parse_sun
from gate_controller.readers import Reader, ReaderError, Reading
from gate_controller.readers.serial_port import SerialPort

log = structlog.get_logger()

LONGEST = 256
_WAIT_S = 0.2
_AGAIN_S = 1.0


def reading_of(text: str, kind: Literal["card", "code"] = "card") -> Reading | None:
    """Return what a line says: a card's proof of its key, or else its number; None for an empty line."""
    text = text.strip()
    if not text:
        return None
    return Reading(text, "sun" if parse_sun(text) is not None else kind)


class LineBuffer:
    """Cuts what arrives into lines; a line that is too long is thrown away whole."""

    def __init__(self) -> None:
        self._text = ""
        self._too_long = False

    def take(self, text: str) -> Iterator[str]:
        """Yield the lines that are complete now."""
        for letter in text:
            if letter in "\r\n":
                line, too_long = self._text, self._too_long
                self._text, self._too_long = "", False
                if not too_long and line:
                    yield line
            elif len(self._text) >= LONGEST:
                self._too_long = True
            else:
                self._text += letter


_ROWS = (
    (range(2, 12), "1234567890"),
    (range(16, 26), "qwertyuiop"),
    (range(30, 39), "asdfghjkl"),
    (range(44, 51), "zxcvbnm"),
    ((79, 80, 81, 75, 76, 77, 71, 72, 73, 82), "1234567890"),  # the keypad
    ((28, 96), "\n\n"),
)
_KEYS = {code: letter for codes, letters in _ROWS for code, letter in zip(codes, letters, strict=True)}
"""Letters of the key codes in linux/input-event-codes.h."""
_EVENT = struct.Struct("@llHHi")
_KEY_EVENT, _PRESSED = 1, 1
_GRAB = 0x40044590
"""EVIOCGRAB of linux/input.h: what is typed here goes to nobody else, no console and no log-in."""


def keys_pressed(data: bytes) -> str:
    """Return the letters and digits in Linux input events (`struct input_event`); whole events only."""
    pressed = (
        _KEYS.get(code, "")
        for _s, _us, kind, code, value in _EVENT.iter_unpack(data)
        if kind == _KEY_EVENT and value == _PRESSED
    )
    return "".join(pressed)


class Source(Protocol):
    """Where text comes from."""

    def read(self) -> str:
        """Return what was typed, after a short wait at most.

        Raises:
            OSError: the device is gone.
        """
        ...

    def close(self) -> None:
        """Give the device back."""
        ...


class SerialText:
    """Text from a serial port."""

    def __init__(self, path: Path, speed: int = 9600) -> None:
        self._port = SerialPort(path, speed)

    def read(self) -> str:
        """Return what arrived; bytes that are no ASCII are question marks."""
        return self._port.read(LONGEST, wait_s=_WAIT_S).decode("ascii", errors="replace")

    def close(self) -> None:
        """Give the port back."""
        self._port.close()


class KeyboardText:
    """Text from a keyboard device, `/dev/input/by-id/…-event-kbd`."""

    def __init__(self, path: Path) -> None:
        """Take the device for this process alone.

        Raises:
            ReaderError: it cannot be opened, or somebody else has it.
        """
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            if path.is_char_device():
                fcntl.ioctl(self._file, _GRAB, 1)
        except OSError as error:
            raise ReaderError(f"{path} cannot be taken: {error.strerror}") from error

    def read(self) -> str:
        """Return what was typed."""
        if not select.select([self._file], [], [], _WAIT_S)[0]:
            return ""
        data = os.read(self._file, _EVENT.size * 64)
        if not data:
            raise OSError("the device was unplugged")
        return keys_pressed(data)

    def close(self) -> None:
        """Give the device back."""
        os.close(self._file)


class TextReader(Reader):
    """Reads lines from a device. One that is missing, also at start, is tried again: the door works without it."""

    def __init__(self, open_source: Callable[[], Source]) -> None:
        """`open_source` opens the device."""
        self._open = open_source
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._fault: Callable[[str | None], None] = lambda _fault: None

    def watch_fault(self, changed: Callable[[str | None], None]) -> None:
        """Call `changed` with `lost` when the device is gone, with None when it is back."""
        self._fault = changed

    def start(self, read: Callable[[Reading], None]) -> None:
        """Read from now on."""
        self._thread = threading.Thread(target=self._run, args=(read,), name="text-reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, read: Callable[[Reading], None]) -> None:
        current: Source | None = None
        buffer, lost = LineBuffer(), False
        while not self._stopping.is_set():
            try:
                if current is None:
                    current, buffer = self._open(), LineBuffer()
                    if lost:
                        lost = False
                        self._fault(None)
                for line in buffer.take(current.read()):
                    if (reading := reading_of(line)) is not None:
                        read(reading)
            except (OSError, ReaderError) as error:
                if not lost:
                    lost = True
                    log.error("reader_lost", error=str(error))
                    self._fault("lost")
                if current is not None:
                    current.close()
                    current = None
                self._stopping.wait(_AGAIN_S)
        if current is not None:
            current.close()
