"""A command of campusgate as a process of a benchmark."""

import json
import os
import signal
from pathlib import Path

import pytest

from benchmarks.command_process import CommandProcess, as_environment
from tests.waiting import until


def test_settings_stand_in_place_of_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_SITE", "another")
    monkeypatch.setenv("CAMPUSGATE_GATE", "another")
    environment = as_environment({"site": "fleet", "mqtt": {"port": 1}, "data_dir": Path("/d"), "gate": None})
    assert environment["CAMPUSGATE_SITE"] == "fleet"
    assert json.loads(environment["CAMPUSGATE_MQTT"]) == {"port": 1}
    assert environment["CAMPUSGATE_DATA_DIR"] == "/d"
    assert "CAMPUSGATE_GATE" not in environment
    assert environment["PATH"] == os.environ["PATH"]


def test_a_process_that_ended_by_itself_is_started_again_and_one_that_was_killed_is_not(tmp_path: Path) -> None:
    process = CommandProcess(["--version"], as_environment({}), tmp_path / "log")
    with process:
        until(process.start_if_ended, "it ends by itself")
        first = process.pid
        process.send(signal.SIGCONT)
        process.kill()
        assert not process.start_if_ended()
        with pytest.raises(RuntimeError):
            _ = process.pid
        process.start()
        assert process.pid != first
        process.kill()
