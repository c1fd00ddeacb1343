"""A server's settings, keys and broker's files in one sealed file, and back onto another machine.

The database has a backup of its own (`campusgate.backup`); together they are everything that a lost machine held.
"""

import grp
import io
import os
import pwd
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

from dotenv import dotenv_values

from campusgate.setup import mosquitto, server
from campusgate.setup.files import ROOT, Owner, SetupError, Writer
from campusgate.setup.places import Places
from campusgate.setup.recovery import RecoveryCode, RecoveryError, WritingKeys
from database.dated_files import forget_older, name_in
from database.private_files import open_private

RECOVERY: Final = "/etc/campusgate/recovery.json"
SUFFIX: Final = ".settings"
_FOLDERS: Final = ("/etc/campusgate", "/var/lib/campusgate/server/channels")
_FILES: Final = (
    server.TRUSTED,
    server.BROKER_CERTIFICATE,
    server.BROKER_KEY,
    mosquitto.CONFIGURATION,
    mosquitto.PASSWORDS,
    mosquitto.ACCESS_LIST,
)
_TRIAL_MAIN: Final = "/etc/mosquitto/mosquitto.conf"
"""Debian's own on a machine, ours in a trial."""
_MOST_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Exported:
    """A copy that was written. `left_out`: files that settings name elsewhere; whoever put them there keeps them."""

    file: Path
    held: list[str]
    left_out: list[str]


def make_recovery_code(places: Places, *, again: bool = False) -> RecoveryCode:
    """Return a new code, whose other halves the machine keeps; copies so far open with the code of their time.

    Raises:
        SetupError: there is one already (unless `again`), or its file cannot be written.
    """
    if (kept := places.at(RECOVERY)).exists() and not again:
        raise SetupError(f"{kept} is there: a code was made already; with --again a new one opens the copies from now")
    code = RecoveryCode.make()
    Writer(places, []).write(RECOVERY, code.writing_keys().to_json(), ROOT, 0o600)
    return code


def export_server(places: Places, target: Path, now: datetime, *, keep: int | None = None) -> Exported:
    """Write what the server's machine holds beside its database into `target`, or into a new file in that folder.

    With `keep`, of the copies in the folder only so many newest stay.

    Raises:
        SetupError: there is no recovery code yet, a file cannot be read, or the copy cannot be written.
    """
    kept = places.at(RECOVERY)
    try:
        keys = WritingKeys.parse(kept.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SetupError(f"{kept} is not there: make a recovery code first: campusgate setup recovery-code") from error
    except (OSError, RecoveryError) as error:
        raise SetupError(f"{kept} cannot be used: {error}") from error
    if not places.at(server.ENVIRONMENT).is_file():
        raise SetupError(f"{places.at(server.ENVIRONMENT)} is not there: this machine is no server that was set up")
    held = sorted(_find(places))
    file = name_in(target, SUFFIX, now) if target.is_dir() else target
    _write(file, keys.seal(_pack(places, held)))
    if keep is not None:
        forget_older(file.parent, SUFFIX, keep=keep)
    return Exported(file, held, _find_elsewhere(places, held))


def import_server(places: Places, file: Path, code: RecoveryCode) -> list[Path]:
    """Put a copy's files in their places on a machine that has none yet; return them.

    Raises:
        SetupError: a server is set up here already, the copy cannot be read or opened, or a file cannot be written.
    """
    if (done := places.at(server.ENVIRONMENT)).exists():
        raise SetupError(f"{done} is there: this server was set up already, and nothing that is there is replaced")
    try:
        content = code.open(file.read_bytes())
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror}") from error
    except RecoveryError as error:
        raise SetupError(f"{file}: {error}") from error
    found = list(_unpack(places, content))
    writer = Writer(places, [])
    server.add_account(writer)
    server.make_folders(writer)
    # Last, as at a set-up: one that was cut off is begun anew.
    for path, owner, mode, data in sorted(found, key=lambda one: one[0] == server.ENVIRONMENT):
        writer.write(path, data, owner, mode)
    server.install_units(writer, server.SERVER_UNITS)
    return writer.written


def _find(places: Places) -> Iterator[str]:
    for path in (*_FILES, *(() if places.is_machine else (_TRIAL_MAIN,))):
        if places.at(path).is_file():
            yield path
    for folder in _FOLDERS:
        top = places.at(folder)
        for one in top.rglob("*"):
            if one.is_file():
                yield f"{folder}/{one.relative_to(top)}"


def _find_elsewhere(places: Places, held: list[str]) -> list[str]:
    """Return the files that the server's settings name and that no copy holds."""
    ours = {places.at(path).resolve() for path in held}
    named = dotenv_values(places.at(server.ENVIRONMENT), interpolate=False)
    files = [Path(value) for name, value in named.items() if value and name.endswith("_FILE")]
    return sorted(str(one) for one in files if one.is_file() and one.resolve() not in ours)


def _pack(places: Places, held: list[str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for path in held:
            file = places.at(path)
            try:
                data, status = file.read_bytes(), file.stat()
            except OSError as error:
                raise SetupError(f"{file} cannot be read: {error.strerror}; run this as root") from error
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(data), status.st_mode & 0o777
            member.uname, member.gname = _user_name(status.st_uid), _group_name(status.st_gid)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def _unpack(places: Places, content: bytes) -> Iterator[tuple[str, Owner, int, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:xz") as archive:
            for member in archive:
                path = f"/{member.name}"
                if not member.isreg() or not _is_ours(places, path) or member.size > _MOST_BYTES:
                    raise SetupError(f"the copy holds {path}, which no copy of a server has")
                data = archive.extractfile(member)
                yield path, Owner(member.uname, member.gname), member.mode, b"" if data is None else data.read()
    except tarfile.TarError as error:
        raise SetupError("the copy is damaged") from error


def _is_ours(places: Places, path: str) -> bool:
    if path in _FILES or (path == _TRIAL_MAIN and not places.is_machine):
        return True
    parts = PurePosixPath(path).parts
    return ".." not in parts and any(PurePosixPath(path).is_relative_to(folder) for folder in _FOLDERS)


def _write(file: Path, data: bytes) -> None:
    try:
        with os.fdopen(open_private(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as copy:
            copy.write(data)
            copy.flush()
            os.fsync(copy.fileno())
    except FileExistsError as error:
        raise SetupError(f"{file} exists already; a copy is never overwritten, choose another name") from error
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error.strerror}") from error


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return ROOT.user


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ROOT.group
