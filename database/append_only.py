"""Tables that the database itself keeps from being changed: rows are inserted and never updated or deleted."""

from typing import Any

from sqlalchemy import DDL, Table, event

MARK = "inserts_only"
"""Key in `Table.info` of the tables that take inserts only."""


def make_append_only(row: Any) -> None:
    """Make the database refuse to change or delete lines of a mapped class's table, from its creation on."""
    table: Table = row.__table__
    table.info[MARK] = True
    for dialect in ("sqlite", "postgresql"):
        for statement in protection(table.name, dialect):
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped
            event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def protection(table: str, dialect: str) -> list[str]:
    """Return the statements that protect `table`; a schema revision that makes the table executes them too."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} takes inserts only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE OR REPLACE FUNCTION {table}_inserts_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} takes inserts only'; END $$",
        f"CREATE TRIGGER {table}_inserts_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_inserts_only()",
    ]
