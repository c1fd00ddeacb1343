"""Frames in any pieces, in any noise."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.frames.bcd import CodecError
from metering.frames.dlt645.frame import MOST_DATA, Decoder, Frame, decode, encode

DIGITS = st.text("0123456789", min_size=12, max_size=12)
FRAMES = st.builds(Frame, DIGITS, st.integers(0, 255), st.binary(max_size=MOST_DATA))
NOISE = st.one_of(
    st.binary(max_size=40), st.lists(st.sampled_from([0x68, 0xFE, 0x16, 0x11, 0]), max_size=30).map(bytes)
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@given(frame=FRAMES, preamble=st.integers(0, 9))
def test_what_is_written_is_read(frame, preamble):
    assert decode(encode(frame, preamble=preamble)) == frame


@given(frames=st.lists(FRAMES, min_size=1, max_size=3), noise=st.lists(NOISE, min_size=4, max_size=4))
def test_no_frame_is_lost_in_noise(frames, noise):
    line = b"".join(between + encode(frame) for between, frame in zip(noise, frames, strict=False)) + noise[-1]
    found = iter(Decoder().feed(line))
    assert all(any(frame == other for other in found) for frame in frames)


@given(frames=st.lists(FRAMES, max_size=3), noise=NOISE, cuts=st.lists(st.integers(0, 700), max_size=8))
def test_how_a_line_is_cut_makes_no_difference(frames, noise, cuts):
    line = noise + b"".join(encode(frame) + noise for frame in frames)
    decoder, in_pieces = Decoder(), []
    for piece in pieces(line, cuts):
        in_pieces += decoder.feed(piece)
    assert in_pieces == list(Decoder().feed(line))


def test_noise_that_looks_like_a_beginning_hides_nothing():
    beginning = bytes.fromhex("68 01 02 03 04 05 06 68 91 C8")  # says that 200 bytes follow
    frame = Frame("000000219998", 0x91, bytes(8))
    assert Decoder().feed(beginning + encode(frame)) == [frame]


def test_a_frame_is_there_with_its_last_byte_and_not_before():
    frame = Frame("000000219998", 0x91, bytes(8))
    raw, decoder = encode(frame), Decoder()
    assert [list(decoder.feed(raw[i : i + 1])) for i in range(len(raw))] == [[]] * (len(raw) - 1) + [[frame]]


def test_what_was_cleared_completes_nothing():
    raw, decoder = encode(Frame("000000219998", 0x91, bytes(8))), Decoder()
    assert not decoder.feed(raw[:-1])
    decoder.clear()
    assert not decoder.feed(raw[-1:])


def test_a_day_of_noise_keeps_no_more_than_a_frame():
    decoder = Decoder()
    for _ in range(50):
        decoder.feed(b"\x68" * 5_000)
    assert len(decoder._scanner._buffer) < 300


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("68 61 01", "too few"),
        ("69 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16", "68 is missing"),
        ("68 61 01 00 00 00 00 67 11 04 33 33 34 33 14 16", "68 is missing"),
        ("68 61 01 00 00 00 00 68 11 05 33 33 34 33 14 16", "says 5 bytes of data and has 4"),
        ("68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 17", "end with 16"),
        ("68 61 01 00 00 00 00 68 11 04 33 33 34 34 14 16", "sum is 15, and the frame says 14"),
    ],
)
def test_a_broken_frame_says_what_is_wrong(raw, why):
    with pytest.raises(CodecError, match=why):
        decode(bytes.fromhex(raw))


@pytest.mark.parametrize(
    "address", ["219998", "0000002199980", "00000021999g", "00000021999a", "００００００２１９９９８"]
)
def test_an_address_has_twelve_digits(address):
    with pytest.raises(CodecError, match="12 digits"):
        encode(Frame(address, 0x11))
