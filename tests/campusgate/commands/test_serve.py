"""`campusgate serve`: begins a campus where there was none, and ends as edge and controller do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests import forked
from tests.databases import begin
from tests.keys import key_text
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("model_store")


def answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "CAMPUSGATE_DATA_DIR": str(tmp_path),
        "CAMPUSGATE_SERVER_PORT": str(free_port()),
        "CAMPUSGATE_MQTT__PORT": str(free_port()),
        **{f"CAMPUSGATE_{name}": key_text(name) for name in ("TOKEN_SECRET", "TEMPLATE_KEY", "CREDENTIAL_KEY")},
    }


def wait_until_well(environment: dict[str, str]) -> None:
    address = f"http://127.0.0.1:{environment['CAMPUSGATE_SERVER_PORT']}/health"
    until(lambda: answers(address), timeout_s=3 * PATIENCE_S)


def test_a_server_that_is_told_to_stop_ends_with_exit_code_0(tmp_path: Path, environment: dict[str, str]) -> None:
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "campusgate", "serve"], env=environment, stderr=log)
    try:
        wait_until_well(environment)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("imported_rooms")
def test_a_server_that_is_interrupted_does_too(tmp_path: Path, environment: dict[str, str]) -> None:
    begin(tmp_path)
    with forked.command(environment, "serve") as (process, _):
        wait_until_well(environment)
        os.kill(process.pid, signal.SIGINT)
        process.join(PATIENCE_S)
        assert process.exitcode == 0
