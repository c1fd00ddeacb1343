"""A card used at a gate that had not heard of its loss: noticed when the gate's events arrive."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import cards, people
from accounts.cards import loss
from accounts.tables import Person
from accounts.vocabulary import PersonKind
from database import Database, new_id
from messages import Event, Method
from operations import event_store, lost_card_use
from operations.alarms import register
from operations.alarms.rules import signals_of

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def holder(database: Database):
    """Somebody whose card was reported lost at NOW."""
    before = NOW - timedelta(days=3)
    particulars = people.Particulars(number="2026001", name="made up", kind=PersonKind.STUDENT, valid_from=before)
    with database.begin() as session:
        person = people.create(session, particulars, by="test", now=before)
        cards.issue(session, person, "04A31B72", key_number=None, by="test", now=before)
        loss.report(session, person, through="app", by="test", now=NOW)
        return person.id


def arrive(database: Database, person_id, minute: float, **changes) -> Event:
    values = {"kind": "access_granted", "method": Method.CARD, "granted": True, "historical": True} | changes
    at = NOW + timedelta(minutes=minute)
    event = Event(id=new_id(), gate="north", at=at, person_id=person_id, details={"alone": "edge_offline"}, **values)
    with database.begin() as session:
        [stored] = event_store.record(
            session, lost_card_use.flag(session, [event]), received_at=NOW + timedelta(days=1)
        )
        register.apply(session, signals_of(stored), now=NOW + timedelta(days=1))
    return stored


def test_a_grant_after_the_report_is_flagged_and_somebody_must_look(database: Database, holder) -> None:
    stored = arrive(database, holder, 5)
    assert stored.details == {"alone": "edge_offline", "after_loss_report": True}
    with database.read() as session:
        [alarm] = register.open_alarms(session)
        [kept] = event_store.latest(session)
    assert (alarm.kind, alarm.severity, alarm.event_id) == ("lost_card_used", "critical", stored.id)
    assert kept.details["after_loss_report"] is True


@pytest.mark.parametrize(
    ("minute", "changes"),
    [(-1, {}), (5, {"method": Method.FACE}), (5, {"kind": "access_denied", "granted": False})],
    ids=["before the report", "by face", "refused"],
)
def test_what_was_right_or_refused_is_not(database: Database, holder, minute: float, changes: dict) -> None:
    assert "after_loss_report" not in arrive(database, holder, minute, **changes).details


def test_a_card_that_was_found_again_is_right_from_then_on(database: Database, holder) -> None:
    with database.begin() as session:
        person = session.get_one(Person, holder)
        loss.release(session, person, by="test", now=NOW + timedelta(minutes=10))
    assert "after_loss_report" in arrive(database, holder, 5).details
    assert "after_loss_report" not in arrive(database, holder, 15).details
