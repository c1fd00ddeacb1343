from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database import new_id
from messages import Event
from operations.alarms import rules
from operations.alarms.escalation import Route, due, next_try
from operations.alarms.rules import ENDED_BY, NATURE, RAISED_BY, AlarmKind, AlarmState, Severity, Signal

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


def signal(second: float, kind: AlarmKind = AlarmKind.FORCED, *, raises: bool = True) -> Signal:
    return Signal("north", kind, at(second), raises=raises)


def test_every_kind_of_alarm_says_how_it_behaves() -> None:
    assert set(NATURE) == set(AlarmKind)


def test_whatever_can_end_by_an_event_is_known_to_end() -> None:
    assert all(NATURE[kind].ends for kind in ENDED_BY.values())
    assert not set(RAISED_BY) & set(ENDED_BY)


@pytest.mark.parametrize(("kind", "raises"), [("door_forced", True), ("door_forced_ended", False)])
def test_an_event_becomes_a_signal(kind: str, raises: bool) -> None:
    event = Event(id=new_id(), gate="north", at=NOW, kind=kind, details={})
    assert rules.signal_of(event) == Signal("north", AlarmKind.FORCED, NOW, raises=raises, event_id=event.id)


def test_an_ordinary_passage_is_no_alarm() -> None:
    assert rules.signal_of(Event(id=new_id(), gate="north", at=NOW, kind="access_granted", details={})) is None


def test_what_happens_again_is_counted() -> None:
    state = rules.raised(rules.raised(None, signal(0)), signal(5))
    assert (state.count, state.raised_at, state.last_at) == (2, at(0), at(5))


def test_an_end_that_is_older_than_the_last_beginning_ends_nothing() -> None:
    state = rules.restored(rules.raised(None, signal(10)), at(5))
    assert state.restored_at is None


def test_it_is_going_on_again_when_it_happens_after_its_end() -> None:
    state = rules.restored(rules.raised(None, signal(0)), at(5))
    assert rules.raised(state, signal(8)).restored_at is None
    assert rules.raised(state, signal(4)).restored_at == at(5), "a latecomer says nothing about now"


@pytest.mark.parametrize(
    ("kind", "over", "acknowledged", "closed"),
    [
        (AlarmKind.FORCED, True, False, False),
        (AlarmKind.FORCED, False, True, False),
        (AlarmKind.FORCED, True, True, True),
        (AlarmKind.HELD, True, False, True),
        (AlarmKind.HELD, False, True, False),
        (AlarmKind.SPOOF, False, True, True),
        (AlarmKind.SPOOF, False, False, False),
    ],
)
def test_a_latching_alarm_waits_for_a_person_and_others_close_when_they_are_over(
    kind: AlarmKind, over: bool, acknowledged: bool, closed: bool
) -> None:
    state = AlarmState(NOW, NOW, restored_at=at(9) if over else None, acknowledged_at=at(9) if acknowledged else None)
    assert rules.is_closed(kind, state) is closed


_SIGNALS = st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=20)


@given(_SIGNALS)
def test_whatever_the_order_of_arrival_the_last_thing_that_happened_decides(happened: list[tuple[int, bool]]) -> None:
    """Beginnings and ends of one door alternate in truth; in whatever order they arrive, the newest says what is."""
    state = rules.raised(None, signal(-1))
    for second, raises in happened:
        state = rules.raised(state, signal(second)) if raises else rules.restored(state, at(second))
    begins = [second for second, raises in happened if raises] or [-1]
    assert state.last_at == at(max(begins))
    assert state.count == 1 + sum(raises for _, raises in happened)
    newest_end = max([second for second, raises in happened if not raises], default=-2)
    assert state.restored_at == (at(newest_end) if newest_end >= max(begins) else None)


def test_nobody_is_told_twice_and_minor_alarms_wake_nobody() -> None:
    at_once = Route("webhook", timedelta(0))
    later = Route("mail", timedelta(minutes=5), least=Severity.MAJOR)
    routes = [at_once, later]

    def told(seconds: float, *before: str, kind: AlarmKind = AlarmKind.HELD) -> list[Route]:
        return due(routes, before, kind=kind, waited=timedelta(seconds=seconds))

    assert told(0) == [at_once]
    assert told(299, "webhook") == []
    assert told(300, "webhook") == [later]
    assert told(900, "webhook", "mail") == []
    assert told(900, kind=AlarmKind.CURFEW) == [at_once]
    wardens = Route("wardens", timedelta(0), kinds=frozenset({AlarmKind.CURFEW}))
    assert due([wardens], (), kind=AlarmKind.CURFEW, waited=timedelta(0)) == [wardens]
    assert due([wardens], (), kind=AlarmKind.FORCED, waited=timedelta(0)) == []


def test_what_stands_beside_a_grant_can_be_an_alarm_too() -> None:
    event = Event(id=new_id(), gate="hall", at=NOW, kind="access_granted", details={"late_return": True, "alone": "x"})
    [signal] = rules.signals_of(event)
    assert (signal.kind, signal.reason, signal.event_id) == (AlarmKind.CURFEW, "late_return", event.id)
    assert rules.signals_of(event.model_copy(update={"details": {"late_return": False}})) == []


def test_a_channel_that_fails_is_tried_less_and_less_often() -> None:
    pauses = [(next_try(NOW, attempts) - NOW).total_seconds() for attempts in (1, 2, 3, 50)]
    assert pauses == [5, 10, 20, 300]
