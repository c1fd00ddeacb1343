"""The configured database: there, whole and of this program's schema, or one line that says why not.

Only `serve`, `restore` and the demonstration begin a database. Everything else works on one that is there, and says
which.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from campusgate.settings import Settings
from errors import OperatorError

if TYPE_CHECKING:
    from database import Database

_SQLITE = b"SQLite format 3\x00"


class DatabaseUnusableError(OperatorError):
    """The configured database is not there, not whole, or not of this program's schema."""


@contextmanager
def open_database(settings: Settings) -> "Iterator[Database]":
    """The configured database, with its schema brought up to date.

    Raises:
        DatabaseUnusableError: there is none, it does not answer, it is damaged, or its schema is newer than this
            program.
    """
    from sqlalchemy.exc import DBAPIError

    from database import Database, StorageError
    from database.digests import CredentialKeyMissingError
    from database.migrate import SchemaError, read_revision, upgrade

    database = Database(settings.resolved_direct_url, credential_key=settings.key_if_set("credential_key"))
    name = name_of(database)
    try:
        require_file(database)
        if read_revision(database) is None:
            raise DatabaseUnusableError(f"the database {name} holds no campus: `campusgate serve` begins one")
        upgrade(database)
        yield database
    except (SchemaError, StorageError, DBAPIError, CredentialKeyMissingError) as error:
        # The first line says it; the rest is the driver's.
        raise DatabaseUnusableError(f"{name}: {message_of(error)}") from error
    finally:
        database.close()


@contextmanager
def open_server_database(settings: Settings) -> "Iterator[Database]":
    """The configured database for the server: begun where there never was one, brought up to date, and left open.

    Raises:
        DatabaseUnusableError: it is damaged, empty, not to be written, or gone although there was one.
    """
    from sqlalchemy.exc import DBAPIError

    from accounts.audit.trail_copy import NAME
    from database import Database, StorageError
    from database.migrate import SchemaError, read_revision, upgrade

    database = Database(
        settings.resolved_database_url,
        credential_key=settings.key_if_set("credential_key"),
        is_pooled=settings.database_direct_url is not None,
    )
    name, copy = name_of(database), settings.resolved_record_dir / NAME
    try:
        if database.is_sqlite and path_of(database).exists():
            require_file(database)
            require_whole(database)
        if read_revision(database) is None and copy.exists() and copy.stat().st_size:
            raise DatabaseUnusableError(
                f"the database {name} holds no campus, and {copy} is the record of one: restore its newest backup with "
                "`campusgate restore`, or move that file away to begin a new campus"
            )
        upgrade(database)
        yield database
    except (SchemaError, StorageError, DBAPIError) as error:
        database.close()
        raise DatabaseUnusableError(f"{name}: {message_of(error)}") from error
    except OperatorError:
        database.close()
        raise


def name_of(database: "Database") -> str:
    """Return what a person calls it: the file, or the address without its password."""
    if database.is_sqlite:
        return str(path_of(database))
    return database.url.render_as_string(hide_password=True)


def path_of(database: "Database") -> Path:
    """Return the file of an SQLite database."""
    return Path(database.url.database or ":memory:")


def message_of(error: Exception) -> str:
    """Return the one line that says what is wrong."""
    from sqlalchemy.exc import DBAPIError

    from database.storage import StorageError, fault_of

    if isinstance(error, DBAPIError) and (fault := fault_of(error)) is not None:
        return str(StorageError(fault))
    return str(error).splitlines()[0]


def require_file(database: "Database") -> None:
    """Check that an SQLite file is there, can be written, and is one; nothing is made.

    Raises:
        DatabaseUnusableError: see there.
    """
    if not database.is_sqlite:
        return
    path = path_of(database)
    if not path.exists():
        raise DatabaseUnusableError(
            f"there is no database at {path}: `campusgate serve` begins one, `campusgate restore` fills one from a "
            "backup; CAMPUSGATE_DATA_DIR and CAMPUSGATE_DATABASE_URL say where it is"
        )
    if not path.is_file():
        raise DatabaseUnusableError(f"{path} is no file")
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
        raise DatabaseUnusableError(
            f"the database {path} cannot be written: mend the owner and mode of the file and its folder"
        )
    with path.open("rb") as file:
        head = file.read(len(_SQLITE))
    if not head:
        raise DatabaseUnusableError(
            f"the database {path} is an empty file: remove it, and if there was a campus in it restore the newest "
            "backup with `campusgate restore`; if there never was one, and `campusgate serve` begins a new one"
        )
    if head != _SQLITE:
        raise DatabaseUnusableError(
            f"{path} is no SQLite database, or it is damaged: keep the file elsewhere and restore the newest "
            "backup with `campusgate restore`"
        )


def require_whole(database: "Database") -> None:
    """Check an SQLite file for damage.

    Raises:
        StorageError: it is damaged.
    """
    from database import StorageError

    if not database.is_sqlite:
        return
    with database.engine.connect() as connection:
        if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
            raise StorageError("damaged")
