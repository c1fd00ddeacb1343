from datetime import UTC, datetime, timedelta

import pytest

from access.policy import Direction, GatePolicy
from database import Database, new_id
from directory import gates
from messages import Event
from operations import event_store, muster

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
LI, WANG, ZHAO = (new_id() for _ in range(3))


@pytest.fixture
def hall(database: Database) -> Database:
    """A dormitory with an entrance, an exit and a side door of both directions."""
    with database.begin() as session:
        gates.put_zone(session, "hall", site="main", title="Hall 1", by="test", now=NOW)
        for name, direction in (("in", Direction.ENTRY), ("out", Direction.EXIT), ("side", Direction.BOTH)):
            policy = GatePolicy(gate=name, inner_zone="hall", direction=direction)
            gates.add(session, policy, title=name, by="test", now=NOW)
        gates.add(session, GatePolicy(gate="elsewhere"), title="elsewhere", by="test", now=NOW)
    return database


def walk(database: Database, person, gate: str, minute: int, kind: str = "access_granted") -> None:
    event = Event(
        id=new_id(),
        gate=gate,
        at=NOW + timedelta(minutes=minute),
        kind=kind,
        person_id=person,
        granted=True,
        details={},
    )
    with database.begin() as session:
        event_store.record(session, [event], received_at=NOW)


def inside(database: Database, **options) -> list[tuple]:
    with database.read() as session:
        found = muster.inside(session, "hall", since=options.get("since", NOW))
    return [(one.person_id, one.certain) for one in found]


def test_who_went_in_and_not_out_is_inside_longest_first(hall: Database) -> None:
    walk(hall, WANG, "in", 1)
    walk(hall, LI, "in", 2)
    walk(hall, ZHAO, "in", 3)
    walk(hall, LI, "out", 4)
    walk(hall, ZHAO, "elsewhere", 5)
    assert inside(hall) == [(WANG, True), (ZHAO, True)]


def test_a_door_of_both_directions_leaves_doubt(hall: Database) -> None:
    walk(hall, WANG, "side", 1)
    assert inside(hall) == [(WANG, False)]


def test_a_passage_reported_late_counts_by_its_own_time(hall: Database) -> None:
    walk(hall, WANG, "out", 5)
    walk(hall, WANG, "in", 1)
    assert inside(hall) == []


def test_refusals_and_passages_of_long_ago_do_not_count(hall: Database) -> None:
    walk(hall, WANG, "in", 1, kind="access_denied")
    walk(hall, LI, "in", 1)
    assert inside(hall, since=NOW + timedelta(hours=1)) == []
