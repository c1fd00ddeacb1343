"""The edge over a real broker, against a controller that judges its commands as a real one does."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
import uuid_utils.compat
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.policy import AntiPassback, Mode
from access.replica_store import ReplicaLockedError
from access.snapshot import CredentialEntry
from bus.outbox import Outbox
from bus.postman import Postman
from edge.assembly import Gate, Senses, Surroundings, assemble
from edge.camera import SyntheticCamera
from edge.clock import SystemClock
from edge.covering import Covering
from edge.metrics import Metrics
from edge.outbox import mark_late
from edge.policy import EdgePolicy
from edge.recognition import RecognitionPolicy
from edge.tracker import TrackPolicy
from gate_controller.messages import Action, Advice, Event, Feedback, Method, NonceStore, Presence, Refusal, Signer
from models.box import Box
from tests.edge.staging import TOPICS, Directory, JudgingController, Stage, card, face, frame, person, unit

ANN, BEN = person(0), person(1)


class SkippingClock(SystemClock):
    """The machine's clock, with a monotonic time that tests can let jump ahead."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped


@pytest.fixture
def gate(broker, connect, tmp_path: Path, until) -> Iterator[Callable[..., SimpleNamespace]]:
    """Makes an edge at a gate; `show` lets its camera see so many frames."""
    made = []

    def make(directory: Directory | None = None, *, wait: bool = True, **options) -> SimpleNamespace:
        stage, directory = Stage(), directory or Directory(ANN, BEN)
        edge_key = Ed25519PrivateKey.generate()
        controller = JudgingController(connect(broker, "controller", wait=wait), edge_key, tmp_path)
        bus = connect(broker, "edge", wait=wait)
        outbox = Outbox(tmp_path / "outbox.db")
        nonces = NonceStore(tmp_path / "nonces.db")
        clock, metrics = SkippingClock(), Metrics()
        # Patient, because a busy machine may show its frames with long pauses.
        recognition = RecognitionPolicy(track=TrackPolicy(patience=5.0, same_person=0.25))
        policy = EdgePolicy(recognition=recognition, command_ttl_ms=options.pop("ttl_ms", 8000))
        place = Gate(
            topics=TOPICS,
            boot_id=uuid_utils.compat.uuid7(),
            bus=bus,
            signer=Signer(edge_key, "edge:north", nonces),
            controller_keys=options.pop("keys", controller.trusted),
            directory=directory,
            outbox=outbox,
        )
        surroundings = Surroundings(metrics=metrics, model_refused=options.pop("model_refused", lambda: False))
        senses = Senses(camera=SyntheticCamera([]), engine=stage, threshold=lambda _: 0.6, **options)
        service = assemble(place, senses, policy, surroundings=surroundings, clock=clock)
        service.start()
        numbers = iter(range(1_000_000))

        def show(*cast, frames: int = 5) -> None:
            stage.show(*cast)
            for _ in range(frames):
                service._eyes.see(frame(next(numbers), clock.monotonic()))
                time.sleep(0.002)

        def leave() -> None:
            show(frames=1)
            clock.skipped += 10
            show(frames=1)

        def events(kind: str) -> list[Event]:
            found = [Event.decode(entry.payload) for entry in outbox.pending(1000)]
            return [event for event in found if event.kind == kind]

        def ignored_taps(why: str) -> float:
            return metrics.registry.get_sample_value("campusgate_edge_taps_ignored_total", {"why": why}) or 0

        made.append((service, outbox, nonces))
        if wait:
            until(lambda: service._opener.boot_id == controller.boot_id)
        return SimpleNamespace(
            service=service,
            controller=controller,
            directory=directory,
            bus=bus,
            outbox=outbox,
            show=show,
            leave=leave,
            ignored_taps=ignored_taps,
            events=events,
        )

    yield make
    for service, outbox, nonces in made:
        service.stop()
        outbox.close()
        nonces.close()


def test_a_known_face_opens_once_and_is_reported_with_its_latency(gate, until) -> None:
    north = gate()
    north.show((face(), unit(0)), frames=30)
    until(lambda: north.events("face_granted"))
    north.show((face(), unit(0)), frames=30)
    (command,) = north.controller.accepted
    assert (command.action, command.method, command.person_id) == (Action.OPEN, Method.FACE, ANN.person_id)
    (event,) = north.events("face_granted")
    assert (event.person_id, event.granted, event.command_id) == (ANN.person_id, True, command.id)
    assert event.details["latency_to"] == "relay"
    assert 0 < event.details["decided_ms"] <= event.details["sent_ms"] <= event.latency_ms


def test_a_person_who_left_opens_again(gate, until) -> None:
    north = gate()
    north.show((face(), unit(0)))
    until(lambda: len(north.controller.accepted) == 1)
    north.leave()
    north.show((face(), unit(0)))
    until(lambda: len(north.controller.accepted) == 2)


def test_a_stranger_is_refused_and_reported_once(gate, until) -> None:
    north = gate()
    north.show((face(), unit(5)), frames=60)
    (event,) = north.events("face_refused")
    assert (event.reason, event.granted, event.person_id) == ("unknown_face", False, None)
    assert not north.controller.accepted


def test_a_face_between_two_people_is_ambiguous(gate) -> None:
    north = gate()
    north.show((face(), unit(0, towards=1, share=0.5)), frames=20)
    assert [event.reason for event in north.events("face_refused")] == ["ambiguous_face"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"suspended": True}, "suspended"),
        ({"groups": ()}, "not_entitled"),
        ({"valid_until": datetime(2020, 1, 1, tzinfo=UTC)}, "expired"),
        ({"needs_card_and_face": True}, "card_required"),
    ],
)
def test_a_known_face_without_the_right_to_pass_is_refused_with_the_reason(gate, changes, reason) -> None:
    north = gate(Directory(person(0, **changes)))
    north.show((face(), unit(0)), frames=20)
    (event,) = north.events("face_refused")
    assert (event.reason, event.person_id) == (reason, ANN.person_id)
    assert not north.controller.accepted


def test_a_person_removed_from_the_directory_is_refused_at_once(gate) -> None:
    north = gate()
    del north.directory.people[ANN.person_id]  # the matcher does not know it yet; the decision does
    north.show((face(), unit(0)), frames=10)
    assert [event.reason for event in north.events("face_refused")] == ["unknown_face"]
    assert not north.controller.accepted


def test_people_added_to_the_directory_are_known_soon(gate, until) -> None:
    north = gate()
    north.directory.change(person(2))
    until(lambda: north.service._searches.current.matcher.people == 3)
    north.show((face(), unit(2)))
    until(lambda: len(north.controller.accepted) == 1)


def test_a_known_card_opens(gate, until) -> None:
    north = gate()
    tap = north.controller.tap(card(1))
    until(lambda: north.controller.accepted)
    (command,) = north.controller.accepted
    assert (command.action, command.method, command.tap_id) == (Action.OPEN, Method.CARD, tap.id)
    assert command.person_id == BEN.person_id


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


def test_an_unanswered_command_is_over_and_the_person_is_not_let_in_later(gate, until) -> None:
    north = gate(ttl_ms=200)
    north.controller.mute = True
    north.show((face(), unit(0)), frames=10)
    until(lambda: north.events("face_refused"))
    assert north.events("face_refused")[0].reason == "no_answer"
    north.controller.mute = False
    north.show((face(), unit(0)), frames=20)
    assert len(north.controller.accepted) == 1


def test_an_acknowledgement_by_somebody_else_counts_for_nothing(gate, until) -> None:
    north = gate(ttl_ms=200, keys={})
    north.show((face(), unit(0)))
    until(lambda: north.events("face_refused"))
    assert north.events("face_refused")[0].reason == "no_answer"


def test_after_the_controller_restarted_commands_carry_its_new_boot(gate, until) -> None:
    north = gate()
    north.controller.restart()
    until(lambda: north.service._opener.boot_id == north.controller.boot_id)
    north.show((face(), unit(0)))
    until(lambda: north.controller.accepted)
    assert not north.controller.refused


def test_a_controller_that_is_gone_is_not_asked(gate, until) -> None:
    north = gate()
    north.controller.say_present(Presence.OFFLINE)
    until(lambda: north.service._opener.controller is Presence.OFFLINE)
    north.show((face(), unit(0)), frames=10)
    assert [event.reason for event in north.events("face_refused")] == ["controller_offline"]
    assert not north.controller.accepted


def test_without_a_broker_at_the_start_nothing_opens_late(make_broker, gate, broker, until) -> None:
    broker.stop()
    north = gate(wait=False)
    north.show((face(), unit(0)), frames=10)
    assert [event.reason for event in north.events("face_refused")] == ["no_broker"]
    broker.start()
    until(lambda: north.service._opener.boot_id is not None)
    north.show((face(), unit(0)), frames=10)
    time.sleep(0.3)
    assert north.controller.accepted == []
    north.leave()
    north.show((face(), unit(0)))
    until(lambda: len(north.controller.accepted) == 1)


def test_a_match_made_while_the_broker_was_gone_does_not_open_when_it_is_back(gate, broker, until) -> None:
    """The accident of a well-known project: after a reconnection the last match came again and opened the door."""
    north = gate()
    broker.stop()
    until(lambda: not north.bus.connected)
    north.show((face(), unit(0)), frames=10)
    north.show(frames=1)
    broker.start()
    until(lambda: north.bus.connected and north.service._opener.boot_id is not None)
    time.sleep(0.5)
    assert north.controller.accepted == []
    assert [event.reason for event in north.events("face_refused")] == ["no_broker"]
    postman = Postman(north.outbox, north.bus, mark_late=mark_late)
    assert postman.carry() >= 1
    assert not north.outbox.pending()


def test_an_empty_directory_refuses_everybody_and_leaves_cards_to_the_controller(gate, until) -> None:
    directory = Directory()
    directory.policy, directory.revision, directory.model_id = None, 0, None
    north = gate(directory)
    north.show((face(), unit(0)), frames=20)
    assert [event.reason for event in north.events("face_refused")] == ["directory_missing"]
    north.controller.tap(card(0))
    until(lambda: north.ignored_taps("directory_missing"))
    directory.policy = Directory().policy
    north.controller.tap(card(0))
    until(lambda: north.controller.accepted)
    assert [command.reason for command in north.controller.accepted] == ["unknown_credential"]


def test_a_directory_of_another_model_is_never_matched_and_reported_once(gate, until) -> None:
    directory = Directory(ANN)
    directory.model_id = "other-1"
    north = gate(directory)
    until(lambda: north.events("model_mismatch"))
    north.show((face(), unit(0)), frames=10)
    for _ in range(3):
        north.service.tick()
    directory.revision += 1
    north.service.tick()
    assert len(north.events("model_mismatch")) == 1
    assert not north.controller.accepted
    directory.model_id, directory.revision = "staged-1", directory.revision + 1
    until(lambda: north.service._searches.current is not None)
    north.show((face(), unit(0)))
    until(lambda: north.controller.accepted)


def test_a_locked_replica_lets_nobody_in_and_says_so(gate, until) -> None:
    north = gate()
    north.directory.error = ReplicaLockedError("in use")
    north.show((face(), unit(0)), frames=10)
    assert [event.reason for event in north.events("face_refused")] == ["directory_unreadable"]
    north.controller.tap(card(0))
    until(lambda: north.ignored_taps("directory_unreadable"))
    north.directory.error = None
    north.controller.tap(card(1))
    until(lambda: north.controller.accepted)
    assert [command.person_id for command in north.controller.accepted] == [BEN.person_id]


def test_a_frame_that_breaks_the_engine_does_not_stop_the_edge(gate, until, monkeypatch) -> None:
    north = gate()
    engine = north.service._eyes._recogniser._engine
    monkeypatch.setattr(engine, "detect", lambda _: 1 / 0)
    north.show((face(), unit(0)))
    monkeypatch.undo()
    north.show((face(), unit(0)))
    until(lambda: north.controller.accepted)


def test_replayed_commands_of_the_edge_are_refused(gate, until, connect, broker) -> None:
    north = gate()
    heard = []
    ear = connect(broker, "ear")
    ear.subscribe(TOPICS.command, lambda _, payload, retained: heard.append((payload, retained)))
    north.show((face(), unit(0)))
    until(lambda: north.controller.accepted and heard)
    ((payload, retained),) = heard
    assert not retained
    ear.publish(TOPICS.command, payload)
    until(lambda: north.controller.refused)
    assert north.controller.refused == [Refusal.REPLAYED]


class Scorer:
    def __init__(self, score: float) -> None:
        self.value = score

    def score(self, _image, _face) -> float:
        return self.value


def test_a_picture_of_an_enrolled_person_is_a_spoof_reported_once_with_whose_it_was(gate) -> None:
    north = gate(liveness=Scorer(0.02))
    north.show((face(), unit(0)), frames=40)
    (event,) = north.events("spoof")
    assert (event.reason, event.granted, event.person_id) == ("spoof", False, ANN.person_id)
    assert event.details["liveness"] == pytest.approx(0.02)
    assert not north.controller.accepted
    assert not north.events("face_refused")


def test_whose_picture_was_just_held_up_is_not_let_in_by_a_new_track_at_once_and_others_are(gate, until) -> None:
    scorer = Scorer(0.02)
    north = gate(liveness=scorer)
    north.show((face(), unit(0)), frames=6)
    until(lambda: north.events("spoof"))
    scorer.value = 0.97
    north.show((face(Box(20, 20, 120, 120)), unit(0)), frames=8)
    assert not north.controller.accepted
    north.show((face(Box(500, 100, 120, 120)), unit(1)), frames=8)
    until(lambda: north.events("face_granted"))
    assert [command.person_id for command in north.controller.accepted] == [BEN.person_id]


def test_a_living_person_opens_also_with_the_liveness_check(gate, until) -> None:
    north = gate(liveness=Scorer(0.97))
    north.show((face(), unit(0)), frames=10)
    until(lambda: north.events("face_granted"))


def test_a_masked_stranger_is_asked_to_take_it_off_and_the_refusal_says_why(gate, until) -> None:
    north = gate(covering=lambda _image, _face: Covering.MASK)
    said: list[Advice] = []
    north.controller.connection.subscribe(
        TOPICS.feedback, lambda _topic, payload, _retained: said.append(Feedback.decode(payload).advice)
    )
    north.show((face(), unit(6)), frames=14)
    until(lambda: north.events("face_refused"))
    (refused,) = north.events("face_refused")
    assert (refused.reason, refused.person_id, refused.granted) == ("mask_worn", None, False)
    until(lambda: Advice.TAKE_OFF_MASK in said)


def test_only_of_a_false_face_a_picture_is_kept_and_only_where_somebody_keeps_it(gate, until) -> None:
    kept = []
    north = gate(liveness=Scorer(0.05), keep_picture=lambda event, image, box: kept.append((event, image.shape, box)))
    north.show((face(), unit(0)), frames=6)
    until(lambda: north.events("spoof") and kept)
    (spoof,) = north.events("spoof")
    assert spoof.details["picture_kept"] is True
    assert kept == [(spoof.id, (480, 640, 3), face().box)]


def test_health_names_camera_directory_and_controller(gate, until, connect, broker) -> None:
    north = gate()
    until(lambda: north.service._opener.controller is Presence.ONLINE)
    figures = north.service._health.figures()
    assert figures["people"] == 2
    assert (figures["directory_revision"], figures["model_mismatch"]) == (1, None)
    assert figures["controller"] == "online"
    assert figures["camera"] in {"connecting", "running", "ended"}
    assert figures["view"] == "good"
    assert figures["looked_at_per_second"] >= 0


def test_passes_reported_by_the_controller_count_for_rules_that_look_back(gate, until) -> None:
    directory = Directory(ANN, anti_passback=AntiPassback(within=timedelta(minutes=5), offline_hard=True))
    north = gate(directory)

    def say(kind: str) -> None:
        event = Event(
            id=uuid_utils.compat.uuid7(), gate="north", at=datetime.now(UTC), kind=kind, person_id=ANN.person_id
        )
        north.controller.connection.publish(TOPICS.events, event.encode())

    memory = north.service._passes._memory
    say("access_granted")

    def last():
        return memory.state_for(ANN.person_id, directory.policy, datetime.now(UTC), None).last_pass

    until(last)
    north.controller.tap(card(0))
    until(lambda: north.controller.accepted)
    assert north.controller.accepted[0].reason == "passed_back"
    say("not_taken")
    until(lambda: last() is None)
    north.controller.tap(card(0))
    until(lambda: len(north.controller.accepted) == 2)
    assert north.controller.accepted[1].action is Action.OPEN


def test_a_directory_refused_for_its_model_is_reported_once_while_the_old_one_stays_in_use(gate, until) -> None:
    refused, asked = [True], []

    def model_refused() -> bool:
        asked.append(refused[0])
        return asked[-1]

    north = gate(model_refused=model_refused)
    until(lambda: len(asked) > 3)
    assert len(north.events("model_mismatch")) == 1
    north.show((face(), unit(0)))
    until(lambda: north.controller.accepted)
    for refused[0] in (False, True):
        until(lambda: asked[-1] is refused[0])
    until(lambda: len(north.events("model_mismatch")) > 1)
    assert len(north.events("model_mismatch")) == 2
