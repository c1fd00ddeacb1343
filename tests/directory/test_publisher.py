"""The publisher at work in its thread, and two of them at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from accounts.people import changes
from accounts.vocabulary import PersonState
from directory.list_tables import SharedEntry
from directory.publisher import MOST_PEOPLE, Publisher, _people_at_once
from directory.tables import GateRecord
from tests.waiting import PATIENCE_S


@contextmanager
def running(publisher: Publisher, stop: threading.Event | None = None) -> Iterator[None]:
    stop, wake = stop or threading.Event(), threading.Event()
    thread = threading.Thread(target=publisher.run, args=(stop, wake))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        wake.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def told(campus):
    """A publisher of its own that reports each hint as it is given."""
    hints = threading.Semaphore(0)
    publisher = Publisher(
        campus.database,
        campus.sealer,
        model_id="test-model-1",
        notify=lambda _gate, _revision: hints.release(),
    )
    return publisher, hints


def test_a_commit_of_this_process_wakes_it(campus, told, monkeypatch) -> None:
    monkeypatch.setattr("directory.publisher.POLL_S", 3600)
    publisher, hints = told
    campus.gate("main")
    person = campus.person("students", face=1)
    with running(publisher):
        assert hints.acquire(timeout=PATIENCE_S)
        campus.set_state(person, PersonState.SUSPENDED)
        assert hints.acquire(timeout=PATIENCE_S)
    replica = campus.replica()
    campus.sync(replica).run_once()
    assert replica.person(person).suspended


def test_a_change_by_another_process_is_found_by_asking(campus, told, monkeypatch) -> None:
    monkeypatch.setattr("directory.publisher._WakeOnCommit.__enter__", lambda _self: None)
    monkeypatch.setattr("directory.publisher._WakeOnCommit.__exit__", lambda _self, *_: None)
    publisher, hints = told
    campus.gate("main")
    with running(publisher):
        assert hints.acquire(timeout=PATIENCE_S)
        campus.person("students")
        assert hints.acquire(timeout=PATIENCE_S)


def test_it_outlives_a_database_that_is_away_and_a_hint_that_fails(campus, told, monkeypatch) -> None:
    monkeypatch.setattr("directory.publisher.RETRY_S", 0.01)
    publisher, hints = told
    faults = iter([OperationalError("x", {}, Exception("gone")), RuntimeError("a bug")])
    original = publisher.publish

    def publish():
        for fault in faults:
            raise fault
        return original()

    def notify(_gate: str, _revision: int) -> None:
        hints.release()
        raise ConnectionError("no broker")

    monkeypatch.setattr(publisher, "publish", publish)
    monkeypatch.setattr(publisher, "_notify", notify)
    campus.gate("main")
    with running(publisher):
        assert hints.acquire(timeout=PATIENCE_S)
        campus.person("students")
        assert hints.acquire(timeout=PATIENCE_S)


def test_two_publishers_on_one_database_give_out_each_revision_once(campus) -> None:
    campus.gate("main")
    for face in range(6):
        campus.person("students", face=face)
    others = [
        Publisher(
            campus.database,
            campus.sealer,
            model_id="test-model-1",
            clock=campus.clock,
        )
        for _ in range(3)
    ]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda publisher: publisher.publish(), others))
    with campus.database.read() as session:
        revisions = [entry.revision for entry in session.query(SharedEntry)]
        assert len(set(revisions)) == 6
        assert session.get_one(GateRecord, "main").revision >= max(revisions)
    replica = campus.replica()
    sync = campus.sync(replica)
    sync.run_once()
    assert (replica.count(), sync.status.rebuilds) == (6, 0)


def test_people_from_before_the_directory_are_published_too(campus) -> None:
    campus.gate("main")
    people = [campus.person("students", face=face) for face in range(3)]
    with campus.database.begin() as session:
        assert changes.forget(session, datetime.now(UTC) + timedelta(days=1)) > 0
    campus.publisher.publish()
    replica = campus.replica()
    campus.sync(replica).run_once()
    assert campus.people_in(replica) == sorted(people)


def test_with_many_gates_a_round_takes_fewer_people() -> None:
    rounds = [_people_at_once(gates) for gates in (0, 1, 10, 50, 1000)]
    assert rounds == sorted(rounds, reverse=True)
    assert rounds[0] == MOST_PEOPLE
    assert rounds[-1] >= 25
