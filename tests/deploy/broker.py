"""Debian's Mosquitto with the configuration that `deploy/mosquitto/` ships, in a folder of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from messages.permissions import mosquitto_acl
from tests.certificates import Authority
from tests.waiting import PATIENCE_S

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
DEBIANS_OWN = """\
pid_file /run/mosquitto/mosquitto.pid

persistence true
persistence_location /var/lib/mosquitto/

log_dest file /var/log/mosquitto/mosquitto.log

include_dir /etc/mosquitto/conf.d
"""
"""What /etc/mosquitto/mosquitto.conf of Debian 12 says; comments left out."""


@contextmanager
def mosquitto_as_shipped(
    folder: Path, port: int, authority: Authority, users: Mapping[str, str], main: str = DEBIANS_OWN
) -> Iterator[Path]:
    """Run it with TLS for gate `north` of site `main` and these users; yields the log's file."""
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(binary).exists():
        pytest.skip("Mosquitto is not installed: Debian package `mosquitto`")
    for name in ("etc/conf.d", "etc/certs", "state"):
        (folder / name).mkdir(parents=True)
    log = folder / "mosquitto.log"
    shutil.copyfile(authority.server.cert_file, folder / "etc/certs/broker.pem")
    shutil.copyfile(authority.server.key_file, folder / "etc/certs/broker.key")
    passwords = folder / "etc/campusgate.passwords"
    passwords.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
    (folder / "etc/campusgate.acl").write_text(mosquitto_acl("main", ["north"]))

    def moved(text: str) -> str:
        places = {
            "/etc/mosquitto/": f"{folder}/etc/",
            "/mosquitto/config/": f"{folder}/etc/",
            "/var/lib/mosquitto/": f"{folder}/state/",
            "/var/log/mosquitto/": f"{folder}/",
            "/run/mosquitto/": f"{folder}/",
            "log_dest stdout": f"log_dest file {log}",
            "listener 8883": f"listener {port} 127.0.0.1",
        }
        for there, here in places.items():
            text = text.replace(there, here)
        return text

    shipped = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    (folder / "etc/conf.d/campusgate.conf").write_text(moved(shipped))
    as_root = "user root\n" if os.geteuid() == 0 else ""
    (folder / "etc/mosquitto.conf").write_text(moved(main) + as_root)
    process = subprocess.Popen(
        [binary, "-c", str(folder / "etc/mosquitto.conf")], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(process, port)
        yield log
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"Mosquitto ended: {process.communicate()[1].decode()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("Mosquitto does not listen")
