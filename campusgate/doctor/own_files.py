"""What a process has on its own disk: secrets, keys, whom it trusts, room and rights."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from campusgate.doctor.findings import Finding, fault, ok, skip, warn
from campusgate.settings import Settings
from campusgate.settings.required import REQUIRED, require_all
from messages import SERVER_SENDER, controller_sender, edge_sender, public_key_text, read_private_key, read_trusted_keys
from messages.signed_codes import STAFF_SENDER

_LITTLE_MB: Final = 1024
_TOO_LITTLE_MB: Final = 100
"""Below it SQLite's log, a batch of events or a day's photos no longer fit for sure."""
_KEYS: Final = (
    "template_key", "token_secret", "credential_key", "password_key", "previous_password_key", "previous_token_secret",
)  # fmt: skip


def check_secrets(settings: Settings, role: str) -> Iterator[Finding]:
    """Examine that every secret is there and is a key."""
    require_all(settings, role)
    for name in _KEYS:
        settings.key_if_set(name)
    settings.older_template_keys()
    yield ok("secrets", f"all that the {role} needs are set ({len(REQUIRED[role])})")


def check_environment_file(file: Path | None) -> Iterator[Finding]:
    """Examine who may read the secrets."""
    if file is None:
        yield skip("settings", "no --env-file was given: who may read the settings was not looked at")
    elif file.stat().st_mode & stat.S_IROTH:
        yield fault("settings", f"everybody on this machine can read the secrets in {file}; run: chmod 0640 {file}")
    else:
        yield ok("settings", f"{file} is closed to others")


def check_keys(settings: Settings, role: str) -> Iterator[Finding]:
    """Examine the signing key, and that those are trusted whom this process must hear."""
    if role == "server" and settings.signing_key_file is None:
        yield warn(
            "keys", "CAMPUSGATE_SIGNING_KEY_FILE is not set: staff can give no orders and gates are set up by hand"
        )
        return
    own = public_key_text(read_private_key(settings.require("signing_key_file")))
    yield ok("keys", f"signs with {own[:12]}…")
    file = settings.require("trusted_keys_file")
    trusted = read_trusted_keys(file)
    again = "" if settings.gate is None else "set the gate up again, or "
    for sender in _must_trust(settings, role):
        if sender not in trusted and sender == edge_sender(settings.gate or "") and not _has_edge(settings):
            yield warn("trust", f"no edge is trusted: gate {settings.gate} reads cards and looks at no faces")
        elif sender not in trusted:
            yield fault(
                "trust",
                f"{file} does not name {sender}, so what it signs is refused; {again}enter its key: "
                f"campusgate keys enrol {file} {sender} KEY",
            )
    if role == "edge" and STAFF_SENDER not in trusted:
        yield warn(
            "trust",
            f"{file} does not name {STAFF_SENDER}, so the edge believes no zone heartbeats and asks for passages again "
            f"and again; enter the server's key: campusgate keys enrol {file} {STAFF_SENDER} KEY",
        )
    yield ok("trust", f"{len(trusted)} senders are trusted") if trusted else warn("trust", f"{file} names nobody yet")


def _must_trust(settings: Settings, role: str) -> tuple[str, ...]:
    gate = settings.gate or ""
    if role == "shower":
        return (SERVER_SENDER,)
    if role == "controller":
        return STAFF_SENDER, edge_sender(gate)
    return (controller_sender(gate),) if role == "edge" else ()


def _has_edge(settings: Settings) -> bool:
    """Whether an edge of the same gate was set up on this computer."""
    own: Path = settings.require("signing_key_file")
    return own.with_name(f"edge-{settings.gate}.pem").exists()


def check_folders(settings: Settings, role: str) -> Iterator[Finding]:
    """Examine room and rights where the process keeps its files."""
    folders = {settings.data_dir, *((settings.resolved_record_dir,) if role == "server" else ())}
    for folder in sorted(folders):
        there = next(one for one in (folder, *folder.parents) if one.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield fault("folders", f"{there} cannot be written by this account; run: chown campusgate: {there}")
            continue
        if there == folder and folder.stat().st_mode & stat.S_IRWXO:
            yield warn("folders", f"everybody on this machine can look into {folder}; run: chmod 0700 {folder}")
        else:
            yield ok("folders", f"{folder} can be written")
        yield _judge_room(folder, shutil.disk_usage(there).free // 2**20)


def _judge_room(folder: Path, free_mb: int) -> Finding:
    if free_mb < _TOO_LITTLE_MB:
        return fault("disk", f"{free_mb} MB are free for {folder}: make room, or nothing more is written")
    if free_mb < _LITTLE_MB:
        return warn("disk", f"only {free_mb} MB are free for {folder}")
    return ok("disk", f"{free_mb} MB are free for {folder}")
