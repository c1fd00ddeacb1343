"""The judge of the fault test finds each kind of wrong."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from benchmarks.fault_history import Emitting, Entry, Facts, Judgement, Kept, RelayMoved, Started, judge
from messages import Event, EventKind

RESIDENT, LOSER, STRANGER = uuid4(), uuid4(), uuid4()
COMMAND = uuid4()


def facts(*stored: Entry) -> Facts:
    ids = Counter(entry.event.id for entry in stored if isinstance(entry, Emitting))
    return Facts(frozenset({RESIDENT, LOSER}), LOSER, {COMMAND: 100.0}, ids, 0)


def granted(person: UUID = RESIDENT, *, at_s: float = 100.0, **by: UUID) -> Emitting:
    by = by or {"tap_id": uuid4()}
    moment = datetime(2026, 9, 1, tzinfo=UTC)
    event = Event(
        id=uuid4(), gate="north", at=moment, kind=EventKind.ACCESS_GRANTED, person_id=person, granted=True, **by
    )
    return Emitting(event, at_s)


def denied(person: UUID, reason: str) -> Emitting:
    grant = granted(person)
    changes = {"kind": EventKind.ACCESS_DENIED.value, "granted": False, "reason": reason}
    return replace(grant, event=grant.event.model_copy(update=changes))


def opened(grant: Emitting) -> list[Entry]:
    return [grant, Kept(grant.event.id), RelayMoved(True), RelayMoved(False)]


def judged(history: list[Entry], given: Facts | None = None) -> Judgement:
    return judge({"north": history}, given or facts(*history))


def test_a_day_without_wrong_is_found_right() -> None:
    history = [Started(), *opened(granted()), *opened(granted(command_id=COMMAND))]
    assert judged(history) == Judgement(events=2, openings=2)


def test_an_event_that_was_kept_and_is_not_in_the_journal_is_lost() -> None:
    assert judged(opened(granted()), facts()).violations == ["north: 1 events lost"]


def test_an_event_that_a_power_cut_took_before_it_was_kept_is_not_lost() -> None:
    assert judged([granted()], facts()).violations == []


def test_an_event_in_the_journal_twice_or_from_nowhere_is_found() -> None:
    history = opened(granted())
    given = facts(*history)
    given.journal.update([history[0].event.id, uuid4()])
    assert judged(history, given).violations == [
        "1 events in the journal that no gate has emitted",
        "1 events twice in the journal",
    ]


def test_an_opening_needs_a_grant_of_its_own() -> None:
    grant = opened(granted())
    for history in ([RelayMoved(True)], [*grant, RelayMoved(True)], [*grant[:2], Started(), RelayMoved(True)]):
        assert judged(history).violations == ["north: an opening without a grant on record"]


def test_a_grant_needs_a_right() -> None:
    assert judged(opened(granted(STRANGER))).violations == ["north: a grant to a person without a right (None)"]


def test_a_command_is_obeyed_once_while_young_and_only_when_meant() -> None:
    once = opened(granted(command_id=COMMAND))
    assert judged([*once, *opened(granted(command_id=COMMAND))]).violations == ["north: a command obeyed 2 times"]
    late = opened(granted(command_id=COMMAND, at_s=120.0))
    assert judged(late).violations == ["north: a grant by a command 20.0 s old"]
    forged = opened(granted(command_id=uuid4()))
    assert judged(forged).violations == ["north: a grant by a command that nobody entitled has given"]


def test_a_relay_that_is_energised_long_after_its_grant_opened_late() -> None:
    grant = granted()
    slow = [grant, Kept(grant.event.id), RelayMoved(True, 104.0)]
    assert judged(slow).violations == ["north: an opening 4.0 s after its grant"]
    assert judged([grant, Kept(grant.event.id), RelayMoved(True, 102.0)]).violations == []


def test_a_relay_that_is_energised_by_a_command_older_than_its_life_opened_late() -> None:
    grant = granted(command_id=COMMAND, at_s=112.0)
    history = [grant, Kept(grant.event.id), RelayMoved(True, 114.5)]
    assert judged(history).violations == ["north: an opening by a command 14.5 s old"]


def test_a_lost_card_stays_refused() -> None:
    before = [*opened(granted(LOSER)), denied(LOSER, "card_lost")]
    assert judged(before).violations == []
    after = [*before, Started(), *opened(granted(LOSER))]
    assert judged(after).violations == ["north: a lost card was taken again after it had been refused"]
