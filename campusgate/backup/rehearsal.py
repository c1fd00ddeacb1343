"""A restore that is only tried: into a database of its own, which is gone afterwards."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from accounts.audit.trail_copy import TrailCopy
from campusgate.backup.file import Backup, BackupError, kind_of
from campusgate.backup.restore import restore
from database import Database


def rehearse(
    beside: Database,
    file: Path,
    record: Path,
    now: datetime,
    *,
    credential_key: bytes | None,
    scratch: Path,
    without_manifest: bool = False,
) -> Backup:
    """Restore `file` as `restore` does, and return what came of it; neither `beside` nor the copy of the trail changes.

    Args:
        beside: the campus's database; a trial of PostgreSQL is made in the same cluster.
        file: the backup.
        record: folder of the copy of the trail.
        now: the time of the trial.
        credential_key: of the campus.
        scratch: folder with room for a copy of the database.
        without_manifest: as for `restore`.

    Raises:
        BackupError: as by `restore`, or there may be no database beside the campus's.
    """
    with tempfile.TemporaryDirectory(prefix="campusgate-trial-", dir=scratch) as folder:
        copied = Path(folder) / "record"
        if record.is_dir():
            shutil.copytree(record, copied)
        with _empty(beside, file, Path(folder), credential_key) as empty:
            return restore(empty, file, TrailCopy(copied), now, without_manifest=without_manifest)


@contextmanager
def _empty(beside: Database, file: Path, folder: Path, credential_key: bytes | None) -> Iterator[Database]:
    if kind_of(file) == "sqlite":
        database = Database(f"sqlite:///{folder / 'trial.db'}", credential_key=credential_key)
        try:
            yield database
        finally:
            database.close()
        return
    if beside.is_sqlite:
        raise BackupError(f"{file} is a backup of postgresql, and CAMPUSGATE_DATABASE_URL names sqlite")
    name = f"campusgate_trial_{secrets.token_hex(4)}"
    with _administering(beside) as connection:
        _create(connection, name)
        database = Database(beside.url.set(database=name), credential_key=credential_key)
        try:
            yield database
        finally:
            database.close()
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@contextmanager
def _administering(beside: Database) -> Iterator[Connection]:
    try:
        connection = beside.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except SQLAlchemyError as error:
        raise BackupError(f"the database cannot be reached: {type(error).__name__}") from error
    with connection:
        yield connection


def _create(connection: Connection, name: str) -> None:
    try:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    except SQLAlchemyError as error:
        raise BackupError(
            "no database may be made beside the campus's, to try the backup in: let PostgreSQL's administrator say "
            "ALTER ROLE campusgate CREATEDB, or restore into a database that somebody made for it"
        ) from error
