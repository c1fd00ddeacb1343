from datetime import UTC, datetime, timedelta
from uuid import UUID

from database import new_id
from operations import passages
from operations.tables import GateEvent

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
_numbers = iter(range(1, 1000))


def event(kind: str, seconds: float = 0, gate: str = "north", **fields: object) -> GateEvent:
    at = NOW + timedelta(seconds=seconds)
    return GateEvent(sequence=next(_numbers), id=new_id(), gate=gate, at=at, kind=kind, details={}, **fields)


def kinds(passage: passages.Passage) -> list[str]:
    return [one.kind for one in passage.events]


def test_what_came_of_one_face_is_one_passage_in_whatever_order_it_arrives() -> None:
    command = new_id()
    seen = event("face_granted", 0, command_id=command, source="edge")
    moved = [
        event(kind, at, command_id=command) for kind, at in (("passed", 2), ("access_granted", 0.2), ("closed", 4))
    ]
    [found] = passages.group([*moved, seen])
    assert kinds(found) == ["face_granted", "access_granted", "passed", "closed"]
    assert (found.headline.kind, found.outcome, found.key) == ("access_granted", "passed", str(command))


def test_a_card_that_the_controller_judged_alone_belongs_together_by_its_tap() -> None:
    tap = new_id()
    [found] = passages.group([event("access_granted", tap_id=tap), event("not_taken", 5, tap_id=tap)])
    assert found.outcome == "not_taken"


def test_people_who_pass_at_once_and_orders_at_many_gates_are_not_mixed() -> None:
    command, other = new_id(), new_id()
    events = [
        event("access_granted", 0, command_id=command),
        event("access_granted", 1, command_id=other),
        event("passed", 2, command_id=command),
        event("held_open", 3, "south", command_id=command),
        event("door_forced", 4),
        event("door_forced", 5),
    ]
    found = passages.group(events)
    assert [(one.events[0].gate, kinds(one)) for one in found] == [
        ("north", ["door_forced"]),
        ("north", ["door_forced"]),
        ("south", ["held_open"]),
        ("north", ["access_granted"]),
        ("north", ["access_granted", "passed"]),
    ]


def test_an_event_of_no_passage_has_a_key_of_its_own() -> None:
    assert UUID(passages.key_of(alone := event("tamper"))) == alone.id
