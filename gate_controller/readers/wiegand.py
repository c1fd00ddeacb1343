"""Readers with two data wires (Wiegand): each bit is a pulse on the wire of its value.

Cards are frames of 26, 34 or more bits with parity; a key of the keypad is a short burst (see `bits`).
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from gpiozero import DigitalInputDevice

from gate_controller import pins
from gate_controller.door_file_tables import Pin
from gate_controller.readers import Dropped, Read, Reader, ReaderError, Reading, Unreadable
from gate_controller.readers.bits import KEY_LENGTHS, WiegandError, decode, decode_key, pack
from gate_controller.readers.freshness import Freshness
from gate_controller.readers.keypad import Keypad
from gate_controller.readers.numbers import NumberFormat
from gate_controller.readers.options import ReaderOptions

FRAME_END_S = 0.025
"""A pause so long ends a frame; bits are 1 to 2 milliseconds apart."""
_POLL_S = 0.2
"""How often silence is noticed while no frame is under way."""
_MOST_BITS = 128
"""Longer than any card; a wire that flaps fills no memory."""
_FEWEST_BITS = 26
"""The shortest card, by which dropped pulses are counted as cards."""


class WiegandOptions(ReaderOptions):
    """The pins of the two data wires."""

    data0: Pin | None = None
    data1: Pin | None = None


class _Cutter:
    """Cuts pulses into frames by the pauses between them."""

    def __init__(self) -> None:
        self.bits: list[int] = []
        self.last = 0.0
        """When the last pulse of the frame that was cut came (monotonic seconds)."""
        self._at = 0.0

    def feed(self, value: int, at: float) -> list[int]:
        """Add a pulse; return the frame that ended before it, empty while one goes on."""
        ended = self.end() if self.bits and at - self._at > FRAME_END_S else []
        self._at = at
        if len(self.bits) < _MOST_BITS:
            self.bits.append(value)
        return ended

    def end(self) -> list[int]:
        """Return what has come of a frame, and begin another."""
        bits, self.bits, self.last = self.bits, [], self._at
        return bits


class WiegandReader(Reader):
    """A reader on two pins, with its keypad: `#` sends what was typed as a code, `*` clears it."""

    def __init__(
        self, data0: int | str, data1: int | str, *, numbers: NumberFormat | None = None, pin_factory: Any = None
    ) -> None:
        """Take the pins.

        Raises:
            ReaderError: no such pin, or no access to it.
        """
        self._numbers = numbers or NumberFormat()
        self._pulses: queue.Queue[tuple[int, float] | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._cutter = _Cutter()
        self._keypad = Keypad(enter="#", clear="*")
        self._wires: list[DigitalInputDevice] = []
        try:
            for value, pin in enumerate((data0, data1)):
                wire = DigitalInputDevice(pin, pull_up=True, pin_factory=pin_factory)
                self._wires.append(wire)
                # At rest both are high; with a pull-up gpiozero calls the low pulse active.
                wire.when_activated = self._pulse(value)
        except pins.errors() as error:
            self._close_pins()
            raise ReaderError(f"reader on pins {data0} and {data1}: {error}{pins.advice(error)}") from error

    def start(self, read: Read) -> None:
        """Read from now on."""
        self._thread = threading.Thread(target=self._run, args=(read,), name="wiegand", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no more and give the pins back."""
        self._close_pins()
        self._pulses.put(None)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _pulse(self, value: int) -> Callable[[], None]:
        return lambda: self._pulses.put((value, time.monotonic()))

    def _run(self, read: Read) -> None:
        cutter, old = self._cutter, 0
        freshness = Freshness(time.monotonic(), settled=True)
        while True:
            try:
                pulse = self._pulses.get(timeout=FRAME_END_S if cutter.bits else _POLL_S)
            except queue.Empty:
                freshness.record_poll(time.monotonic(), empty=True)
                frame = cutter.end()
                if not freshness.settled:
                    self._keypad.discard()
                    old += len(frame)
                    continue
                old = self._report_dropped(old, freshness, read)
                if frame:
                    self._handle_frame(frame, read)
                continue
            if pulse is None:
                return
            if freshness.record_poll(time.monotonic(), empty=False):
                if frame := cutter.feed(*pulse):
                    self._handle_frame(frame, read)
            else:
                # The pins' thread was stopped too and tells all pulses at once: where a frame ended cannot be known.
                old += len(cutter.end()) + 1
                self._keypad.discard()

    def _report_dropped(self, old: int, freshness: Freshness, read: Read) -> int:
        if old:
            read(Dropped(max(1, old // _FEWEST_BITS), freshness.why))
        return 0

    def _handle_frame(self, bits: list[int], read: Read) -> None:
        read_ns = int(self._cutter.last * 1e9)
        if len(bits) in KEY_LENGTHS:
            self._handle_key(bits, read_ns, read)
            return
        try:
            read(self._parse_card(bits, read_ns))
        except WiegandError as error:
            read(Unreadable(str(error), read_ns))

    def _handle_key(self, bits: list[int], read_ns: int, read: Read) -> None:
        key = decode_key(bits)
        if key is None:
            read(Unreadable(f"{len(bits)} bits, no key", read_ns))
        elif code := self._keypad.press(key, self._cutter.last):
            read(Reading(code, "code", form=f"{len(code)} keys", read_ns=read_ns))

    def _parse_card(self, bits: list[int], read_ns: int) -> Reading:
        if len(bits) == self._numbers.bits:
            data, form = pack(bits), f"{len(bits)} bits, no parity"
        else:
            data, form = bytes.fromhex(decode(bits)), f"{len(bits)} bits, parity good"
        number = self._numbers.parse_bytes(data)
        if number is None:
            raise WiegandError(form)
        return Reading(number, form=form, read_ns=read_ns)

    def _close_pins(self) -> None:
        for wire in self._wires:
            wire.close()
        self._wires = []


def open_wiegand_reader(options: WiegandOptions) -> WiegandReader | None:
    """Return the reader, None where the options name no pins.

    Raises:
        ReaderError: no such pin, or no access to it.
    """
    if options.data0 is None or options.data1 is None:
        return None
    return WiegandReader(options.data0, options.data1, numbers=options.numbers)
