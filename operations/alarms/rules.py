"""What raises an alarm, what ends it, and when it is closed. Pure: times and states come in as arguments.

A gate has at most one open alarm of a kind; what happens again is counted. A *latching* alarm stays open until somebody
acknowledged it, even when its cause is over: a door that was forced and closed again must still be looked at. The
others close by themselves when the cause is over, so that a flapping network leaves no pile behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from access.reasons import Notice
from messages import Event, EventKind

EVERYWHERE = "-"
"""Stands in place of a gate for what concerns the whole site; no gate can have this name."""


class Severity(StrEnum):
    """How soon somebody must look."""

    CRITICAL = "critical"
    """Somebody may be in danger, or in a place without leave: at once."""
    MAJOR = "major"
    """A gate does not do its work."""
    MINOR = "minor"
    """It still does, and will not for long."""


class AlarmKind(StrEnum):
    """The kinds of alarms."""

    FIRE = "fire"
    FORCED = "forced"
    TAMPER = "tamper"
    SPOOF = "spoof"
    """Something that is no living face was shown to the camera."""
    PASSAGE_FORCED = "passage_forced"
    TAILGATED = "tailgated"
    REVERSE_PASSAGE = "reverse_passage"
    HELD = "held"
    DOOR_FAULT = "door_fault"
    WIRE_FAULT = "wire_fault"
    """A supervised wire is cut or shorted: what it should report is not known."""
    LOST_CARD_USED = "lost_card_used"
    """A gate that had not heard of the loss let somebody in by a card that was reported lost."""
    CURFEW = "curfew"
    """Somebody came or went within the curfew: for the warden. The reason says which."""
    CONTROLLER_OFFLINE = "controller_offline"
    EDGE_OFFLINE = "edge_offline"
    CAMERA_LOST = "camera_lost"
    CAMERA_IMPAIRED = "camera_impaired"
    """Covered, frozen, out of focus, turned or replaced, or hung upside down; the reason says which."""
    MODEL_MISMATCH = "model_mismatch"
    """The directory's templates are of another model than the edge's: no face is known."""
    DIRECTORY_LAG = "directory_lag"
    DEVICE_CONTRADICTION = "device_contradiction"
    """A gate's device says it has a directory in force that cannot be; the reason says why."""
    MACHINE = "machine"
    """The gate computer is too hot, its disk is nearly full, or it lacks the weights of a face model that people need;
    the reason says which."""
    CLOCK_UNSURE = "clock_unsure"
    EVENTS_LOST = "events_lost"
    SERVER_CLOCK = "server_clock"
    """The server's clock is not where it should be: what erases or closes by age waits. The reason says how."""
    CLONED_CARD = "cloned_card"
    """Two controllers, or two edges, answer for one gate; the reason says which."""
    STORAGE_FAULT = "storage_fault"
    """A file of a controller or an edge could not be used and was set aside: what it held is not known there."""
    BOOKS_DIFFER = "books_differ"
    """What is stored does not follow from the journal, or a chain was changed: no day is closed."""
    TRAIL_NOT_COPIED = "trail_not_copied"
    """The copy of the audit trail cannot be written, or the trail does not go on where the copy ends."""
    METER_READER_LOST = "meter_reader_lost"
    """The device that reads meters sends nothing: no reading comes in, and no order goes out."""
    METER_LINE_DOWN = "meter_line_down"
    """A gateway of meters does not answer; the staff's page says which."""
    METERS_SILENT = "meters_silent"
    """Meters do not answer behind gateways that do; the staff's page says which."""
    CLONED_SHOWER = "cloned_shower"
    """Two controllers speak in the name of one shower: one has the other's key; the reason says which shower."""
    ROOMS_NOT_CHARGED = "rooms_not_charged"
    """The ledger refused charges of rooms, or charged days are no longer read; the day's reconciliation says which."""
    CHANNEL_MONEY = "channel_money"
    """A payment channel has money of which nobody knows whose it is: a refund that could not arrive, or an order that
    it does not speak of; the reason says which."""
    LIBRARY_SILENT = "library_silent"
    """The library's system has not said for ten minutes what became of a fine's payment: its money stays held."""
    CARD_DISPENSER_FAULT = "card_dispenser_fault"
    """A kiosk hands out no cards, or one was lost in it; the reason says where and why."""
    CARD_DISPENSER_LOW = "card_dispenser_low"
    """Few or no cards are left in a kiosk; the reason says in which."""
    CARD_BIN_FULL = "card_bin_full"
    """A kiosk has no room for the cards that it does not hand out, and hands out none; the reason says which."""
    STORAGE_FULL = "storage_full"
    """The server's database cannot be written."""
    BROKER_LOST = "broker_lost"
    """The server has no connection to the broker: it sees nothing, or can order nothing; the reason says which."""
    CONNECTION_CONTESTED = "connection_contested"
    """A connection of the server is ended again and again, as when another client takes its id at the broker."""


@dataclass(frozen=True, slots=True)
class AlarmBehaviour:
    """How alarms of a kind behave. One that does not `end` by itself is over when somebody acknowledges it."""

    severity: Severity
    latching: bool
    ends: bool = True


NATURE: Mapping[AlarmKind, AlarmBehaviour] = {
    AlarmKind.FIRE: AlarmBehaviour(Severity.CRITICAL, latching=True),
    AlarmKind.FORCED: AlarmBehaviour(Severity.CRITICAL, latching=True),
    AlarmKind.TAMPER: AlarmBehaviour(Severity.CRITICAL, latching=True),
    AlarmKind.SPOOF: AlarmBehaviour(Severity.CRITICAL, latching=True, ends=False),
    AlarmKind.PASSAGE_FORCED: AlarmBehaviour(Severity.CRITICAL, latching=True, ends=False),
    AlarmKind.TAILGATED: AlarmBehaviour(Severity.MAJOR, latching=True, ends=False),
    AlarmKind.REVERSE_PASSAGE: AlarmBehaviour(Severity.MAJOR, latching=True, ends=False),
    AlarmKind.HELD: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.DOOR_FAULT: AlarmBehaviour(Severity.MAJOR, latching=True),
    # A gate has several wires: while one is mended another may be broken, so somebody must look.
    AlarmKind.WIRE_FAULT: AlarmBehaviour(Severity.MAJOR, latching=True),
    AlarmKind.LOST_CARD_USED: AlarmBehaviour(Severity.CRITICAL, latching=True, ends=False),
    AlarmKind.CURFEW: AlarmBehaviour(Severity.MINOR, latching=True, ends=False),
    AlarmKind.CONTROLLER_OFFLINE: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.EDGE_OFFLINE: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.CAMERA_LOST: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.CAMERA_IMPAIRED: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.MODEL_MISMATCH: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.DIRECTORY_LAG: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.DEVICE_CONTRADICTION: AlarmBehaviour(Severity.MAJOR, latching=True),
    AlarmKind.MACHINE: AlarmBehaviour(Severity.MINOR, latching=False),
    AlarmKind.CLOCK_UNSURE: AlarmBehaviour(Severity.MINOR, latching=False),
    AlarmKind.EVENTS_LOST: AlarmBehaviour(Severity.MINOR, latching=True, ends=False),
    AlarmKind.SERVER_CLOCK: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.CLONED_CARD: AlarmBehaviour(Severity.CRITICAL, latching=True),
    AlarmKind.STORAGE_FAULT: AlarmBehaviour(Severity.MAJOR, latching=True, ends=False),
    AlarmKind.BOOKS_DIFFER: AlarmBehaviour(Severity.CRITICAL, latching=True),
    AlarmKind.TRAIL_NOT_COPIED: AlarmBehaviour(Severity.MAJOR, latching=True),
    AlarmKind.METER_READER_LOST: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.METER_LINE_DOWN: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.METERS_SILENT: AlarmBehaviour(Severity.MINOR, latching=False),
    AlarmKind.CLONED_SHOWER: AlarmBehaviour(Severity.CRITICAL, latching=True),
    AlarmKind.ROOMS_NOT_CHARGED: AlarmBehaviour(Severity.MINOR, latching=False),
    AlarmKind.CHANNEL_MONEY: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.LIBRARY_SILENT: AlarmBehaviour(Severity.MINOR, latching=False),
    AlarmKind.CARD_DISPENSER_FAULT: AlarmBehaviour(Severity.MAJOR, latching=False),
    AlarmKind.CARD_DISPENSER_LOW: AlarmBehaviour(Severity.MINOR, latching=False),
    AlarmKind.CARD_BIN_FULL: AlarmBehaviour(Severity.MINOR, latching=False),
    AlarmKind.STORAGE_FULL: AlarmBehaviour(Severity.CRITICAL, latching=False),
    AlarmKind.BROKER_LOST: AlarmBehaviour(Severity.MAJOR, latching=False),
    # Somebody may be at work against the server: that it stopped for a minute is no reason not to look.
    AlarmKind.CONNECTION_CONTESTED: AlarmBehaviour(Severity.MAJOR, latching=True),
}

PICTURED = frozenset(
    {
        AlarmKind.FORCED,
        AlarmKind.TAMPER,
        AlarmKind.SPOOF,
        AlarmKind.PASSAGE_FORCED,
        AlarmKind.TAILGATED,
        AlarmKind.REVERSE_PASSAGE,
        AlarmKind.HELD,
    }
)
"""Of which a picture may be wanted: what somebody does at the gate without leave. Who comes late, or uses a card that
was lost, is known by name; a picture would add nothing but a picture."""

RAISED_BY: Mapping[str, AlarmKind] = {
    EventKind.FIRE_OPENED: AlarmKind.FIRE,
    EventKind.DOOR_FORCED: AlarmKind.FORCED,
    EventKind.TAMPER: AlarmKind.TAMPER,
    EventKind.SPOOF: AlarmKind.SPOOF,
    EventKind.DOOR_HELD: AlarmKind.HELD,
    EventKind.PASSAGE_FORCED: AlarmKind.PASSAGE_FORCED,
    EventKind.TAILGATED: AlarmKind.TAILGATED,
    EventKind.REVERSE_PASSAGE: AlarmKind.REVERSE_PASSAGE,
    EventKind.DOOR_FAULT: AlarmKind.DOOR_FAULT,
    EventKind.WIRE_FAULT: AlarmKind.WIRE_FAULT,
    EventKind.CAMERA_LOST: AlarmKind.CAMERA_LOST,
    EventKind.CAMERA_IMPAIRED: AlarmKind.CAMERA_IMPAIRED,
    EventKind.MODEL_MISMATCH: AlarmKind.MODEL_MISMATCH,
    EventKind.CLOCK_UNSURE: AlarmKind.CLOCK_UNSURE,
    EventKind.EVENTS_LOST: AlarmKind.EVENTS_LOST,
    EventKind.CLONED_CARD: AlarmKind.CLONED_CARD,
    EventKind.STORAGE_FAULT: AlarmKind.STORAGE_FAULT,
}
"""The kinds of events that raise an alarm."""

ENDED_BY: Mapping[str, AlarmKind] = {
    EventKind.FIRE_RESTORED: AlarmKind.FIRE,
    EventKind.DOOR_FORCED_ENDED: AlarmKind.FORCED,
    EventKind.TAMPER_ENDED: AlarmKind.TAMPER,
    EventKind.DOOR_HELD_ENDED: AlarmKind.HELD,
    EventKind.DOOR_FAULT_ENDED: AlarmKind.DOOR_FAULT,
    EventKind.WIRE_RESTORED: AlarmKind.WIRE_FAULT,
    EventKind.CLOCK_RESTORED: AlarmKind.CLOCK_UNSURE,
    EventKind.CAMERA_BACK: AlarmKind.CAMERA_LOST,
    EventKind.CAMERA_CLEAR: AlarmKind.CAMERA_IMPAIRED,
}
"""The kinds of events that end one."""

AFTER_LOSS = "after_loss_report"
"""Stands beside a grant by a card whose loss was reported by then; the server adds it."""

NOTED: Mapping[str, AlarmKind] = {
    AFTER_LOSS: AlarmKind.LOST_CARD_USED,
    Notice.LATE_RETURN: AlarmKind.CURFEW,
    Notice.LATE_EXIT: AlarmKind.CURFEW,
}
"""What stands beside a grant and raises an alarm, with the note as its reason."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A reason to raise an alarm, or the news that its cause is over."""

    gate: str
    kind: AlarmKind
    at: datetime
    raises: bool
    reason: str | None = None
    event_id: UUID | None = None
    historical: bool = False


def signals_of(event: Event) -> list[Signal]:
    """Return everything that `event` means for the alarms."""
    first = signal_of(event)
    noted = [
        Signal(event.gate, kind, event.at, raises=True, reason=note, event_id=event.id, historical=event.historical)
        for note, kind in NOTED.items()
        if event.details.get(note) is True
    ]
    return [*([first] if first is not None else ()), *noted]


def signal_of(event: Event) -> Signal | None:
    """Return what the kind of `event` means for the alarms, or None when it means nothing for them."""
    kind = RAISED_BY.get(event.kind) or ENDED_BY.get(event.kind)
    if kind is None:
        return None
    return Signal(
        event.gate,
        kind,
        event.at,
        raises=event.kind in RAISED_BY,
        reason=event.reason,
        event_id=event.id,
        historical=event.historical,
    )


@dataclass(frozen=True, slots=True)
class AlarmState:
    """What changes in the life of an alarm."""

    raised_at: datetime
    last_at: datetime
    """When it happened last."""
    count: int = 1
    reason: str | None = None
    event_id: UUID | None = None
    restored_at: datetime | None = None
    """When the cause was over."""
    acknowledged_at: datetime | None = None


def raised(state: AlarmState | None, signal: Signal) -> AlarmState:
    """Return the open alarm after a signal that raises: a new one, or the same counted up."""
    if state is None:
        return AlarmState(signal.at, signal.at, reason=signal.reason, event_id=signal.event_id)
    if signal.at < state.last_at:
        # A latecomer: it counts, and says nothing about now.
        return replace(state, count=state.count + 1, raised_at=min(state.raised_at, signal.at))
    over = state.restored_at if state.restored_at is not None and signal.at <= state.restored_at else None
    return replace(
        state,
        count=state.count + 1,
        last_at=signal.at,
        reason=signal.reason,
        event_id=signal.event_id or state.event_id,
        restored_at=over,
    )


def restored(state: AlarmState, at: datetime) -> AlarmState:
    """Return the alarm after its cause was over at `at`; an end before its last beginning belongs to an older one."""
    if at < state.last_at:
        return state
    return replace(state, restored_at=max(at, state.restored_at or at))


def is_closed(kind: AlarmKind, state: AlarmState) -> bool:
    """Tell whether nobody needs to see the alarm any more."""
    nature = NATURE[kind]
    acknowledged, over = state.acknowledged_at is not None, state.restored_at is not None
    if not nature.ends:
        return acknowledged
    return over and (acknowledged or not nature.latching)
