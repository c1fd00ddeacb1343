"""Frames that public programs print or captured from real lines, read and written to the byte."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from metering.frames.bcd import CodecError
from metering.frames.dlt645 import items, numbers, requests, times
from metering.frames.dlt645.answers import accepts, read_acknowledgement
from metering.frames.dlt645.frame import EVERYBODY, Decoder, Frame, decode, encode
from metering.frames.dlt645.models import MODELS
from metering.frames.dlt645.orders import (
    Command,
    Credentials,
    EncryptedOrder,
    PlainOrder,
    encrypted_order,
    order,
    read_order,
)
from metering.frames.dlt645.status import STATUS_WORD_3, StatusWord3

CAMPUS = ZoneInfo("Asia/Shanghai")
STANDARD = MODELS["dlt645-2007"]
IN_2099 = datetime(2099, 12, 30, tzinfo=CAMPUS)

READS = [
    ("68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16", "000000000161", numbers.FORWARD_ENERGY),
    ("68 61 01 00 00 00 00 68 11 04 33 34 34 35 17 16", "000000000161", 0x02010100),
    ("68 61 10 01 30 12 15 68 11 04 36 38 33 37 86 16", "151230011061", STATUS_WORD_3),
]
ANSWERS = [
    ("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16", numbers.FORWARD_ENERGY, (26,)),
    ("68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16", 0x02010100, (1001,)),
    ("68 61 10 01 30 12 15 68 91 06 36 38 33 37 83 33 BE 16", STATUS_WORD_3, StatusWord3(0x0050)),
    ("68 61 10 01 30 12 15 68 91 06 36 38 33 37 33 33 6E 16", STATUS_WORD_3, StatusWord3(0x0000)),
]


@pytest.mark.parametrize(("raw", "address", "item"), READS)
def test_a_question_is_the_published_bytes(raw, address, item):
    assert encode(requests.read(address, item)) == bytes.fromhex(raw)
    assert decode(bytes.fromhex(raw)) == requests.read(address, item)


@pytest.mark.parametrize(("raw", "item", "value"), ANSWERS)
def test_an_answer_gives_the_published_value(raw, item, value):
    answer = decode(bytes.fromhex(raw))
    assert items.read_id(answer.data) == item
    assert items.read_value(answer, CAMPUS) == value
    again = Frame(answer.address, answer.control, requests.encode_id(item) + items.encode(item, value, CAMPUS))
    assert encode(again) == bytes.fromhex(raw)
    assert accepts(requests.read(answer.address, item), answer)


def test_values_are_said_with_their_units():
    assert items.describe(numbers.FORWARD_ENERGY, (26,)) == ("forward active energy: 0.26 kWh",)
    assert items.describe(0x02010100, (1001,)) == ("voltage phase A: 100.1 V",)
    assert items.describe(STATUS_WORD_3, StatusWord3(0x0010))[:2] == (
        "status word 3: 0010",
        "relay open, may be closed",
    )


ORDERS = [
    (
        "68 61 10 01 30 12 15 68 1C 10 35 6A 39 35 34 33 33 33 4D 33 33 33 33 63 45 CC 2C 16",
        "151230011061",
        Credentials("370602", "00000001"),
        Command.TRIP,
        IN_2099,
    ),
    (
        "68 61 10 01 30 12 15 68 1C 10 35 6A 39 35 34 33 33 33 4E 33 33 33 33 63 45 CC 2D 16",
        "151230011061",
        Credentials("370602", "00000001"),
        Command.ALLOW_CLOSE,
        IN_2099,
    ),
    (
        "68 98 99 21 00 00 00 68 1C 10 35 33 33 33 63 63 63 63 4D 33 33 33 33 33 33 33 5A 16",
        "000000219998",
        Credentials("000000", "30303030"),
        Command.TRIP,
        None,
    ),
    (
        "68 98 99 21 00 00 00 68 1C 10 35 33 33 33 63 63 63 63 4E 33 33 33 33 33 33 33 5B 16",
        "000000219998",
        Credentials("000000", "30303030"),
        Command.ALLOW_CLOSE,
        None,
    ),
    (
        "68 06 10 24 05 19 20 68 1C 10 35 33 33 33 33 33 33 33 4D 33 33 33 33 33 33 33 C0 16",
        "201905241006",
        Credentials("000000", "00000000"),
        Command.TRIP,
        None,
    ),
]


@pytest.mark.parametrize(("raw", "address", "credentials", "command", "until"), ORDERS)
def test_an_order_is_the_published_bytes(raw, address, credentials, command, until):
    model = MODELS["dlt645-2007" if until else "dlt645-2007-zero-expiry"]
    made = order(model, address, command, credentials=credentials, valid_until=until or IN_2099, zone=CAMPUS)
    assert encode(made) == bytes.fromhex(raw)
    read = read_order(decode(bytes.fromhex(raw)), model, CAMPUS)
    assert read == PlainOrder(0x02, credentials, command, until)


@pytest.mark.parametrize(
    ("command", "byte", "total"),
    [
        (Command.TRIP, "4D", "09"),
        (Command.ALLOW_CLOSE, "4E", "0A"),
        (Command.CLOSE, "4F", "0B"),
        (Command.ALARM, "5D", "19"),
        (Command.ALARM_OFF, "5E", "1A"),
        (Command.KEEP_ON, "6D", "29"),
        (Command.KEEP_OFF, "6E", "2A"),
    ],
)
def test_each_command_has_its_byte(command, byte, total):
    raw = f"68 98 99 21 00 00 00 68 1C 10 35 33 33 33 34 33 33 33 {byte} 33 33 33 43 5A 44 59 {total} 16"
    made = order(
        STANDARD,
        "000000219998",
        command,
        credentials=Credentials("000000", "00000001"),
        valid_until=datetime(2026, 11, 27, 2, tzinfo=UTC),
        zone=CAMPUS,
    )
    assert encode(made) == bytes.fromhex(raw)


def test_a_sealed_order_passes_unread():
    raw = bytes.fromhex(
        "68 11 11 11 11 11 11 68 1C 1C CB 33 33 33 AB 89 67 45 1E 64 F4 36 A4 F5 83 0A 0B 3D FC B1 13 77 1D 00 39 DD"
        " 8E B9 7D 16"
    )
    sealed = read_order(decode(raw), STANDARD, CAMPUS)
    assert isinstance(sealed, EncryptedOrder)
    assert (sealed.level, sealed.operator, len(sealed.cipher)) == (0x98, "12345678", 20)
    assert encode(encrypted_order("111111111111", sealed)) == raw


def test_an_order_is_acknowledged_without_data():
    answer = decode(bytes.fromhex("68 61 10 01 30 12 15 68 9C 00 35 16"))
    asked = order(STANDARD, "151230011061", Command.TRIP, credentials=Credentials(), valid_until=IN_2099, zone=CAMPUS)
    assert accepts(asked, answer)
    assert read_acknowledgement(answer).is_accepted


def test_the_broadcast_time_begins_with_seconds():
    raw = bytes.fromhex("68 99 99 99 99 99 99 68 08 06 84 55 43 38 39 4A 4B 16")
    at = datetime(2017, 6, 5, 10, 22, 51, tzinfo=CAMPUS)
    assert encode(requests.set_clock(at, CAMPUS)) == raw
    assert times.decode_second(decode(raw).data, CAMPUS) == at


def test_a_freeze_begins_with_minutes():
    at = datetime(2026, 11, 27, 16, 5, tzinfo=UTC)  # 28 November, 00:05 on campus
    assert requests.freeze(EVERYBODY, at, CAMPUS).data == bytes.fromhex("05 00 28 11")
    assert requests.freeze(EVERYBODY, None, CAMPUS).data == bytes.fromhex("99 99 99 99")


def test_the_daily_freeze_has_a_total_and_the_tariffs():
    data = bytes.fromhex("01 01 06 05") + bytes.fromhex("56 34 12 00 00 10 00 00 56 24 12 00 FF FF FF FF 00 00 00 00")
    assert items.read_value(Frame("000000000161", 0x91, data), CAMPUS) == (123456, 1000, 122456, None, 0)
    frozen_at = bytes.fromhex("01 00 06 05") + bytes.fromhex("00 00 28 11 26")
    assert items.read_value(Frame("000000000161", 0x91, frozen_at), CAMPUS) == datetime(2026, 11, 28, tzinfo=CAMPUS)


def test_the_year_99_is_2099():
    assert times.decode_second(bytes.fromhex("00 00 00 31 12 99"), CAMPUS).year == 2099


def test_date_time_and_address_of_a_meter():
    assert str(items.decode(items.DATE, bytes.fromhex("05 27 11 26"), CAMPUS)) == "2026-11-27"
    assert str(items.decode(items.TIME, bytes.fromhex("51 22 10"), CAMPUS)) == "10:22:51"
    answer = Frame("000000219998", 0x93, bytes.fromhex("98 99 21 00 00 00"))
    assert accepts(requests.read_address(), answer)


@pytest.mark.parametrize("data", ["50", "00 05 00", "FF FF", ""])
def test_a_status_word_of_another_length_or_without_value_is_none(data):
    raw = bytes.fromhex(data)
    if raw == b"\xff\xff":
        assert items.decode(STATUS_WORD_3, raw, CAMPUS) is None
    else:
        with pytest.raises(CodecError):
            items.decode(STATUS_WORD_3, raw, CAMPUS)


def test_four_or_nine_bytes_before_a_frame_wake_the_receiver_and_are_not_summed():
    raw = bytes.fromhex(READS[0][0])
    for many in (0, 1, 4, 9):
        assert Decoder().feed(b"\xfe" * many + raw) == [decode(raw)] == [decode(b"\xfe" * many + raw)]
