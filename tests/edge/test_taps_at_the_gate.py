"""Cards at a gate that has an edge, alone and together with a face."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
import uuid_utils.compat

from access.policy import AntiPassback, Mode
from access.snapshot import CredentialEntry
from messages import Action, Event, Method
from tests.edge.staging import TOPICS, Directory, card, face, person, unit

pytestmark = pytest.mark.brokers("embedded")
"""What brokers may do to a gate is asked of both by `test_service` and `test_outages_at_the_gate`."""


ANN, BEN = person(0), person(1)


def test_a_known_card_opens(gate, until) -> None:
    north = gate()
    tap = north.controller.tap(card(1))
    until(lambda: north.controller.accepted)
    (command,) = north.controller.accepted
    assert (command.action, command.method, command.tap_id) == (Action.OPEN, Method.CARD, tap.id)
    assert command.person_id == BEN.person_id


def test_a_virtual_card_shown_as_a_code_counts_as_a_card(gate, until) -> None:
    north = gate(Directory(ANN, BEN, accepts_bare_uid=False))
    north.controller.tap(card(1))
    north.controller.tap(card(1), credential_kind="virtual", authenticated=True)
    until(lambda: len(north.controller.accepted) == 2)
    bare, shown = north.controller.accepted
    assert (bare.action, bare.reason) == (Action.DENY, "card_not_authenticated")
    assert (shown.action, shown.method, shown.person_id) == (Action.OPEN, Method.CODE, BEN.person_id)


@pytest.mark.parametrize(
    ("digest", "reason"), [(card(7), "unknown_credential"), (card(3), "card_lost"), (card(4), "suspended")]
)
def test_a_card_that_may_not_pass_is_answered_with_a_signed_no(gate, until, digest, reason) -> None:
    lost = person(3, credentials=(CredentialEntry(kind="card", digest=card(3), status="lost"),))
    north = gate(Directory(lost, person(4, suspended=True)))
    north.controller.tap(digest)
    until(lambda: north.controller.accepted)
    (command,) = north.controller.accepted
    assert (command.action, command.reason) == (Action.DENY, reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"at": datetime.now(UTC) - timedelta(seconds=60)},
        {"at": datetime.now(UTC) + timedelta(hours=1)},
        {"boot_id": uuid4()},
        {"gate": "south"},
        {"credential_kind": "pin"},
    ],
)
def test_a_tap_that_is_stale_or_of_another_boot_is_left_to_the_controller(gate, until, changes) -> None:
    north = gate()
    north.controller.tap(card(1), **changes)
    north.controller.tap(card(0))  # taps are handled in order: once this is answered, the other has been seen
    until(lambda: north.controller.accepted)
    assert [command.person_id for command in north.controller.accepted] == [ANN.person_id]


def test_a_tap_delivered_twice_is_answered_once(gate, until) -> None:
    north = gate()
    tap = north.controller.tap(card(1))
    north.controller.connection.publish(TOPICS.taps, tap.encode())
    north.controller.tap(card(0))
    until(lambda: len(north.controller.accepted) == 2)
    assert [command.person_id for command in north.controller.accepted] == [BEN.person_id, ANN.person_id]


def test_a_face_seen_right_after_its_card_opened_is_the_same_passage(gate, until) -> None:
    north = gate()
    north.controller.tap(card(0))
    until(lambda: north.controller.accepted)
    north.show((face(), unit(0)), frames=10)
    north.controller.tap(card(1))
    until(lambda: len(north.controller.accepted) == 2)
    assert {command.method for command in north.controller.accepted} == {Method.CARD}


class TestCardAndFace:
    """A gate, or a person with a look-alike, that asks for both."""

    @pytest.fixture
    def north(self, gate) -> SimpleNamespace:
        return gate(Directory(ANN, BEN, mode=Mode.CARD_AND_FACE, face_free_gate="south"))

    def test_card_then_face_opens(self, north, until) -> None:
        north.controller.tap(card(0))
        until(lambda: north.controller.accepted)
        north.show((face(), unit(0)))
        until(lambda: len(north.controller.accepted) == 2)
        first, second = north.controller.accepted
        assert (first.action, first.reason) == (Action.DENY, "face_required")
        assert (second.action, second.person_id) == (Action.OPEN, ANN.person_id)

    def test_face_then_card_opens(self, north, until) -> None:
        north.show((face(), unit(0)))
        north.controller.tap(card(0))
        until(lambda: north.controller.accepted)
        assert [command.action for command in north.controller.accepted] == [Action.OPEN]

    def test_a_face_with_somebody_else_s_card_does_not(self, north, until) -> None:
        north.show((face(), unit(1)))
        north.controller.tap(card(0))
        until(lambda: north.controller.accepted)
        (command,) = north.controller.accepted
        assert (command.action, command.reason) == (Action.DENY, "face_not_card_holder")

    def test_a_card_whose_holder_never_looks_opens_nothing_for_the_next_face(self, north, until) -> None:
        north.controller.tap(card(0))
        until(lambda: north.controller.accepted)
        north.show((face(), unit(1)), frames=10)
        assert [event.reason for event in north.events("face_refused")] == ["card_required"]


def test_passes_reported_by_the_controller_count_for_rules_that_look_back(gate, until) -> None:
    directory = Directory(ANN, anti_passback=AntiPassback(within=timedelta(minutes=5), offline_hard=True))
    north = gate(directory)

    def say(kind: str) -> None:
        event = Event(
            id=uuid_utils.compat.uuid7(), gate="north", at=datetime.now(UTC), kind=kind, person_id=ANN.person_id
        )
        north.controller.connection.publish(TOPICS.events, event.encode())

    passage_log = north.service._passages._passage_log
    say("access_granted")

    def last():
        return passage_log.context_for(ANN.person_id, directory.policy, datetime.now(UTC), None).last_passage

    until(last)
    north.controller.tap(card(0))
    until(lambda: north.controller.accepted)
    assert north.controller.accepted[0].reason == "passed_back"
    say("not_taken")
    until(lambda: last() is None)
    north.controller.tap(card(0))
    until(lambda: len(north.controller.accepted) == 2)
    assert north.controller.accepted[1].action is Action.OPEN
