from datetime import UTC, datetime, timedelta

from database import Database, new_id
from messages import Event
from operations import hours

NOW = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)


def event(kind: str, at: datetime = NOW, gate: str = "north", reason: str | None = None) -> Event:
    return Event(id=new_id(), gate=gate, at=at, kind=kind, reason=reason, details={})


def test_passages_and_refusals_are_counted_by_hour_gate_and_reason(database: Database) -> None:
    before = NOW - timedelta(hours=1)
    first = [event("access_granted"), event("access_granted"), event("passed"), event("access_denied", reason="curfew")]
    second = [
        event("access_granted", before),
        event("access_granted", NOW + timedelta(days=300)),
        event("face_refused", reason="curfew", gate="south"),
        event("spoof", gate="south"),
    ]
    for batch in (first, second, []):
        with database.begin() as session:
            hours.count(session, batch, now=NOW)
    since, until = NOW - timedelta(hours=12), NOW + timedelta(hours=12)
    with database.read() as session:
        everywhere = hours.sum_up(session, since=since, until=until)
        south = hours.sum_up(session, since=since, until=until, gates=["south"])
        by_gate = hours.sum_by_gate(session, since=since, until=until)
    noon = NOW.replace(minute=0)
    assert set(everywhere) == {
        (noon - timedelta(hours=1), "granted", "", 1),
        (noon, "granted", "", 3),
        (noon, "refused", "curfew", 2),
        (noon, "refused", "spoof", 1),
    }
    assert {(one.reason, one.number) for one in south} == {("curfew", 1), ("spoof", 1)}
    assert by_gate == {"north": 4}
