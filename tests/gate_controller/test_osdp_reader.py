"""OSDP readers: between a real panel and a real reader, over a pseudo-terminal whose line can be cut."""

import contextlib
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osdp import Capability, CardFormat, Command, CommandLEDColor, Event, StatusReportType

from campusgate.demo.osdp_peer import LIGHT_AND_TONE, SPEED, SoftwareReader
from gate_controller.readers import Dropped, ReaderError, Reading, ReadingResult, Unreadable
from gate_controller.readers.numbers import NumberFormat
from gate_controller.readers.osdp import OsdpReader, SerialChannel, parse_card_event, read_key
from gate_controller.readers.osdp_line import LineWatch
from messages import DoorStatus, EventKind
from tests.gate_controller.test_card_proof import KEYS, written
from tests.gate_controller.wiegand_frames import frame, pack
from tests.waiting import PATIENCE_S, until

KEY = bytes(range(1, 17))
CARD, LATER = "04A31B72", "04A31B74"


@pytest.mark.parametrize(
    ("length", "data", "value", "form"),
    [(32, bytes.fromhex("04A31B72"), "04A31B72", "4 bytes"),
     (56, bytes.fromhex("04DE5F1EACC040"), "04DE5F1EACC040", "7 bytes"),
     (26, pack(frame(0x12D687, 24)), "12D687", "26 bits, parity good"),
     (34, pack(frame(0x04A31B72, 32)), "04A31B72", "34 bits, parity good"),
     (58, pack(frame(0x04DE5F1EACC040, 56)), "04DE5F1EACC040", "58 bits, parity good"),
     (24, bytes.fromhex("12D687"), "12D687", "3 bytes"),
     (40, bytes.fromhex("0104A31B72"), "0104A31B72", "5 bytes")],
)  # fmt: skip
@pytest.mark.parametrize("named", [CardFormat.Unspecified, CardFormat.Wiegand])
def test_bits_are_a_card_with_or_without_parity(length: int, data: bytes, value: str, form: str, named: int) -> None:
    """The format in the event tells nothing: readers name either for either."""
    reading = parse_card_event({"format": named, "length": length, "data": data})
    assert (reading.value, reading.kind, reading.form) == (value, "card", form)


@pytest.mark.parametrize(
    ("length", "data", "form"),
    [(26, bytes(4), "26 bits, parity wrong"), (26, bytes(3), "26 bits announced, 24 sent"), (37, bytes(5), "37 bits"),
     (16, bytes(2), "2 bytes"), (136, bytes(17), "17 bytes")],
)  # fmt: skip
def test_other_bits_are_told_by_their_form(length: int, data: bytes, form: str) -> None:
    found = parse_card_event({"format": CardFormat.Unspecified, "length": length, "data": data})
    assert isinstance(found, Unreadable)
    assert found.form == form


def test_bytes_can_come_last_byte_first() -> None:
    numbers = NumberFormat(order="last_byte_first")
    for event in ({"format": 0, "length": 32, "data": bytes.fromhex("721BA304")},
                  {"format": 0, "length": 34, "data": pack(frame(0x721BA304, 32))}):  # fmt: skip
        assert parse_card_event(event, numbers).value == "04A31B72"


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


POLL, CHALLENGE = "ff53050e000f0215608683933ee90d", "ff530513000c0311007601020304050607080000"
"""A secured poll, and the begin of a handshake, as libosdp says them (their sums are not looked at)."""
NOTHING, A_CARD = "53850e000d0216403c86103a74b1", "53851e000f021850741be48d086e65c6355c8cf1cefa1adb867724c84a98"


def test_only_a_poll_of_after_a_silence_proves_a_reader_empty() -> None:
    """The process was stopped between a poll and its answer, and a card was shown meanwhile."""
    changes: list[str] = []
    watch = LineWatch(changes.append)

    def talk(*replies: tuple[str, float]) -> None:
        for reply, at in replies:
            watch.sent(bytes.fromhex(POLL))
            watch.received(bytes.fromhex(reply), at)

    talk((A_CARD, 0.0))
    assert not watch.settled
    talk((NOTHING, 0.1))
    assert watch.settled
    talk((NOTHING, 3.1))
    assert not watch.settled
    talk((A_CARD, 3.2))
    assert not watch.settled
    talk((NOTHING, 3.3))
    assert watch.settled
    watch.sent(bytes.fromhex(CHALLENGE))
    assert not watch.settled
    talk((A_CARD, 3.5))
    assert not watch.settled
    assert changes == ["settled", "began_anew", "settled", "began_anew"]


@given(st.lists(st.integers(1, 7), max_size=30), st.binary(max_size=20))
def test_the_watch_reads_packets_however_they_are_cut(sizes: list[int], noise: bytes) -> None:
    watch = LineWatch(lambda _change: None)
    watch.sent(noise)
    watch.received(noise, 0.0)
    watch.sent(bytes.fromhex(POLL))
    reply = bytes.fromhex(NOTHING)
    for size in [*sizes, len(reply)]:
        watch.received(reply[:size], 0.1)
        reply = reply[size:]
    assert watch.settled


class RealReader(SoftwareReader):
    """A reader with a keypad and a housing, which can refuse commands."""

    def __init__(self, key: bytes, abilities: Sequence[tuple[int, int, int]] = LIGHT_AND_TONE) -> None:
        super().__init__(key, address=5, abilities=abilities)
        self.refuses: set[int] = set()
        self.commands: list[int] = []
        self.device.set_command_handler(self._obey)
        self.start()

    def _obey(self, command: dict) -> tuple[int, None]:
        """libosdp's own answer about the housing is that it is closed; a refusal is what older readers know."""
        self.commands.append(command["command"])
        return (-1 if command["command"] in self.refuses else 0), None

    @property
    def asked(self) -> int:
        return self.commands.count(Command.Status)

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


@pytest.fixture
def real_reader(request) -> Iterator[RealReader]:
    reader = RealReader(KEY, getattr(request, "param", LIGHT_AND_TONE))
    yield reader
    reader.stop()


@pytest.fixture
def panel(real_reader) -> Iterator[Callable[..., OsdpReader]]:
    """Talk to the real reader; stopped at the end whatever happens, since libosdp's thread would outlive the tests."""
    with contextlib.ExitStack() as talks:

        def talk(read: Callable[[Any], None], key: bytes = KEY, **how: Any) -> OsdpReader:
            reader = OsdpReader(SerialChannel(real_reader.path, SPEED), key, address=5, **how)
            reader.start(read)
            talks.callback(reader.stop)
            return reader

        yield talk


def once_more(step: Callable[[], None]) -> None:
    """Do it again as people do: what is shown while a busy machine lets the line time out (0.2 s) is dropped."""
    for _ in range(4):
        with contextlib.suppress(AssertionError, queue.Empty):
            return step()
    return step()


def readings(read: "queue.Queue[Any]") -> Reading:
    """The next reading; what a busy machine dropped before is passed over."""
    while isinstance(found := read.get(timeout=5), Dropped):
        pass
    assert isinstance(found, Reading)
    return found


def test_an_osdp_reader_reads_cards_and_codes_and_shows_the_outcome(real_reader, panel) -> None:
    read: queue.Queue[Any] = queue.Queue()
    tampers: queue.Queue[bool] = queue.Queue()
    reader = panel(read.put)
    reader.tamper.watch(tampers.put)

    def card_opens() -> None:
        until(lambda: reader.ready)
        real_reader.forget_commands()
        assert real_reader.present_card(CARD)
        reading = readings(read)
        assert (reading.value, reading.kind) == (CARD, "card")
        reading.answer(ReadingResult(True, "granted"))
        assert real_reader.shown() == (CommandLEDColor.Green, 1)

    def code_is_refused() -> None:
        until(lambda: reader.ready)
        real_reader.forget_commands()
        real_reader.keys(b"99\x7f4821")
        real_reader.keys(b"1907\x0d")
        reading = readings(read)
        assert (reading.value, reading.kind, reading.form) == ("48211907", "code", "8 keys")
        reading.answer(ReadingResult(False, "unknown_credential"))
        assert real_reader.shown() == (CommandLEDColor.Red, 3)

    def housing_is(active: bool) -> None:
        until(lambda: reader.ready)
        real_reader.tamper(active)
        assert tampers.get(timeout=5) is active

    once_more(card_opens)
    once_more(code_is_refused)
    once_more(lambda: housing_is(True))
    once_more(lambda: housing_is(False))


def cut_and_mend(real_reader: RealReader, reader: OsdpReader, shown: Callable[[], None], *, seconds: float) -> None:
    """Show something while the line is cut, and wait until the reader that is back was found empty."""
    until(lambda: reader.ready)
    real_reader.line.cut()
    shown()
    time.sleep(seconds)
    real_reader.line.mend()
    until(lambda: reader.ready)


@pytest.mark.parametrize("seconds", [1.5, 9.0], ids=["the panel did not notice", "the reader was lost"])
def test_what_is_shown_while_the_line_is_cut_is_never_read(real_reader, panel, seconds: float) -> None:
    read: queue.Queue[Any] = queue.Queue()
    reader = panel(read.put)

    def shown() -> None:
        assert real_reader.present_card(CARD)
        assert real_reader.present_card(CARD)
        real_reader.keys(b"4821\x0d")

    cut_and_mend(real_reader, reader, shown, seconds=seconds)
    dropped = read.get(timeout=PATIENCE_S)
    assert dropped == Dropped(3, "line_lost")

    def later_card_is_read() -> None:
        until(lambda: reader.ready)
        assert real_reader.present_card(LATER)
        assert readings(read).value == LATER

    once_more(later_card_is_read)


def test_a_pin_that_is_half_typed_when_the_line_is_cut_is_forgotten(real_reader, panel) -> None:
    read: queue.Queue[Any] = queue.Queue()
    reader = panel(read.put)
    until(lambda: reader.ready)
    real_reader.keys(b"48")
    until(lambda: reader._keypad._typed == "48")
    cut_and_mend(real_reader, reader, lambda: None, seconds=1.5)
    assert read.get(timeout=PATIENCE_S) == Dropped(1, "line_lost")

    def the_rest_alone_is_typed() -> None:
        until(lambda: reader.ready)
        real_reader.keys(b"21\x0d")
        assert readings(read).value == "21"

    once_more(the_rest_alone_is_typed)


def test_a_light_for_somebody_who_left_is_not_shown_late(real_reader, panel) -> None:
    read: queue.Queue[Any] = queue.Queue()
    reader = panel(read.put)
    until(lambda: reader.ready)
    assert real_reader.present_card(CARD)
    reading = readings(read)
    real_reader.line.cut()
    reading.answer(ReadingResult(True, "granted"))
    until(lambda: not reader.secure)
    real_reader.line.mend()
    until(lambda: reader.ready)
    assert Command.LED not in real_reader.commands
    assert Command.Buzzer not in real_reader.commands


@pytest.mark.parametrize("real_reader", [[], [(Capability.LEDControl, 2, 1)]], indirect=True, ids=["none", "light"])
def test_a_reader_without_buzzer_or_light_stays_there(real_reader, panel) -> None:
    read: queue.Queue[Any] = queue.Queue()
    reader = panel(read.put)
    faults: list[str | None] = []
    reader.watch_fault(faults.append)

    def two_cards_are_read() -> None:
        until(lambda: reader.ready)
        for uid in (CARD, LATER):
            assert real_reader.present_card(uid)
            reading = readings(read)
            assert reading.value == uid
            reading.answer(ReadingResult(True, "granted"))
            time.sleep(0.5)
            assert reader.ready

    once_more(two_cards_are_read)
    assert Command.Buzzer not in real_reader.commands
    assert faults == []


def test_a_command_that_was_refused_once_is_not_sent_again(real_reader, panel) -> None:
    real_reader.refuses = {Command.Buzzer}
    read: queue.Queue[Any] = queue.Queue()
    reader = panel(read.put)

    def card_is_answered(uid: str) -> None:
        until(lambda: reader.ready)
        assert real_reader.present_card(uid)
        reading = readings(read)
        assert reading.value == uid
        lights = real_reader.commands.count(Command.LED)
        reading.answer(ReadingResult(True, "granted"))
        until(lambda: real_reader.commands.count(Command.LED) > lights, timeout_s=5)

    once_more(lambda: card_is_answered(CARD))
    until(lambda: Command.Buzzer in real_reader.commands)
    until(lambda: not reader.secure)
    for uid in (LATER, CARD):
        once_more(lambda uid=uid: card_is_answered(uid))
    assert real_reader.commands.count(Command.Buzzer) == 1


def test_a_reader_that_comes_back_is_asked_about_its_housing(real_reader, panel) -> None:
    reader = panel(lambda _presented: None)
    until(lambda: reader.ready and real_reader.asked)

    def housing_is_opened() -> None:
        until(lambda: reader.ready)
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
    real_reader.refuses = {Command.Status}
    read: queue.Queue[Any] = queue.Queue()
    reader = panel(read.put)

    def card_is_read() -> None:
        until(lambda: reader.ready and real_reader.asked and reader._watch.refused)
        assert real_reader.present_card(CARD)
        assert readings(read).value == CARD

    once_more(card_is_read)
    assert real_reader.asked == 1


def test_a_reader_with_another_key_is_never_believed(real_reader, panel) -> None:
    read, faults = [], []
    reader = panel(read.append, bytes(16), start_s=1)
    reader.watch_fault(faults.append)
    until(lambda: faults)
    assert real_reader.present_card(CARD)
    time.sleep(0.5)
    assert (reader.secure, read, faults) == (False, [], ["lost"])


def test_a_proof_of_64_bytes_comes_through_and_an_address_around_it_does_not(real_reader, panel) -> None:
    read: queue.Queue[Any] = queue.Queue()
    reader = panel(read.put)
    proof = written(KEYS, bytes.fromhex("04DE5F1EACC040"), 5)
    assert len(proof) == 64

    def proof_is_read() -> None:
        until(lambda: reader.ready)
        assert real_reader.present_bits(proof.encode(), 8 * len(proof))
        reading = readings(read)
        assert (reading.value, reading.kind) == (proof, "sun")

    once_more(proof_is_read)
    with contextlib.suppress(Exception):
        address = f"https://x/?{proof}".encode()
        assert not real_reader.present_bits(address, 8 * len(address))


def test_the_controller_takes_cards_from_an_osdp_reader(real_reader, bench, directory, operator) -> None:
    bench.reader = OsdpReader(SerialChannel(real_reader.path, SPEED), KEY, address=5)
    bench.tamper = bench.reader.tamper
    bench.start()
    operator.state(DoorStatus.LOCKED)

    def card_opens() -> None:
        until(lambda: bench.reader.ready)
        real_reader.forget_commands()
        assert real_reader.present_card(CARD)
        operator.until(lambda: EventKind.ACCESS_GRANTED in operator.kinds, 5)
        assert real_reader.shown() == (CommandLEDColor.Green, 1)

    def housing_is_opened() -> None:
        until(lambda: bench.reader.ready)
        real_reader.tamper(True)
        operator.until(lambda: EventKind.TAMPER in operator.kinds, 5)

    once_more(card_opens)
    granted = operator.event(EventKind.ACCESS_GRANTED)
    assert (granted.granted, granted.details["form"]) == (True, "4 bytes")
    once_more(housing_is_opened)


def test_a_card_shown_while_the_line_is_cut_opens_nothing_and_is_told(real_reader, bench, directory, operator) -> None:
    bench.reader = OsdpReader(SerialChannel(real_reader.path, SPEED), KEY, address=5)
    bench.start()
    operator.state(DoorStatus.LOCKED)
    cut_and_mend(real_reader, bench.reader, lambda: real_reader.present_card(CARD), seconds=2.0)
    dropped = operator.event(EventKind.READINGS_DROPPED)
    assert dropped.details == {"number": 1.0, "why": "line_lost"}
    assert CARD not in dropped.model_dump_json()
    assert bench.relay.history == []

    def it_opens_when_it_is_shown_again() -> None:
        until(lambda: bench.reader.ready)
        assert real_reader.present_card(CARD)
        operator.until(lambda: EventKind.ACCESS_GRANTED in operator.kinds, 5)

    once_more(it_opens_when_it_is_shown_again)
