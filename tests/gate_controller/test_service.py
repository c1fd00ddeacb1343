"""The controller on a real broker: commands, refusals, wires, outages and restarts."""

import json
import threading
from datetime import timedelta
from uuid import uuid4

import pytest

from messages import (
    Action,
    DirectoryHint,
    DoorStatus,
    EventKind,
    ProcessStatus,
    Receipt,
    Refusal,
)
from tests.waiting import PATIENCE_S, until

ACTIVE_CARD = "04A31B72"


def test_an_open_command_opens_the_door_and_is_acknowledged(gate, operator) -> None:
    person_id = uuid4()
    ack = operator.ask(Action.OPEN, sender="edge:north", person_id=person_id)
    assert ack.accepted
    assert ack.received_ns <= ack.energised_ns
    assert gate.relay.energised
    state = operator.state(DoorStatus.GRANTED)
    assert (state.unlocked, state.door_open, state.boot_id) == (True, False, gate.controller.boot_id)
    event = operator.event(EventKind.ACCESS_GRANTED)
    assert (event.person_id, event.granted, event.command_id, event.historical) == (
        person_id,
        True,
        ack.command_id,
        False,
    )
    assert event.latency_ms >= 0


def test_a_passage_is_told_step_by_step(gate, operator) -> None:
    operator.ask(Action.OPEN)
    gate.contact.set(True)
    operator.state(DoorStatus.OPEN)
    assert not gate.relay.energised
    gate.contact.set(False)
    operator.state(DoorStatus.LOCKED)
    operator.event(EventKind.CLOSED)
    assert operator.kinds == ["controller_started", "access_granted", "passed", "closed"]


def test_nothing_moves_at_start(gate, operator) -> None:
    assert gate.relay.history == []


def refused(gate, operator, payload: bytes, refusal: Refusal) -> None:
    """The payload is refused with this code, acknowledged with a signature, recorded, and the relay rests."""
    before = len(gate.relay.history)
    operator.send(payload)
    operator.until(lambda: operator.acks and operator.acks[-1].refusal is refusal)
    operator.until(lambda: any(e.kind == "command_refused" and e.reason == refusal for e in operator.events))
    assert len(gate.relay.history) == before


def test_a_replayed_command_is_refused(gate, operator) -> None:
    signed = operator.sign(Action.OPEN)
    operator.send(signed.payload)
    operator.state(DoorStatus.GRANTED)
    refused(gate, operator, signed.payload, Refusal.REPLAYED)


def test_a_stale_command_is_refused(gate, operator) -> None:
    signed = operator.sign(Action.OPEN)
    gate.clock.offset = timedelta(seconds=11)
    refused(gate, operator, signed.payload, Refusal.STALE)


def test_an_unsigned_command_is_refused(gate, operator) -> None:
    refused(gate, operator, operator.sign(Action.OPEN).command.encode(), Refusal.UNSIGNED)


def test_a_command_with_a_bad_signature_is_refused(gate, operator) -> None:
    envelope = json.loads(operator.sign(Action.LOCK).payload)
    envelope["body"] = envelope["body"].replace('"lock"', '"open"')
    refused(gate, operator, json.dumps(envelope).encode(), Refusal.BAD_SIGNATURE)


def test_a_command_for_another_gate_is_refused(gate, operator) -> None:
    refused(gate, operator, operator.sign(Action.OPEN, gate="south").payload, Refusal.WRONG_GATE)


def test_a_command_of_another_boot_is_refused(gate, operator) -> None:
    refused(gate, operator, operator.sign(Action.OPEN, boot_id=uuid4()).payload, Refusal.WRONG_BOOT)


def test_an_edge_cannot_hold_the_door(gate, operator) -> None:
    refused(gate, operator, operator.sign(Action.HOLD, sender="edge:north").payload, Refusal.NOT_PERMITTED)


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"{}", b"null", b'{"body": 1}', b"x" * 100_000])
def test_garbage_is_refused_and_the_door_goes_on(gate, operator, payload: bytes) -> None:
    refused(gate, operator, payload, Refusal.MALFORMED)
    assert operator.ask(Action.OPEN).accepted


def test_a_retained_command_is_refused(bench, operator) -> None:
    bench.start()
    operator.state(DoorStatus.LOCKED)
    signed = operator.sign(Action.OPEN)
    bench.controller.bus.stop()
    operator.send(signed.payload, retain=True)
    bench.controller.bus.start()
    operator.until(lambda: any(ack.refusal is Refusal.RETAINED for ack in operator.acks))
    assert bench.relay.history == []


def test_a_command_sent_during_an_outage_never_opens_the_door(gate, operator) -> None:
    """The accident this is named for: after an MQTT reconnection the last match came back and unlocked a front door."""
    opened = operator.sign(Action.OPEN, sender="edge:north")
    operator.send(opened.payload)
    operator.state(DoorStatus.GRANTED)
    gate.contact.set(True)
    gate.contact.set(False)
    operator.state(DoorStatus.LOCKED)
    unheard = operator.sign(Action.OPEN, sender="edge:north")
    movements = len(gate.relay.history)

    gate.broker.stop()
    until(lambda: not operator.connection.connected and not gate.controller.bus.connected)
    with pytest.raises(Exception, match="no connection"):
        operator.send(unheard.payload)
    gate.broker.start()
    gate.controller.bus.wait_connected(PATIENCE_S)
    operator.connection.wait_connected(PATIENCE_S)

    # Whatever a client or a broker brings back now is refused, and the door still obeys what is new.
    operator.send(opened.payload)
    operator.until(lambda: operator.acks[-1].refusal is Refusal.REPLAYED)
    assert len(gate.relay.history) == movements
    assert operator.states[-1].state is DoorStatus.LOCKED
    assert operator.ask(Action.OPEN, sender="edge:north").accepted


def test_a_command_spent_before_a_power_cut_stays_spent(bench, operator) -> None:
    bench.start()
    operator.state(DoorStatus.LOCKED)
    signed = operator.sign(Action.OPEN)
    operator.send(signed.payload)
    operator.state(DoorStatus.GRANTED)
    bench.power_cut()
    before = len(bench.relay.history)
    bench.start()
    operator.until(lambda: operator.states[-1].boot_id == bench.controller.boot_id)
    operator.send(signed.payload)
    operator.until(lambda: operator.acks and operator.acks[-1].refusal is Refusal.WRONG_BOOT)
    same_nonce = signed.command.model_copy(update={"boot_id": bench.controller.boot_id, "id": uuid4()})
    operator.send(operator._signers["operations"].sign(same_nonce))
    operator.until(lambda: operator.acks[-1].refusal is Refusal.REPLAYED)
    assert len(bench.relay.history) == before


def test_the_last_will_says_that_the_controller_is_lost(bench, operator) -> None:
    bench.start()
    operator.until(lambda: operator.availability and operator.availability[-1][0].status is ProcessStatus.ONLINE)
    bench.power_cut()
    operator.until(lambda: operator.availability[-1][0].status is ProcessStatus.OFFLINE)


def test_a_clean_stop_says_so(bench, operator) -> None:
    bench.start()
    operator.state(DoorStatus.LOCKED)
    bench.controller.stop()
    bench.controller = None
    operator.until(lambda: operator.availability[-1][0].status is ProcessStatus.STOPPED)
    operator.event(EventKind.CONTROLLER_STOPPED)
    assert ProcessStatus.OFFLINE not in [message.status for message, _ in operator.availability]


def test_state_and_availability_are_retained_and_said_again_after_an_outage(gate, operator, connect) -> None:
    gate.broker.stop()
    gate.broker.start()
    gate.controller.bus.wait_connected(PATIENCE_S)
    until(lambda: operator.connection.connections == 2 and len(operator.states) > 1)
    heard = threading.Event()
    late = connect(gate.broker, "late")
    for topic in ("state", "availability"):
        heard.clear()
        late.subscribe(
            f"campusgate/main/gates/north/{topic}", lambda _topic, _payload, retained: heard.set() if retained else None
        )
        assert heard.wait(PATIENCE_S), topic


def recorded(gate, kind: EventKind) -> None:
    """Wait until an event of this kind waits on disk."""
    until(lambda: any(f'"{kind}"'.encode() in entry.payload for entry in gate.controller._storage.outbox.pending()))


def test_events_of_an_outage_arrive_later_once_and_in_order(gate, operator) -> None:
    gate.controller.bus.stop()
    gate.contact.set(True)
    gate.contact.set(False)
    recorded(gate, EventKind.DOOR_FORCED_ENDED)
    gate.clock.offset = timedelta(minutes=5)
    gate.controller.bus.start()
    forced, ended = operator.event(EventKind.DOOR_FORCED), operator.event(EventKind.DOOR_FORCED_ENDED)
    assert forced.at <= ended.at
    assert forced.historical
    assert operator.kinds.index("door_forced") < operator.kinds.index("door_forced_ended")
    assert len(set(operator.kinds)) == len(operator.kinds)


def test_events_survive_a_power_cut(bench, operator) -> None:
    bench.broker.stop()
    bench.start()
    bench.contact.set(True)
    bench.contact.set(False)
    recorded(bench, EventKind.DOOR_FORCED_ENDED)
    bench.power_cut()
    bench.broker.start()
    until(lambda: operator.connection.connections == 2 and operator.connection.connected)
    bench.start()
    operator.event(EventKind.DOOR_FORCED_ENDED)
    assert operator.kinds[:3] == ["controller_started", "door_forced", "door_forced_ended"]


def test_events_stay_on_disk_until_the_server_has_them(gate, operator) -> None:
    outbox = gate.controller._storage.outbox
    operator.ask(Action.LOCK)
    event = operator.event(EventKind.ALWAYS_CLOSED)
    assert event.id in {entry.id for entry in outbox.pending()}
    receipt = Receipt(gate="north", ids=tuple(entry.id for entry in outbox.pending()))
    operator.connection.publish("campusgate/main/gates/north/receipts", b"nonsense", wait_s=PATIENCE_S)
    operator.connection.publish("campusgate/main/gates/north/receipts", receipt.encode(), wait_s=PATIENCE_S)
    until(lambda: len(outbox) == 0)


def test_staff_hold_lock_and_release(gate, operator) -> None:
    assert operator.ask(Action.HOLD).accepted
    assert operator.state(DoorStatus.HELD_OPEN).unlocked
    assert operator.ask(Action.LOCK).accepted
    assert not operator.state(DoorStatus.ALWAYS_CLOSED).unlocked
    assert operator.ask(Action.OPEN).refusal is Refusal.DOOR_CLOSED
    assert operator.ask(Action.RELEASE).accepted
    operator.state(DoorStatus.LOCKED)
    assert gate.relay.history == [True, False]


def test_an_order_to_close_outlives_a_power_cut_and_an_open_door_does_not(bench, operator) -> None:
    bench.start()
    operator.state(DoorStatus.LOCKED)
    for order, after in ((Action.LOCKDOWN, DoorStatus.LOCKDOWN), (Action.HOLD, DoorStatus.LOCKED)):
        assert operator.ask(order).accepted
        bench.power_cut()
        bench.start()
        operator.until(lambda: operator.states[-1].boot_id == bench.controller.boot_id)
        operator.state(after)
        operator.ask(Action.RELEASE)


def test_fire_opens_without_any_broker(bench) -> None:
    bench.broker.stop()
    bench.start()
    moved = threading.Event()
    bench.relay._on_change = lambda _on: moved.set()
    bench.fire.set(True)
    assert moved.wait(PATIENCE_S)
    assert bench.relay.energised


def test_a_fire_that_burns_at_start_opens_at_once(bench, operator) -> None:
    bench.fire.set(True)
    bench.start()
    assert operator.state(DoorStatus.FIRE_OPEN).fire


def test_exit_button_and_tamper_switch(gate, operator) -> None:
    gate.exit_button.set(True)
    gate.exit_button.set(False)
    operator.event(EventKind.EXIT_REQUESTED)
    gate.tamper.set(True)
    operator.event(EventKind.TAMPER)
    operator.until(lambda: operator.states[-1].tamper)


def test_a_broken_relay_is_told_and_its_grant_does_not_come_back(gate, operator) -> None:
    gate.relay.broken = True
    assert operator.ask(Action.OPEN).refusal is Refusal.DOOR_FAULT
    operator.event(EventKind.DOOR_FAULT)
    gate.relay.broken = False
    assert operator.ask(Action.LOCK).accepted
    assert gate.relay.history == []


def test_a_clock_that_runs_behind_is_told_and_grants_are_refused(gate, operator) -> None:
    operator.ask(Action.LOCK)
    operator.ask(Action.RELEASE)
    gate.clock.offset = timedelta(days=-30)
    assert operator.ask(Action.OPEN).refusal is Refusal.CLOCK_UNSURE
    assert operator.event(EventKind.CLOCK_UNSURE).details["behind_s"] > 86_400
    assert operator.ask(Action.LOCK).accepted
    assert not operator.state(DoorStatus.ALWAYS_CLOSED).clock_sure


def test_nonces_that_cannot_be_written_are_kept_in_memory_and_that_is_told(gate, operator) -> None:
    """A command is good for one boot alone, so what this process remembers keeps it from being replayed."""
    gate.controller._storage.nonces._connection.execute("PRAGMA query_only = ON")
    signed = operator.sign(Action.OPEN)
    operator.send(signed.payload)
    assert operator.answer(signed).accepted
    fault = operator.event(EventKind.STORAGE_FAULT)
    assert (fault.reason, fault.details) == ("kept_in_memory", {"file": "nonces.db", "lost": ""})
    refused(gate, operator, signed.payload, Refusal.REPLAYED)
    assert operator.ask(Action.LOCK).accepted
    assert operator.kinds.count("storage_fault") == 1


@pytest.mark.parametrize("file", ["outbox", "memory"])
def test_another_file_that_cannot_be_written_is_told_and_stops_nothing(gate, operator, file: str) -> None:
    getattr(gate.controller._storage, file)._connection.execute("PRAGMA query_only = ON")
    assert operator.ask(Action.LOCK).accepted
    assert operator.event(EventKind.STORAGE_FAULT).details["file"] == f"{file}.db"
    assert operator.ask(Action.RELEASE).accepted
    assert operator.ask(Action.OPEN).accepted


def slow_disk(gate, monkeypatch, seconds: int) -> list[bool]:
    """From now on each event takes so long to write; returns whether the relay was energised when one began."""
    outbox, energised = gate.controller._storage.outbox, []
    put = outbox.put

    def slowly(*arguments, **options) -> None:
        energised.append(gate.relay.energised)
        gate.clock.advance(seconds)
        put(*arguments, **options)

    monkeypatch.setattr(outbox, "put", slowly)
    return energised


@pytest.mark.parametrize("action", [Action.OPEN, Action.HOLD])
def test_what_a_slow_disk_held_up_opens_nothing_any_more(gate, operator, monkeypatch, action: Action) -> None:
    slow_disk(gate, monkeypatch, seconds=60)
    assert operator.ask(action).refusal is Refusal.TOO_LATE
    assert gate.relay.history == []
    assert operator.event(EventKind.ACCESS_DENIED).reason == "too_late"
    assert operator.states[-1].state is DoorStatus.LOCKED
    monkeypatch.undo()
    assert operator.ask(action, now=gate.clock.now()).accepted


def test_a_card_that_a_slow_disk_held_up_opens_nothing_any_more(bench, directory, operator, monkeypatch) -> None:
    bench.start()
    slow_disk(bench, monkeypatch, seconds=60)
    outcome = bench.reader.present(ACTIVE_CARD).get(timeout=PATIENCE_S)
    assert (outcome.granted, outcome.reason) == (False, "too_late")
    assert bench.relay.history == []


@pytest.mark.parametrize("wire", ["fire", "exit_button"])
def test_whoever_has_to_get_out_waits_for_no_disk(gate, monkeypatch, wire: str) -> None:
    energised = slow_disk(gate, monkeypatch, seconds=1)
    getattr(gate, wire).set(True)
    until(lambda: energised)
    assert energised[0]


def test_a_hint_wakes_the_synchronisation(gate, operator) -> None:
    operator.connection.publish("campusgate/main/gates/north/directory", b"nonsense", wait_s=PATIENCE_S)
    hint = DirectoryHint(gate="north", revision=7).encode()
    operator.connection.publish("campusgate/main/gates/north/directory", hint, wait_s=PATIENCE_S)
    until(lambda: gate.hints)
    assert gate.hints == [7]
