import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from database import Database, StorageError, new_id
from messages import Event, Method
from operations import event_store
from tests.databases import ON_POSTGRESQL
from tests.waiting import until

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def event(**changes: object) -> Event:
    values = {"id": new_id(), "gate": "north", "at": NOW, "kind": "access_granted", "method": Method.FACE} | changes
    return Event.model_validate(values)


def test_an_event_that_arrives_twice_is_stored_once(database: Database) -> None:
    once = event(latency_ms=41.5, details={"faces": 1.0})
    for _ in range(2):
        with database.begin() as session:
            new = event_store.record(session, [once, once], received_at=NOW)
    assert new == []
    with database.read() as session:
        [stored] = event_store.latest(session)
    assert (stored.id, stored.method, stored.latency_ms, stored.details) == (once.id, "face", 41.5, {"faces": 1.0})


def test_followers_see_every_event_in_order_of_arrival_whatever_its_own_time(database: Database) -> None:
    sent = [event(at=NOW - timedelta(minutes=index), historical=index > 0) for index in range(5)]
    with database.begin() as session:
        assert event_store.record(session, sent, received_at=NOW) == sent
    with database.read() as session:
        first = event_store.following(session, limit=2)
        rest = event_store.following(session, after=first[-1].sequence)
    assert [row.id for row in (*first, *rest)] == [one.id for one in sent]


@ON_POSTGRESQL
def test_a_follower_misses_nothing_that_another_server_stores_meanwhile(database: Database) -> None:
    """Numbers are given when a row is written, and seen when its transaction ends."""
    slow, quick = event(), event()

    def store_quick() -> None:
        with database.begin() as session:
            event_store.record(session, [quick], received_at=NOW)

    def waits() -> bool:
        with database.read() as session:
            here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            return bool(session.scalar(text(f"SELECT count(*) FROM pg_locks WHERE NOT granted AND {here}")))

    other = threading.Thread(target=store_quick)
    with database.begin() as session:
        event_store.record(session, [slow], received_at=NOW)
        other.start()
        until(lambda: waits() or not other.is_alive())
        with database.read() as reading:
            before = event_store.following(reading)
    other.join()
    with database.read() as reading:
        after = event_store.following(reading, after=before[-1].sequence if before else 0)
    assert [one.id for one in (*before, *after)] == [slow.id, quick.id]


@ON_POSTGRESQL
def test_a_server_that_stands_still_while_it_stores_keeps_no_other_from_storing(database: Database) -> None:
    limit = "idle_in_transaction_session_timeout"
    lost, kept = event(), event()
    with pytest.raises(StorageError), database.begin() as frozen:
        event_store.record(frozen, [lost], received_at=NOW)
        assert frozen.scalar(text(f"SHOW {limit}")) == "20s"
        frozen.execute(text(f"SET LOCAL {limit} = 100"))
        with database.begin() as session:
            event_store.record(session, [kept], received_at=NOW)
    with database.read() as session:
        assert [one.id for one in event_store.latest(session)] == [kept.id]
        assert session.scalar(text(f"SHOW {limit}")) == "0", "afterwards as it was"


def test_the_newest_events_can_be_asked_for_by_gate_and_person(database: Database) -> None:
    person = new_id()
    with database.begin() as session:
        event_store.record(
            session, [event(), event(gate="south"), event(gate="south", person_id=person)], received_at=NOW
        )
    with database.read() as session:
        assert [row.gate for row in event_store.latest(session, gate="south")] == ["south", "south"]
        [row] = event_store.latest(session, person_id=person)
        older = event_store.latest(session, before=row.sequence)
    assert [one.gate for one in older] == ["south", "north"]


def test_nothing_to_record_is_nothing_recorded(database: Database) -> None:
    with database.begin() as session:
        assert event_store.record(session, [], received_at=NOW) == []
