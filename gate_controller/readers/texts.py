"""Readers that send text: each card is a line or a frame, from a serial port or from a keyboard device."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import structlog

from gate_controller.readers import Dropped, Kind, Read, Reader, ReaderError, Reading, Unreadable
from gate_controller.readers.framing import LONGEST, PAUSE_S, Frame, Framed, Framing
from gate_controller.readers.freshness import Freshness
from gate_controller.readers.keyboard import KeyboardText
from gate_controller.readers.keypad import NEXT_KEY_S
from gate_controller.readers.numbers import NumberFormat, describe_text
from gate_controller.readers.options import DeviceOptions
from gate_controller.readers.serial_port import SerialPort
from gate_controller.sun import parse_sun
from messages import signed_codes

__all__ = ["KeyboardText", "SerialText", "TextFormat", "TextReader", "parse_reading"]

log = structlog.get_logger()

SUN_FORM = "NTAG 424 message"
_MARKS = " %;?*#!<>[](){}\"'"
"""What wedge readers put around a number; none of it is part of one."""
_CODE = (6, 32)
"""How many letters and digits a visitor's code has (`access.credentials.code_digest`)."""
_NO_NUMBER = re.compile("[G-Zg-z]")
"""A visitor's code has letters that no number has (`directory.visitor_passes`)."""
_MOST_KEPT = 64
"""Polls that empty a device at once; one that gives without end is then polled like any other."""
_WAIT_S = 0.2
"""How long a poll waits: `stop` is heeded so soon."""
_AGAIN_S = 1.0
"""How soon a device that is gone is opened again: a USB plug is back within a second or two."""


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How one reader writes."""

    numbers: NumberFormat = field(default_factory=NumberFormat)
    frame: Frame = "line"
    reads: Literal["cards", "codes"] = "cards"
    """`codes`: what comes are codes and PINs (a QR scanner, a keypad on USB), and cards only by proof."""
    prefix: str = ""
    suffix: str = ""
    """What this reader writes before and after each number."""

    def framing(self) -> Framing:
        """Return what cuts this reader's texts; people type more slowly than readers."""
        return Framing(self.frame, NEXT_KEY_S if self.reads == "codes" else PAUSE_S)


class TextOptions(DeviceOptions):
    """How a reader of texts is connected and writes."""

    frame: Frame = "line"
    """`pause`: texts have no end but the silence after them."""
    reads: Literal["cards", "codes"] = "cards"
    prefix: str = ""
    suffix: str = ""

    @property
    def texts(self) -> TextFormat:
        """How this reader writes."""
        return TextFormat(self.numbers, self.frame, self.reads, self.prefix, self.suffix)


def parse_reading(text: str, text_format: TextFormat | None = None) -> Reading | Unreadable | None:
    """Return what a text says: a card's proof of its key, its number, or a code; None for an empty one."""
    text_format = text_format or TextFormat()
    text = text.strip()
    if not text:
        return None
    if parse_sun(text) is not None:
        return Reading(text, "sun", form=SUN_FORM)
    form = describe_text(text)
    plain = text.removeprefix(text_format.prefix).removesuffix(text_format.suffix).strip(_MARKS)
    found = _code(plain) if text_format.reads == "codes" else _card_or_code(plain, text_format.numbers)
    return Unreadable(form) if found is None else replace(found, form=describe_text(plain))


def parse_typed(typed: str) -> Reading | Unreadable:
    """Return what was typed on a reader's own keypad: a code or a PIN."""
    form = f"{len(typed)} keys"
    return Reading(typed, "code", form=form) if typed.isascii() and typed.isalnum() else Unreadable(form)


def _card_or_code(text: str, numbers: NumberFormat) -> Reading | None:
    number = numbers.parse_text(text)
    if number is not None:
        return Reading(number)
    if signed_codes.looks_like_one(text):
        return Reading(text, "code")
    return _code(text) if _CODE[0] <= len(text) <= _CODE[1] and _NO_NUMBER.search(text) else None


def _code(text: str) -> Reading | None:
    kind: Kind = "code"
    return Reading(text, kind) if text.isascii() and text.isalnum() else None


class Source(Protocol):
    """Where text comes from."""

    def read(self, wait_s: float) -> str:
        """Return what was typed, nothing if nothing is within `wait_s`.

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

    def read(self, wait_s: float) -> str:
        """Return what arrived, a character for each byte."""
        return self._port.read(LONGEST, wait_s=wait_s).decode("latin-1")

    def close(self) -> None:
        """Give the port back."""
        self._port.close()


class TextReader(Reader):
    """Reads texts from a device. One that is missing, also at start, is tried again: the door works without it."""

    def __init__(self, open_source: Callable[[], Source], text_format: TextFormat | None = None) -> None:
        """`open_source` opens the device."""
        self._open = open_source
        self._format = text_format or TextFormat()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._fault: Callable[[str | None], None] = lambda _fault: None

    def watch_fault(self, changed: Callable[[str | None], None]) -> None:
        """Call `changed` with `lost` when the device is gone, with None when it is back."""
        self._fault = changed

    def start(self, read: Read) -> None:
        """Read from now on."""
        self._thread = threading.Thread(target=self._run, args=(read,), name="text-reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, read: Read) -> None:
        current: _Listening | None = None
        lost = False
        while not self._stopping.is_set():
            try:
                if current is None:
                    current = _Listening(self._open(), self._format)
                    current.empty(read)
                    if lost:
                        lost = False
                        self._fault(None)
                current.poll(read)
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


class _Listening:
    """One device while it is open."""

    def __init__(self, source: Source, text_format: TextFormat) -> None:
        self._source, self._format = source, text_format
        self._framing, self._old = text_format.framing(), text_format.framing()
        self._dropped = 0
        self._freshness = Freshness(time.monotonic())

    def empty(self, read: Read) -> None:
        """Drop what the device had kept from before it was opened."""
        for _ in range(_MOST_KEPT):
            if self._freshness.settled:
                return
            self._poll(0.0, read)

    def poll(self, read: Read) -> None:
        """Wait a moment for text, and report what came."""
        self._poll(_WAIT_S, read)

    def close(self) -> None:
        """Give the device back."""
        self._source.close()

    def _poll(self, wait_s: float, read: Read) -> None:
        text = self._source.read(wait_s)
        now = time.monotonic()
        fresh = self._freshness.record_poll(now, empty=not text)
        if not self._freshness.settled:
            self._drop(text, now)
            return
        self._report_dropped(read)
        for framed in self._framing.feed(text, now) if fresh and text else self._framing.feed_silence(now):
            self._report(framed, int(now * 1e9), read)

    def _drop(self, text: str, now: float) -> None:
        self._dropped += self._framing.discard() + len(list(self._old.feed(text, now)))

    def _report_dropped(self, read: Read) -> None:
        number, self._dropped = self._dropped + self._old.discard(), 0
        if number:
            read(Dropped(number, self._freshness.why))

    def _report(self, framed: Framed, read_ns: int, read: Read) -> None:
        found = Unreadable(framed.fault) if framed.fault is not None else parse_reading(framed.text, self._format)
        if found is not None:
            read(replace(found, read_ns=read_ns))


def open_serial_reader(options: TextOptions) -> TextReader | None:
    """Return a reader on a serial port, None where the options name no device."""
    if (device := options.device) is None:
        return None
    return TextReader(lambda: SerialText(device, options.speed), options.texts)


def open_keyboard_reader(options: TextOptions) -> TextReader | None:
    """Return a reader that types as a keyboard, None where the options name no device."""
    if (device := options.device) is None:
        return None
    return TextReader(lambda: KeyboardText(device), options.texts)
