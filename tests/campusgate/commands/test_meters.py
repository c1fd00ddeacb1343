"""`campusgate meters read` and `meters decode`, as somebody at a meter types them."""

import json
import socket

import pytest

from tests.command_line import run
from tests.metering.lines.test_process import line_of


def test_one_meter_is_read_by_hand() -> None:
    with line_of(3) as (line, url):
        line.meters["000000000002"].is_open = True
        result = run("meters", "read", "000000000002", "--line", url, "--json")
    found = json.loads(result.stdout)
    assert (result.returncode, found["digits"], found["step"]) == (0, 1002, "0.01 kWh")
    assert (found["supply"], found["status_word"], found["model"]) == ("armed", "0010", "dlt645-2007")
    assert found["clock"]


def test_a_meter_that_does_not_answer_is_exit_code_1() -> None:
    with line_of(1) as (_, url):
        result = run("meters", "read", "000000000009", "--line", url, "--bps", "115200", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout) == {
        "address": "000000000009",
        "answered": False,
        "error": "the meter 000000000009 gives no reading: it does not answer",
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("000000000001", "--line", "10.0.0.1"), "is no address of a line"),
        (("000000000001", "--line", "tcp://127.0.0.1:1"), "does not answer"),
        (("000000000001", "--line", "serial:///dev/no-port"), "does not open"),
        (("000000000001", "--line", "serial:///dev/null"), "cannot be set up as a serial port"),
        (("12", "--line", "tcp://127.0.0.1:1"), "12 digits"),
        (("000000000001", "--line", "tcp://127.0.0.1:1", "--model", "dd"), "no model"),
        (("000000000001", "--line", "tcp://127.0.0.1:1", "--protocol", "dlms"), "use one of dlt645, cjt188, modbus"),
        (("900", "--line", "tcp://127.0.0.1:1", "--protocol", "modbus"), "from 1 to 247"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    result = run("meters", "read", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_line_that_another_process_reads_is_not_disturbed() -> None:
    with line_of(1) as (_, url), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        claim.bind(f"\0campusgate-line-tcp-127.0.0.1-{url.rsplit(':', 1)[1]}")
        result = run("meters", "read", "000000000001", "--line", url)
    assert result.returncode == 2
    assert "is read by another process" in result.stderr


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (
            "68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16",
            {"address": "000000000161", "value": "forward active energy: 0.26 kWh"},
        ),
        (
            "FE:FE:68:61:10:01:30:12:15:68:91:06:36:38:33:37:83:33:BE:16",
            {"address": "151230011061", "value": "status word 3: 0050"},
        ),
        (
            "686110013012156 81C1035 6A393534333333 4D3333333363 45CC2C16",
            {"what": "order to the relay", "order": "1A, trip", "void after": "2099-12-30 00:00:00"},
        ),
        ("689999999999996808068455433839 4A4B16", {"time": "2017-06-05 10:22:51"}),
        (
            "0x68 0x61 0x10 0x01 0x30 0x12 0x15 0x68 0x9C 0x00 0x35 0x16",
            {"kind": "answer (control 9C)", "address": "151230011061"},
        ),
        (
            "68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 13 16",
            {"address": "78330011223344", "total": "556677.00 m³", "clock": "2015-05-11 22:01:31"},
        ),
        (
            "68 10 01 13 12 19 00 00 00 04 04 A0 17 01 99 10 16",
            {"address": "00000019121301", "item": "A017 (high byte first), valve", "order": "close"},
        ),
        (
            "68 30 03 00 00 00 00 00 00 04 04 17 A0 01 55 B0 16",
            {"meter": "type 30, gas", "item": "A017 (low byte first), valve", "order": "open"},
        ),
    ],
)
def test_public_frames_are_said_in_words(frame: str, words: dict[str, str]) -> None:
    result = run("meters", "decode", frame, "--json")
    assert result.returncode == 0, result.stderr
    (one,) = json.loads(result.stdout)["frames"]
    said: dict[str, str] = {}
    for line in one["lines"]:
        said.setdefault(line["name"], line["words"])
    assert {name: said[name] for name in words} == words


def test_a_request_and_its_answer_in_what_a_line_brought_are_both_said() -> None:
    request, answer = "6861010000000068110433333433 1416", "68610100000000689108333334335933333 38A16"
    result = run("meters", "decode", f"00 ff {request} 16 {answer}", "--json")
    assert [one["lines"][0]["words"] for one in json.loads(result.stdout)["frames"]] == [
        "request (control 11)",
        "answer (control 91)",
    ]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8B 16", "the sum is 8A"),
        ("68 61 01 00 00 00 00 68 91 08 33", "bytes"),
        ("68 61 0", "no whole bytes"),
        ("68 6G", "'G' (character 4)"),
        ("", "no bytes were given"),
        ("FE FE FE FE", "no whole frame"),
    ],
)
def test_what_is_no_frame_is_one_line_that_says_why(frame: str, words: str) -> None:
    result = run("meters", "decode", frame)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
