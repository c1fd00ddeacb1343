"""The trial of `docs/deployment.md` runs as it is written there, line by line, in a network of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from campusgate.settings import Settings
from tests.deploy.broker import DEPLOY
from tests.mosquitto import find_mosquitto

PAGE = DEPLOY.parent / "docs" / "deployment.md"


def read_trial() -> list[str]:
    text = PAGE.read_text(encoding="utf-8").partition("### Try it in a folder\n")[2]
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return [line.removeprefix("$ ") for line in block[1].splitlines() if line.startswith("$ ")]


def own_network() -> list[str]:
    """What begins a command in a network of its own, where the usual ports are free."""
    begin = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if not (shutil.which("unshare") and shutil.which("ip") and shutil.which("curl")):
        pytest.skip("Debian's packages util-linux, iproute2 and curl are not all installed")
    if subprocess.run([*begin, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this account may not have a network of its own")
    return begin


@pytest.mark.usefixtures("model_store")
def test_the_trial_opens_a_gate_as_it_is_written(tmp_path: Path) -> None:
    lines = read_trial()
    assert len(lines) == 10
    program = tmp_path / "bin" / "campusgate"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m campusgate "$@"\n')
    program.chmod(0o755)
    # The models are those of this machine: to install them anew takes a minute.
    (tmp_path / "campus" / "var" / "cache").mkdir(parents=True)
    (tmp_path / "campus" / "var" / "cache" / "campusgate").symlink_to(Settings().cache_dir)
    path = f"{program.parent}:{Path(find_mosquitto()).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAMPUSGATE_")}
    environment |= {"PATH": path, "PYTHONPATH": str(DEPLOY.parent)}
    mirror = Settings().model_mirror
    if mirror is not None:
        environment["CAMPUSGATE_MODEL_MIRROR"] = str(mirror)
    script = "\n".join(["set -e", *lines])
    command = [*own_network(), "bash", "-c", script]
    trial = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        printed, ended = _read_until(trial, b"north: open: done"), trial.wait(60)
    finally:
        broker = tmp_path / "campus/run/mosquitto.pid"
        if broker.exists():
            os.kill(int(broker.read_text()), signal.SIGTERM)
        os.killpg(trial.pid, signal.SIGTERM)
        assert trial.stdout is not None
        trial.stdout.close()
    assert ended == 0, printed


def _read_until(process: "subprocess.Popen[bytes]", word: bytes) -> str:
    assert process.stdout is not None
    printed = b""
    for line in process.stdout:
        printed += line
        if word in line:
            return printed.decode()
    raise AssertionError(printed.decode())
