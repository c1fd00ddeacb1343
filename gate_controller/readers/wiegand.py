"""Readers with two data wires (Wiegand): each bit is a pulse on the wire of its value.

Cards are frames of 26 or 34 bits; a key of the keypad is a burst of 4 bits, or of 8 with the complement before.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from gpiozero import DigitalInputDevice
from gpiozero.exc import GPIOZeroError

from gate_controller.readers import Reader, ReaderError, Reading
from gate_controller.readers.keypad import Keypad

log = structlog.get_logger()

FRAME_END_S = 0.025
"""A pause so long ends a frame; bits are 1 to 2 milliseconds apart."""
_LENGTHS = (26, 34)
_KEY_LENGTHS = (4, 8)
_MOST_BITS = 128


class WiegandError(ValueError):
    """These bits are no card."""


def decode(bits: Sequence[int]) -> str:
    """Return the card number between the two parity bits in hexadecimal (6 digits of 26 bits, 8 of 34).

    The first bit makes the first half even, the last one the second half odd.

    Raises:
        WiegandError: another length, or a parity is wrong.
    """
    if len(bits) not in _LENGTHS:
        raise WiegandError(f"a frame of {len(bits)} bits; readers send 26 or 34")
    half = len(bits) // 2
    if sum(bits[:half]) % 2 != 0 or sum(bits[half:]) % 2 != 1:
        raise WiegandError("the parity is wrong")
    number = int("".join(map(str, bits[1:-1])), 2)
    return f"{number:0{(len(bits) - 2) // 4}X}"


def decode_key(bits: Sequence[int]) -> str | None:
    """Return the key of a burst: a digit, `*` or `#`; None when it is no key.

    A burst of 8 bits carries the key's complement first (HID's 8-bit burst).
    """
    if len(bits) == 8:
        before, bits = bits[:4], bits[4:]
        if any(one == other for one, other in zip(before, bits, strict=True)):
            return None
    value = int("".join(map(str, bits)), 2) if len(bits) == 4 else 16
    return "0123456789*#"[value] if value < 12 else None


class WiegandReader(Reader):
    """A reader on two pins, with its keypad: `#` sends what was typed as a code, `*` clears it."""

    def __init__(self, data0: int | str, data1: int | str, *, pin_factory: Any = None) -> None:
        """Take the pins.

        Raises:
            ReaderError: no such pin, or no access to it.
        """
        self._pulses: queue.Queue[int | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._keypad = Keypad(enter="#", clear="*")
        self._wires: list[DigitalInputDevice] = []
        try:
            for value, pin in enumerate((data0, data1)):
                wire = DigitalInputDevice(pin, pull_up=True, pin_factory=pin_factory)
                self._wires.append(wire)
                # At rest both are high; with a pull-up gpiozero calls the low pulse active.
                wire.when_activated = self._pulse(value)
        except (GPIOZeroError, OSError, ImportError) as error:
            self._give_back()
            raise ReaderError(f"reader on pins {data0} and {data1}: {error}") from error

    def start(self, read: Callable[[Reading], None]) -> None:
        """Read from now on."""
        self._thread = threading.Thread(target=self._run, args=(read,), name="wiegand", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no more and give the pins back."""
        self._give_back()
        self._pulses.put(None)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _pulse(self, value: int) -> Callable[[], None]:
        return lambda: self._pulses.put(value)

    def _run(self, read: Callable[[Reading], None]) -> None:
        bits: list[int] = []
        while True:
            try:
                pulse = self._pulses.get(timeout=FRAME_END_S if bits else None)
            except queue.Empty:
                self._frame(bits, read)
                bits = []
                continue
            if pulse is None:
                return
            if len(bits) < _MOST_BITS:
                bits.append(pulse)

    def _frame(self, bits: list[int], read: Callable[[Reading], None]) -> None:
        if len(bits) in _KEY_LENGTHS:
            key = decode_key(bits)
            if key is not None and (code := self._keypad.press(key)):
                read(Reading(code, "code"))
            return
        try:
            read(Reading(decode(bits)))
        except WiegandError as error:
            log.warning("wiegand_frame_unreadable", error=str(error))

    def _give_back(self) -> None:
        for wire in self._wires:
            wire.close()
        self._wires = []
