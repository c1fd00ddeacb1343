"""Our frames against the meter server of another maker, over a real connection, and where that one is wrong.

`dlt645` is a sound peer for framing. Its client and server share their mistakes in the order of bytes, which no sum
shows, so each of those is named here against the published bytes.
"""

import importlib
import socket
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from metering.frames.dlt645 import items, numbers, requests
from metering.frames.dlt645.answers import MeterRefusalError, accepts, read_address
from metering.frames.dlt645.frame import EVERYBODY, Decoder, Frame, decode, encode
from metering.frames.dlt645.status import STATUS_WORD_3, StatusWord3

CAMPUS = ZoneInfo("Asia/Shanghai")
ADDRESS = "000000219998"
AS_THE_PEER_WANTS_IT = "989921000000"
"""It puts an address on the wire as given, so it must be given backwards."""


@pytest.fixture(scope="module")
def library() -> SimpleNamespace:
    """What is used of `dlt645`; importing it makes 20,000 objects, which no other test should wait for."""
    return SimpleNamespace(
        bcd_to_value=importlib.import_module("dlt645.common.transform").bcd_to_value,
        client=importlib.import_module("dlt645.service.clientsvc.client_service").MeterClientService,
        server=importlib.import_module("dlt645.service.serversvc.server_service").MeterServerService,
    )


@pytest.fixture(scope="module")
def peer(library) -> Iterator:
    # one for all tests: each costs a second or two and 25 MB
    with library.server.new_tcp_server("127.0.0.1", 0, 5) as server:
        server.set_address(AS_THE_PEER_WANTS_IT)
        yield server


@pytest.fixture
def line(peer) -> Iterator[socket.socket]:
    with socket.create_connection(peer.server.ln.getsockname(), timeout=5) as connection:
        yield connection


def ask(line: socket.socket, request: Frame) -> Frame:
    line.sendall(encode(request, preamble=4))
    decoder = Decoder()
    while True:
        data = line.recv(256)
        assert data, "the peer closed the connection"
        if frames := decoder.feed(data):
            return frames[0]


@pytest.mark.parametrize(
    ("item", "value", "digits"),
    [(numbers.FORWARD_ENERGY, 1234.56, 123_456), (0x00010100, 0.29, 29), (0x02010100, 220.3, 2203)],
)
def test_it_answers_our_questions_and_we_read_its_numbers(peer, line, item, value, digits):
    (peer.set_00 if item >> 24 == 0 else peer.set_02)(item, value)
    request = requests.read(ADDRESS, item)
    answer = ask(line, request)
    assert accepts(request, answer)
    assert items.read_value(answer, CAMPUS) == (digits,)


def test_it_tells_its_address_and_its_status_word(peer, line):
    answer = ask(line, requests.read_address())
    assert accepts(requests.read_address(), answer)
    assert read_address(answer) == ADDRESS
    assert isinstance(items.read_value(ask(line, requests.read(ADDRESS, STATUS_WORD_3)), CAMPUS), StatusWord3)


@pytest.mark.parametrize("item", [numbers.FROZEN_FORWARD_ENERGY, 0x0201FF00])
def test_what_it_does_not_have_it_refuses(line, item):
    request = requests.read(ADDRESS, item)
    answer = ask(line, request)
    assert accepts(request, answer)
    with pytest.raises(MeterRefusalError):
        items.read_value(answer, CAMPUS)


def test_fault_an_address_given_as_printed_goes_out_backwards(peer, line):
    peer.set_address(ADDRESS)
    try:
        assert read_address(ask(line, requests.read_address())) == "989921000000"
    finally:
        peer.set_address(AS_THE_PEER_WANTS_IT)


def test_fault_it_answers_for_a_foreign_meter_where_a_meter_is_silent(line):
    answer = ask(line, requests.read("000000000001", numbers.FORWARD_ENERGY))
    assert (answer.address, answer.is_error) == ("000000000001", True)


def test_fault_it_answers_with_the_wildcard_and_we_do_not_take_that(line):
    request = requests.read("AAAAAAAAAAAA", numbers.FORWARD_ENERGY)
    answer = ask(line, request)
    assert answer.address == "AAAAAAAAAAAA"
    assert not accepts(request, answer)


def test_fault_it_reads_the_broadcast_time_backwards(peer, line):
    line.sendall(encode(requests.set_clock(datetime(2012, 11, 10, 9, 8, 7, tzinfo=CAMPUS), CAMPUS)))
    ask(line, requests.read_address())  # a broadcast has no answer: what was sent before this was handled before it
    assert str(peer.time) == "2007-08-09 10:11:12"


def sent_by_its_client(send) -> Frame:
    sent: list[bytes] = []
    send(SimpleNamespace(_send_broadcast=sent.append))
    return decode(bytes(sent[0]))


def test_fault_its_broadcast_time_begins_with_the_year(library):
    at = datetime(2017, 6, 5, 10, 22, 51)  # noqa: DTZ001 - so it takes it
    theirs = sent_by_its_client(lambda client: library.client.broadcast_time_sync(client, at))
    published = decode(bytes.fromhex("68 99 99 99 99 99 99 68 08 06 84 55 43 38 39 4A 4B 16"))
    assert requests.set_clock(at.replace(tzinfo=CAMPUS), CAMPUS) == published
    assert theirs.data == published.data[::-1]
    assert encode(theirs)[-2] == encode(published)[-2], "the sums are equal, so nothing else shows it"


def test_fault_its_freeze_begins_with_the_month(library):
    theirs = sent_by_its_client(
        lambda client: library.client.freeze(client, month=11, day=28, hour=0, minute=5, broadcast=True)
    )
    ours = requests.freeze(EVERYBODY, datetime(2026, 11, 28, 0, 5, tzinfo=CAMPUS), CAMPUS)
    assert ours.data == bytes.fromhex("05 00 28 11")
    assert theirs.data == ours.data[::-1]


@pytest.mark.parametrize(
    ("data", "theirs", "ours"),
    [
        ("99 99 99 99", -199999.99, 99_999_999),
        ("00 00 00 80", 0.0, 80_000_000),
        ("FF FF FF FF", -7151515151515.15, None),
    ],
)
def test_fault_it_takes_the_highest_bit_of_any_energy_for_a_sign(library, data, theirs, ours):
    raw = bytes.fromhex(data)
    assert library.bcd_to_value(bytearray(raw), "XXXXXX.XX", "little") == theirs
    assert numbers.decode(numbers.FORWARD_ENERGY, raw) == (ours,)


def test_fault_its_floats_lose_a_hundredth(library):
    raw = bytes.fromhex("29 00 00 00")
    assert int(library.bcd_to_value(bytearray(raw), "XXXXXX.XX", "little") * 100) == 28
    assert numbers.decode(numbers.FORWARD_ENERGY, raw) == (29,)
