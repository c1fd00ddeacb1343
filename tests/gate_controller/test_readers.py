"""Readers: Wiegand on mock pins, texts on a pseudo-terminal or from a keyboard, and what is older than its look."""

import os
import pty
import queue
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory
from hypothesis import given
from hypothesis import strategies as st

from gate_controller.readers import Dropped, ReaderError, Unreadable, texts, wiegand
from gate_controller.readers.bits import WiegandError, decode, decode_key
from gate_controller.readers.freshness import STALE_S, Freshness
from gate_controller.readers.keyboard import KeyboardText, Keystrokes
from gate_controller.readers.numbers import NumberFormat
from gate_controller.readers.serial_port import SerialPort
from gate_controller.readers.texts import SerialText, TextFormat, TextReader
from gate_controller.readers.wiegand import WiegandReader
from tests.gate_controller.wiegand_frames import frame
from tests.waiting import PATIENCE_S

CARD, LATER = "04A31B72", "04A31B73"


@given(number=st.integers(0, 2**24 - 1))
def test_26_bits_are_24_bits_of_number(number: int) -> None:
    assert decode(frame(number, 24)) == f"{number:06X}"


@given(number=st.integers(0, 2**32 - 1), flipped=st.integers(0, 33))
def test_34_bits_are_a_uid_and_a_wrong_bit_is_noticed(number: int, flipped: int) -> None:
    bits = frame(number, 32)
    assert decode(bits) == f"{number:08X}"
    bits[flipped] ^= 1
    with pytest.raises(WiegandError, match="34 bits, parity wrong"):
        decode(bits)


@given(number=st.integers(0, 2**56 - 1))
def test_58_bits_are_a_uid_of_seven_bytes(number: int) -> None:
    assert decode(frame(number, 56)) == f"{number:014X}"


@pytest.mark.parametrize("length", [0, 4, 10, 18, 25, 27, 33, 37, 90, 128])
def test_other_lengths_are_no_card(length: int) -> None:
    with pytest.raises(WiegandError, match=f"^{length} bits$"):
        decode([0] * length)


@pytest.mark.parametrize(
    ("bits", "key"),
    [([0, 1, 1, 1], "7"), ([1, 0, 1, 1], "#"), ([1, 0, 1, 0], "*"), ([1, 1, 0, 0], None),
     ([1, 0, 0, 0, 0, 1, 1, 1], "7"), ([1, 1, 1, 1, 0, 1, 1, 1], None)],
)  # fmt: skip
def test_a_burst_is_a_key(bits: list[int], key: str | None) -> None:
    assert decode_key(bits) == key


class Wires:
    """Two pins in the test's hands."""

    def __init__(self) -> None:
        self.pins = MockFactory()
        self.taken: queue.Queue[list[int]] = queue.Queue()
        self._wires = [self.pins.pin(5), self.pins.pin(6)]

    def pulse(self, bits: list[int]) -> None:
        for bit in bits:
            self._wires[bit].drive_low()
            self._wires[bit].drive_high()

    def send(self, bits: list[int]) -> None:
        """Send a burst and wait until the reader took it."""
        self.pulse(bits)
        assert self.taken.get(timeout=PATIENCE_S) == bits


@pytest.fixture
def wires(monkeypatch) -> Iterator[Wires]:
    """The pause after a burst is long for busy machines."""
    monkeypatch.setattr(wiegand, "FRAME_END_S", 0.25)
    wires, take = Wires(), WiegandReader._handle_frame

    def take_and_tell(reader, bits, read) -> None:
        take(reader, bits, read)
        wires.taken.put(bits)

    monkeypatch.setattr(WiegandReader, "_handle_frame", take_and_tell)
    yield wires
    wires.pins.close()


@pytest.fixture
def listen(wires) -> Iterator[Callable[..., "queue.Queue[Any]"]]:
    """Start a Wiegand reader; what it tells comes out of the queue."""
    readers: list[WiegandReader] = []

    def listen(numbers: NumberFormat | None = None) -> "queue.Queue[Any]":
        read: queue.Queue[Any] = queue.Queue()
        readers.append(WiegandReader(5, 6, numbers=numbers, pin_factory=wires.pins))
        readers[0].start(read.put)
        return read

    yield listen
    for reader in readers:
        reader.stop()


def test_nothing_that_comes_over_two_wires_vanishes(wires, listen) -> None:
    read = listen()
    wrong = frame(0x12D687, 24)
    wrong[3] ^= 1
    for bits in (frame(0x04A31B72, 32), frame(0x12D687, 24), wrong, [1, 0, 1], [1] * 37, [1, 1, 0, 0]):
        wires.send(bits)
    found = [read.get(timeout=PATIENCE_S) for _ in range(6)]
    assert [(one.value, one.form) for one in found[:2]] == [
        (CARD, "34 bits, parity good"), ("12D687", "26 bits, parity good")
    ]  # fmt: skip
    assert [one.form for one in found[2:]] == ["26 bits, parity wrong", "3 bits", "37 bits", "4 bits, no key"]
    assert all(isinstance(one, Unreadable) for one in found[2:])


@pytest.mark.parametrize(
    ("numbers", "bits", "value"),
    [(NumberFormat(order="last_byte_first"), frame(0x721BA304, 32), CARD),
     (NumberFormat(bits=32), [int(bit) for bit in f"{0x04A31B72:032b}"], CARD),
     (NumberFormat(bits=24), frame(0x04A31B72, 32), "A31B72"),
     (NumberFormat(bits=32), frame(0xA31B72, 24), "00A31B72")],
)  # fmt: skip
def test_wires_say_numbers_as_the_reader_is_set(wires, listen, numbers: NumberFormat, bits, value: str) -> None:
    read = listen(numbers)
    wires.send(bits)
    assert read.get(timeout=PATIENCE_S).value == value


def test_keys_on_two_pins_are_a_code_once_it_is_sent(wires, listen) -> None:
    read = listen()
    for key in (9, 10, 4, 8, 2, 1, 11):
        wires.send([key >> 3 & 1, key >> 2 & 1, key >> 1 & 1, key & 1])
    typed = read.get(timeout=PATIENCE_S)
    assert (typed.value, typed.kind, typed.form) == ("4821", "code", "4 keys"), "what was cleared is not sent"


def test_pulses_that_waited_while_the_process_stood_still_are_no_card(wires, listen, monkeypatch) -> None:
    clock = Clock(monkeypatch, wiegand)
    read = listen()
    wires.send([0, 1, 0, 0])
    clock.stand_still()
    wires.pulse(frame(0x04A31B72, 32))
    assert read.get(timeout=PATIENCE_S) == Dropped(1, "hung")
    wires.send([1, 0, 1, 1])
    wires.send(frame(0x04A31B73, 32))
    assert read.get(timeout=PATIENCE_S).value == LATER, "the half of a code from before is forgotten"


def test_pins_that_do_not_exist_are_named() -> None:
    with pytest.raises(ReaderError, match="4711"):
        WiegandReader(4711, 6, pin_factory=MockFactory())


class Clock:
    """The time of one module: it stands still for the process, and runs on, as under SIGSTOP."""

    def __init__(self, monkeypatch, module: Any) -> None:
        import time

        self.ahead = 0.0
        monkeypatch.setattr(module, "time", self)
        self.monotonic = lambda: time.monotonic() + self.ahead

    def stand_still(self) -> None:
        self.ahead += STALE_S + 1


def test_what_comes_after_a_pause_counts_once_a_look_was_empty() -> None:
    freshness = Freshness(0.0)
    assert not freshness.record_poll(0.1, empty=False), "it was just opened"
    freshness.record_poll(0.2, empty=True)
    assert freshness.record_poll(0.3, empty=False)
    assert not freshness.record_poll(0.3 + STALE_S + 0.1, empty=False)
    assert freshness.why == "hung"
    freshness.record_poll(2.5, empty=True)
    assert freshness.record_poll(2.6, empty=False)
    freshness.record_poll(2.6 + STALE_S + 0.1, empty=True)
    assert not freshness.record_poll(4.8, empty=False), "a look that the pause fell into proves nothing"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A pseudo-terminal: one end in the test's hands, the other one a device."""
    here, there = pty.openpty()
    yield here, Path(os.ttyname(there))
    for end in (here, there):
        os.close(end)


def test_one_process_at_a_time_has_a_serial_port(terminal) -> None:
    _, path = terminal
    first = SerialPort(path)
    with pytest.raises(ReaderError, match="is used by another process"):
        SerialPort(path)
    first.close()
    SerialPort(path).close()


class Line:
    """A text reader on a pseudo-terminal that listens already."""

    def __init__(self, here: int, path: Path, how: TextFormat | None) -> None:
        self._here = here
        self.read: queue.Queue[Any] = queue.Queue()
        self.faults: queue.Queue[str | None] = queue.Queue()
        self.looked = threading.Event()
        looked = self.looked

        class Watched(SerialText):
            def read(self, wait_s: float) -> str:
                found = super().read(wait_s)
                if not found:
                    looked.set()
                return found

        self.reader = TextReader(lambda: Watched(path), how)
        self.reader.watch_fault(self.faults.put)

    def start(self) -> None:
        self.reader.start(self.read.put)
        self.wait()

    def wait(self) -> None:
        """Until two looks found nothing."""
        for _ in range(2):
            self.looked.clear()
            assert self.looked.wait(PATIENCE_S)

    def send(self, data: bytes) -> None:
        os.write(self._here, data)

    def next(self) -> Any:
        return self.read.get(timeout=PATIENCE_S)


@pytest.fixture
def line(terminal) -> Iterator[Callable[..., Line]]:
    lines: list[Line] = []

    def line(how: TextFormat | None = None) -> Line:
        lines.append(Line(*terminal, how))
        return lines[0]

    yield line
    lines[0].reader.stop()


def test_cards_from_a_serial_port_and_nothing_vanishes(line) -> None:
    port = line()
    port.start()
    port.send(b"04A31B72\r\n\xff\xfe\r\n04A3")
    port.send(b"1B73\t")
    assert port.next().value == CARD
    unreadable = port.next()
    assert (type(unreadable), unreadable.form) == (Unreadable, "unreadable: 2 bytes")
    assert port.next().value == LATER


def test_what_a_port_kept_from_before_is_dropped(line) -> None:
    port = line()
    port.send(b"04A31B72\r\n04A31B72\r\n04A3")
    port.start()
    assert port.next() == Dropped(3, "line_lost")
    port.send(b"04A31B73\r\n")
    assert port.next().value == LATER


def test_what_a_port_kept_while_the_process_stood_still_is_dropped(line, monkeypatch) -> None:
    clock, port = Clock(monkeypatch, texts), line()
    port.start()
    port.send(b"04A3")
    port.wait()
    clock.stand_still()
    port.send(b"1B72\r\n04A31B72\r\n")
    dropped = port.next()
    while isinstance(dropped, Unreadable):  # the half was cut off before, on a busy machine
        dropped = port.next()
    assert isinstance(dropped, Dropped)
    assert dropped.why == "hung"
    port.wait()
    port.send(b"04A31B73\r\n")
    assert port.next().value == LATER


def test_half_a_number_is_not_glued_to_the_next_card(line) -> None:
    port = line()
    port.start()
    port.send(b"04A3")
    assert port.next().form == "cut off after 4 bytes"
    port.send(b"04A31B73\r\n")
    assert port.next().value == LATER


def test_a_reader_that_ends_by_silence(line) -> None:
    port = line(TextFormat(frame="pause"))
    port.start()
    port.send(b"04A31B72")
    assert port.next().value == CARD
    port.send(b"04A31B73")
    assert port.next().value == LATER


def test_a_reader_that_is_plugged_in_later_is_read(terminal, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("gate_controller.readers.texts._AGAIN_S", 0.05)
    here, device = terminal
    link, read, faults = tmp_path / "reader", queue.Queue(), queue.Queue()
    reader = TextReader(lambda: SerialText(link))
    reader.watch_fault(faults.put)
    reader.start(read.put)
    assert faults.get(timeout=PATIENCE_S) == "lost"
    os.write(here, b"04A31B72\n")
    link.symlink_to(device)
    assert faults.get(timeout=PATIENCE_S) is None
    assert read.get(timeout=PATIENCE_S) == Dropped(1, "line_lost")
    os.write(here, b"04A31B73\n")
    assert read.get(timeout=PATIENCE_S).value == LATER
    reader.stop()


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="absent"):
        SerialText(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(ReaderError, match="no serial port"):
        SerialText(tmp_path / "file")


KEYS = {letter: (code, False) for codes, letters in [
    (range(2, 14), "1234567890-="), (range(16, 28), "qwertyuiop[]"), (range(30, 42), "asdfghjkl;'`"),
    (range(43, 54), "\\zxcvbnm,./"), ((28, 57), "\n "),
] for code, letter in zip(codes, letters, strict=True)}  # fmt: skip
KEYS |= {letter: (code, True) for codes, letters in [
    (range(2, 14), "!@#$%^&*()_+"), (range(16, 28), "QWERTYUIOP{}"), (range(30, 42), 'ASDFGHJKL:"~'),
    (range(43, 54), "|ZXCVBNM<>?"),
] for code, letter in zip(codes, letters, strict=True)}  # fmt: skip


def struck(text: str) -> bytes:
    """The input events of a keyboard that types `text`."""

    def event(kind: int, code: int, value: int) -> bytes:
        return struct.pack("@llHHi", 0, 0, kind, code, value)

    typed = b""
    for letter in text:
        code, shift = KEYS[letter]
        stroke = event(4, 4, code) + event(1, code, 1) + event(0, 0, 0) + event(1, code, 0)
        typed += event(1, 42, 1) + stroke + event(1, 42, 0) if shift else stroke
    return typed


ADDRESS = "https://x.example/t?cmac=94EED9EE65337086&picc_data=EF963FF7828658A599F3041510671E88&v=1"


@pytest.mark.parametrize("text", [ADDRESS, "04a31b72", "WWZ4PTAT2D", "018,54919", "04:A3:1B:72"])
def test_a_keyboard_types_every_character(text: str) -> None:
    strokes = Keystrokes()
    events = struck(text)
    assert "".join(strokes.decode(events[at : at + 24]) for at in range(0, len(events), 24)) == text


def test_caps_lock_counts_for_letters_only() -> None:
    caps = struct.pack("@llHHi", 0, 0, 1, 58, 1)
    assert Keystrokes().decode(caps + struck("04a3:b") + caps + struck("b")) == "04A3:Bb"


def test_events_that_the_kernel_dropped_spoil_the_number(tmp_path: Path) -> None:
    dropped = struct.pack("@llHHi", 0, 0, 0, 3, 0)
    found = texts.TextFormat().framing()
    forms = [one.fault for one in found.feed(Keystrokes().decode(struck("04a3") + dropped + struck("04a31b72\n")), 0.0)]
    assert forms == ["cut off after 4 bytes", None]


def test_cards_and_proofs_from_a_keyboard(tmp_path: Path) -> None:
    path = tmp_path / "keyboard"
    os.mkfifo(path)
    here = os.open(path, os.O_RDWR)
    opened = threading.Event()
    read: queue.Queue[Any] = queue.Queue()

    def open_keyboard() -> KeyboardText:
        opened.set()
        return KeyboardText(path)

    os.write(here, struck("04a31b99\n"))
    reader = TextReader(open_keyboard)
    reader.start(read.put)
    assert read.get(timeout=PATIENCE_S) == Dropped(1, "line_lost"), "typed before anybody listened"
    os.write(here, struck(f"04a31b72\n{ADDRESS}\n"))
    assert read.get(timeout=PATIENCE_S).value == CARD
    proof = read.get(timeout=PATIENCE_S)
    assert (proof.kind, proof.form) == ("sun", "NTAG 424 message")
    reader.stop()
    os.close(here)
