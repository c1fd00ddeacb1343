"""The users of a gate or a shower at the broker: entered into Mosquitto's files, which it then reads again."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from campusgate.setup import mosquitto
from campusgate.setup.environment import make_password
from campusgate.setup.files import READ_BY_MOSQUITTO, SetupError, Writer
from messages.permissions import mosquitto_acl


def add_gate_users(writer: Writer, site: str, gate: str) -> dict[str, str]:
    """Enter the gate's users with new passwords, and return those by user.

    Raises:
        SetupError: Mosquitto's files are not there, or cannot be written.
    """
    users = [f"{role}-{gate}" for role in ("controller", "edge", "display")]
    return _add_users(writer, users, mosquitto_acl(site, [gate]))


def add_shower_user(writer: Writer, site: str, device: UUID) -> tuple[str, str]:
    """Enter the user of a shower's controller with a new password, and return both.

    Raises:
        SetupError: Mosquitto's files are not there, or cannot be written.
    """
    user = f"shower-{device}"
    return user, _add_users(writer, [user], mosquitto_acl(site, [], [device]))[user]


def _add_users(writer: Writer, users: Sequence[str], wanted: str) -> dict[str, str]:
    passwords = {user: make_password() for user in users}
    known, rights = (_read(writer.places.at(file)) for file in (mosquitto.PASSWORDS, mosquitto.ACCESS_LIST))
    writer.write(mosquitto.ACCESS_LIST, mosquitto.with_blocks(rights, wanted), READ_BY_MOSQUITTO, 0o640)
    writer.write(mosquitto.PASSWORDS, mosquitto.with_users(known, passwords), READ_BY_MOSQUITTO, 0o640)
    return passwords


def reload_broker(writer: Writer) -> bool:
    """Let a running Mosquitto read its files again; False where none is found."""
    if writer.places.has_systemd:
        systemctl = shutil.which("systemctl") or "/usr/bin/systemctl"
        return subprocess.run([systemctl, "reload", "mosquitto"], capture_output=True, check=False).returncode == 0
    with contextlib.suppress(OSError, ValueError):
        pid_file = "/run/mosquitto/mosquitto.pid" if writer.places.is_machine else "/run/mosquitto.pid"
        os.kill(int(writer.places.at(pid_file).read_text(encoding="ascii")), signal.SIGHUP)
        return True
    return False


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"{file} cannot be read: {error.strerror}; users are added where `campusgate setup server` was run"
        ) from error
