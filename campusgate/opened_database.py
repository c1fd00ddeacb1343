"""The configured database as a command needs it: opened, brought up to date, and closed again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from campusgate.commands import CommandError
from campusgate.settings import Settings

if TYPE_CHECKING:
    from database import Database


@contextmanager
def opened(settings: Settings) -> "Iterator[Database]":
    """The configured database, with its schema brought up to date.

    Raises:
        CommandError: it does not answer, or its schema is newer than this program.
    """
    from sqlalchemy.exc import OperationalError

    from database import Database
    from database.migrate import SchemaError, upgrade

    database = Database(settings.resolved_database_url)
    try:
        upgrade(database)
        yield database
    except (SchemaError, OperationalError) as error:
        # The first line says it; the rest is the driver's.
        raise CommandError(f"the database cannot be used: {str(error).splitlines()[0]}") from error
    finally:
        database.close()
