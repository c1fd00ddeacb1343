"""Codes at a door: a virtual card's opens once, as the card would; unknown ones are not guessed for long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.credentials import card_digest, code_digest, pin_digest, virtual_card_digest
from access.policy import GatePolicy, Mode, Rule
from access.snapshot import CredentialEntry, PersonEntry
from database import new_id
from gate_controller.code_authentication import MOST_UNKNOWN, REFUSED_FOR_S, CodeAuthenticator, CodeRefusal
from gate_controller.memory import DoorMemory
from gate_controller.readers import Reading, ReadingResult
from gate_controller.readers.texts import TextFormat, parse_reading
from messages import Action, DoorStatus, Event, EventKind, Method, ProcessStatus, UsedCode, signed_codes
from messages.signed_codes import CodeSigner
from tests.gate_controller.conftest import CREDENTIAL_KEY, STAFF_KEY, TOPICS, Bench, Operator, make_replica
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.brokers("embedded")
"""What brokers may do to a gate is asked of both by `test_service` and `test_outages_at_the_gate`."""


GOOD, SUSPENDED, VISITOR, PIN = "1234567", "7654321", "WWZ4PTAT2D", "4821"
GRANTED, USED = ReadingResult(True, "granted"), ReadingResult(False, "code_used")


def holder(handle: str, status: str = "active") -> PersonEntry:
    person_id = new_id()
    credentials = (
        CredentialEntry(kind="card", digest=virtual_card_digest(CREDENTIAL_KEY, handle), status=status),
        CredentialEntry(kind="pin", digest=pin_digest(CREDENTIAL_KEY, person_id, PIN)),
    )
    return PersonEntry(person_id=person_id, groups=("students",), credentials=credentials)


def visitor() -> PersonEntry:
    code = CredentialEntry(kind="code", digest=code_digest(CREDENTIAL_KEY, VISITOR))
    return PersonEntry(person_id=new_id(), groups=("students",), credentials=(code,))


@pytest.fixture
def mode() -> Mode:
    return Mode.FACE_OR_CARD


@pytest.fixture
def gate(bench: Bench, operator: Operator, tmp_path: Path, mode: Mode) -> Iterator[Bench]:
    """A running controller that believes no bare UID; no edge, no server."""
    policy = GatePolicy(
        gate="north",
        rules=(Rule(group="students"),),
        mode=mode,
        accepts_bare_uid=False,
        face_free_gate="south" if mode is Mode.CARD_AND_FACE else None,
    )
    people = holder(GOOD), holder(SUSPENDED, "suspended"), visitor()
    bench.directory = make_replica(tmp_path / "replica.db", policy, *people)
    bench.start()
    operator.state(DoorStatus.LOCKED)
    yield bench
    if bench.controller is not None:
        bench.controller.stop()
        bench.controller = None
    bench.directory.close()


def make(gate: Bench, handle: str = GOOD, *, ago_s: float = 0, key: Ed25519PrivateKey = STAFF_KEY) -> str:
    """What the page of a virtual card shows."""
    second = int((gate.clock.now() - timedelta(seconds=ago_s)).timestamp())
    return CodeSigner(key, "main").sign(f"90{handle}123456789", second)


def show(gate: Bench, text: str) -> ReadingResult:
    return gate.reader.present(text, kind="code").get(timeout=PATIENCE_S)


def pass_through(gate: Bench, operator: Operator) -> None:
    gate.contact.set(active=True)
    operator.state(DoorStatus.OPEN)
    gate.contact.set(active=False)
    operator.state(DoorStatus.LOCKED)


def test_a_code_opens_without_edge_and_server_and_only_once(gate: Bench, operator: Operator) -> None:
    code = make(gate)
    assert show(gate, code) == GRANTED
    event = operator.event(EventKind.ACCESS_GRANTED)
    known = gate.directory.by_credential("card", virtual_card_digest(CREDENTIAL_KEY, GOOD))
    assert (event.method, event.person_id) == (Method.CODE, known.person_id)
    assert code[:18] not in event.model_dump_json()
    assert event.details["code_second"] == int(code[18:28])
    # A phone held before the scanner shows itself again; the grant stays one.
    assert show(gate, code) == GRANTED
    pass_through(gate, operator)
    assert show(gate, code) == USED
    denied = operator.event(EventKind.ACCESS_DENIED)
    assert (denied.reason, denied.method, denied.granted) == (CodeRefusal.USED, Method.CODE, False)
    gate.clock.advance(30)
    assert show(gate, make(gate)) == GRANTED


def test_a_code_that_was_used_stays_used_over_a_power_cut(gate: Bench, operator: Operator) -> None:
    code = make(gate)
    assert show(gate, code) == GRANTED
    gate.power_cut()
    gate.reader.__init__()
    gate.start()
    assert show(gate, code) == USED


def test_an_older_code_of_the_same_card_is_used_too(gate: Bench, operator: Operator) -> None:
    older = make(gate, ago_s=20)
    assert show(gate, make(gate)) == GRANTED
    pass_through(gate, operator)
    assert show(gate, older) == USED


def test_a_code_that_opened_another_gate_does_not_open_this_one(gate: Bench, operator: Operator) -> None:
    digest, now, heard = virtual_card_digest(CREDENTIAL_KEY, GOOD), int(gate.clock.now().timestamp()), []
    record = gate.controller._cards.record_use_elsewhere

    def record_and_tell(digest: str, second: int) -> None:
        record(digest, second)
        heard.append(second)

    gate.controller._cards.record_use_elsewhere = record_and_tell

    def tell(second: int) -> None:
        used = UsedCode(gate="north", digest=digest, second=second)
        operator.connection.publish(TOPICS.used_codes, used.encode(), wait_s=PATIENCE_S)
        until(lambda: second in heard)

    tell(now + 3600)  # a wrong time keeps nobody out
    assert show(gate, make(gate, ago_s=20)) == GRANTED
    pass_through(gate, operator)
    tell(now)
    assert show(gate, make(gate, ago_s=5)) == USED
    gate.clock.advance(2)
    assert show(gate, make(gate)) == GRANTED


@pytest.mark.parametrize(
    ("ago_s", "reason"), [(44, "granted"), (47, "code_not_current"), (-13, "granted"), (-17, "code_not_current")]
)
def test_codes_of_other_moments_are_refused(gate: Bench, ago_s: float, reason: str) -> None:
    assert show(gate, make(gate, ago_s=ago_s)).reason == reason


def test_forged_codes_and_codes_that_only_pay_are_told_apart(gate: Bench) -> None:
    assert show(gate, make(gate, key=Ed25519PrivateKey.generate())).reason == "code_forged"
    assert show(gate, make(gate)[:18]).reason == "code_pays_only"
    assert show(gate, GOOD).reason == "unknown_credential", "the handle alone opens nothing"
    assert show(gate, make(gate, handle="0000000")).reason == "unknown_credential"
    assert gate.relay.history == []


def test_a_suspended_virtual_card_is_told_its_reason_each_time(gate: Bench) -> None:
    code = make(gate, SUSPENDED)
    assert [show(gate, code).reason for _ in range(3)] == ["card_suspended"] * 3


def test_with_a_clock_that_is_unsure_no_code_counts(gate: Bench) -> None:
    gate.clock.offset = -timedelta(hours=1)
    assert show(gate, make(gate)).reason == "code_clock_unsure"


def test_unknown_codes_are_refused_after_ten_and_good_ones_are_not(gate: Bench, operator: Operator) -> None:
    forged = make(gate, key=Ed25519PrivateKey.generate())
    tries = [forged if n % 2 else f"XXZ4PTAT{n:02}" for n in range(MOST_UNKNOWN - 1)]
    assert {show(gate, text).reason for text in tries} == {"unknown_credential", "code_forged"}
    assert show(gate, VISITOR) == GRANTED
    pass_through(gate, operator)
    assert show(gate, "XXZ4PTATXX").reason == "unknown_credential"
    for text in (VISITOR, forged, "XXZ4PTATXX"):
        assert show(gate, text).reason == "too_many_codes"
    assert show(gate, make(gate)) == GRANTED
    pass_through(gate, operator)
    gate.clock.advance(round(REFUSED_FOR_S) + 1)
    assert show(gate, VISITOR) == GRANTED


def test_the_edge_is_asked_about_the_virtual_card_and_not_told_the_code(gate: Bench, operator: Operator) -> None:
    operator.edge(ProcessStatus.ONLINE)
    until(lambda: gate.controller._cards.edge_online)
    answers = []

    def answer(tap) -> None:
        action = Action.DENY if not answers else Action.OPEN
        answers.append(action)
        reason = "passed_back" if action is Action.DENY else "granted"
        signed = operator.sign(action, sender="edge:north", method=Method.CODE, reason=reason, tap_id=tap.id)
        operator.connection.publish("campusgate/main/gates/north/command", signed.payload)

    operator.on_tap = answer
    code = make(gate)
    assert show(gate, code).reason == "passed_back"
    (tap,) = operator.taps
    assert (tap.credential_kind, tap.authenticated) == ("virtual", True)
    assert tap.digest == virtual_card_digest(CREDENTIAL_KEY, GOOD)
    # What was refused may be shown again; what opened is used.
    assert show(gate, code) == GRANTED
    pass_through(gate, operator)
    assert show(gate, code) == USED
    assert len(operator.taps) == 2


@pytest.mark.parametrize("mode", [Mode.CARD_AND_PIN])
def test_where_a_pin_is_asked_for_a_code_needs_it_too(gate: Bench, operator: Operator) -> None:
    code = make(gate)
    assert show(gate, code).reason == "pin_required"
    assert show(gate, "1111").reason == "pin_wrong"
    assert show(gate, code).reason == "pin_required", "what was refused may be shown again"
    assert show(gate, PIN) == GRANTED
    event = operator.event(EventKind.ACCESS_GRANTED)
    assert event.method == Method.CODE
    assert event.details["code_second"] == int(code[18:28]), "so that shops and the other gates hear of it"
    pass_through(gate, operator)
    assert show(gate, code) == USED


@pytest.mark.parametrize("mode", [Mode.CARD_AND_FACE])
def test_where_a_face_is_asked_for_a_code_alone_does_not_open(gate: Bench) -> None:
    assert show(gate, make(gate)).reason == "face_required"


@pytest.mark.parametrize("mode", [Mode.CARD_AND_FACE])
def test_a_code_whose_face_comes_after_it_stands_in_the_grant(gate: Bench, operator: Operator) -> None:
    operator.edge(ProcessStatus.ONLINE)
    until(lambda: gate.controller._cards.edge_online)
    holder, stranger = new_id(), new_id()

    def refuse(tap) -> None:
        signed = operator.sign(
            Action.DENY,
            sender="edge:north",
            method=Method.CODE,
            reason="face_required",
            tap_id=tap.id,
            person_id=holder,
        )
        operator.connection.publish(TOPICS.command, signed.payload)

    def open_by_face(person_id: UUID) -> Event:
        told = len(operator.events)
        operator.ask(Action.OPEN, sender="edge:north", method=Method.FACE, reason="granted", person_id=person_id)
        operator.until(lambda: EventKind.ACCESS_GRANTED in operator.kinds[told:])
        event = operator.event(EventKind.ACCESS_GRANTED)
        pass_through(gate, operator)
        return event

    operator.on_tap = refuse
    code = make(gate)
    assert show(gate, code).reason == "face_required"
    assert "code_second" not in open_by_face(stranger).details
    assert open_by_face(holder).details["code_second"] == int(code[18:28])
    assert "code_second" not in open_by_face(holder).details, "said once"


def test_word_of_a_used_code_uses_no_card_s_own_counter_up(tmp_path: Path) -> None:
    """It is not signed, and a card that proves its key counts for years to a number far below a Unix second."""
    memory, at = DoorMemory(tmp_path / "memory.db"), datetime.now(UTC)
    codes = CodeAuthenticator({}, site="main", credential_key=CREDENTIAL_KEY, memory=memory)
    digest = card_digest(CREDENTIAL_KEY, "04A31B72")
    codes.record_use_elsewhere(digest, int(at.timestamp()), at)
    assert memory.spend_counter(digest, 1)
    memory.close()


def test_scanners_deliver_codes_in_every_setting() -> None:
    text = CodeSigner(STAFF_KEY, "main").sign(f"90{GOOD}123456789", 1_800_000_000)
    for text_format in (TextFormat(), TextFormat(reads="codes"), TextFormat(prefix="QR:")):
        found = parse_reading(text_format.prefix + text, text_format)
        assert isinstance(found, Reading)
        assert (found.kind, signed_codes.looks_like_one(found.value)) == ("code", True)
        assert text not in repr(found)
