"""Workers run the command that they are asked with, with the asker's streams, and have the tests' modules imported."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forked_workers import started, worker_command
from tests.waiting import PATIENCE_S

COMMAND = ["-u", "-c", "import sys; print(input(), 'test_sound' in sys.modules, file=sys.stderr); print('ended')"]


@pytest.fixture
def run_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, str]]:
    """Runs `COMMAND` in a worker that has modules of these names and sources, and returns what it wrote."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # to import them all takes a second

    def run(**modules: str) -> tuple[str, str]:
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(source)
        arguments = [
            "-p",
            "xdist",
            "-c",
            os.devnull,
            "--rootdir",
            str(tmp_path),
            "-p",
            "no:cacheprovider",
            str(tmp_path),
        ]
        with started(tmp_path / "door", arguments) as process:
            command = [*worker_command(tmp_path / "door"), *COMMAND]
            done = subprocess.run(
                command, input="asked", capture_output=True, text=True, timeout=PATIENCE_S, check=True
            )
        assert process.returncode == 0
        return done.stdout, done.stderr

    return run


def test_a_worker_has_the_modules_and_the_streams_that_it_was_asked_with(run_worker) -> None:
    assert run_worker(test_sound="def test(): pass") == ("ended\n", "asked True\n")


def test_where_a_module_cannot_be_imported_a_worker_finds_none(run_worker) -> None:
    assert run_worker(test_sound="def test(): pass", test_unsound="import nothing") == ("ended\n", "asked False\n")
