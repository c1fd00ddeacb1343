"""The spans of a passage, as the events of its edge and its controller tell of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from database import new_id
from messages import Event, EventKind, Method
from operations.traces.spans import Span, is_traced, make_spans

AT = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
STORED = AT + timedelta(milliseconds=30)
COMMAND = new_id()


def event(kind: EventKind, **values: object) -> Event:
    return Event.model_validate({"id": new_id(), "gate": "north", "at": AT, "kind": kind, "details": {}} | values)


def of_edge(**values: object) -> Event:
    details = {
        "decided_ms": 20.0,
        "sent_ms": 21.0,
        "answered_ms": 40.0,
        "latency_to": "relay",
        "frames": 3,
        "score": 0.7,
    }
    face = {"method": Method.FACE, "granted": True, "reason": "granted", "latency_ms": 35.0, "command_id": COMMAND}
    return event(EventKind.FACE_GRANTED, source="edge", person_id=new_id(), details=details, **(face | values))


def of_controller(**values: object) -> Event:
    face = {"method": Method.FACE, "granted": True, "reason": "granted", "latency_ms": 12.0, "command_id": COMMAND}
    return event(EventKind.ACCESS_GRANTED, **(face | values))


def times(spans: list[Span]) -> dict[str, tuple[float, float]]:
    """Milliseconds from the moment of the event."""
    return {
        one.name: tuple(round((at - AT) / timedelta(milliseconds=1), 3) for at in (one.begun, one.ended))
        for one in spans
    }


def test_the_edge_tells_of_each_step_of_a_face() -> None:
    assert times(list(make_spans(of_edge(), STORED))) == {
        "passage": (-40, -5),
        "decide": (-40, -20),
        "send": (-20, -19),
        "energise": (-19, -5),
        "acknowledge": (-5, 0),
        "store face_granted": (0, 30),
    }


def test_edge_and_controller_tell_of_one_passage_without_a_word_between_them() -> None:
    edge, controller = (list(make_spans(one, STORED)) for one in (of_edge(), of_controller()))
    (root,) = [one for one in edge if one.parent_id is None]
    assert root.attributes["campusgate.gate"] == "north"
    others = [one for one in (*edge, *controller) if one is not root]
    assert {one.trace_id for one in (root, *others)} == {COMMAND.bytes}
    assert {one.parent_id for one in others} == {root.span_id}
    assert len({one.span_id for one in (root, *others)}) == len(others) + 1
    assert times(controller) == {"control": (-12, 0), "store access_granted": (0, 30)}
    assert [one.process for one in controller] == ["controller", "server"]


def test_a_card_is_traced_from_its_tap_whoever_decided() -> None:
    tap = new_id()
    alone = of_controller(method=Method.CARD, command_id=None, tap_id=tap)
    asked = of_controller(method=Method.CARD, tap_id=tap)
    passed = event(EventKind.PASSED, tap_id=tap, command_id=COMMAND)
    for one in (alone, asked):
        assert times(list(make_spans(one, STORED)))["passage"] == (-12, 0)
    assert {span.trace_id for one in (alone, asked, passed) for span in make_spans(one, STORED)} == {tap.bytes}


def test_the_same_event_is_the_same_spans_at_every_server() -> None:
    sent = of_edge()
    again = Event.decode(sent.encode())
    assert [*make_spans(sent, STORED)] == [*make_spans(again, STORED)]


def test_nobody_is_named() -> None:
    told = of_edge()
    for span in make_spans(told, STORED):
        assert str(told.person_id) not in repr(span)
        assert not {"person_id", "score", "campusgate.score"} & span.attributes.keys()


@pytest.mark.parametrize(
    ("values", "names", "failed"),
    [
        ({"details": {"decided_ms": 20.0}, "command_id": None, "reason": "unknown_face"}, ["passage", "decide"], None),
        (
            {"details": {"decided_ms": 20.0, "sent_ms": 21.0}, "reason": "no_answer"},
            ["passage", "decide", "send"],
            "no_answer",
        ),
        ({"details": {}, "command_id": None, "reason": "spoof"}, ["passage"], None),
        ({"details": {"decided_ms": "soon", "sent_ms": -1.0}}, ["passage"], None),
    ],
)
def test_a_refusal_is_no_fault_and_silence_is_one(values: dict, names: list[str], failed: str | None) -> None:
    changes = {"method": Method.FACE, "granted": False, "command_id": COMMAND, "source": "edge"} | values
    spans = list(make_spans(event(EventKind.FACE_REFUSED, **changes), STORED))
    assert [one.name for one in spans] == [*names, "store face_refused"]
    assert spans[0].failed == failed
    assert all(one.begun <= one.ended for one in spans)


def test_a_gate_whose_clock_is_ahead_makes_no_span_that_ends_before_it_begins() -> None:
    spans = list(make_spans(of_controller(), AT - timedelta(minutes=1)))
    assert all(one.begun <= one.ended for one in spans)


@pytest.mark.parametrize("kind", [EventKind.DOOR_FORCED, EventKind.CONTROLLER_STARTED, EventKind.EXIT_REQUESTED])
def test_what_is_no_passage_is_not_traced(kind: EventKind) -> None:
    assert not is_traced(event(kind), 1.0)


def test_a_door_that_closes_is_traced_with_the_grant_it_closes_on() -> None:
    assert is_traced(event(EventKind.CLOSED, command_id=COMMAND), 1.0)
    assert not is_traced(event(EventKind.CLOSED), 1.0)


def test_a_share_of_passages_is_traced_whole() -> None:
    commands = [UUID(int=number << 64 | number) for number in range(1, 2001)]
    traced = {one for one in commands if is_traced(of_edge(command_id=one), 0.25)}
    assert traced == {one for one in commands if is_traced(of_controller(command_id=one), 0.25)}
    assert 400 < len(traced) < 600
    assert not any(is_traced(of_edge(command_id=one), 0.0) for one in commands)
