"""What comes late opens nothing, and what nobody can use is told: at a running controller."""

import threading
import time
from functools import partial

import pytest

from gate_controller.readers import Dropped, Reading, ReadingResult, Unreadable
from gate_controller.readers.freshness import STALE_S
from gate_controller.signals import ExitRequested
from messages import Action, DoorStatus, EventKind, Method, ProcessStatus, Refusal
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.brokers("embedded")
"""What brokers may do to a gate is asked of both by `test_service` and `test_outages_at_the_gate`."""


ACTIVE_CARD, UNKNOWN_CARD = "04A31B72", "04FFFFFF"


@pytest.fixture
def gate(bench, directory, operator):
    """A running controller that knows its cards."""
    bench.start()
    operator.state(DoorStatus.LOCKED)
    return bench


class Hang:
    """The controller's thread stands still, as on a disk that does not answer, until the block ends."""

    def __init__(self, gate) -> None:
        self._gate, self._go_on, self._stands = gate, threading.Event(), threading.Event()

    def __enter__(self) -> None:
        self._gate.controller._loop.post(lambda: self._stands.set() or self._go_on.wait(PATIENCE_S))
        assert self._stands.wait(PATIENCE_S)

    def __exit__(self, *_: object) -> None:
        time.sleep(STALE_S + 0.2)
        self._go_on.set()


def test_a_card_shown_while_the_controller_stood_still_opens_nothing(gate, operator) -> None:
    with Hang(gate):
        late = gate.reader.present(ACTIVE_CARD)
    assert late.get(timeout=PATIENCE_S) == ReadingResult(False, "too_late")
    event = operator.event(EventKind.READINGS_DROPPED)
    assert event.details == {"number": 1.0, "why": "hung"}
    assert gate.relay.history == []
    assert gate.reader.present(ACTIVE_CARD).get(timeout=PATIENCE_S).granted


def test_an_exit_button_pressed_while_the_controller_stood_still_opens_nothing(gate, operator) -> None:
    with Hang(gate):
        gate.exit_button.set(True)
        gate.exit_button.set(False)
    assert operator.event(EventKind.EXIT_REFUSED).reason == "too_late"
    assert gate.relay.history == []
    gate.controller._on_signal(ExitRequested())
    operator.event(EventKind.EXIT_REQUESTED)


def edge_there(gate, operator) -> None:
    operator.edge(ProcessStatus.ONLINE)
    until(lambda: gate.controller._cards.edge_online)


def test_a_tap_that_is_answered_after_a_hang_opens_nothing(gate, operator) -> None:
    """The edge's signed answer lives for ten seconds; the person at the door has left before."""
    edge_there(gate, operator)
    answered = threading.Event()
    present = partial(gate.reader.present, ACTIVE_CARD)
    outcomes = []
    hang = Hang(gate)

    def answer(tap) -> None:
        signed = operator.sign(
            Action.OPEN, sender="edge:north", method=Method.CARD, reason="granted", tap_id=tap.id, ttl_ms=10_000
        )
        operator.connection.publish("campusgate/main/gates/north/command", signed.payload)
        answered.set()

    operator.on_tap = answer
    controller = gate.controller
    take = controller._reporter.publish_tap

    def tap_and_stop(tap) -> None:
        # The process is stopped right after it has asked the edge.
        take(tap)
        controller._loop.post(lambda: (hang._stands.set(), hang._go_on.wait(PATIENCE_S)))

    controller._reporter.publish_tap = tap_and_stop
    outcomes.append(present())
    assert hang._stands.wait(PATIENCE_S)
    assert answered.wait(PATIENCE_S)
    hang.__exit__()
    assert outcomes[0].get(timeout=PATIENCE_S) == ReadingResult(False, "too_late")
    operator.until(lambda: any(ack.refusal is Refusal.TOO_LATE for ack in operator.acks))
    assert operator.event(EventKind.READINGS_DROPPED).details["number"] == 1
    assert gate.relay.history == []


def test_what_finds_no_room_is_answered_and_told(gate, operator) -> None:
    with Hang(gate):
        calls = gate.controller._loop._calls
        while not calls.full():
            gate.controller._loop.post(lambda: None)
        outcomes = [gate.reader.present(ACTIVE_CARD) for _ in range(3)]
        assert [one.get(timeout=PATIENCE_S).reason for one in outcomes] == ["too_late"] * 3
    assert operator.event(EventKind.READINGS_DROPPED).details == {"number": 3.0, "why": "hung"}
    assert gate.relay.history == []


def test_what_nobody_can_read_is_an_event_with_its_form(gate, operator) -> None:
    answers: list[ReadingResult] = []
    gate.reader.report(Unreadable("26 bits, parity wrong", answer=answers.append))
    event = operator.event(EventKind.READING_UNREADABLE)
    assert (event.granted, event.reason, event.details) == (
        False, "unreadable", {"form": "26 bits, parity wrong", "number": 1.0}
    )  # fmt: skip
    assert answers == [ReadingResult(False, "unreadable")]


def test_a_number_that_is_no_card_is_told_by_its_form(gate, operator) -> None:
    assert gate.reader.present("4711").get(timeout=PATIENCE_S) == ReadingResult(False, "unreadable")
    assert operator.event(EventKind.READING_UNREADABLE).details["form"] == "unreadable: 4 bytes"


def test_a_noisy_wire_does_not_fill_the_outbox(gate, operator, monkeypatch) -> None:
    monkeypatch.setattr("gate_controller.unused_readings.AGAIN_S", 1.0)
    for _ in range(50):
        gate.reader.report(Unreadable("3 bits"))
    gate.reader.report(Unreadable("5 bits"))
    operator.until(lambda: _numbers(operator, "3 bits")[-1:] == [49])
    assert _numbers(operator, "3 bits") == [1, 49]
    assert _numbers(operator, "5 bits") == [1]


def _numbers(operator, form: str) -> list[float]:
    return [event.details["number"] for event in operator.events if event.details.get("form") == form]


def test_what_a_reader_dropped_is_told(gate, operator) -> None:
    gate.reader.report(Dropped(3, "line_lost"))
    assert operator.event(EventKind.READINGS_DROPPED).details == {"number": 3.0, "why": "line_lost"}


@pytest.mark.parametrize("with_edge", [False, True])
def test_every_card_is_told_with_its_form_and_never_its_number(gate, operator, with_edge: bool) -> None:
    if with_edge:
        edge_there(gate, operator)
        operator.on_tap = lambda tap: operator.connection.publish(
            "campusgate/main/gates/north/command",
            operator.sign(
                Action.DENY, sender="edge:north", method=Method.CARD, reason="unknown_credential", tap_id=tap.id
            ).payload,
        )
    gate.reader.report(Reading(UNKNOWN_CARD, form="10 decimal digits"))
    event = operator.event(EventKind.ACCESS_DENIED)
    assert (event.reason, event.details["form"]) == ("unknown_credential", "10 decimal digits")
    assert UNKNOWN_CARD not in event.model_dump_json()
