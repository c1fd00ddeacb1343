"""Attributes as FreeRADIUS writes and takes them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from network_access import login_class
from network_access.attributes import AttributeIn, Request, decode_text, write_octets, write_seconds, write_text


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("å¼\xa0", "张"), ("张", "张"), ("S1", "S1"), ("0xfffe41", "0xfffe41"), ("caf\xe9", "café"), ("", "")],
)
def test_names_are_in_utf_8_whatever_was_made_of_them(sent: str, meant: str) -> None:
    assert decode_text(sent) == meant


def test_what_is_no_number_of_radius_is_none() -> None:
    def read(value: object) -> int | None:
        return Request({"N": AttributeIn(value=[value])}).number("N")

    assert [read(value) for value in (0, "17", 4_294_967_295)] == [0, 17, 4_294_967_295]
    assert {read(value) for value in (-1, 4_294_967_296, "60.5", 60.5, "", "Start", None, "9" * 5_000)} == {None}
    assert Request({}).number("N") is None
    assert Request({"N": AttributeIn(value=[])}).text("N") == ""


def test_texts_are_taken_literally_and_fit() -> None:
    written = write_text("100 % %{User-Password} ${x}")
    assert written == {"type": "string", "value": ["100 % %{User-Password} ${x}"], "do_xlat": False}
    assert write_text("机" * 100)["value"] == ["机" * 84], "253 bytes, and no half of a character"
    assert Request({"T": AttributeIn(value=["a\0b"])}).text("T") == "ab"


@pytest.mark.parametrize(("seconds", "sent"), [(60.5, 60), (0, 1), (-3, 1), (10**11, 4_294_967_295), (3_600, 3_600)])
def test_times_are_whole_seconds_of_which_there_is_one(seconds: float, sent: int) -> None:
    assert write_seconds(seconds)["value"] == [sent]


def test_a_class_says_whose_login_it_was() -> None:
    key, person, at = b"k" * 32, uuid4(), datetime(2026, 11, 23, 4, 0, 9, tzinfo=UTC)
    octets = login_class.write(person, at, key)
    (back,) = Request({"Class": AttributeIn(value=write_octets(octets)["value"])}).octets("Class")
    login = login_class.read(back, key)
    assert login is not None
    assert (login.person_id, login.at) == (person, at)
    assert login_class.write(person, at, key) != octets, "two logins in one second are two"
    assert login_class.read(octets, b"x" * 32) is None
    for place in range(len(octets)):
        changed = bytearray(octets)
        changed[place] ^= 1
        assert login_class.read(bytes(changed), key) is None
    for other in (b"", b"cg1", octets[:-1], octets + b"x"):
        assert login_class.read(other, key) is None


def test_classes_of_others_are_left_alone() -> None:
    request = Request({"Class": AttributeIn(value=["0x", "0xzz", "", "SBR2CL", "0xab12"])})
    assert request.octets("Class") == [b"SBR2CL", b"\xab\x12"]
