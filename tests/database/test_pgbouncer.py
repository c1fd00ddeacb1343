"""A real PgBouncer in transaction mode before PostgreSQL: one connection after the other takes our statements."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from database import Database, StorageError
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until

CONFIGURATION = """\
[databases]
* = host={server} user=campusgate

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
"""


@pytest.fixture
def pooler(postgresql_databases) -> Iterator[Database]:
    """The database as PgBouncer shows it."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(program).exists():
        pytest.skip("PgBouncer is not installed: Debian package `pgbouncer`")
    # It refuses to run as root, and the server's socket lies in a folder of its user alone.
    user = "postgres" if os.geteuid() == 0 else None
    with postgresql_databases.lend() as database, tempfile.TemporaryDirectory() as folder:
        file, port = Path(folder) / "pgbouncer.ini", free_port()
        file.write_text(CONFIGURATION.format(server=database.url.query["host"], port=port))
        Path(folder).chmod(0o755)
        process = subprocess.Popen([program, str(file)], user=user, stderr=subprocess.DEVNULL)
        shown = Database(
            database.url.set(host="127.0.0.1", port=port).update_query_dict({"host": "127.0.0.1"}), is_pooled=True
        )
        try:
            until(lambda: _answers(shown), "PgBouncer does not answer")
            yield shown
        finally:
            shown.close()
            process.terminate()
            process.wait(PATIENCE_S)


def _answers(database: Database) -> bool:
    try:
        ask(database, 1)
    except StorageError:
        time.sleep(0.05)
        return False
    return True


def ask(database: Database, number: int) -> None:
    for _ in range(20):
        with database.begin() as session:
            assert session.scalar(text("SELECT CAST(:number AS integer)"), {"number": number}) == number
            assert session.scalar(text("SELECT 2 * CAST(:number AS integer)"), {"number": number}) == 2 * number


def ask_at_once(database: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: ask(database, number), range(16)))


def test_statements_of_many_threads_find_whatever_connection_they_are_given(pooler: Database) -> None:
    ask_at_once(pooler)


def test_statements_that_are_prepared_would_be_lost_between_connections(pooler: Database) -> None:
    direct = Database(pooler.url)
    try:
        with pytest.raises(DBAPIError, match="prepared statement"):
            ask_at_once(direct)
    finally:
        direct.close()
