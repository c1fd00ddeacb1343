"""Logs: text for whoever sits at a terminal, an object a line for programs, and no secret of a frame in either."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from campusgate.processes.logs import configure_logs
from tests.command_line import logs_as_before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    with logs_as_before():
        yield


def written(to: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", to)
    configure_logs()
    log = structlog.get_logger()
    log.info("gate_heard", gate="north")
    try:
        password = "correct horse"  # a local of the frame that fails
        raise RuntimeError(f"refused after {len(password)} letters")
    except RuntimeError:
        log.exception("it_failed")
    logging.getLogger("a.library").warning("it says")
    return to.getvalue()


def test_a_program_reads_one_object_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.loads(line) for line in written(io.StringIO(), monkeypatch).splitlines()]
    assert [line["event"] for line in lines] == ["gate_heard", "it_failed", "it says"]
    assert lines[0] | {"timestamp": ""} == {"event": "gate_heard", "gate": "north", "level": "info", "timestamp": ""}
    assert "refused after 13 letters" in lines[1]["exception"]
    assert "correct horse" not in str(lines)


def test_a_person_reads_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = written(Terminal(), monkeypatch)
    assert "gate_heard" in text
    assert not any(line.startswith("{") for line in text.splitlines())
    assert "refused after 13 letters" in text
    assert "correct horse" not in text, "no locals of frames"
