"""One store of compiled SQL for all engines of a worker.

Each test has an engine of its own, which would compile every statement anew: a quarter of the time of tests with a
database. Whoever imports this gets dialects of SQLite and PostgreSQL that count as equal, and engines that share.
"""

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_compiled: LRUCache = LRUCache(2_000)


class _Equal:
    """Compiled statements are kept under their dialect."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """SQLAlchemy's hook for dialects."""
        engine.update_execution_options(compiled_cache=_compiled)


class Sqlite(_Equal, SQLiteDialect_pysqlite):
    supports_statement_cache = True


class Postgresql(_Equal, PGDialect_psycopg):
    supports_statement_cache = True


registry.register("sqlite", __name__, Sqlite.__name__)
registry.register("postgresql.psycopg", __name__, Postgresql.__name__)
