"""The schema's life: `upgrade` brings a database to this program's revision; `find_differences` shows what it lacks."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import MetaData, Table
from sqlalchemy.exc import InvalidRequestError

from database.advisory_locks import AdvisoryLock
from database.answer_time import answer_within
from database.append_only import MARK
from database.engine import Database
from errors import OperatorError

_FOLDER = Path(__file__).parent / "migrations"


class SchemaError(OperatorError):
    """The database's schema is newer than this program, or was changed by hand."""


def upgrade(database: Database) -> None:
    """Bring the schema to the newest revision; does nothing when it is there already.

    Raises:
        SchemaError: the database carries a revision this program does not know, or a revision needs a key that is not
            configured.
    """
    with answer_within(None), database.engine.begin() as connection:
        if not database.is_sqlite:
            # Several processes may start at once; the first one migrates, the others wait here.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({AdvisoryLock.MIGRATION:d})")
        try:
            configuration = _configure(connection)
            configuration.attributes["credential_key"] = database.credential_key
            command.upgrade(configuration, "head")
        except InvalidRequestError as error:
            raise SchemaError(str(error)) from error
        except CommandError as error:
            raise SchemaError(
                f"the database carries a schema this program does not know ({error}): "
                "run the newer campusgate, or restore the backup made before it"
            ) from error


def read_revision(database: Database) -> str | None:
    """Return the revision the database carries, or None when it is empty."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def find_newest() -> str | None:
    """Return the revision this program wants."""
    return ScriptDirectory(str(_FOLDER)).get_current_head()


def find_differences(database: Database, metadata: MetaData) -> list[Any]:
    """Return what separates the database's tables from `metadata`; empty when nothing does."""
    with database.engine.connect() as connection:
        partitioned = [f"{table.name}_" for table in metadata.tables.values() if _is_partitioned(table)]

        def is_table(name: str | None, kind: str, _parents: Any) -> bool:
            """Leave out partitions, which are made as time goes by and bear their table's name in front."""
            return not (kind == "table" and name is not None and name.startswith(tuple(partitioned)))

        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": is_table})
        return list(compare_metadata(context, metadata))


def _is_partitioned(table: Table) -> bool:
    return bool(table.dialect_options["postgresql"]["partition_by"])


def write_revision(database: Database, metadata: MetaData, message: str) -> Path:
    """Write the revision that brings the newest schema, which `database` has, to `metadata`; return its file."""
    number = len(list((_FOLDER / "versions").glob("[0-9]*.py"))) + 1
    with database.engine.connect() as connection:
        configuration = _configure(connection)
        configuration.attributes["metadata"] = metadata
        script = command.revision(configuration, message, autogenerate=True, rev_id=f"{number:04d}")
    if script is None or isinstance(script, list):
        raise SchemaError("no revision was written")
    path = Path(script.path)
    path.write_text(_add_protection(path.read_text(encoding="utf-8"), metadata), encoding="utf-8")
    return path


def _add_protection(script: str, metadata: MetaData) -> str:
    """Add to a revision what the comparison does not see: tables that take inserts only, where it makes them."""
    made = [name for name in metadata.tables if f"op.create_table('{name}'" in script]
    protected = [name for name in made if metadata.tables[name].info.get(MARK)]
    if not protected:
        return script
    lines = "".join(f"    _protect({name!r})\n" for name in sorted(protected))
    helper = (
        "\n\ndef _protect(table: str) -> None:\n"
        "    for statement in protection(table, op.get_bind().dialect.name):\n"
        "        op.execute(statement)\n"
    )
    head, tail = script.split("\n\ndef downgrade()", 1)
    head = head.replace(
        "from database import columns\n", "from database import columns\nfrom database.append_only import protection\n"
    )
    return f"{head.rstrip()}\n{lines}\n\ndef downgrade(){tail.rstrip()}\n{helper}"


def _configure(connection: Any) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_FOLDER))
    configuration.attributes["connection"] = connection
    return configuration
