"""Readers that speak lines."""

import contextlib
import queue
import socket
import time
from collections.abc import Iterator

import pytest

from gate_controller.readers import Dropped, Presented, ReaderError, Reading, ReadingResult, Unreadable, lines
from gate_controller.readers.freshness import STALE_S
from gate_controller.readers.lines import LineReader
from gate_controller.readers.numbers import NumberFormat
from tests.waiting import PATIENCE_S, until


@pytest.fixture
def reader() -> Iterator[LineReader]:
    reader = LineReader(verbs={"contact": lambda word: f"contact is {word}"})
    reader.told = queue.Queue()

    def read(presented: Presented) -> None:
        if isinstance(presented, Reading):
            known = presented.value == "04A31B72"
            presented.answer(ReadingResult(known, "granted" if known else presented.kind))
            return
        reader.told.put(presented)
        if isinstance(presented, Unreadable):
            presented.answer(ReadingResult(False, "unreadable"))

    reader.start(read)
    yield reader
    reader.stop()


def ask(reader: LineReader, *lines: bytes) -> list[str]:
    with socket.create_connection(("127.0.0.1", reader.port), timeout=PATIENCE_S) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(b"".join(lines))
            connection.shutdown(socket.SHUT_WR)
        return connection.makefile(errors="replace").read().splitlines()


def test_a_card_gets_its_outcome(reader: LineReader) -> None:
    assert ask(reader, b"card 04A31B72\n", b"card 04A31B73\r\n", b"code 123456\n") == [
        "granted", "denied card", "denied code"
    ]  # fmt: skip


def test_a_bench_moves_its_wires(reader: LineReader) -> None:
    assert ask(reader, b"contact on\n") == ["contact is on"]


@pytest.mark.parametrize("line", [b"\n", b"nonsense\n", b"card\n", b"\xff\xfe\n", b"card " + b"0" * 500 + b"\n"])
def test_nonsense_is_answered_and_the_reader_goes_on(reader: LineReader, line: bytes) -> None:
    assert ask(reader, line)[0].startswith("error")
    assert ask(reader, b"card 04A31B72\n") == ["granted"]


@pytest.mark.parametrize(
    ("line", "form"),
    [(b"nonsense\n", "unreadable: 8 bytes"), (b"card 0477\n", "4 decimal digits"),
     (b"\xff\xfe\n", "unreadable: 2 bytes"), (b"card " + b"0" * 500 + b"\n", "unreadable: 505 bytes")],
)  # fmt: skip
def test_nonsense_is_told_by_its_form(reader: LineReader, line: bytes, form: str) -> None:
    ask(reader, line)
    assert reader.told.get(timeout=PATIENCE_S).form == form


def test_a_line_may_come_in_pieces(reader: LineReader) -> None:
    with socket.create_connection(("127.0.0.1", reader.port), timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (b"card 04A3", b"1B72", b"\ncard 04A31B72\nca"):
            connection.sendall(piece)
        answers = connection.makefile()
        assert [answers.readline() for _ in range(2)] == ["granted\n"] * 2


def test_numbers_come_as_the_reader_is_set() -> None:
    read: queue.Queue[Reading] = queue.Queue()

    def answer(reading: Reading) -> None:
        read.put(reading)
        reading.answer(ReadingResult(True, "granted"))

    reader = LineReader(numbers=NumberFormat(base=10))
    reader.start(answer)
    assert ask(reader, b"card 0077798258\n") == ["granted"]
    reader.stop()
    found = read.get(timeout=PATIENCE_S)
    assert (found.value, found.form) == ("04A31B72", "10 decimal digits")


def test_what_waited_while_the_process_stood_still_is_answered_and_not_read(reader: LineReader, monkeypatch) -> None:
    """A line of a connection that was open, and one of a connection that was made meanwhile."""
    ahead = [0.0]

    class Clock:
        monotonic = staticmethod(lambda: time.monotonic() + ahead[0])

    monkeypatch.setattr(lines, "time", Clock)
    with socket.create_connection(("127.0.0.1", reader.port), timeout=PATIENCE_S) as connection:
        answers = connection.makefile()
        connection.sendall(b"card 04A31B72\n")
        assert answers.readline() == "granted\n"
        ahead[0] += STALE_S + 1
        connection.sendall(b"card 04A31B72\n")
        assert answers.readline().startswith("error it came too late")
        assert reader.told.get(timeout=PATIENCE_S) == Dropped(1, "hung")

        def granted_again() -> bool:
            connection.sendall(b"card 04A31B72\n")
            return answers.readline() == "granted\n"

        until(lambda: time.sleep(0.5) or granted_again())
    ahead[0] += STALE_S + 1
    assert ask(reader, b"card 04A31B72\n")[0].startswith("error it came too late")


def test_two_readers_at_once(reader: LineReader) -> None:
    with socket.create_connection(("127.0.0.1", reader.port), timeout=PATIENCE_S) as idle:
        assert ask(reader, b"card 04A31B72\n") == ["granted"]
        idle.sendall(b"card 04A31B73\n")
        assert idle.makefile().readline() == "denied card\n"


def test_a_taken_port_is_named(reader: LineReader) -> None:
    with pytest.raises(ReaderError, match=str(reader.port)):
        LineReader(port=reader.port).start(lambda _reading: None)


def test_a_reading_does_not_show_the_number() -> None:
    assert "04A31B72" not in repr(Reading("04A31B72"))
