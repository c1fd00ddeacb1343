"""What readers send for one card, and what becomes of it: numbers, frames, proofs, codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_controller.readers import Reading, Unreadable
from gate_controller.readers.framing import LONGEST, Framed, Framing
from gate_controller.readers.numbers import NumberFormat, describe_text
from gate_controller.readers.texts import TextFormat, parse_reading
from gate_controller.sun import parse_sun

UID = "04A31B72"
DECIMAL = NumberFormat(base=10)


@pytest.mark.parametrize(
    "text", ["04A31B72", "04a31b72", "04:A3:1B:72", "04-a3-1b-72", "04 A3 1B 72", "04.a3.1b.72", "4A31B72", "04A31b72"]
)
def test_one_card_in_hexadecimal(text: str) -> None:
    assert NumberFormat().parse_text(text) == UID


@pytest.mark.parametrize(
    ("how", "text", "number"),
    [(DECIMAL, "0077798258", UID), (DECIMAL, "77798258", UID), (DECIMAL, "0000000007", "00000007"),
     (DECIMAL, "4294967295", "FFFFFFFF"), (DECIMAL, "1099511627775", "FFFFFFFFFF"),
     (NumberFormat(10, "last_byte_first"), "1914413828", UID),
     (NumberFormat(10, bits=24), "10689394", "A31B72"), (NumberFormat(10, bits=24), "0077798258", "A31B72"),
     (NumberFormat("3+5"), "018,54919", "12D687"), (NumberFormat("3+5"), "01854919", "12D687"),
     (NumberFormat("3+5"), "18,54919", "12D687"), (NumberFormat("3+5"), "255 00001", "FF0001"),
     (NumberFormat("5+5"), "01187,07026", "04A31B72"), (NumberFormat("5+5"), "0118707026", "04A31B72"),
     (NumberFormat(16, "last_byte_first"), "721BA304", UID),
     (NumberFormat(16, "last_byte_first"), "40C0CC1A5EDE04", "04DE5E1ACCC040"),
     (NumberFormat(bits=32), "0104A31B72", UID), (NumberFormat(bits=32), "A31B72", "00A31B72"),
     (NumberFormat(bits=24), "0104A31B72", "A31B72"), (NumberFormat(bits=32), "7", "00000007"),
     (NumberFormat(), "04DE5F1EACC040", "04DE5F1EACC040"), (NumberFormat(), "A31B72", "A31B72")],
)  # fmt: skip
def test_numbers_as_the_reader_is_set(how: NumberFormat, text: str, number: str) -> None:
    assert how.parse_text(text) == number


@pytest.mark.parametrize(
    ("how", "text"),
    [(NumberFormat(), "1B72"), (NumberFormat(), "04A31B7G"), (NumberFormat(), "04" * 11), (DECIMAL, "04A31B72"),
     (DECIMAL, "018,54919"), (DECIMAL, "９"), (NumberFormat("3+5"), "256,00001"), (NumberFormat("3+5"), "255,65536"),
     (NumberFormat("3+5"), "54919"), (NumberFormat("5+5"), "65536,00000"),
     (NumberFormat(bits=32), "04A31B7204A31B73"), (NumberFormat(), "")],
)  # fmt: skip
def test_what_is_no_such_number(how: NumberFormat, text: str) -> None:
    assert how.parse_text(text) is None


@given(number=st.integers(0, 2**32 - 1))
def test_every_way_to_write_a_number_is_the_same_card(number: int) -> None:
    uid = f"{number:08X}"
    ways = {
        NumberFormat(bits=32): f"{number:X}",
        DECIMAL: f"{number}",
        NumberFormat("5+5"): f"{number >> 16:05},{number & 0xFFFF:05}",
        NumberFormat(order="last_byte_first"): bytes.fromhex(uid)[::-1].hex(),
    }
    assert {how.parse_text(text) for how, text in ways.items()} == {uid}


@pytest.mark.parametrize(
    ("text", "form"),
    [("0077798258", "10 decimal digits"), ("04A31B72", "8 hex digits"), ("04:A3:1B:72", "8 hex digits"),
     ("018,54919", "3+5 decimal digits"), ("WWZ4PTAT2D", "10 letters and digits"),
     ("é" * 17, "unreadable: 17 bytes"), ("?", "unreadable: 1 bytes")],
)  # fmt: skip
def test_the_form_names_no_digit(text: str, form: str) -> None:
    assert describe_text(text) == form


@given(st.text(st.characters(max_codepoint=255)))
def test_whatever_comes_is_a_reading_or_told_by_its_form(text: str) -> None:
    found = parse_reading(text)
    if text.strip():
        assert isinstance(found, Reading | Unreadable)
        assert found.form
    else:
        assert found is None


@pytest.mark.parametrize(
    ("how", "text", "kind", "value"),
    [(TextFormat(), ";04A31B72?", "card", UID), (TextFormat(), " 04A31B72 ", "card", UID),
     (TextFormat(prefix="UID:"), "UID:04A31B72", "card", UID), (TextFormat(prefix="0x"), "0x04A31B72", "card", UID),
     (TextFormat(suffix="END"), "04A31B72END", "card", UID),
     (TextFormat(), "WWZ4PTAT2D", "code", "WWZ4PTAT2D"), (TextFormat(DECIMAL), "WWZ4PTAT2D", "code", "WWZ4PTAT2D"),
     (TextFormat(reads="codes"), "48211907", "code", "48211907"), (TextFormat(reads="codes"), "4821", "code", "4821"),
     (TextFormat(), "48211907", "card", "48211907")],
)  # fmt: skip
def test_a_text_is_a_card_or_a_code(how: TextFormat, text: str, kind: str, value: str) -> None:
    found = parse_reading(text, how)
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize("text", ["A1G", "no card at all", "04DE5F1EACC04004DE5F1EACC041", "1B72", "x" * 33])
def test_a_text_that_is_neither_is_told(text: str) -> None:
    assert isinstance(parse_reading(text), Unreadable)


PICC, MAC = "EF963FF7828658A599F3041510671E88", "94EED9EE65337086"


@pytest.mark.parametrize(
    "text",
    [f"picc_data={PICC}&cmac={MAC}", f"https://x.cn/424?cmac={MAC}&picc_data={PICC}",
     f"https://x.cn/?v=2&picc_data={PICC}&tt=aa&cmac={MAC}&end", f"HTTPS://X.CN/?PICC_DATA={PICC.lower()}&CMAC={MAC}#a"],
)  # fmt: skip
def test_a_proof_has_its_fields_in_any_order(text: str) -> None:
    assert parse_sun(text) == parse_sun(f"?picc_data={PICC}&cmac={MAC}")
    assert parse_reading(text).kind == "sun"


@pytest.mark.parametrize(
    "text",
    [f"picc_data={PICC}", f"cmac={MAC}", f"picc_data={PICC}&picc_data={PICC}&cmac={MAC}",
     f"xpicc_data={PICC}&cmac={MAC}", f"picc_data={PICC[1:]}&cmac={MAC}", f"picc_data={PICC}&cmac={MAC}0",
     f"picc_data={PICC}&cmac={MAC[1:]}g"],
)  # fmt: skip
def test_half_a_proof_is_none(text: str) -> None:
    assert parse_sun(text) is None


def framed(data: str, **how) -> list[tuple[str, str | None]]:
    framing = Framing(**how)
    return [(one.text, one.fault) for one in [*framing.feed(data, 0.0), *framing.feed_silence(11.0)]]


def stx(digits: str, end: str) -> str:
    checksum = 0
    for byte in bytes.fromhex(digits):
        checksum ^= byte
    return f"\x02{digits}{checksum:02X}{end}"


@pytest.mark.parametrize("end", ["\x03", "\r\n\x03"], ids=["RDM6300", "ID-20LA"])
def test_frames_of_125_khz_readers(end: str) -> None:
    one = stx("0104A31B72", end)
    assert framed(one + one) == [("0104A31B72", None)] * 2
    assert framed(one.replace("72", "73", 1))[0][1] == "12 hex digits, checksum wrong"
    assert framed(one[:7] + one) == [("0104A3", "cut off after 6 bytes"), ("0104A31B72", None)]


def test_a_frame_without_checksum_is_taken_as_it_is() -> None:
    assert framed("\x0204A31B72\x03") == [("04A31B72", None)]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\t", "\0"])
def test_ends_of_lines(end: str) -> None:
    assert framed(f"04A31B72{end}04A31B73{end}") == [("04A31B72", None), ("04A31B73", None)]


def test_half_a_text_and_a_pause() -> None:
    assert framed("04A3") == [("04A3", "cut off after 4 bytes")]
    assert framed("04A31B72", frame="pause") == [("04A31B72", None)]


@given(st.lists(st.text("0123456789ABCDEF", min_size=1, max_size=20)), st.data())
def test_lines_do_not_depend_on_how_they_are_cut(lines: list[str], data: st.DataObject) -> None:
    text, framing, found = "".join(f"{line}\r\n" for line in lines), Framing(), []
    while text:
        size = data.draw(st.integers(1, len(text)))
        found += framing.feed(text[:size], 0.0)
        text = text[size:]
    assert found == [Framed(line) for line in lines]


def test_a_text_without_end_is_told_once() -> None:
    framing = Framing()
    assert [one.fault for one in framing.feed("9" * 100_000, 0.0)] == [f"unreadable: more than {LONGEST} bytes"]
    assert [one.text for one in framing.feed("\n04A31B72\n", 0.0)] == ["04A31B72"]
