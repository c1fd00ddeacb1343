"""Readers that speak lines."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from gate_controller.readers import Outcome, ReaderError, Reading
from gate_controller.readers.lines import LineReader
from tests.waiting import PATIENCE_S


@pytest.fixture
def reader() -> Iterator[LineReader]:
    reader = LineReader(verbs={"contact": lambda word: f"contact is {word}"})

    def read(reading: Reading) -> None:
        reading.answer(Outcome(reading.value == "04A31B72", "granted" if reading.value == "04A31B72" else reading.kind))

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
