"""The server's database into one file: consistent while the server runs, whole or not at all.

SQLite is copied with its online backup, PostgreSQL with `pg_dump`. What is sealed stays sealed: the file is of no use
without the keys, which are never in it.
"""

import contextlib
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from accounts import audit
from campusgate.backup.file import Backup, BackupError, describe, digest_of, run_postgresql, sqlite_path, write_manifest
from database import Database, DatabaseBusyError, StorageError


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
            run_postgresql("pg_dump", database.url, "--format=custom", f"--file={part}")
        made = _checked(database, part, file)
        part.replace(file)
        write_manifest(made)
    finally:
        part.unlink(missing_ok=True)
    return made


def note_backup(database: Database, done: Backup, now: datetime) -> None:
    """Write into the audit trail that there is a backup, so that the pages can say when the last one was made.

    A database that takes no writes is backed up all the same, without the line.
    """
    details: dict[str, audit.Scalar | list[str]] = {"bytes": done.size, "sha256": done.sha256}
    with contextlib.suppress(StorageError, DatabaseBusyError), database.begin() as session:
        audit.record(
            session, actor=audit.SYSTEM, action=audit.BACKUP, subject="server:database", now=now, details=details
        )


def _copy_sqlite(database: Database, part: Path) -> None:
    source = sqlite_path(database)
    if not source.is_file():
        raise BackupError(f"there is no database at {source}")
    try:
        with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(part)) as copy:
            held.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied: {error}") from error


def _checked(database: Database, part: Path, file: Path) -> Backup:
    """Check the copy of SQLite itself; of PostgreSQL, whose copy is no database, the source."""
    if not database.is_sqlite:
        return describe(database, part, file)
    copy = Database(f"sqlite:///{part}")
    try:
        found = describe(copy, part, file)
    finally:
        copy.close()
    with closing(sqlite3.connect(part)) as alone:
        # One file, with nothing beside it.
        alone.execute("PRAGMA journal_mode=DELETE")
    return replace(found, size=part.stat().st_size, sha256=digest_of(part))
