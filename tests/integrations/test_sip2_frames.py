"""Frames of SIP2, against an independent codec and bytes as library systems send them."""

import pytest
from pysip2 import (
    LoginRequest,
    PatronInformationRequest,
    PatronInformationResponse,
    RequestACSResend,
    SCStatusRequest,
    decode_as,
    encode_message,
)

from integrations.sip2.frames import CheckSumError, FrameError, Message, check_sum, decode, encode

AT = "20261127    100000"


def test_a_login_as_the_other_codec_writes_it() -> None:
    asked = LoginRequest(
        uid_algorithm="0", pwd_algorithm="0", login_user_id="selfcheck1", login_password="secret", location_code="main"
    )
    frame = encode_message(asked, sequence_number=0, checksum=True, encoding="utf-8")
    read = decode(frame[:-1], "utf-8")
    assert (read.code, read.fixed, read.sequence) == ("93", "00", "0")
    assert [read.get(name) for name in ("CN", "CO", "CP", "XX")] == ["selfcheck1", "secret", "main", ""]
    assert "secret" not in repr(read)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("has_check", [True, False])
def test_a_question_with_chinese_text(encoding: str, has_check: bool) -> None:
    asked = PatronInformationRequest(
        language="019",
        transaction_date=AT,
        summary=" " * 10,
        institution_id="图书馆",
        patron_identifier="04A1B2C3D4E580",
        patron_password="",
    )
    frame = encode_message(asked, sequence_number=3 if has_check else None, checksum=has_check, encoding=encoding)
    read = decode(frame[:-1], encoding)
    assert (read.code, read.get("AO"), read.get("AA")) == ("63", "图书馆", "04A1B2C3D4E580")
    assert read.sequence == ("3" if has_check else None)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("sequence", [None, "0", "9"])
def test_an_answer_is_read_by_the_other_codec(encoding: str, sequence: str | None) -> None:
    fields = (("AO", "图书馆"), ("AA", "20260001"), ("AE", "张三"), ("BL", "Y"), ("AF", "请|稍\r候"))
    frame = encode(Message("64", f"{' ' * 14}019{AT}{' ' * 24}", fields, sequence), encoding)
    read = decode_as(frame, PatronInformationResponse, encoding=encoding)
    assert (read.message.personal_name, read.message.valid_patron, read.message.institution_id) == (
        "张三",
        "Y",
        "图书馆",
    )
    assert read.message.screen_message == ("请 稍 候",)
    assert read.sequence_number == (None if sequence is None else int(sequence))


def test_half_a_character_is_no_end_of_a_field() -> None:
    frame = encode(Message("24", " " * 35, (("AO", ""), ("AA", ""), ("AE", "東億张"))), "gb18030")
    assert frame.count(b"|") == 3
    assert decode(frame[:-1], "gb18030").get("AE") == "??张"
    theirs = b"23" + b" " * 21 + "AO東|AA1|".encode("gb18030")
    assert decode(theirs, "gb18030").fields == (("AO", "東"), ("AA", "1"))


def test_what_is_asked_again_has_a_check_sum_alone() -> None:
    assert encode(Message("96"), "utf-8") == b"96AZFEF6\r"
    again = encode_message(RequestACSResend(), checksum=True)
    assert (decode(again[:-1], "utf-8").code, decode(b"97", "utf-8").code) == ("97", "97")


def test_each_damaged_byte_is_found() -> None:
    asked = SCStatusRequest(status_code="0", max_print_width="080", protocol_version="2.00")
    frame = encode_message(asked, sequence_number=1, checksum=True)[:-1]
    assert decode(frame, "utf-8").fixed == "00802.00"
    assert check_sum(frame[:-4]) == int(frame[-4:], 16)
    for place in range(len(frame) - 6):
        damaged = bytearray(frame)
        damaged[place] ^= 1
        with pytest.raises(CheckSumError):
            decode(bytes(damaged), "utf-8")


@pytest.mark.parametrize(
    "frame",
    [b"", b"9", b"11abc", b"99008", b"23\xff\xfe", b"9300A|", b"63" + b" " * 30, b"\xe5\xbc", b"GET / HTTP/1.1"],
)
def test_what_is_no_frame_is_told(frame: bytes) -> None:
    with pytest.raises(FrameError):
        decode(frame, "utf-8")
