"""Mosquitto processes that tests start, each with a configuration of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S

AS_ROOT = "user root\n" if os.geteuid() == 0 else ""
"""A line of a configuration: what root starts would go on as a user who cannot read the test's files."""


def find_mosquitto() -> str:
    """Its program; without one the test is skipped."""
    found = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(found).exists():
        pytest.skip("Mosquitto is not installed: Debian package `mosquitto`")
    return found


def write_passwords(file: Path, passwords: Mapping[str, str]) -> None:
    """Write the file that a configuration names as `password_file`, by user."""
    file.write_text("".join(f"{name}:{password}\n" for name, password in passwords.items()))
    subprocess.run(["mosquitto_passwd", "-U", str(file)], check=True, capture_output=True)


def start_mosquitto(configuration: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start it, and return when it listens; what it prints stands in `printed` beside its configuration."""
    printed = configuration.with_name("printed")
    with printed.open("wb") as output:
        process = subprocess.Popen([find_mosquitto(), "-c", str(configuration)], stdout=output, stderr=output)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, f"Mosquitto ended: {printed.read_text()}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return process
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise AssertionError("Mosquitto does not listen")
