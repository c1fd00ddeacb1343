"""Keyboard wedges: readers that type as a keyboard does (Linux input events)."""

import fcntl
import os
import select
import struct
from collections.abc import Iterator
from pathlib import Path

from gate_controller.readers import ReaderError
from gate_controller.readers.framing import CANCEL

_ROWS = (
    (range(2, 14), "1234567890-=", "!@#$%^&*()_+"),
    (range(16, 28), "qwertyuiop[]", "QWERTYUIOP{}"),
    (range(30, 42), "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (range(43, 54), "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    ((79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 98, 55, 74, 78), "1234567890./*-+", "1234567890./*-+"),  # the keypad
    ((15, 28, 57, 96), "\t\n \n", "\t\n \n"),
)
_KEYS: dict[int, tuple[str, str]] = {}
"""What the key codes in linux/input-event-codes.h write, without and with shift, on a US keyboard."""
for _codes, _plains, _shifteds in _ROWS:
    _KEYS.update(zip(_codes, zip(_plains, _shifteds, strict=True), strict=True))
_SHIFTS, _CAPS_LOCK = (42, 54), 58
_EVENT = struct.Struct("@llHHi")
_SYNCHRONISE, _DROPPED, _KEY_EVENT, _RELEASED, _PRESSED = 0, 3, 1, 0, 1
_GRAB = 0x40044590
"""EVIOCGRAB of linux/input.h: what is typed here goes to nobody else, no console and no log-in."""


class Keystrokes:
    """What a keyboard has typed. Shift and caps lock hold on from one key to the next."""

    def __init__(self) -> None:
        self._shifts: set[int] = set()
        self._caps = False

    def decode(self, data: bytes) -> str:
        """Return the characters in Linux input events (`struct input_event`); whole events only.

        Where the kernel says that it had to drop events, a cancel character (CAN) stands.
        """
        return "".join(self._letters(data))

    def _letters(self, data: bytes) -> Iterator[str]:
        for _s, _us, kind, code, value in _EVENT.iter_unpack(data):
            if (kind, code) == (_SYNCHRONISE, _DROPPED):
                self._shifts.clear()
                yield CANCEL
            elif kind == _KEY_EVENT and code in _SHIFTS:
                (self._shifts.discard if value == _RELEASED else self._shifts.add)(code)
            elif kind == _KEY_EVENT and value == _PRESSED:
                yield self._letter(code)

    def _letter(self, code: int) -> str:
        if code == _CAPS_LOCK:
            self._caps = not self._caps
        plain, shifted = _KEYS.get(code, ("", ""))
        shift = bool(self._shifts) ^ (self._caps and plain.isalpha())
        return shifted if shift else plain


class KeyboardText:
    """Text from a keyboard device, `/dev/input/by-id/…-event-kbd`."""

    def __init__(self, path: Path) -> None:
        """Take the device for this process alone.

        Raises:
            ReaderError: it cannot be opened, or somebody else has it.
        """
        self._strokes = Keystrokes()
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            if path.is_char_device():
                fcntl.ioctl(self._file, _GRAB, 1)
        except OSError as error:
            raise ReaderError(f"{path} cannot be taken: {error.strerror}") from error

    def read(self, wait_s: float) -> str:
        """Return what was typed, nothing if nothing is within `wait_s`."""
        if not select.select([self._file], [], [], wait_s)[0]:
            return ""
        data = os.read(self._file, _EVENT.size * 64)
        if not data:
            raise OSError("the device was unplugged")
        return self._strokes.decode(data)

    def close(self) -> None:
        """Give the device back."""
        os.close(self._file)
