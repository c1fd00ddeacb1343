"""Card and PIN: typed after the card, judged by the controller alone, not guessed for long."""

from datetime import timedelta

import pytest

from access.credentials import card_digest, code_digest, pin_digest
from access.policy import GatePolicy, Mode, Rule
from access.snapshot import CredentialEntry, PersonEntry
from database import new_id
from gate_controller.pin_entry import LOCKED_FOR, MOST_WRONG
from messages import DoorStatus, EventKind, Method, ProcessStatus
from tests.gate_controller.conftest import CREDENTIAL_KEY, make_replica
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.brokers("embedded")
"""What brokers may do to a gate is asked of both by `test_service` and `test_outages_at_the_gate`."""


CARD, OTHER, DIGITS, CODE = "04A31B72", "04A31B73", "04312278", "48211907"
PIN = "4821"


def entry(card: str, pin: str | None = None) -> PersonEntry:
    person = new_id()
    credentials = [CredentialEntry(kind="card", digest=card_digest(CREDENTIAL_KEY, card))]
    if pin is not None:
        credentials.append(CredentialEntry(kind="pin", digest=pin_digest(CREDENTIAL_KEY, person, pin)))
    return PersonEntry(person_id=person, groups=("students",), credentials=tuple(credentials))


@pytest.fixture
def gate(bench, operator, tmp_path):
    """A running gate that asks for card and PIN; its edge is there and never answers."""
    policy = GatePolicy(gate="north", rules=(Rule(group="students"),), mode=Mode.CARD_AND_PIN)
    visitor = CredentialEntry(kind="code", digest=code_digest(CREDENTIAL_KEY, CODE))
    people = [
        entry(CARD, PIN),
        entry(OTHER),
        entry(DIGITS, PIN),
        PersonEntry(person_id=new_id(), groups=("students",), credentials=(visitor,)),
    ]
    replica = make_replica(tmp_path / "replica.db", policy, *people)
    bench.directory = replica
    bench.start()
    operator.state(DoorStatus.LOCKED)
    operator.edge(ProcessStatus.ONLINE)
    yield bench
    if bench.controller is not None:
        bench.controller.stop()
        bench.controller = None
    replica.close()


def show(gate, card: str = CARD) -> str:
    return gate.reader.present(card).get(timeout=PATIENCE_S).reason


def type_in(gate, digits: str = PIN, kind: str = "code") -> str:
    return gate.reader.present(digits, kind=kind).get(timeout=PATIENCE_S).reason


def test_the_pin_of_the_card_just_shown_opens_and_never_travels(gate, operator) -> None:
    assert show(gate) == "pin_required"
    assert type_in(gate) == "granted"
    event = operator.event(EventKind.ACCESS_GRANTED)
    assert (event.method, event.details["alone"]) == (Method.CARD, "pin")
    assert operator.taps == []


def test_a_card_of_digits_alone_is_a_card_and_nobodys_wrong_pin(gate, operator) -> None:
    for _ in range(MOST_WRONG + 1):
        assert show(gate) == "pin_required"
        assert show(gate, DIGITS) == "pin_required", "it takes the place of the card before"
    assert type_in(gate) == "granted", "and its own PIN opens"
    assert operator.event(EventKind.ACCESS_GRANTED).person_id is not None
    gate.clock.advance(60)
    assert show(gate) == "pin_required"
    assert type_in(gate) == "granted", "nothing was counted against the person before"


def test_a_visitors_code_is_nobodys_wrong_pin(gate) -> None:
    for _ in range(MOST_WRONG + 1):
        show(gate)
        assert type_in(gate, CODE) == "granted"
        gate.clock.advance(60)
    show(gate)
    assert type_in(gate) == "granted"


def test_a_wrong_pin_or_another_cards_pin_opens_nothing(gate) -> None:
    show(gate)
    assert type_in(gate, "1357") == "pin_wrong"
    assert type_in(gate) == "unreadable", "it takes the card again; four digits alone are nothing"
    show(gate)
    assert show(gate, OTHER) == "pin_required"
    assert type_in(gate) == "pin_wrong", "whoever has no PIN has no right one"
    assert gate.relay.history == []


def test_a_pin_is_not_guessed_for_long_also_over_a_power_cut(gate, operator) -> None:
    for _ in range(MOST_WRONG):
        show(gate)
        assert type_in(gate, "1357") == "pin_wrong"
    show(gate)
    assert type_in(gate) == "pin_locked"
    gate.power_cut()
    gate.start()
    show(gate)
    assert type_in(gate) == "pin_locked"
    gate.clock.offset = LOCKED_FOR + timedelta(seconds=1)
    show(gate)
    assert type_in(gate) == "granted"
    assert gate.controller._storage.memory.wrong_pins(operator.event(EventKind.ACCESS_GRANTED).person_id)[0] == 0


def test_card_and_pin_open_without_broker_and_edge(gate) -> None:
    gate.broker.stop()
    assert show(gate) == "pin_required"
    assert type_in(gate) == "granted"
