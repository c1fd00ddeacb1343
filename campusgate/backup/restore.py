"""A backup into an empty database: whole or not at all, and without what was taken away since."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from accounts import audit
from accounts.audit.trail_copy import TrailCopy, TrailCopyError
from campusgate.backup.file import (
    Backup,
    BackupError,
    Kind,
    describe,
    kind_of,
    require_whole,
    run_postgresql,
    sqlite_path,
)
from campusgate.backup.replay import replay
from database import Database
from database.migrate import upgrade
from directory import zone_passages


def restore(
    database: Database, file: Path, copy: TrailCopy, now: datetime, *, without_manifest: bool = False
) -> Backup:
    """Fill an empty database from `file`, bring its schema up to date, and take away again what was taken away since.

    What that was is in the copy of the trail; a new copy begins with the restored trail.

    Raises:
        BackupError: the file is no backup, damaged or one of another kind, its manifest is missing, the database is not
            empty, or it cannot be filled. Nothing was written then.
        SchemaError: its schema cannot be brought up to date.
    """
    kind = kind_of(file)
    wanted: Kind = "sqlite" if database.is_sqlite else "postgresql"
    if kind != wanted:
        raise BackupError(f"{file} is a backup of {kind}, and CAMPUSGATE_DATABASE_URL names {wanted}")
    require_whole(file, without_manifest=without_manifest)
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
        run_postgresql("pg_restore", database.url, "--no-owner", "--exit-on-error", "--single-transaction", str(file))
    upgrade(database)
    with database.begin() as session:
        zone_passages.count_anew(session)
    with database.read() as session:
        _, head = audit.head(session)
    try:
        again = replay(database, copy, now)
        copy.set_aside(now)
        copy.follow(database)
    except TrailCopyError as error:
        raise BackupError(
            f"restored, but what was withdrawn since could not be withdrawn again, so do not serve it: {error}"
        ) from error
    found = describe(database, file, file)
    return replace(found, replayed=again.done, missing=again.lines, copy_fits=again.head_found, restored_head=head)


def _fill_sqlite(database: Database, file: Path) -> None:
    database.close()
    try:
        with (
            closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as held,
            closing(sqlite3.connect(sqlite_path(database))) as target,
        ):
            if held.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise BackupError(f"{file} is damaged")
            held.backup(target)
    except sqlite3.Error as error:
        raise BackupError(f"{file} cannot be restored: {error}") from error
