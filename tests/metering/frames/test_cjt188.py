"""Water meters' frames: those that public programs print, and what may come in their place."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.frames.bcd import CodecError
from metering.frames.cjt188 import messages
from metering.frames.cjt188.frame import ANYBODY, MOST_DATA, Decoder, Frame, MeterType, decode, encode
from metering.frames.cjt188.models import MODELS, Valve

CAMPUS = ZoneInfo("Asia/Shanghai")
HIGH, LOW = MODELS["cjt188"], MODELS["cjt188-low-first"]
COLD, GAS = MeterType.COLD_WATER, MeterType.GAS
VALVED, METER = "78331505900569", "78330011223344"
READINGS = {
    "556677 m³": "68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 13"
    " 16",
    "nothing": "68 10 88 05 27 10 15 20 00 81 16 90 1F 01 00 00 00 00 2C 00 00 00 00 2C 06 20 17 09 01 17 20 00 00 8E"
    " 16",
    "123 m³": "68 10 01 00 00 05 08 00 00 81 16 90 1F 00 00 23 01 00 2C 00 00 00 00 2C 00 00 00 00 00 00 00 00 00 48"
    " 16",
}


@pytest.mark.parametrize(
    ("raw", "asked"),
    [
        ("68 10 AA AA AA AA AA AA AA 01 03 90 1F 01 D2 16", messages.read(HIGH, COLD, ANYBODY, 1)),
        ("68 10 AA AA AA AA AA AA AA 01 03 1F 90 01 D2 16", messages.read(LOW, COLD, ANYBODY, 1)),
        ("68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16", messages.read(LOW, COLD, METER, 0)),
        ("68 10 AA AA AA AA AA AA AA 03 03 81 0A 01 B0 16", messages.read_address(HIGH, COLD, 1)),
        (
            "68 10 69 05 90 05 15 33 78 04 04 A0 17 01 55 50 16",
            messages.set_valve(HIGH, COLD, VALVED, is_open=True, serial=1),
        ),
        (
            "68 10 69 05 90 05 15 33 78 04 04 17 A0 01 55 50 16",
            messages.set_valve(LOW, COLD, VALVED, is_open=True, serial=1),
        ),
        (
            "68 10 01 13 12 19 00 00 00 04 04 A0 17 01 55 CC 16",
            messages.set_valve(HIGH, COLD, "00000019121301", is_open=True, serial=1),
        ),
        (
            "68 10 01 13 12 19 00 00 00 04 04 A0 17 01 99 10 16",
            messages.set_valve(HIGH, COLD, "00000019121301", is_open=False, serial=1),
        ),
        (
            "68 30 03 00 00 00 00 00 00 04 04 17 A0 01 55 B0 16",
            messages.set_valve(LOW, GAS, "00000000000003", is_open=True, serial=1),
        ),
        (
            "68 30 03 00 00 00 00 00 00 04 04 17 A0 01 99 F4 16",
            messages.set_valve(LOW, GAS, "00000000000003", is_open=False, serial=1),
        ),
    ],
)
def test_a_request_is_the_published_bytes(raw, asked):
    assert encode(asked) == bytes.fromhex(raw)
    assert decode(bytes.fromhex(raw)) == asked


@pytest.mark.parametrize("model", [HIGH, LOW])
def test_the_published_answers_give_their_readings(model):
    first, nothing, third = (
        messages.read_reading(decode(bytes.fromhex(raw)), model, CAMPUS) for raw in READINGS.values()
    )
    assert (first.total.digits, first.total.volume_ml) == (55_667_700, 556_677_000_000)
    assert first.clock == datetime(2015, 5, 11, 22, 1, 31, tzinfo=CAMPUS)
    assert nothing.total.volume_ml == nothing.at_settlement.volume_ml == 0
    assert nothing.clock == datetime(2017, 1, 9, 17, 20, 6, tzinfo=CAMPUS)
    assert third.total.volume_ml == 123_000_000
    assert third.clock is None, "a clock of zeros is no time"
    assert (third.status.valve, third.status.is_battery_low) == (Valve.OPEN, False)


@pytest.mark.parametrize("raw", READINGS.values())
@pytest.mark.parametrize("model", [HIGH, LOW])
def test_an_answer_counts_in_either_order_of_its_data_id(raw, model):
    answer = decode(bytes.fromhex(raw))
    assert messages.accepts(messages.read(model, COLD, answer.address, answer.data[2]), answer, model)
    assert messages.accepts(messages.read(model, COLD, ANYBODY, answer.data[2]), answer, model)


@pytest.mark.parametrize(
    ("unit", "ml"),
    [(0x29, 10), (0x2A, 100), (0x2B, 1_000), (0x2C, 10_000), (0x2D, 100_000), (0x2E, 1_000_000), (0x32, None)],
)
def test_the_unit_says_what_the_last_digit_is_worth(unit, ml):
    assert messages.Counter(1, unit).volume_ml == ml
    assert messages.Counter(None, unit).volume_ml is None


@pytest.mark.parametrize(
    ("model", "word", "valve", "is_battery_low"),
    [
        ("cjt188", 0x0000, Valve.OPEN, False),
        ("cjt188", 0x0001, Valve.CLOSED, False),
        ("cjt188", 0x0003, Valve.FAULTY, False),
        ("cjt188", 0x0005, Valve.CLOSED, True),
        ("cjt188-high-status", 0x0000, Valve.OPEN, False),
        ("cjt188-high-status", 0x0040, Valve.CLOSED, False),
        ("cjt188-high-status", 0x00C0, Valve.FAULTY, False),
        ("cjt188-high-status", 0x0060, Valve.CLOSED, True),
    ],
)
def test_the_status_is_read_as_the_model_means_it(model, word, valve, is_battery_low):
    status = MODELS[model].read_status(word)
    assert (status.valve, status.is_battery_low) == (valve, is_battery_low)


def test_a_valve_answers_with_its_status_or_without():
    asked = messages.set_valve(HIGH, COLD, VALVED, is_open=False, serial=7)
    with_status = Frame(COLD, VALVED, 0x84, bytes.fromhex("A0 17 07 01 00"))
    assert messages.accepts(asked, with_status, HIGH)
    status = messages.read_valve(with_status, HIGH)
    assert status is not None
    assert status.valve is Valve.CLOSED
    short = Frame(COLD, VALVED, 0x84, bytes.fromhex("A0 17 07"))
    assert messages.accepts(asked, short, HIGH)
    assert messages.read_valve(short, HIGH) is None


def test_one_maker_answers_for_its_valve_with_aa():
    model = MODELS["cjt188-valve-answer-aa"]
    asked = messages.set_valve(model, COLD, VALVED, is_open=True, serial=7)
    answer = Frame(COLD, VALVED, 0xAA, bytes.fromhex("A0 17 07 00 00"))
    assert messages.accepts(asked, answer, model)
    assert not messages.accepts(asked, answer, HIGH)
    assert messages.read_valve(answer, model) is not None


def test_one_maker_opens_and_closes_with_codes_of_its_own():
    model = MODELS["cjt188-free-valve"]
    codes = [messages.set_valve(model, COLD, VALVED, is_open=how, serial=1).data[3] for how in (True, False)]
    assert codes == [0x66, 0x77]


ASKED = messages.read(HIGH, COLD, METER, 5)
COUNTERS = bytes(19)


@pytest.mark.parametrize(
    ("why", "other"),
    [
        ("an echo", ASKED),
        ("another meter", Frame(COLD, VALVED, 0x81, b"\x90\x1f\x05" + COUNTERS)),
        ("another kind of meter", Frame(GAS, METER, 0x81, b"\x90\x1f\x05" + COUNTERS)),
        ("a wildcard's answer", Frame(COLD, ANYBODY, 0x81, b"\x90\x1f\x05" + COUNTERS)),
        ("a late answer", Frame(COLD, METER, 0x81, b"\x90\x1f\x04" + COUNTERS)),
        ("another data id", Frame(COLD, METER, 0x81, b"\x81\x0a\x05" + COUNTERS)),
        ("a valve's answer", Frame(COLD, METER, 0x84, b"\xa0\x17\x05\x00\x00")),
        ("a refused valve", Frame(COLD, METER, 0xC4, b"\xa0\x17\x05")),
        ("nothing in it", Frame(COLD, METER, 0x81)),
    ],
)
def test_another_frame_does_not_count(why, other):
    assert not messages.accepts(ASKED, other, HIGH), why


@pytest.mark.parametrize("data", ["", "05", "90 1F 05 01"])
def test_a_refusal_yields_no_reading(data):
    refused = Frame(COLD, METER, 0xC1, bytes.fromhex(data))
    assert messages.accepts(ASKED, refused, HIGH)
    with pytest.raises(CodecError, match="refuses"):
        messages.read_reading(refused, HIGH, CAMPUS)


@pytest.mark.parametrize(
    "data", [b"\x90\x1f\x05" + bytes(18), b"\x81\x0a\x05" + bytes(19), b"\x90\x1f\x05\xab" + bytes(18)]
)
def test_data_that_are_no_counters_yield_no_reading(data):
    with pytest.raises(CodecError):
        messages.read_reading(Frame(COLD, METER, 0x81, data), HIGH, CAMPUS)


FRAMES = st.builds(
    Frame,
    st.integers(0, 255),
    st.text("0123456789", min_size=14, max_size=14),
    st.integers(0, 255),
    st.binary(max_size=MOST_DATA),
)


@given(frame=FRAMES, noise=st.binary(max_size=40), cut=st.integers(0, 300))
def test_a_frame_is_found_in_noise_and_in_pieces(frame, noise, cut):
    line, decoder = noise + encode(frame, preamble=2) + noise, Decoder()
    assert frame in [*decoder.feed(line[:cut]), *decoder.feed(line[cut:])]


@given(place=st.integers(0, 34), change=st.integers(1, 255))
def test_a_corrupted_byte_never_yields_a_reading(place, change):
    raw = bytearray.fromhex(READINGS["123 m³"])
    asked = messages.read(HIGH, COLD, decode(bytes(raw)).address, 0)
    raw[place] ^= change
    assert not [frame for frame in Decoder().feed(bytes(raw) + bytes(300)) if messages.accepts(asked, frame, HIGH)]


@pytest.mark.parametrize("item", [messages.READING, messages.ADDRESS, messages.VALVE, 0x907F, 0x8102, 0xA018, 0xD120])
def test_the_order_of_a_data_id_shows(item):
    high = item.to_bytes(2, "big")
    assert messages.read_id(high) == messages.read_id(high[::-1]) == item


@pytest.mark.parametrize("address", ["7833", "783300112233441", "7833001122334G"])
def test_an_address_has_fourteen_digits(address):
    with pytest.raises(CodecError, match="14 digits"):
        encode(Frame(COLD, address, 0x01))
