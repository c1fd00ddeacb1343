"""The file of a backup: what it holds, its digest, and the manifest beside it that says all this."""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import URL

from accounts import audit
from accounts.ledger import seal_chain
from database import Database
from database.migrate import read_revision
from database.private_files import open_private
from errors import OperatorError

_SQLITE, _POSTGRESQL = b"SQLite format 3\x00", b"PGDMP"
SUFFIX = ".backup"
"""Of the files that are named by their time."""
_CHUNK = 1 << 20
"""Bytes read at once: a backup may be larger than the memory."""

Kind = Literal["sqlite", "postgresql"]

_IN_THE_MANIFEST = ("database", "size", "sha256", "schema", "intact", "trail_lines", "trail_head")


class BackupError(OperatorError):
    """Nothing was backed up or restored; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that was written or read. `intact`: neither the audit trail nor the journal in it was changed."""

    file: str
    database: Kind
    size: int
    sha256: str
    schema: str | None
    intact: bool
    trail_lines: int
    trail_head: str
    manifest: str
    """The file beside it that says all this; a restore compares."""
    replayed: dict[str, int] | None = None
    """Of a restore: what had been taken away since the backup and was taken away again, by the trail's word."""
    missing: int | None = None
    """Of a restore: lines that the copy of the trail has beyond the backup."""
    copy_fits: bool | None = None
    """Of a restore: whether the copy of the trail goes on where the backup ends."""
    restored_head: str | None = None
    """Of a restore: the trail's head before anything was taken away again."""


def describe(database: Database, held: Path, file: Path) -> Backup:
    """Return what the database in `held`, which is or becomes the backup `file`, holds."""
    with database.read() as session:
        trail = audit.verify(session)
    with database.read() as session:
        ledger = seal_chain.verify(session, anchors=[])
    return Backup(
        file=str(file),
        database="sqlite" if database.is_sqlite else "postgresql",
        size=held.stat().st_size,
        sha256=digest_of(held),
        schema=read_revision(database),
        intact=trail.intact and ledger.whole,
        trail_lines=trail.lines,
        trail_head=trail.head,
        manifest=str(manifest_of(file)),
    )


def sqlite_path(database: Database) -> Path:
    """Return the file of an SQLite database.

    Raises:
        BackupError: it has none.
    """
    if not database.url.database or database.url.database == ":memory:":
        raise BackupError("a database in memory cannot be backed up")
    return Path(database.url.database)


def manifest_of(file: Path) -> Path:
    """Return the manifest's place, beside the backup."""
    return file.with_name(file.name + ".manifest.json")


def write_manifest(made: Backup) -> None:
    """Write the manifest, for its owner alone, and return when it is on the disk."""
    values = {name: value for name, value in asdict(made).items() if name in _IN_THE_MANIFEST}
    with os.fdopen(open_private(Path(made.manifest), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
        json.dump(values, file, indent=2)
        file.flush()
        os.fsync(file.fileno())


def require_whole(file: Path, *, without_manifest: bool) -> None:
    """Compare a backup with its manifest.

    Raises:
        BackupError: the manifest is missing (unless `without_manifest`), unreadable, or of another file.
    """
    manifest = manifest_of(file)
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        expected = int(said["size"]), str(said["sha256"])
    except FileNotFoundError as error:
        if without_manifest:
            return
        raise BackupError(
            f"{manifest} is not there, so nobody can tell whether {file} is whole: copy it beside the backup, or say "
            "--without-manifest"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{manifest} cannot be read") from error
    if (file.stat().st_size, digest_of(file)) != expected:
        raise BackupError(f"{file} is not the file that {manifest.name} describes: it was changed, or copied in part")


def digest_of(path: Path) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()


def kind_of(file: Path) -> Kind:
    """Return the database that a backup is of.

    Raises:
        BackupError: it cannot be read, or is none.
    """
    try:
        with file.open("rb") as held:
            head = held.read(len(_SQLITE))
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}") from error
    if head == _SQLITE:
        return "sqlite"
    if head.startswith(_POSTGRESQL):
        return "postgresql"
    raise BackupError(f"{file} is no backup made by `campusgate backup`")


def run_postgresql(program: str, url: URL, *arguments: str) -> None:
    """Run a program of PostgreSQL on a database.

    Raises:
        BackupError: it is not installed, or failed.
    """
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is not installed: Debian package `postgresql-client`")
    # The password travels in the environment: everybody on the machine can read the arguments.
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    secret = {} if url.password is None else {"PGPASSWORD": str(url.password)}
    done = subprocess.run(
        [found, f"--dbname={address}", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **secret},
    )
    if done.returncode != 0:
        complaint = done.stderr.strip().splitlines() or ["no reason given"]
        raise BackupError(f"{program}: {complaint[0]}")
