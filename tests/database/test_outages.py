"""A PostgreSQL server that is killed, hangs, or is no primary any more: told in time, and left for another one."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from accounts.ledger import (
    AccountKind,
    LedgerWriter,
    Transfer,
    account,
    named_account,
    open_account,
    open_named,
    record,
)
from database import Database, DatabaseBusyError, StorageError, answer_within, new_id
from tests.postgresql import FORGETFUL, Cluster, PostgresqlMissingError, cluster
from tests.waiting import until

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server that may be killed and frozen."""
    try:
        with cluster(FORGETFUL) as made:
            yield made
    except PostgresqlMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def database(server: Cluster) -> Iterator[Database]:
    database = Database(server.url("postgres"), pool_size=1)
    yield database
    database.close()


def ask(database: Database, question: str = "SELECT 1") -> object:
    with database.read() as session:
        return session.scalar(text(question))


def require_away(database: Database, question: str = "SELECT 1") -> None:
    with pytest.raises(StorageError, match="does not answer") as away:
        ask(database, question)
    assert away.value.may_pass


def test_a_server_that_hangs_is_told_in_time_and_left(server: Cluster, database: Database) -> None:
    ask(database)
    with server.frozen(), answer_within(0.2):
        require_away(database)
        # Nor is there an answer to a new connection.
        require_away(database)
    assert ask(database) == 1


def test_one_connection_that_hangs_is_given_up_alone(database: Database) -> None:
    process = ask(database, "SELECT pg_backend_pid()")
    os.kill(int(str(process)), signal.SIGSTOP)
    try:
        with answer_within(0.2):
            require_away(database)
        assert ask(database) == 1
    finally:
        os.kill(int(str(process)), signal.SIGCONT)


def test_who_gave_up_keeps_nothing_locked(server: Cluster, database: Database) -> None:
    """A backend that waits for a lock reads nothing from its client, and would not see that it has gone."""
    others = [Database(server.url("postgres"), pool_size=1) for _ in range(2)]
    with database.begin() as holder:
        holder.execute(text("SELECT pg_advisory_xact_lock(1)"))
        with answer_within(0.5), pytest.raises(StorageError, match="does not answer"), others[0].begin() as gives_up:
            gives_up.execute(text("SELECT pg_advisory_xact_lock(2)"))
            gives_up.execute(text("SELECT pg_advisory_xact_lock(1)"))
        until(lambda: ask(others[1], "SELECT pg_try_advisory_xact_lock(2)"))
    for one in others:
        one.close()


def test_a_statement_takes_as_long_as_it_may(database: Database) -> None:
    with answer_within(0.2):
        require_away(database, "SELECT pg_sleep(30)")
        with answer_within(None):
            assert ask(database, "SELECT pg_sleep(0.5)") == ""


def test_a_server_that_was_killed_and_is_back_is_found(server: Cluster, database: Database) -> None:
    ask(database)
    server.kill()
    require_away(database)
    require_away(database)
    server.start()
    assert ask(database) == 1


@pytest.mark.parametrize("end", ["pg_terminate_backend(pid)", "pg_cancel_backend(pid)"])
def test_what_an_administrator_ends_may_be_tried_again(database: Database, end: str) -> None:
    other = Database(database.url)
    with pytest.raises((StorageError, DatabaseBusyError)) as ended, database.read() as session:
        process = session.scalar(text("SELECT pg_backend_pid()"))
        ended_by = threading.Thread(target=ask, args=(other, f"SELECT {end.replace('pid', f'{process}')}"))
        ended_by.start()
        session.execute(text("SELECT pg_sleep(30)"))
    ended_by.join()
    other.close()
    assert getattr(ended.value, "may_pass", True)
    assert ask(database) == 1


def test_every_connection_to_a_server_that_is_no_primary_any_more_is_left(database: Database) -> None:
    """As after a switch-over whose connections still lead to the old primary."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.commit()
    with pytest.raises(StorageError, match="takes no writes") as refused, database.begin() as session:
        session.execute(text("CREATE TABLE refused (id INTEGER)"))
    assert refused.value.may_pass
    assert ask(database, "SHOW default_transaction_read_only") == "off"


def test_a_pool_that_is_used_up_is_told_as_busy(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.05)
    with database.read() as one, database.read() as two:
        one.scalar(text("SELECT 1"))
        two.scalar(text("SELECT 1"))
        with pytest.raises(DatabaseBusyError, match="in use"):
            ask(database)


@pytest.mark.parametrize(("is_pooled", "prepared"), [(False, True), (True, False)])
def test_behind_a_pooler_nothing_is_prepared(server: Cluster, is_pooled: bool, prepared: bool) -> None:
    database = Database(server.url("postgres"), pool_size=1, is_pooled=is_pooled)
    for number in range(10):
        with database.begin() as session:
            assert session.scalar(text("SELECT CAST(:number AS integer)"), {"number": number}) == number
    assert (ask(database, "SELECT count(*) FROM pg_prepared_statements") != 0) is prepared
    database.close()


class LosesAnswers:
    """Stands between the ledger and its database; when told, cuts the connection instead of answering a commit."""

    def __init__(self, server: Path) -> None:
        self._server, self.lost = server, 0
        self._loses = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def lose_next(self) -> None:
        self._loses.set()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                for ends in ((client, server), (server, client)):
                    self._threads.append(threading.Thread(target=self._pass_on, args=ends))
                    self._threads[-1].start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if b"COMMIT" in data and source.family is socket.AF_UNIX and self._loses.is_set():
                    self._loses.clear()
                    self.lost += 1
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()


@pytest.fixture
def wallet(postgresql_databases) -> Iterator[tuple[Database, UUID]]:
    with postgresql_databases.lend() as database:
        wallet = new_id()
        with database.begin() as session:
            cash = open_named(session, AccountKind.CASH, "counter", NOW)
            open_account(session, wallet, AccountKind.WALLET, NOW)
            record(session, [Transfer(new_id(), "top_up", cash, wallet, 1_000)], NOW)[0].require()
        yield database, wallet


def test_a_payment_whose_commit_was_never_answered_is_found_by_its_id(wallet: tuple[Database, UUID]) -> None:
    database, payer = wallet
    host = database.url.query["host"]
    between = LosesAnswers(Path(str(host)) / ".s.PGSQL.5432")
    behind = Database(database.url.set(host="127.0.0.1", port=between.port).update_query_dict({"host": "127.0.0.1"}))
    try:
        with LedgerWriter(behind) as writer:
            payment = Transfer(new_id(), "payment", payer, named_account(AccountKind.CASH, "counter"), 300)
            between.lose_next()
            entry = writer.submit(payment).require()
        assert between.lost == 1
        assert entry.debit_balance == 700
        with database.read() as session:
            assert _balance(session, payer) == 700
    finally:
        behind.close()
        between.close()


def _balance(session: Session, wallet: UUID) -> int:
    return account(session, wallet).balance
