"""`campusgate serve`: begins a campus where there was none, and ends as edge and controller do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.keys import key_text
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("model_store")


def answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_ends_with_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "CAMPUSGATE_DATA_DIR": str(tmp_path),
        "CAMPUSGATE_SERVER_PORT": str(port),
        "CAMPUSGATE_MQTT__PORT": str(free_port()),
        **{f"CAMPUSGATE_{name}": key_text(name) for name in ("TOKEN_SECRET", "TEMPLATE_KEY", "CREDENTIAL_KEY")},
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "campusgate", "serve"], env=environment, stderr=log)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/health"), timeout_s=3 * PATIENCE_S)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()
