from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from accounts.tables import AuditEntry
from database import Database, DatabaseBusyError, new_id
from messages import Event
from operations import event_store
from operations.alarms import register
from operations.alarms.escalation import Route
from operations.alarms.register import CLAIM, AlarmNotOpenError
from operations.alarms.rules import AlarmKind, signal_of
from operations.tables import Alarm
from web.problems import NotFoundError

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
CHEN = new_id()


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


def happen(
    database: Database, *kinds: str, second: float = 0, gate: str = "north", historical: bool = False, **details: str
) -> None:
    """Store events one second apart, with what they mean for the alarms, as the ingest does."""
    events = [
        Event(id=new_id(), gate=gate, at=at(second + index), kind=kind, historical=historical, details=details)
        for index, kind in enumerate(kinds)
    ]
    with database.begin() as session:
        event_store.record(session, events, received_at=at(100))
        register.apply(session, [found for one in events if (found := signal_of(one))], now=at(100))


def alarms(database: Database) -> list[Alarm]:
    with database.read() as session:
        return list(register.open_alarms(session))


def acknowledge(database: Database, alarm: Alarm, note: str = "on my way") -> Alarm:
    with database.begin() as session:
        return register.acknowledge(session, alarm.id, by=CHEN, note=note, now=at(200))


def test_a_gate_has_one_open_alarm_of_a_kind(database: Database) -> None:
    happen(database, "door_forced", "tamper", "door_forced")
    happen(database, "door_forced", gate="south")
    found = {(alarm.gate, alarm.kind): alarm.count for alarm in alarms(database)}
    assert found == {("north", "forced"): 2, ("north", "tamper"): 1, ("south", "forced"): 1}


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("2027-10-06T16:00:00+08:00", [datetime(2027, 10, 6, 8, 0, tzinfo=UTC)]),
        ("some day", []),
        ("0001-01-01T00:00:00+14:00", []),
        (None, []),
    ],
)
def test_an_unsure_clock_says_until_when(database: Database, until: str | None, expected: list[datetime]) -> None:
    happen(database, "clock_unsure", **({} if until is None else {"until": until}))
    happen(database, "door_forced", until="2027-10-06T08:00:00+00:00")
    with database.read() as session:
        assert list(register.expected_ends(session, register.open_alarms(session)).values()) == expected


def test_the_database_itself_refuses_a_second_open_alarm(database: Database) -> None:
    happen(database, "door_forced")
    values = {"gate": "north", "kind": "forced", "severity": "critical", "count": 1}
    with pytest.raises(IntegrityError), database.begin() as session:
        session.add(Alarm(**values, opened_at=NOW, raised_at=NOW, last_at=NOW))


def test_a_door_that_was_forced_and_closed_again_must_still_be_looked_at(database: Database) -> None:
    happen(database, "door_forced", "door_forced_ended")
    [alarm] = alarms(database)
    assert alarm.restored_at == at(1)
    acknowledged = acknowledge(database, alarm)
    assert (acknowledged.acknowledged_by, acknowledged.note, acknowledged.closed_at) == (CHEN, "on my way", at(200))
    assert alarms(database) == []


def test_a_door_that_stood_open_too_long_needs_nobody_once_it_is_closed(database: Database) -> None:
    happen(database, "door_held")
    assert [alarm.kind for alarm in alarms(database)] == ["held"]
    happen(database, "door_held_ended", second=5)
    assert alarms(database) == []


def test_after_an_alarm_was_closed_the_next_one_is_new(database: Database) -> None:
    happen(database, "spoof")
    acknowledge(database, *alarms(database))
    happen(database, "spoof", second=300)
    [alarm] = alarms(database)
    assert (alarm.count, alarm.acknowledged_at) == (1, None)
    with database.read() as session:
        assert len(register.find(session)) == 2


def test_late_news_of_what_was_over_long_ago_opens_nothing_that_closes_by_itself(database: Database) -> None:
    happen(database, "door_held_ended", "door_forced_ended", second=50, historical=True)
    happen(database, "door_held", "door_forced", second=0, historical=True)
    [alarm] = alarms(database)
    assert (alarm.kind, alarm.restored_at) == ("forced", at(51))


def test_an_acknowledgement_is_given_once_and_audited(database: Database) -> None:
    happen(database, "door_forced")
    [alarm] = alarms(database)
    acknowledge(database, alarm)
    with pytest.raises(AlarmNotOpenError):
        acknowledge(database, alarm)
    with pytest.raises(NotFoundError), database.begin() as session:
        register.acknowledge(session, new_id(), by=CHEN, note="", now=NOW)
    with database.read() as session:
        lines = session.scalars(select(AuditEntry).where(AuditEntry.action == "alarm.acknowledge")).all()
    assert [(line.actor, line.subject) for line in lines] == [(f"person:{CHEN}", f"alarm:{alarm.id}")]


def test_what_nobody_has_acknowledged_stands_first_and_the_worst_before_the_rest(database: Database) -> None:
    happen(database, "clock_unsure", "door_forced", "door_held", "spoof")
    spoof = next(alarm for alarm in alarms(database) if alarm.kind == "spoof")
    happen(database, "fire_opened")
    forced = next(alarm for alarm in alarms(database) if alarm.kind == "forced")
    acknowledge(database, forced)
    assert spoof.count == 1
    assert [alarm.kind for alarm in alarms(database)] == ["fire", "spoof", "held", "clock_unsure", "forced"]


def test_a_notice_is_sent_once_and_tried_again_after_a_failure(database: Database) -> None:
    happen(database, "door_forced")
    [alarm] = alarms(database)
    route = Route("mail", timedelta(minutes=5))

    def untold(second: float) -> list:
        with database.read() as session:
            return [one.id for one, _ in register.untold(session, [route], now=at(second))]

    def told(second: float, error: str | None) -> None:
        with database.begin() as session:
            assert register.claim(session, alarm.id, route, now=at(second))
        with database.begin() as session:
            register.told(session, alarm.id, route, error=error, now=at(second))

    assert untold(100 + 299) == []
    assert untold(100 + 300) == [alarm.id]
    told(400, "no answer")
    assert untold(404) == []
    assert untold(406) == [alarm.id]
    told(406, None)
    assert untold(9999) == []
    assert alarms(database)[0].escalated_at == at(400)


def test_nobody_is_told_of_what_somebody_acknowledged(database: Database) -> None:
    happen(database, "door_forced")
    acknowledge(database, *alarms(database))
    with database.read() as session:
        assert register.untold(session, [Route("mail", timedelta(0))], now=at(9999)) == []


def test_two_writers_at_once_still_make_one_alarm(database: Database) -> None:
    both = Barrier(2)

    def force() -> None:
        both.wait()
        for _ in range(10):
            try:
                happen(database, "door_forced")
                return
            except (IntegrityError, DatabaseBusyError):
                continue

    writers = [Thread(target=force) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [(alarm.kind, alarm.count) for alarm in alarms(database)] == [(AlarmKind.FORCED, 2)]


def test_a_notice_is_for_one_process_to_send_until_it_dies(database: Database) -> None:
    happen(database, "door_forced")
    [alarm] = alarms(database)
    route = Route("mail", timedelta(0))

    def claim(second: float) -> bool:
        with database.begin() as session:
            return register.claim(session, alarm.id, route, now=at(second))

    assert claim(100)
    assert not claim(101)
    with database.read() as session:
        assert register.untold(session, [route], now=at(101)) == []
    assert claim(100 + CLAIM.total_seconds()), "whoever took it up has died"
    with database.begin() as session:
        register.told(session, alarm.id, route, error=None, now=at(200))
    assert not claim(9999)
