"""What an edge does when something is gone: controller, broker, directory, engine; and a thief on the bus."""

import threading
import time
from collections import Counter
from types import SimpleNamespace
from uuid import UUID

from access.replica import ReplicaLockedError
from bus.outbox_sender import OutboxSender
from edge.camera import FeedStatus
from messages import Availability, ProcessStatus, Refusal, mark_historical
from tests.edge.staging import TOPICS, Directory, card, face, frame, person, unit
from tests.waiting import PATIENCE_S

ANN, BEN = person(0), person(1)


def test_an_unanswered_command_is_over_and_the_person_is_not_let_in_later(gate, until) -> None:
    north = gate(ttl_ms=200)
    north.controller.mute = True
    north.show((face(), unit(0)), frames=10)
    until(lambda: north.events("face_refused"))
    assert north.events("face_refused")[0].reason == "no_answer"
    # On a busy machine the command may reach the controller when its life is over.
    until(lambda: north.controller.accepted or north.controller.refused)
    north.controller.mute = False
    north.show((face(), unit(0)), frames=20)
    assert len(north.controller.accepted) + len(north.controller.refused) == 1


def test_a_face_that_was_seen_before_the_edge_stood_still_opens_nothing(gate) -> None:
    north = gate()
    north.show((face(), unit(0)), frames=10, age_s=60)
    assert [event.reason for event in north.events("face_refused")] == ["too_late"]
    assert not north.controller.accepted


def test_a_picture_from_before_the_edge_stood_still_is_passed_over(gate) -> None:
    north = gate()
    loop, now = north.service._frame_loop, north.service._clock.monotonic()
    old, new = (SimpleNamespace(take_newest=lambda _timeout, at=at: frame(0, at)) for at in (now - 60, now))
    assert not loop.process_next(old, 0.1)
    assert loop.frames_seen == 0
    assert loop.process_next(new, 0.1)


def test_an_acknowledgement_by_somebody_else_counts_for_nothing(gate, until) -> None:
    north = gate(ttl_ms=200, keys={})
    north.show((face(), unit(0)))
    until(lambda: north.events("face_refused"))
    assert north.events("face_refused")[0].reason == "no_answer"


def test_after_the_controller_restarted_commands_carry_its_new_boot(gate, until) -> None:
    north = gate()
    north.controller.restart()
    until(lambda: north.service._commands.boot_id == north.controller.boot_id)
    north.show((face(), unit(0)))
    until(lambda: north.controller.accepted)
    assert not north.controller.refused


def test_a_controller_that_is_gone_is_not_asked(gate, until) -> None:
    north = gate()
    north.controller.say_present(ProcessStatus.OFFLINE)
    until(lambda: north.service._commands.controller is ProcessStatus.OFFLINE)
    north.show((face(), unit(0)), frames=10)
    assert [event.reason for event in north.events("face_refused")] == ["controller_offline"]
    assert not north.controller.accepted


def test_without_a_broker_at_the_start_nothing_opens_late(make_broker, gate, broker, until) -> None:
    broker.stop()
    north = gate(wait=False)
    north.show((face(), unit(0)), frames=10)
    assert [event.reason for event in north.events("face_refused")] == ["no_broker"]
    broker.start()
    until(lambda: north.service._commands.boot_id is not None)
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
    until(lambda: north.bus.connected and north.service._commands.boot_id is not None)
    time.sleep(0.5)
    assert north.controller.accepted == []
    assert [event.reason for event in north.events("face_refused")] == ["no_broker"]
    sender = OutboxSender(north.outbox, north.bus, mark_late=mark_historical)
    assert sender.send_pending() >= 1
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
    engine = north.service._frame_loop._recogniser._detector
    monkeypatch.setattr(engine, "find", lambda _: 1 / 0)
    north.show((face(), unit(0)))
    assert north.service._frame_loop._metrics.frames_failed._value.get() == 5
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


def test_health_names_camera_directory_and_controller(gate, until, connect, broker) -> None:
    north = gate()
    until(lambda: north.service._commands.controller is ProcessStatus.ONLINE)
    figures = north.service._health.figures()
    assert figures["people"] == 2
    assert (figures["model"], figures["models"], figures["models_runnable"]) == ("staged-1", "staged-1: 2", "staged-1")
    assert figures["models_missing"] is None
    metric = north.service._health._metrics.people_by_model.labels("staged-1")
    assert metric._value.get() == 2
    assert (figures["directory_revision"], figures["model_mismatch"]) == (1, None)
    assert figures["controller"] == "online"
    assert figures["camera"] in {"connecting", "running", "ended"}
    assert figures["view"] == "good"
    assert figures["looked_at_per_second"] >= 0
    assert figures["liveness_by"] == "cues_alone"


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


def test_a_file_of_the_edge_that_cannot_be_written_is_told_and_stops_nothing(gate, until) -> None:
    north = gate()
    north.service._commands._client._signer._nonces._connection.execute("PRAGMA query_only = ON")
    north.show((face(), unit(0)))
    until(lambda: north.controller.accepted)
    until(lambda: north.events("storage_fault"))
    assert [(fault.reason, fault.details["file"]) for fault in north.events("storage_fault")] == [
        ("kept_in_memory", "nonces.db")
    ]


def test_an_edge_that_lives_contradicts_a_will_that_came_late_and_says_now_and_then_that_it_is_there(
    gate, until, connect, broker
) -> None:
    north, heard = gate(), list[Availability]()
    ear = connect(broker, "ear")
    ear.subscribe(
        TOPICS.edge_availability, lambda _topic, payload, _retained: heard.append(Availability.decode(payload))
    )
    until(lambda: heard)
    late = Availability(gate="north", status=ProcessStatus.OFFLINE, boot_id=UUID(int=5))
    ear.publish(TOPICS.edge_availability, late.encode(), retain=True, wait_s=PATIENCE_S)
    until(lambda: late in heard and heard[-1].status is ProcessStatus.ONLINE)
    said = len(heard)
    north.service._here_at -= 31
    until(lambda: len(heard) > said)
    assert heard[-1].status is ProcessStatus.ONLINE


def test_an_edge_whose_recording_has_ended_rests(gate, until) -> None:
    edge, turns = gate(wait=False), Counter()
    until(lambda: edge.service.camera.status is FeedStatus.ENDED)
    edge.service.on_frame_turn = lambda: turns.update(["frames"])
    edge.service.on_tick = lambda: turns.update(["housekeeping"])
    until(lambda: turns["housekeeping"] > 10)
    assert turns["frames"] < 5 * turns["housekeeping"]


def test_a_frame_loop_that_hangs_turns_no_more_while_the_housekeeping_does(gate, until) -> None:
    edge, turns, held, let_go = gate(wait=False), Counter(), threading.Event(), threading.Event()
    edge.service.on_frame_turn = lambda: turns.update(["frames"])
    edge.service.on_tick = lambda: turns.update(["housekeeping"])
    until(lambda: turns["frames"] > 1)

    def hang(*_arguments: object) -> None:
        held.set()
        let_go.wait()

    edge.service._frame_loop.process_next = hang
    held.wait()
    frames, ticks = turns["frames"], turns["housekeeping"]
    until(lambda: turns["housekeeping"] > ticks + 2)
    assert turns["frames"] == frames
    let_go.set()
    until(lambda: turns["frames"] > frames)
