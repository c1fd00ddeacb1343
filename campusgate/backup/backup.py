"""The server's database into one file and back: consistent while the server runs, whole or not at all.

SQLite is copied with its online backup, PostgreSQL with `pg_dump`. What is sealed stays sealed: the file is of no use
without the keys, which are never in it.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from accounts import audit
from accounts.audit.trail_copy import TrailCopy, TrailCopyError
from accounts.ledger import seal_chain
from campusgate.backup.replay import replay
from database import Database
from database.migrate import SchemaError, read_revision, upgrade
from database.private_files import open_private
from errors import OperatorError

_SQLITE, _POSTGRESQL = b"SQLite format 3\x00", b"PGDMP"
_CHUNK = 1 << 20

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


def back_up(database: Database, file: Path) -> Backup:
    """Write the database to `file` (mode 0600), which must not exist; what is checked is the copy, or its source.

    A manifest goes beside it, with its size and digest.

    Raises:
        BackupError: the file exists, cannot be written, or a program of PostgreSQL is missing.
    """
    if file.exists():
        raise BackupError(f"{file} exists already; a backup is never overwritten, choose another name")
    part = file.with_name(file.name + ".part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError as error:
        raise BackupError(f"{part} is left from a backup that did not end; remove it first") from error
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror}") from error
    try:
        if database.is_sqlite:
            _copy_sqlite(database, part)
        else:
            _run("pg_dump", database.url, "--format=custom", f"--file={part}")
        made = _checked(database, part, file)
        part.replace(file)
        _write_manifest(made)
    finally:
        part.unlink(missing_ok=True)
    return made


def restore(
    database: Database, file: Path, copy: TrailCopy, now: datetime, *, without_manifest: bool = False
) -> Backup:
    """Fill an empty database from `file`, bring its schema up to date, and take away again what was taken away since.

    What that was is in the copy of the trail; a new copy begins with the restored trail.

    Raises:
        BackupError: the file is no backup, damaged or one of another kind, its manifest is missing, the database is not
            empty, or it cannot be filled. Nothing was written then.
    """
    kind = _kind(file)
    wanted: Kind = "sqlite" if database.is_sqlite else "postgresql"
    if kind != wanted:
        raise BackupError(f"{file} is a backup of {kind}, and CAMPUSGATE_DATABASE_URL names {wanted}")
    _require_whole(file, without_manifest=without_manifest)
    try:
        tables = inspect(database.engine).get_table_names()
    except SQLAlchemyError as error:
        raise BackupError(f"the database cannot be reached: {type(error).__name__}") from error
    if tables:
        raise BackupError(
            f"the database is not empty ({len(tables)} tables): a restore overwrites nothing; name a new database"
        )
    if database.is_sqlite:
        _fill_sqlite(database, file)
    else:
        _run("pg_restore", database.url, "--no-owner", "--exit-on-error", "--single-transaction", str(file))
    try:
        upgrade(database)
    except SchemaError as error:
        raise BackupError(str(error)) from error
    try:
        again = replay(database, copy, now)
        copy.set_aside(now)
        copy.follow(database)
    except TrailCopyError as error:
        raise BackupError(
            f"restored, but what was withdrawn since could not be withdrawn again, so do not serve it: {error}"
        ) from error
    found = _report(database, file, file)
    return replace(found, replayed=again.done, missing=again.lines, copy_fits=again.head_found)


def _copy_sqlite(database: Database, part: Path) -> None:
    source = _path(database)
    if not source.is_file():
        raise BackupError(f"there is no database at {source}")
    try:
        with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(part)) as copy:
            held.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied: {error}") from error


def _fill_sqlite(database: Database, file: Path) -> None:
    database.close()
    try:
        with (
            closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as held,
            closing(sqlite3.connect(_path(database))) as target,
        ):
            if held.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise BackupError(f"{file} is damaged")
            held.backup(target)
    except sqlite3.Error as error:
        raise BackupError(f"{file} cannot be restored: {error}") from error


def _path(database: Database) -> Path:
    if not database.url.database or database.url.database == ":memory:":
        raise BackupError("a database in memory cannot be backed up")
    return Path(database.url.database)


def _checked(database: Database, part: Path, file: Path) -> Backup:
    """Check the copy of SQLite itself; of PostgreSQL, whose copy is no database, the source."""
    if not database.is_sqlite:
        return _report(database, part, file)
    copy = Database(f"sqlite:///{part}")
    try:
        found = _report(copy, part, file)
    finally:
        copy.close()
    with closing(sqlite3.connect(part)) as alone:
        # One file, with nothing beside it.
        alone.execute("PRAGMA journal_mode=DELETE")
    return replace(found, size=part.stat().st_size, sha256=_digest(part))


def _report(database: Database, held: Path, file: Path) -> Backup:
    with database.read() as session:
        trail = audit.verify(session)
    with database.read() as session:
        ledger = seal_chain.verify(session, anchors=[])
    return Backup(
        file=str(file),
        database="sqlite" if database.is_sqlite else "postgresql",
        size=held.stat().st_size,
        sha256=_digest(held),
        schema=read_revision(database),
        intact=trail.intact and ledger.whole,
        trail_lines=trail.lines,
        trail_head=trail.head,
        manifest=str(_manifest_of(file)),
    )


def _manifest_of(file: Path) -> Path:
    return file.with_name(file.name + ".manifest.json")


def _write_manifest(made: Backup) -> None:
    values = {name: value for name, value in asdict(made).items() if name in _IN_THE_MANIFEST}
    with os.fdopen(open_private(Path(made.manifest), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
        json.dump(values, file, indent=2)
        file.flush()
        os.fsync(file.fileno())


def _require_whole(file: Path, *, without_manifest: bool) -> None:
    manifest = _manifest_of(file)
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
    if (file.stat().st_size, _digest(file)) != expected:
        raise BackupError(f"{file} is not the file that {manifest.name} describes: it was changed, or copied in part")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()


def _kind(file: Path) -> Kind:
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


def _run(program: str, url: URL, *arguments: str) -> None:
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
