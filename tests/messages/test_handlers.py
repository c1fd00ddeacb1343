"""A handler of payloads passes on what it can read, and drops the rest without a word to its receiver."""

from uuid import uuid4

from structlog.testing import capture_logs

from messages import DirectoryHint, Receipt, decoding_handler


def test_a_message_is_handed_over_with_whether_it_was_retained() -> None:
    seen: list[tuple[DirectoryHint, bool]] = []
    handle = decoding_handler(DirectoryHint, lambda message, retained: seen.append((message, retained)))
    hint = DirectoryHint(gate="north", revision=7)
    handle("campusgate/main/gates/north/directory", hint.encode(), True)
    assert seen == [(hint, True)]


def test_what_is_malformed_is_dropped() -> None:
    seen: list[DirectoryHint] = []
    handle = decoding_handler(DirectoryHint, lambda message, _retained: seen.append(message))
    for payload in (b"", b"{", Receipt(gate="north", ids=(uuid4(),)).encode()):
        handle("campusgate/main/gates/north/directory", payload, False)
    assert seen == []


def test_what_is_malformed_is_logged_under_the_name_that_its_receiver_gives() -> None:
    def ignore(_message: DirectoryHint, _retained: bool) -> None:
        raise AssertionError("there is no message")

    with capture_logs() as logged:
        decoding_handler(DirectoryHint, ignore)("topic", b"{", False)
        decoding_handler(DirectoryHint, ignore, malformed="hint_unreadable")("topic", b"{", False)
    assert [(entry["event"], entry["topic"]) for entry in logged] == [
        ("message_malformed", "topic"),
        ("hint_unreadable", "topic"),
    ]
