"""A small SQLite file of a gate: for its owner only, and on disk before anybody acts on what it holds."""

import sqlite3
from pathlib import Path

from database.private_files import make_private_file, make_private_folder


def open_durable(path: Path) -> sqlite3.Connection:
    """Open or make the file; every statement is a transaction of its own, on disk when it returns.

    Raises:
        OSError, sqlite3.Error: it cannot be opened.
    """
    make_private_folder(path.parent)
    make_private_file(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def require_sound(path: Path, connection: sqlite3.Connection) -> None:
    """See to it that an opened file is whole and can be written.

    Raises:
        sqlite3.DatabaseError: it cannot, or pages of it are damaged.
    """
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"{path.name} is damaged: {found}")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")
