"""Readers with two data wires (Wiegand), 26 or 34 bits: each bit is a pulse on the wire of its value."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from gpiozero import DigitalInputDevice
from gpiozero.exc import GPIOZeroError

from gate_controller.readers import Reader, ReaderError, Reading

log = structlog.get_logger()

FRAME_END_S = 0.025
"""A pause so long ends a frame; bits are 1 to 2 milliseconds apart."""
_LENGTHS = (26, 34)
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


class WiegandReader(Reader):
    """A reader on two pins."""

    def __init__(self, data0: int | str, data1: int | str, *, pin_factory: Any = None) -> None:
        """Take the pins.

        Raises:
            ReaderError: no such pin, or no access to it.
        """
        self._pulses: queue.Queue[int | None] = queue.Queue()
        self._thread: threading.Thread | None = None
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
        try:
            read(Reading(decode(bits)))
        except WiegandError as error:
            log.warning("wiegand_frame_unreadable", error=str(error))

    def _give_back(self) -> None:
        for wire in self._wires:
            wire.close()
        self._wires = []
