"""Readers: Wiegand on mock pins, typed lines on a pseudo-terminal, OSDP between a real panel and a real reader."""

import contextlib
import os
import pty
import queue
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory
from hypothesis import given
from hypothesis import strategies as st
from osdp import (
    Capability,
    CardFormat,
    Command,
    CommandLEDColor,
    Event,
    LibFlag,
    LogLevel,
    PDCapabilities,
    PDInfo,
    PeripheralDevice,
    StatusReportType,
)

from gate_controller.messages import DoorStatus, EventKind
from gate_controller.readers import Outcome, ReaderError, Reading, wiegand
from gate_controller.readers.osdp import OsdpReader, SerialChannel, card_reading, read_key
from gate_controller.readers.texts import KeyboardText, LineBuffer, SerialText, TextReader, keys_pressed, reading_of
from gate_controller.readers.wiegand import WiegandError, WiegandReader, decode, decode_key
from tests.waiting import PATIENCE_S, until

KEY = bytes(range(1, 17))


def frame(number: int, bits: int) -> list[int]:
    """What a reader sends for a number of `bits` bits."""
    data = [number >> (bits - 1 - index) & 1 for index in range(bits)]
    first, second = data[: bits // 2], data[bits // 2 :]
    return [sum(first) % 2, *data, 1 - sum(second) % 2]


@given(number=st.integers(0, 2**24 - 1))
def test_26_bits_are_24_bits_of_number(number: int) -> None:
    assert decode(frame(number, 24)) == f"{number:06X}"


@given(number=st.integers(0, 2**32 - 1), flipped=st.integers(0, 33))
def test_34_bits_are_a_uid_and_a_wrong_bit_is_noticed(number: int, flipped: int) -> None:
    bits = frame(number, 32)
    assert decode(bits) == f"{number:08X}"
    bits[flipped] ^= 1
    with pytest.raises(WiegandError, match="parity"):
        decode(bits)


@pytest.mark.parametrize("length", [0, 4, 25, 27, 33, 128])
def test_other_lengths_are_no_card(length: int) -> None:
    with pytest.raises(WiegandError, match=str(length)):
        decode([0] * length)


@pytest.fixture
def send(monkeypatch) -> Iterator[Callable[[list[int]], None]]:
    """Sends a burst on two pins and waits until the reader took it; the pause after it is long for busy machines."""
    monkeypatch.setattr(wiegand, "FRAME_END_S", 0.25)
    taken, take = queue.Queue(), WiegandReader._frame

    def take_and_tell(reader, bits, read) -> None:
        take(reader, bits, read)
        taken.put(bits)

    monkeypatch.setattr(WiegandReader, "_frame", take_and_tell)
    pins = MockFactory()
    wires = [pins.pin(5), pins.pin(6)]

    def send(bits: list[int]) -> None:
        for bit in bits:
            wires[bit].drive_low()
            wires[bit].drive_high()
        assert taken.get(timeout=PATIENCE_S) == bits

    send.pins = pins
    yield send
    pins.close()


def test_pulses_on_two_pins_are_a_card(send) -> None:
    reader, read = WiegandReader(5, 6, pin_factory=send.pins), queue.Queue()
    reader.start(read.put)
    for bits in (frame(0x04A31B72, 32), [1, 0, 1], frame(0x04A31B73, 32)):
        send(bits)
    assert [read.get(timeout=PATIENCE_S).value for _ in range(2)] == ["04A31B72", "04A31B73"]
    assert read.empty()
    reader.stop()


def test_pins_that_do_not_exist_are_named() -> None:
    with pytest.raises(ReaderError, match="4711"):
        WiegandReader(4711, 6, pin_factory=MockFactory())


@given(st.lists(st.text("0123456789ABCDEF", min_size=1, max_size=20)), st.data())
def test_lines_do_not_depend_on_how_they_are_cut(lines: list[str], data: st.DataObject) -> None:
    text, buffer, found = "".join(f"{line}\r\n" for line in lines), LineBuffer(), []
    while text:
        size = data.draw(st.integers(1, len(text)))
        found += buffer.take(text[:size])
        text = text[size:]
    assert found == lines


def test_a_line_without_end_is_thrown_away() -> None:
    buffer = LineBuffer()
    assert list(buffer.take("9" * 100_000)) == []
    assert list(buffer.take("\n04A31B72\n")) == ["04A31B72"]


def test_a_line_can_be_a_proof() -> None:
    assert reading_of(f"https://x/?picc_data={'0' * 32}&cmac={'0' * 16}").kind == "sun"
    assert reading_of(" 04A31B72 ").kind == "card"
    assert reading_of("  ") is None


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A pseudo-terminal: one end in the test's hands, the other one a device."""
    here, there = pty.openpty()
    yield here, Path(os.ttyname(there))
    for end in (here, there):
        os.close(end)


def test_a_card_from_a_serial_port(terminal) -> None:
    here, path = terminal
    opened, read = threading.Event(), queue.Queue()

    def open_port() -> SerialText:
        port = SerialText(path)
        opened.set()
        return port

    reader = TextReader(open_port)
    reader.start(read.put)
    assert opened.wait(PATIENCE_S)
    os.write(here, b"04A31B72\r\n\xff\xfe\r\n04A3")
    os.write(here, b"1B73\r\n")
    assert [read.get(timeout=PATIENCE_S).value for _ in range(3)][::2] == ["04A31B72", "04A31B73"]
    reader.stop()


def test_a_card_from_a_keyboard(tmp_path: Path) -> None:
    def typed(*codes: int) -> bytes:
        return b"".join(struct.pack("@llHHi", 0, 0, 1, code, value) for code in codes for value in (1, 0))

    assert keys_pressed(typed(11, 5, 30, 4, 28)) == "04a3\n"
    path = tmp_path / "keyboard"
    os.mkfifo(path)
    here = os.open(path, os.O_RDWR)
    reader, read = TextReader(lambda: KeyboardText(path)), queue.Queue()
    reader.start(read.put)
    os.write(here, typed(11, 5, 30, 4, 28))
    assert read.get(timeout=PATIENCE_S).value == "04a3"
    reader.stop()
    os.close(here)


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="absent"):
        SerialText(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(ReaderError, match="no serial port"):
        SerialText(tmp_path / "file")


def test_a_reader_that_is_plugged_in_later_is_read(terminal, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("gate_controller.readers.texts._AGAIN_S", 0.05)
    here, device = terminal
    link, read, faults = tmp_path / "reader", queue.Queue(), queue.Queue()
    reader = TextReader(lambda: SerialText(link))
    reader.watch_fault(faults.put)
    reader.start(read.put)
    assert faults.get(timeout=PATIENCE_S) == "lost"
    link.symlink_to(device)
    assert faults.get(timeout=PATIENCE_S) is None
    os.write(here, b"04A31B72\n")
    assert read.get(timeout=PATIENCE_S).value == "04A31B72"
    reader.stop()


@pytest.mark.parametrize(
    ("event", "value"),
    [({"format": CardFormat.Unspecified, "length": 32, "data": bytes.fromhex("04A31B72")}, "04A31B72"),
     ({"format": CardFormat.Unspecified, "length": 56, "data": bytes.fromhex("04DE5F1EACC040")}, "04DE5F1EACC040"),
     ({"format": CardFormat.Wiegand, "length": 26, "data": bytes(3)}, None)],
)  # fmt: skip
def test_what_an_osdp_card_says(event: dict, value: str | None) -> None:
    reading = card_reading(event)
    assert (reading.value if reading else None) == value


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [("01" * 15, 0o600, "32 hexadecimal"), ("xyz", 0o600, "32 hexadecimal"), ("01" * 16, 0o644, "chmod 600"),
     (bytes(range(0x30, 0x40)).hex(), 0o600, "everybody knows")],
)  # fmt: skip
def test_keys_of_readers(tmp_path: Path, text: str, mode: int, complaint: str) -> None:
    path = tmp_path / "reader.key"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(ReaderError, match=complaint):
        read_key(path)


class RealReader:
    """libosdp's own reader side, on the other end of a serial line."""

    def __init__(self, key: bytes) -> None:
        here, there = pty.openpty()
        self._ends = (here, there)
        self.path = Path(os.ttyname(there))
        channel = SerialChannel.__new__(SerialChannel)
        channel._port = _End(here)
        able = PDCapabilities([(Capability.LEDControl, 2, 1), (Capability.AudibleControl, 1, 1)])
        self.device = PeripheralDevice(
            PDInfo(5, channel, scbk=key, flags=[LibFlag.EnforceSecure]), able, log_level=LogLevel.Critical
        )
        self.device.set_command_handler(self._obey)
        self.knows_status = True
        self.asked = 0
        self.device.start()

    def _obey(self, command: dict) -> tuple[int, None]:
        """libosdp's own answer about the housing is that it is closed; a refusal is what older readers know."""
        if command["command"] != Command.Status:
            return 0, None
        self.asked += 1
        return (0 if self.knows_status else -1), None

    def card(self, uid: str) -> None:
        data = bytes.fromhex(uid)
        event = {"event": Event.CardRead, "reader_no": 0, "direction": 0, "format": CardFormat.Unspecified}
        assert self.device.submit_event({**event, "length": 8 * len(data), "data": data})

    def keys(self, data: bytes) -> None:
        assert self.device.submit_event({"event": Event.KeyPress, "reader_no": 0, "data": data})

    def tamper(self, active: bool) -> None:
        report = bytes([active, 0])
        assert self.device.submit_event({"event": Event.Status, "type": StatusReportType.Local, "report": report})

    def shown(self) -> tuple[int, int]:
        """The colour of the light and the number of tones."""
        light, tone = self._command(), self._command()
        assert light
        assert tone
        assert (light["command"], tone["command"]) == (Command.LED, Command.Buzzer)
        return light["on_color"], tone["rep_count"]

    def _command(self) -> dict | None:
        command = self.device.get_command(timeout=5)
        return self._command() if command and command["command"] == Command.Status else command

    def forget(self) -> None:
        """Forget what was to be shown before."""
        while self.device.get_command(timeout=0):
            pass

    def stop(self) -> None:
        self.device.stop()
        for end in self._ends:
            os.close(end)


class _End:
    """The test's end of the line, as a port."""

    def __init__(self, file: int) -> None:
        self._file = file
        os.set_blocking(file, False)

    def read(self, most: int) -> bytes:
        try:
            return os.read(self._file, most)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> int:
        return os.write(self._file, data)


@pytest.fixture
def real_reader() -> Iterator[RealReader]:
    reader = RealReader(KEY)
    yield reader
    reader.stop()


@pytest.fixture
def panel(real_reader) -> Iterator[Callable[..., OsdpReader]]:
    """Talk to the real reader; stopped at the end whatever happens, since libosdp's thread would outlive the tests."""
    with contextlib.ExitStack() as talks:

        def talk(read: Callable[[Reading], None], key: bytes = KEY, **how: Any) -> OsdpReader:
            reader = OsdpReader(SerialChannel(real_reader.path, 115200), key, address=5, **how)
            reader.start(read)
            talks.callback(reader.stop)
            return reader

        yield talk


def once_more(step: Callable[[], None]) -> None:
    """Do it again as people do: what is said while a busy machine lets the line time out (0.2 s) is lost in OSDP."""
    for _ in range(4):
        with contextlib.suppress(AssertionError, queue.Empty):
            return step()
    return step()


def test_an_osdp_reader_reads_cards_and_codes_and_shows_the_outcome(real_reader, panel) -> None:
    read: queue.Queue[Reading] = queue.Queue()
    tampers: queue.Queue[bool] = queue.Queue()
    reader = panel(read.put)
    reader.tamper.watch(tampers.put)

    def card_opens() -> None:
        until(lambda: reader.secure)
        real_reader.forget()
        real_reader.card("04A31B72")
        reading: Reading = read.get(timeout=5)
        assert (reading.value, reading.kind) == ("04A31B72", "card")
        reading.answer(Outcome(True, "granted"))
        assert real_reader.shown() == (CommandLEDColor.Green, 1)

    def code_is_refused() -> None:
        until(lambda: reader.secure)
        real_reader.forget()
        real_reader.keys(b"99\x7f4821")
        real_reader.keys(b"1907\x0d")
        reading: Reading = read.get(timeout=5)
        assert (reading.value, reading.kind) == ("48211907", "code")
        reading.answer(Outcome(False, "unknown_credential"))
        assert real_reader.shown() == (CommandLEDColor.Red, 3)

    def housing_is(active: bool) -> None:
        until(lambda: reader.secure)
        real_reader.tamper(active)
        assert tampers.get(timeout=5) is active

    once_more(card_opens)
    once_more(code_is_refused)
    once_more(lambda: housing_is(True))
    once_more(lambda: housing_is(False))


def test_a_reader_that_comes_back_is_asked_about_its_housing(real_reader, panel) -> None:
    reader = panel(lambda _reading: None)
    until(lambda: reader.secure and real_reader.asked)
    until(lambda: not reader._is_asked)

    def housing_is_opened() -> None:
        real_reader.tamper(True)
        until(lambda: reader.tamper.active, timeout_s=5)

    once_more(housing_is_opened)
    asked = real_reader.asked
    real_reader.device.stop()
    until(lambda: not reader.secure)
    real_reader.device.start()
    until(lambda: not reader.tamper.active)
    assert real_reader.asked > asked


def test_a_reader_that_refuses_the_question_is_not_asked_for_ever(real_reader, panel) -> None:
    real_reader.knows_status = False
    read: queue.Queue[Reading] = queue.Queue()
    reader = panel(read.put)

    def card_is_read() -> None:
        until(lambda: reader.secure and not reader._knows_status)
        real_reader.card("04A31B72")
        assert read.get(timeout=5).value == "04A31B72"

    once_more(card_is_read)
    assert real_reader.asked == 1


def test_a_reader_with_another_key_is_never_believed(real_reader, panel) -> None:
    read, faults = [], []
    reader = panel(read.append, bytes(16), start_s=1)
    reader.watch_fault(faults.append)
    until(lambda: faults)
    real_reader.card("04A31B72")
    time.sleep(0.5)
    assert (reader.secure, read, faults) == (False, [], ["lost"])


def test_the_controller_takes_cards_from_an_osdp_reader(real_reader, bench, directory, operator) -> None:
    bench.reader = OsdpReader(SerialChannel(real_reader.path, 115200), KEY, address=5)
    bench.tamper = bench.reader.tamper
    bench.start()
    operator.state(DoorStatus.LOCKED)

    def card_opens() -> None:
        until(lambda: bench.reader.secure)
        real_reader.forget()
        real_reader.card("04A31B72")
        operator.until(lambda: EventKind.ACCESS_GRANTED in operator.kinds, 5)
        assert real_reader.shown() == (CommandLEDColor.Green, 1)

    def housing_is_opened() -> None:
        until(lambda: bench.reader.secure)
        real_reader.tamper(True)
        operator.until(lambda: EventKind.TAMPER in operator.kinds, 5)

    once_more(card_opens)
    assert operator.event(EventKind.ACCESS_GRANTED).granted
    once_more(housing_is_opened)


@pytest.mark.parametrize(
    ("bits", "key"),
    [([0, 1, 1, 1], "7"), ([1, 0, 1, 1], "#"), ([1, 0, 1, 0], "*"), ([1, 1, 0, 0], None),
     ([1, 0, 0, 0, 0, 1, 1, 1], "7"), ([1, 1, 1, 1, 0, 1, 1, 1], None)],
)  # fmt: skip
def test_a_burst_is_a_key(bits: list[int], key: str | None) -> None:
    assert decode_key(bits) == key


def test_keys_on_two_pins_are_a_code_once_it_is_sent(send) -> None:
    reader, read = WiegandReader(5, 6, pin_factory=send.pins), queue.Queue()
    reader.start(read.put)
    for key in (9, 10, 4, 8, 2, 1, 11):
        send([key >> 3 & 1, key >> 2 & 1, key >> 1 & 1, key & 1])
    typed = read.get(timeout=PATIENCE_S)
    assert (typed.value, typed.kind) == ("4821", "code"), "what was cleared is not sent"
    reader.stop()
