"""One person has one passage waiting: whatever they show again renews the answer, and never gives a second grant."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from access.credentials import card_digest, code_digest
from access.policy import AntiPassback, GatePolicy, Mode, Occupancy, Rule, TwoPersons
from access.replica import Replica
from access.snapshot import Change, ChangePage, CredentialEntry, PersonEntry, directory_digest
from database import Sealer
from gate_controller.barrier import REPEAT_S, advance
from gate_controller.barrier_settings import DoorSettings, TurnstileSettings
from gate_controller.door import Door
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.signals import (
    BarrierMode,
    ContactChanged,
    FireChanged,
    Grant,
    InterlockChanged,
    ModeOrdered,
    PassageSensed,
    Signal,
    TimePassed,
)
from gate_controller.turnstile import Turnstile
from messages import Action, DoorStatus, EventKind, Method, ProcessStatus
from tests.gate_controller.conftest import CREDENTIAL_KEY
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.brokers("embedded")
"""What brokers may do to a gate is asked of both by `test_service` and `test_outages_at_the_gate`."""


ANN, BEN = Grant(uuid4(), Method.CARD), Grant(uuid4(), Method.CARD)
ANNS_FACE = Grant(ANN.person_id, Method.FACE)
OPENS, CLOSES, THROUGH = ContactChanged(is_open=True), ContactChanged(is_open=False), PassageSensed()
GRANTED, RENEWED, PASSED = EventKind.ACCESS_GRANTED, EventKind.GRANT_RENEWED, EventKind.PASSED


class Played:
    """A door or lane to which signals have come, 0.4 s apart unless said otherwise."""

    def __init__(self, machine: Door | Turnstile) -> None:
        self.machine, self.now = machine, 100.0

    def __call__(self, *signals: Signal, after: float = 0.4) -> list[EventKind]:
        kinds = []
        for signal in signals:
            self.now += after
            self.machine, events = advance(self.machine, signal, self.now)
            kinds += [event.kind for event in events]
        return kinds


def lane(**settings) -> Played:
    return Played(Turnstile(TurnstileSettings(**settings)))


def door(**settings) -> Played:
    return Played(Door(DoorSettings(**settings)))


@pytest.mark.parametrize("again", [ANN, ANNS_FACE])
def test_one_card_twice_is_one_grant_and_the_second_body_is_tailgated(again: Grant) -> None:
    assert lane()(ANN, again, THROUGH, THROUGH) == [GRANTED, RENEWED, PASSED, EventKind.TAILGATED]


def test_a_repeat_waits_anew_and_keeps_its_place() -> None:
    played = lane()
    played(ANN, BEN)
    assert played(ANN, after=7) == [RENEWED]
    assert played(TimePassed(), after=1) == [EventKind.NOT_TAKEN], "Ben's time is over, Ann's runs anew"
    assert played.machine.waiting_grants == (ANN,)
    assert played(ANN, after=7.5) == [EventKind.NOT_TAKEN, GRANTED], "once nobody passed, it is a new grant"


def test_a_repeat_fits_into_a_full_lane() -> None:
    assert lane(most_waiting=1)(ANN, ANN, BEN) == [GRANTED, RENEWED, EventKind.ACCESS_DENIED]


def test_a_repeat_after_the_passage_began_is_no_second_grant() -> None:
    played = lane()
    assert played(ANN, THROUGH, ANN, THROUGH) == [GRANTED, PASSED, RENEWED, EventKind.TAILGATED]
    assert not played.machine.unlocked
    assert played(ANN, after=REPEAT_S) == [GRANTED], "later it is another passage, which the rules decide about"


def test_staff_open_twice_for_two() -> None:
    staff = Grant(uuid4(), Method.STAFF)
    assert lane()(staff, staff, THROUGH, THROUGH) == [GRANTED, GRANTED, PASSED, PASSED]
    assert door()(staff, staff) == [GRANTED, GRANTED]


def test_one_card_twice_at_a_door() -> None:
    played = door()
    assert played(ANN, ANN, ANNS_FACE, OPENS, ANN, CLOSES) == [
        GRANTED,
        RENEWED,
        RENEWED,
        PASSED,
        RENEWED,
        EventKind.CLOSED,
    ]
    assert not played.machine.unlocked, "what was shown again while it stood open does not open it again"


def test_who_waits_beside_somebody_else_is_not_granted_twice_either() -> None:
    played = door()
    assert played(ANN, BEN, ANN) == [GRANTED, GRANTED, RENEWED]
    assert played(TimePassed(), after=6) == [EventKind.NOT_TAKEN] * 2, "each of the two is told"


@pytest.mark.parametrize("free", [FireChanged(active=True), ModeOrdered(BarrierMode.HELD_OPEN)])
@pytest.mark.parametrize("make", [door, lane])
def test_a_repeat_at_a_free_way_is_one_grant(make, free: Signal) -> None:
    assert make()(free, ANN, ANN)[1:] == [GRANTED, RENEWED]


@pytest.mark.parametrize("make", [door, lane])
def test_a_grant_that_an_order_ended_is_no_grant_any_more(make) -> None:
    played = make()
    played(ANN, ModeOrdered(BarrierMode.LOCKDOWN))
    assert played(ANN) == [EventKind.ACCESS_DENIED]
    assert played(ModeOrdered(BarrierMode.NORMAL), ANN)[1:] == [GRANTED]
    assert played.machine.unlocked


def test_a_repeat_does_not_pass_an_interlock() -> None:
    played = door()
    played(ANN, InterlockChanged(blocked=True))
    assert played(ANN) == [EventKind.ACCESS_DENIED]


# The whole controller, under rules that look back.

CARD, SECOND_CARD, LOST, CODE, BENS_CARD = "04A31B72", "04A31B74", "04A31B75", "48211907", "04A31B73"


def _people() -> list[PersonEntry]:
    def one(*credentials: tuple[str, str, str]) -> PersonEntry:
        make = {"card": card_digest, "code": code_digest}
        entries = tuple(
            CredentialEntry(kind=kind, digest=make[kind](CREDENTIAL_KEY, value), status=status)
            for kind, value, status in credentials
        )
        return PersonEntry(person_id=uuid4(), groups=("students",), credentials=entries)

    ann = one(
        ("card", CARD, "active"), ("card", SECOND_CARD, "active"), ("card", LOST, "lost"), ("code", CODE, "active")
    )
    return [ann, one(("card", BENS_CARD, "active"))]


@pytest.fixture
def directory(bench, tmp_path: Path, request) -> Iterator[Replica]:
    """A gate under the rules that a test asks for."""
    rules = {
        "inner_zone": "hall",
        "outer_zone": "campus",
        "anti_passback": AntiPassback(kind="area", offline_hard=True),
    }
    policy = GatePolicy(gate="north", rules=(Rule(group="students"),), **getattr(request, "param", rules))
    people = _people()
    replica = Replica(tmp_path / "replica.db", Sealer(bytes(32)), gate="north", view="cards")
    page = ChangePage(
        policy=policy,
        view="cards",
        from_revision=0,
        to_revision=2,
        revoked_from=0,
        revoked_to=2,
        latest_revision=2,
        changes=tuple(Change(revision=n, person_id=one.person_id, entry=one) for n, one in enumerate(people, start=1)),
        digest_when_complete=directory_digest(policy, sum(one.digest() for one in people) % 2**256),
    )
    assert replica.apply(page, datetime.now(UTC))
    bench.directory = replica
    yield replica
    if bench.controller is not None:
        bench.controller.stop()
        bench.controller = None
    replica.close()


def show(bench, value: str = CARD, kind: str = "card") -> str:
    outcome = bench.reader.present(value, kind=kind).get(timeout=PATIENCE_S)
    return "granted" if outcome.granted else outcome.reason


def test_who_did_nothing_is_not_passed_back(bench, directory, operator) -> None:
    bench.start()
    operator.state(DoorStatus.LOCKED)
    shown = [show(bench), show(bench), show(bench, SECOND_CARD), show(bench, CODE, kind="code")]
    assert shown == ["granted"] * 4
    assert show(bench, LOST) == "card_lost", "a card that opens nothing renews nothing"
    bench.contact.set(True)
    assert show(bench) == "granted", "the card still lies on the reader while the door opens"
    bench.contact.set(False)
    operator.event(EventKind.CLOSED)
    assert operator.kinds.count("access_granted") == 1
    assert operator.kinds.count("passed") == 1
    assert bench.relay.history == [True, False]
    assert show(bench) == "passed_back", "who went in and comes again is"


def test_nobody_passed_takes_the_passage_back(bench, directory, operator) -> None:
    bench.start(door=DoorSettings(grant_s=0.2))
    operator.state(DoorStatus.LOCKED)
    show(bench)
    operator.event(EventKind.NOT_TAKEN)
    assert show(bench) == "granted"


def test_a_turnstile_gives_one_grant_for_a_card_and_a_command(bench, directory, operator) -> None:
    bench.passage = SimulatedInput()
    bench.start(door=TurnstileSettings())
    operator.state(DoorStatus.LOCKED)
    assert [show(bench), show(bench)] == ["granted"] * 2
    person = operator.event(EventKind.ACCESS_GRANTED).person_id
    ack = operator.ask(Action.OPEN, sender="edge:north", method=Method.FACE, reason="granted", person_id=person)
    assert ack.accepted, "the face that an edge, or a second one, saw beside the card is the same passage"
    for _ in range(2):
        bench.passage.set(True)
        bench.passage.set(False)
    operator.event(EventKind.TAILGATED)
    assert [kind for kind in operator.kinds[1:] if kind != "grant_renewed"] == ["access_granted", "passed", "tailgated"]


@pytest.mark.parametrize(
    "directory",
    [
        {"inner_zone": "hall", "occupancy": Occupancy(limit=1)},
        {"two_persons": TwoPersons()},
        {"anti_passback": AntiPassback(kind="timed")},
    ],
    indirect=True,
)
def test_other_rules_that_look_back_do_not_turn_on_a_repeat(bench, directory, operator) -> None:
    bench.start()
    operator.state(DoorStatus.LOCKED)
    show(bench, BENS_CARD)
    if directory.policy.occupancy is not None:
        bench.controller._storage.passage_log._heard_at = datetime.now(UTC)
    else:
        assert show(bench) == "granted"
    assert show(bench, BENS_CARD if directory.policy.occupancy is not None else CARD) == "granted"


@pytest.mark.parametrize(
    "directory", [{"mode": Mode.CARD_AND_FACE, "model_id": "m", "face_free_gate": "south"}], indirect=True
)
def test_what_was_proven_once_is_not_asked_again(bench, directory, operator) -> None:
    bench.start()
    operator.state(DoorStatus.LOCKED)
    assert show(bench) == "face_required"
    person = directory.by_credential("card", card_digest(CREDENTIAL_KEY, CARD)).person_id
    operator.ask(Action.OPEN, sender="edge:north", method=Method.FACE, reason="granted", person_id=person)
    assert show(bench) == "granted"


def test_an_edge_that_heard_of_the_grant_first_turns_nobody_away(bench, directory, operator) -> None:
    bench.start(answer_wait_s=60)
    operator.state(DoorStatus.LOCKED)
    operator.edge(ProcessStatus.ONLINE)
    until(lambda: bench.controller._cards.edge_online)
    person = directory.by_credential("card", card_digest(CREDENTIAL_KEY, CARD)).person_id
    asked = {"sender": "edge:north", "method": Method.CARD, "person_id": person}
    first, second = bench.reader.present(CARD), bench.reader.present(SECOND_CARD)
    operator.until(lambda: len(operator.taps) == 2)
    operator.ask(Action.OPEN, reason="granted", tap_id=operator.taps[0].id, **asked)
    operator.ask(Action.DENY, reason="passed_back", tap_id=operator.taps[1].id, **asked)
    assert first.get(timeout=PATIENCE_S).granted
    assert second.get(timeout=PATIENCE_S).granted
    operator.event(EventKind.ACCESS_GRANTED)
    assert operator.kinds.count("access_granted") == 1


def test_a_card_that_bounces_while_the_edge_thinks_has_the_same_answer(bench, directory, operator) -> None:
    bench.start(answer_wait_s=60)
    operator.state(DoorStatus.LOCKED)
    operator.edge(ProcessStatus.ONLINE)
    until(lambda: bench.controller._cards.edge_online)
    first, second = bench.reader.present(CARD), bench.reader.present(CARD)
    operator.edge(ProcessStatus.OFFLINE)
    assert first.get(timeout=PATIENCE_S) == second.get(timeout=PATIENCE_S)
    assert operator.event(EventKind.ACCESS_GRANTED)
    assert operator.kinds.count("access_granted") == 1
