"""Digits and the items made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.frames import bcd
from metering.frames.bcd import CodecError
from metering.frames.dlt645 import numbers


@given(st.integers(1, 10).flatmap(lambda length: st.tuples(st.integers(0, 100**length - 1), st.just(length))))
def test_digits_are_read_as_they_are_written(pair):
    value, length = pair
    assert bcd.decode(bcd.encode(value, length)) == value


@given(st.integers(-7_999_999, 7_999_999))
def test_signed_digits_too(value):
    assert bcd.decode_signed(bcd.encode_signed(value, 4)) == value


@pytest.mark.parametrize("value", [-1, 100])
def test_what_does_not_fit_is_not_cut(value):
    with pytest.raises(CodecError):
        bcd.encode(value, 1)
    with pytest.raises(CodecError):
        bcd.encode_signed(80, 1)


def test_ff_is_no_value_and_a_letter_is_no_digit():
    assert bcd.decode(b"\xff\xff\xff\xff") is None
    assert bcd.decode_signed(b"\xff\xff\xff\xff") is None
    for data in (b"\xab\x00\x00\x00", b"\xff\xff\xff\x00", b"\x00\xff"):
        with pytest.raises(CodecError):
            bcd.decode(data)


@pytest.mark.parametrize(
    ("item", "data", "digits"),
    [
        (0x00010000, "99 99 99 99", (99_999_999,)),  # a forward total has no sign: 999,999.99 kWh
        (0x00010000, "00 00 00 80", (80_000_000,)),
        (0x00000000, "26 00 00 80", (-26,)),  # the combined one has
        (0x00010200, "78 56 34 12", (12_345_678,)),
        (0x0001FF00, "03 00 00 00 01 00 00 00 02 00 00 00", (3, 1, 2)),
        (0x00010001, "26 00 00 00", (26,)),
        (0x02010100, "03 22", (2203,)),
        (0x0201FF00, "03 22 FF FF FF FF", (2203, None, None)),
        (0x02020100, "34 12 80", (-1234,)),
        (0x02030000, "56 34 12", (123_456,)),
        (0x02060000, "00 10", (1000,)),
        (0x02800002, "98 49", (4998,)),
        (0x05060201, "01 00 00 00", (1,)),
        (0x00010000, "FF FF FF FF", (None,)),
    ],
)
def test_an_item_is_read_to_its_last_digit(item, data, digits):
    assert numbers.decode(item, bytes.fromhex(data)) == digits
    assert numbers.encode(item, digits) == bytes.fromhex(data)


@pytest.mark.parametrize(
    ("item", "data"),
    [
        (0x00010000, "12 34"),
        (0x00010000, ""),
        (0x00010000, "01 00 00 00 02 00 00 00"),
        (0x00010000, "AB 00 00 00"),
        (0x0201FF00, "03 22 03 22 03 22 03 22"),
        (0x0201FF00, "03 22 03"),
    ],
)
def test_data_of_another_length_is_no_value(item, data):
    with pytest.raises(CodecError):
        numbers.decode(item, bytes.fromhex(data))


@pytest.mark.parametrize(
    "item", [0x00FF0000, 0x00014000, 0x00010D00 | 0x0D, 0x02010000, 0x02010400, 0x05060100, 0x00900100]
)
def test_an_item_that_is_not_known_is_not_guessed(item):
    assert numbers.find_format(item) is None
    with pytest.raises(CodecError, match="no item"):
        numbers.decode(item, bytes(4))


def test_a_block_names_its_parts():
    said = [str(quantity) for quantity in numbers.describe(0x05060101, (5, 2, None))]
    assert said == [
        "forward active energy, daily freeze 1 total: 0.05 kWh",
        "forward active energy, daily freeze 1 tariff 1: 0.02 kWh",
        "forward active energy, daily freeze 1 tariff 2: no value",
    ]
    assert numbers.describe(0x0203FF00, (1, 2, 3, 4))[0].name == "active power total"
    assert numbers.describe(0x0201FF00, (1, 2, 3))[2].name == "voltage phase C"
    assert str(numbers.describe(0x00000000, (-26,))[0]) == "combined active energy: -0.26 kWh"
