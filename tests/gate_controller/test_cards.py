"""Cards: the edge is asked first, and the door opens without it too. One tap, one outcome."""

import queue
import threading
from datetime import UTC, datetime

import pytest

from gate_controller.readers import ReadingResult
from messages import Action, DoorStatus, EventKind, Method, ProcessStatus, Refusal
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.brokers("embedded")
"""What brokers may do to a gate is asked of both by `test_service` and `test_outages_at_the_gate`."""


ACTIVE_CARD, LOST_CARD, UNKNOWN_CARD = "04A31B72", "04A31B73", "04FFFFFF"


@pytest.fixture
def gate(bench, directory, operator):
    """A running controller that knows its cards."""
    bench.start()
    operator.state(DoorStatus.LOCKED)
    return bench


def present(gate, card: str) -> ReadingResult:
    return gate.reader.present(card).get(timeout=PATIENCE_S)


def edge_there(gate, operator) -> None:
    operator.edge(ProcessStatus.ONLINE)
    until(lambda: gate.controller._cards.edge_online)


def test_without_an_edge_a_known_card_opens(gate, operator, directory) -> None:
    assert present(gate, ACTIVE_CARD) == ReadingResult(True, "granted")
    assert gate.relay.energised
    event = operator.event(EventKind.ACCESS_GRANTED)
    assert (event.method, event.granted, event.details["alone"]) == (Method.CARD, True, "edge_offline")
    assert directory.person(event.person_id) is not None
    assert operator.taps == []


@pytest.mark.parametrize(("card", "reason"), [(LOST_CARD, "card_lost"), (UNKNOWN_CARD, "unknown_credential")])
def test_without_an_edge_other_cards_do_not(gate, operator, card: str, reason: str) -> None:
    assert present(gate, card) == ReadingResult(False, reason)
    event = operator.event(EventKind.ACCESS_DENIED)
    assert (event.granted, event.reason, event.method) == (False, reason, Method.CARD)
    assert gate.relay.history == []


def test_a_card_opens_without_a_broker(gate, operator) -> None:
    gate.broker.stop()
    assert present(gate, ACTIVE_CARD).granted


def test_a_controller_that_was_never_synchronised_knows_nobody(bench, operator) -> None:
    bench.start()
    assert present(bench, ACTIVE_CARD) == ReadingResult(False, "directory_missing")


def test_the_edge_is_asked_and_its_answer_counts(gate, operator) -> None:
    edge_there(gate, operator)

    def answer(tap) -> None:
        signed = operator.sign(
            Action.OPEN,
            sender="edge:north",
            method=Method.CARD,
            reason="granted",
            tap_id=tap.id,
            extended=True,
            notices=("late_return",),
        )
        operator.connection.publish("campusgate/main/gates/north/command", signed.payload)

    operator.on_tap = answer
    assert present(gate, UNKNOWN_CARD) == ReadingResult(True, "granted")
    event = operator.event(EventKind.ACCESS_GRANTED)
    assert event.tap_id == operator.taps[0].id
    assert event.details["late_return"] is True
    assert "alone" not in event.details


def test_the_edge_can_say_no(gate, operator) -> None:
    edge_there(gate, operator)

    def answer(tap) -> None:
        signed = operator.sign(
            Action.DENY, sender="edge:north", method=Method.CARD, reason="face_not_card_holder", tap_id=tap.id
        )
        operator.connection.publish("campusgate/main/gates/north/command", signed.payload)

    operator.on_tap = answer
    assert present(gate, ACTIVE_CARD) == ReadingResult(False, "face_not_card_holder")
    assert operator.event(EventKind.ACCESS_DENIED).reason == "face_not_card_holder"
    assert gate.relay.history == []


def test_a_silent_edge_is_not_waited_for_and_its_late_answer_is_ignored(gate, operator) -> None:
    edge_there(gate, operator)
    assert present(gate, ACTIVE_CARD).granted
    assert operator.event(EventKind.ACCESS_GRANTED).details["alone"] == "edge_silent"
    gate.contact.set(True)
    gate.contact.set(False)
    operator.event(EventKind.CLOSED)
    movements = list(gate.relay.history)
    operator.until(lambda: operator.taps)
    ack = operator.ask(Action.OPEN, sender="edge:north", method=Method.CARD, tap_id=operator.taps[0].id)
    assert ack.refusal is Refusal.TOO_LATE
    assert gate.relay.history == movements


def test_when_the_edge_is_lost_its_waiting_cards_are_decided(bench, directory, operator) -> None:
    bench.start(answer_wait_s=60)
    operator.state(DoorStatus.LOCKED)
    edge_there(bench, operator)
    outcomes = bench.reader.present(ACTIVE_CARD)
    operator.until(lambda: operator.taps)
    assert outcomes.empty()
    operator.edge(ProcessStatus.OFFLINE)
    assert outcomes.get(timeout=PATIENCE_S).granted


def test_a_card_that_bounces_is_one_tap(bench, directory, operator) -> None:
    bench.start(answer_wait_s=60)
    operator.state(DoorStatus.LOCKED)
    edge_there(bench, operator)
    first = bench.reader.present(ACTIVE_CARD)
    again = bench.reader.present(ACTIVE_CARD)
    operator.until(lambda: operator.taps)
    operator.edge(ProcessStatus.OFFLINE)
    assert first.get(timeout=PATIENCE_S) == again.get(timeout=PATIENCE_S) == ReadingResult(True, "granted")
    assert len(operator.taps) == 1


def test_what_is_no_card_is_told_apart(gate, operator) -> None:
    assert present(gate, "no card at all") == ReadingResult(False, "unreadable")


def test_card_numbers_never_travel(gate, operator, broker, connect) -> None:
    heard: queue.Queue[bytes] = queue.Queue()
    connect(broker, "everything").subscribe("#", lambda _topic, payload, _retained: heard.put(payload))
    edge_there(gate, operator)
    present(gate, ACTIVE_CARD)
    operator.event(EventKind.ACCESS_GRANTED)
    operator.until(lambda: operator.taps)
    seen = b""
    while b"access_granted" not in seen:
        seen += heard.get(timeout=PATIENCE_S)
    assert ACTIVE_CARD.lower().encode() not in seen.lower()


def test_a_lockdown_stops_cards_too(gate, operator) -> None:
    assert operator.ask(Action.LOCKDOWN).accepted
    assert present(gate, ACTIVE_CARD) == ReadingResult(False, "door_closed")
    assert gate.relay.history == []


def test_a_directory_that_cannot_be_read_lets_nobody_in_and_the_door_goes_on(gate, operator, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk has failed")

    monkeypatch.setattr(gate.directory, "by_credential", fail)
    assert present(gate, ACTIVE_CARD) == ReadingResult(False, "directory_unreadable")
    assert operator.ask(Action.OPEN, now=datetime.now(UTC)).accepted
    assert threading.active_count() > 1
