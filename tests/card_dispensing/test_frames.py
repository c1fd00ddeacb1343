"""Frames of the CRT-571: vectors worked out by hand from the wire, and what comes in pieces or damaged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_dispensing.frames import (
    BinLevel,
    CardPlace,
    Command,
    Control,
    Damaged,
    Done,
    ErrorCode,
    Frame,
    FrameError,
    FrameReader,
    Refused,
    StackerLevel,
    Status,
    build_command,
    build_frame,
    read_answer,
    read_card_uid,
)

COMMANDS = {
    # The last byte is the XOR of those before: F2^00^00^03 = F1, ^43 = B2, ^03 = B1, then command and parameter.
    Command.STATUS: "f2000003 43 31 30 03 b0",
    Command.START_AND_LEAVE: "f2000003 43 30 33 03 b2",
    Command.START_AND_HOLD: "f2000003 43 30 30 03 b1",
    Command.START_AND_CAPTURE: "f2000003 43 30 31 03 b0",
    Command.TO_RF_READER: "f2000003 43 32 32 03 b1",
    Command.TO_BIN: "f2000003 43 32 33 03 b0",
    Command.OUT_OF_GATE: "f2000003 43 32 39 03 ba",
    Command.FORBID_ENTRY: "f2000003 43 33 31 03 b3",
    Command.SERIAL_NUMBER: "f2000003 43 a2 30 03 23",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_sent_as_the_wire_wants_it(command: Command) -> None:
    assert build_command(0, command) == bytes.fromhex(COMMANDS[command])


def test_data_and_address_count_into_length_and_check() -> None:
    assert build_command(0, Command.ACTIVATE_RF, b"AB") == bytes.fromhex("f2000005 43 60 30 41 42 03 e4")
    assert build_command(0x0F, Command.STATUS) == bytes.fromhex("f20f0003 43 31 30 03 bf")


def test_answers_are_read() -> None:
    assert read_answer(bytes.fromhex("50 31 30 32 31 30")) == Done(
        b"10", Status(CardPlace.READER, StackerLevel.FEW, BinLevel.NOT_FULL)
    )
    done = read_answer(bytes.fromhex("50 60 30 30 32 31 AABB"))
    assert done == Done(b"\x60\x30", Status(CardPlace.NONE, StackerLevel.ENOUGH, BinLevel.FULL), b"\xaa\xbb")
    for head in ("4e", "45"):
        refused = read_answer(bytes.fromhex(f"{head} 32 39 31 30"))
        assert refused == Refused(b"29", "10")
        assert refused.known is ErrorCode.JAM


@pytest.mark.parametrize(
    ("code", "meaning"),
    [("16", ErrorCode.MOVED_BY_HAND), ("A0", ErrorCode.STACKER_EMPTY), ("a1", ErrorCode.STACKER_FULL),
     ("B0", ErrorCode.NOT_STARTED), ("Z9", None), ("\xff\xff", None)],
)  # fmt: skip
def test_error_codes_have_names(code: str, meaning: ErrorCode | None) -> None:
    refused = read_answer(b"N22" + code.encode("latin-1"))
    assert isinstance(refused, Refused)
    assert refused.known is meaning


@pytest.mark.parametrize("text", [b"", b"P", b"P100", b"P10900", b"P10030", b"C10000", b"N10", b"N1010"[:4]])
def test_what_is_no_answer_is_refused(text: bytes) -> None:
    with pytest.raises(FrameError):
        read_answer(text)


def test_the_uid_is_read_from_the_activation() -> None:
    assert read_card_uid(bytes.fromhex("4d 0400 04 3b9aca01 08")) == "3B9ACA01"
    assert read_card_uid(bytes.fromhex("4d 4400 07 04a1b2c3d4e580 00")) == "04A1B2C3D4E580"
    assert read_card_uid(bytes.fromhex("41 0403 04 3b9aca01 20 7577")) == "3B9ACA01"


@pytest.mark.parametrize(
    "data",
    ["", "4d", "4d0400", "4d0400 04 3b9aca", "4d0400 00", "4d0400 05 0102030405", "42 0400 04 01020304"],
)
def test_what_holds_no_uid_is_refused(data: str) -> None:
    with pytest.raises(FrameError):
        read_card_uid(bytes.fromhex(data))


@pytest.mark.parametrize(("address", "text"), [(0, b""), (0, bytes(513)), (256, b"C10"), (-1, b"C10")])
def test_no_frame_is_made_that_the_wire_does_not_carry(address: int, text: bytes) -> None:
    with pytest.raises(FrameError):
        build_frame(address, text)


@given(
    texts=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=8),
)
def test_frames_come_whole_however_they_are_cut(texts: list[bytes], cuts: list[int]) -> None:
    wire = b"\x06" + b"".join(build_frame(3, text) for text in texts)
    reader, found = FrameReader(), []
    at, turn = 0, 0
    while at < len(wire):
        size = cuts[turn % len(cuts)]
        found += reader.feed(wire[at : at + size])
        at, turn = at + size, turn + 1
    assert found == [Control.ACK, *(Frame(3, text) for text in texts)]
    assert not reader.is_amid


@given(text=st.binary(min_size=1, max_size=40), data=st.data())
def test_one_flipped_bit_never_passes(text: bytes, data: st.DataObject) -> None:
    frame = bytearray(build_frame(0, text))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] ^= 1 << data.draw(st.integers(0, 7))
    found = list(FrameReader().feed(bytes(frame)))
    assert Frame(0, text) not in found
    assert not [one for one in found if isinstance(one, Frame) and one.text == text and one.address == 0]


def test_what_belongs_to_nothing_is_dropped() -> None:
    reader = FrameReader()
    frame = build_frame(0, b"P10020")
    assert list(reader.feed(b"\x00\xff" + b"\x15" + b"A" + frame)) == [Control.NAK, Frame(0, b"P10020")]
    assert list(reader.feed(b"\xf2\x00\xff\xff" + frame)) == [Damaged.FRAME, Frame(0, b"P10020")]
    assert list(reader.feed(frame[:5])) == []
    assert reader.is_amid
    reader.clear()
    assert list(reader.feed(frame)) == [Frame(0, b"P10020")]
