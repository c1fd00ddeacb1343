"""What counts as the answer to a request, and what a refusal says."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.frames.dlt645 import items, numbers, requests
from metering.frames.dlt645.answers import MeterRefusalError, accepts, read_acknowledgement, read_address
from metering.frames.dlt645.frame import ANYBODY, EVERYBODY, Decoder, Frame, Function, encode

CAMPUS = ZoneInfo("Asia/Shanghai")
ADDRESS = "000000219998"
ASKED = requests.read(ADDRESS, numbers.FORWARD_ENERGY)


def answered(item=numbers.FORWARD_ENERGY, digits=(123456,), *, address=ADDRESS, control=0x91):
    return Frame(address, control, requests.encode_id(item) + numbers.encode(item, digits))


def test_the_answer_itself_counts():
    assert accepts(ASKED, answered())


@pytest.mark.parametrize(
    ("why", "other"),
    [
        ("an echo of the question", ASKED),
        ("another meter", answered(address="000000219999")),
        ("the wildcard in place of an address", answered(address=ANYBODY)),
        ("a late answer about the voltage", answered(0x02010100, (2203,))),
        ("the same energy of another tariff", answered(0x00010100)),
        ("the right id without data", Frame(ADDRESS, 0x91, requests.encode_id(numbers.FORWARD_ENERGY))),
        ("an order's acknowledgement", Frame(ADDRESS, 0x9C)),
        ("a refused order", Frame(ADDRESS, 0xDC, b"\x04")),
        ("a question of another master", requests.read(ADDRESS, 0x02010100)),
        ("an error of three bytes", Frame(ADDRESS, 0xD1, b"\x02\x00\x00")),
    ],
)
def test_another_frame_does_not_count(why, other):
    assert not accepts(ASKED, other), why


def test_a_wildcard_is_answered_by_the_meter_whose_digits_fit():
    anybody, ending_in_9998 = requests.read(ANYBODY, 0x00010000), requests.read("AAAAAAAA9998", 0x00010000)
    assert accepts(anybody, answered())
    assert accepts(ending_in_9998, answered())
    assert not accepts(ending_in_9998, answered(address="000000219999"))


def test_nobody_answers_a_broadcast():
    asked = Frame(EVERYBODY, Function.FREEZE, b"\x99" * 4)
    assert not accepts(asked, Frame(EVERYBODY, 0x96))
    assert not accepts(asked, Frame(ADDRESS, 0x96))


def test_an_address_counts_when_header_and_data_agree_or_the_header_is_the_wildcard():
    own = bytes.fromhex("98 99 21 00 00 00")
    assert accepts(requests.read_address(), Frame(ADDRESS, 0x93, own))
    assert accepts(requests.read_address(), Frame(ANYBODY, 0x93, own))
    assert not accepts(requests.read_address(), Frame("000000000001", 0x93, own))
    assert not accepts(requests.read_address(), Frame(ANYBODY, 0x93, b"\xaa" * 6))
    assert read_address(Frame(ADDRESS, 0x93, own)) == ADDRESS


def test_a_refusal_says_why():
    refused = Frame(ADDRESS, 0xD1, b"\x02")
    assert accepts(ASKED, refused)
    with pytest.raises(MeterRefusalError, match="no such data") as caught:
        items.read_value(refused, CAMPUS)
    assert caught.value.words == ("no such data",)
    with pytest.raises(MeterRefusalError, match="no such data, too many tariffs, bit 7"):
        items.read_value(Frame(ADDRESS, 0xD1, b"\xc2"), CAMPUS)


@pytest.mark.parametrize(
    ("control", "data", "is_accepted", "words"),
    [
        (0x9C, "", True, ()),
        (0x9C, "04 00", True, ("tripped",)),
        (0x9C, "02 00", True, ("closing allowed",)),
        (0x9C, "00 01", True, ("power kept on",)),
        (0xDC, "", False, ()),
        (0xDC, "04", False, ("wrong password, or not allowed",)),
        (0xDC, "10 00", False, ("the order has expired",)),
        (0xDC, "20 00", False, ("no trip while power is kept on",)),
        (0xDC, "00 40", False, ("bit 14",)),
    ],
)
def test_an_order_is_acknowledged_with_no_byte_one_or_two(control, data, is_accepted, words):
    asked, answer = Frame(ADDRESS, Function.ORDER, bytes(16)), Frame(ADDRESS, control, bytes.fromhex(data))
    assert accepts(asked, answer)
    acknowledgement = read_acknowledgement(answer)
    assert (acknowledgement.is_accepted, acknowledgement.words) == (is_accepted, words)


ITEMS = st.sampled_from([0x00010000, 0x00000000, 0x0001FF00, 0x02010100, 0x02030000, 0x05060101, 0x00020100])


@given(
    asked=ITEMS,
    told=ITEMS,
    address=st.sampled_from([ADDRESS, "000000219999", ANYBODY, EVERYBODY]),
    control=st.integers(0, 255),
    number=st.integers(0, 7999),
)
def test_only_address_control_and_data_id_together_make_an_answer(asked, told, address, control, number):
    frame = answered(told, (number,), address=address, control=control)
    is_it = asked == told and address == ADDRESS and control & 0xDF == 0x91
    assert accepts(requests.read(ADDRESS, asked), frame) == is_it


@given(place=st.integers(0, 19), change=st.integers(1, 255), digits=st.integers(0, 99_999_999))
def test_a_corrupted_byte_never_yields_a_reading(place, change, digits):
    raw = bytearray(encode(answered(digits=(digits,))))
    raw[place] ^= change
    found = [frame for frame in Decoder().feed(bytes(raw) + bytes(300)) if accepts(ASKED, frame)]
    assert found == []
