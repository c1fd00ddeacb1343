"""Several servers over one real PostgreSQL: one leads, another takes over, and each hears what the others announce."""

import os
import queue
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from accounts.audit.commit_order import keep_order
from database import Database
from database.advisory_locks import AdvisoryLock
from database.coordination import BOARD, PEOPLE, TOPICS, Coordination
from metering.readings import history
from tests.forked import running
from tests.waiting import PATIENCE_S, until

ROOT = Path(__file__).parent.parent.parent


class Server:
    """One server's place, and what came of it."""

    def __init__(self, database: Database) -> None:
        self.database = Database(database.url)
        self.did: list[str] = []
        self.heard: queue.Queue[str] = queue.Queue()
        self.place = Coordination(
            self.database,
            database.url,
            lead=lambda: self.did.append("lead"),
            follow=lambda: self.did.append("follow"),
            hear=self.heard.put,
        )

    @property
    def leads(self) -> bool:
        return self.did[-1:] == ["lead"]

    def wait_listening(self) -> None:
        assert {self.heard.get(timeout=PATIENCE_S) for _ in TOPICS} == set(TOPICS)


@contextmanager
def served(database: Database) -> Iterator[Server]:
    server, stop = Server(database), threading.Event()
    thread = threading.Thread(target=server.place.run, args=(stop,))
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        thread.join()
        server.database.close()
    assert not server.leads


@pytest.fixture
def database(postgresql_databases) -> Iterator[Database]:
    with postgresql_databases.lend() as database:
        yield database


@pytest.mark.parametrize("lock", [keep_order, history.lock], ids=["audit", "readings"])
def test_whoever_leads_keeps_nobody_else_waiting(database: Database, lock: Callable[[Session], None]) -> None:
    with served(database) as first:
        until(lambda: first.leads)
        with database.begin() as session:
            session.execute(text("SET LOCAL lock_timeout = '20s'"))
            lock(session)


def test_every_advisory_lock_has_its_key_from_one_place() -> None:
    statements = re.compile(r"pg_(try_)?advisory_\w*lock\(")
    rooms = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists() and folder.name != "tests"]
    sources = {file: file.read_text(encoding="utf-8") for room in rooms for file in room.rglob("*.py")}
    locking = [file for file, text_ in sources.items() if statements.search(text_)]
    assert len(locking) == len(AdvisoryLock)
    assert [file for file in locking if "AdvisoryLock." not in sources[file]] == []


def test_one_of_three_leads_and_another_takes_over_when_it_ends(database: Database) -> None:
    with served(database) as first:
        until(lambda: first.leads)
        with served(database) as second, served(database) as third:
            second.wait_listening()
            third.wait_listening()
            assert (second.leads, third.leads) == (False, False)
            with served(database) as fourth:
                fourth.wait_listening()
            assert first.did == ["lead"]
    with served(database) as second:
        until(lambda: second.leads)


def test_a_leader_whose_connection_is_lost_leads_no_more_and_one_leads_again(database: Database) -> None:
    with served(database) as first:
        until(lambda: first.leads)
        with served(database) as second:
            second.wait_listening()
            with database.read() as session:
                session.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    )
                )
            until(lambda: first.did[:2] == ["lead", "follow"])
            until(lambda: first.leads or second.leads)
            assert (first.leads, second.leads) != (True, True)


def lead_until_killed(pipe: Pipe, url: str) -> None:
    server = Server(Database(url))
    threading.Thread(target=server.place.run, args=(threading.Event(),), daemon=True).start()
    told = 0
    while True:
        while told < len(server.did):
            pipe.send(server.did[told])
            told += 1
        threading.Event().wait(0.05)


@pytest.mark.usefixtures("imported_rooms")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_leader_that_is_killed_or_frozen_is_followed_by_another(database: Database, number: signal.Signals) -> None:
    url = database.url.render_as_string(hide_password=False)
    with running(lead_until_killed, url) as (process, pipe):
        assert pipe.poll(PATIENCE_S)
        assert pipe.recv() == "lead"
        with served(database) as other:
            other.wait_listening()
            os.kill(process.pid, number)
            until(lambda: other.leads)
            if number is signal.SIGSTOP:
                os.kill(process.pid, signal.SIGCONT)
                assert pipe.poll(PATIENCE_S)
                assert pipe.recv() == "follow"
                assert other.leads
        process.kill()


def test_what_one_announces_the_others_hear(database: Database) -> None:
    with served(database) as first, served(database) as second:
        first.wait_listening()
        second.wait_listening()
        first.place.announce(BOARD)
        assert second.heard.get(timeout=PATIENCE_S) == BOARD
        second.place.announce(PEOPLE)
        assert first.heard.get(timeout=PATIENCE_S) == PEOPLE
        assert second.heard.empty()


def test_whoever_could_not_listen_is_told_of_everything_once_they_can(database: Database) -> None:
    with served(database) as server:
        server.wait_listening()
        with database.read() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        server.wait_listening()


def test_the_one_server_of_a_file_leads(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'campus.db'}")
    with served(database) as server:
        until(lambda: server.leads)
        server.place.announce(BOARD)
    database.close()
