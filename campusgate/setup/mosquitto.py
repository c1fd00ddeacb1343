"""Mosquitto's files: configuration, users with the digests of their passwords, and who may say and hear what."""

import base64
import hashlib
import os
import pwd
import re
import secrets
from collections.abc import Mapping
from typing import Final

from campusgate.setup.places import Places

_ITERATIONS: Final = 101
"""As `mosquitto_passwd` takes. More would slow each connection down; these passwords are 192 random bits."""
_SALT_BYTES: Final = 12
CONFIGURATION: Final = "/etc/mosquitto/conf.d/campusgate.conf"
PASSWORDS: Final = "/etc/mosquitto/campusgate.passwords"
ACCESS_LIST: Final = "/etc/mosquitto/campusgate.acl"


def password_line(user: str, password: str) -> str:
    """Return the user's line of the file of passwords: PBKDF2 with SHA-512, as Mosquitto 2 writes it."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"{user}:$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def with_users(file: str, passwords: Mapping[str, str]) -> str:
    """Return the text of a file of passwords with these users added, or with a new password each."""
    kept = [line for line in file.splitlines() if line and line.partition(":")[0] not in passwords]
    return "\n".join([*kept, *(password_line(user, password) for user, password in passwords.items())]) + "\n"


def make_configuration(places: Places, port: int) -> str:
    """Return `deploy/mosquitto/mosquitto.conf` for this machine and port."""
    shipped = places.read_shipped("mosquitto/mosquitto.conf")
    return re.sub(r"^listener 8883$", f"listener {port}", shipped, flags=re.MULTILINE)


def make_trial_main(places: Places) -> str:
    """Return a main file for a trial below one folder, in place of Debian's; it runs as whoever sets up."""
    return "\n".join(
        [
            f"# The whole broker of this trial: mosquitto -c {places.at('/etc/mosquitto/mosquitto.conf')}",
            f"user {pwd.getpwuid(os.geteuid()).pw_name}",
            f"pid_file {places.at('/run/mosquitto.pid')}",
            "persistence true",
            f"persistence_location {places.at('/var/lib/mosquitto')}/",
            "log_dest stdout",
            f"include_dir {places.at('/etc/mosquitto/conf.d')}",
            "",
        ]
    )


def with_blocks(file: str, wanted: str) -> str:
    """Return the text of an access list with the users of `wanted` that it lacks; what it says of others stays."""
    known = {user for line in file.splitlines() if (user := _user_of(line)) is not None}
    missing = [block for block in wanted.strip().split("\n\n") if _user_of(block.partition("\n")[0]) not in known]
    return "\n\n".join([*([file.strip()] if file.strip() else []), *missing]) + "\n"


def _user_of(line: str) -> str | None:
    return line.removeprefix("user ").strip() if line.startswith("user ") else None
