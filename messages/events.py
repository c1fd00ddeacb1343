"""What happened at a gate, and what wants an answer."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from messages.commands import Method
from messages.wire import Code, Message, Moment, Name


class EventKind(StrEnum):
    """The kinds this version emits. On the wire a kind is open: readers pass unknown ones on."""

    CONTROLLER_STARTED = "controller_started"
    CONTROLLER_STOPPED = "controller_stopped"

    ACCESS_GRANTED = "access_granted"
    ACCESS_DENIED = "access_denied"
    GRANT_RENEWED = "grant_renewed"
    """Somebody whose grant waits for its passage, or who has just passed on it, showed themselves again."""
    PASSED = "passed"
    """The door was opened on a grant."""
    NOT_TAKEN = "not_taken"
    """Granted, and the door was not opened in time."""
    CLOSED = "closed"
    """The door closed after a passage."""
    RELOCKED = "relocked"
    """The time of a grant is over, and nobody can say whether it was taken (no contact, or the door stood open)."""
    DOOR_HELD = "door_held"
    DOOR_HELD_ENDED = "door_held_ended"
    DOOR_FORCED = "door_forced"
    DOOR_FORCED_ENDED = "door_forced_ended"
    EXIT_REQUESTED = "exit_requested"
    EXIT_REFUSED = "exit_refused"
    """The exit button was pressed in a lockdown that closes the way out too."""
    HELD_OPEN = "held_open"
    ALWAYS_CLOSED = "always_closed"
    LOCKDOWN = "lockdown"
    RELEASED = "released"
    FIRE_OPENED = "fire_opened"
    FIRE_RESTORED = "fire_restored"
    TAMPER = "tamper"
    TAMPER_ENDED = "tamper_ended"
    DOOR_FAULT = "door_fault"
    """The relay does not obey."""
    DOOR_FAULT_ENDED = "door_fault_ended"
    WIRE_FAULT = "wire_fault"
    """A supervised wire is cut or shorted, or the reader or the board on it is gone: `details.wire` says which."""
    WIRE_RESTORED = "wire_restored"
    TAILGATED = "tailgated"
    """A second passage through a turnstile on one grant."""
    REVERSE_PASSAGE = "reverse_passage"
    """A passage through a turnstile against its direction."""
    PASSAGE_FORCED = "passage_forced"
    """A passage through a turnstile without any grant."""

    READING_UNREADABLE = "reading_unreadable"
    """A reader sent something that is no card and no code: `details.form` says how it came, never what it was."""
    READINGS_DROPPED = "readings_dropped"
    """Cards and keys that may be old were not looked at: `details.number` says how many."""
    COMMAND_REFUSED = "command_refused"
    CLOCK_UNSURE = "clock_unsure"
    """The wall clock cannot be trusted: it runs behind what was seen before."""
    CLOCK_RESTORED = "clock_restored"
    """The server vouched for the clock: a time that was remembered from a wrong clock was given up."""
    CLONED_CARD = "cloned_card"
    """Another controller, or another edge (`reason`), answers for this gate too."""
    STORAGE_FAULT = "storage_fault"
    """A file could not be used: it was set aside, or is kept elsewhere until the next start (`reason`)."""
    EVENTS_LOST = "events_lost"
    """The outbox was full, and old events had to go."""

    FACE_GRANTED = "face_granted"
    """A face was let in; `latency_ms` is from the frame that settled the vote to the relay (or the acknowledgement)."""
    FACE_REFUSED = "face_refused"
    """Seen by the edge; no grant was asked for, or none was given."""
    SPOOF = "spoof"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    CAMERA_IMPAIRED = "camera_impaired"
    """The view is covered, frozen, out of focus, or not the one it was: `reason`."""
    CAMERA_CLEAR = "camera_clear"
    MODEL_MISMATCH = "model_mismatch"
    """The directory's templates are of another model; nobody is matched until that is mended."""


class Detail(StrEnum):
    """The details of an event by which whoever receives it decides."""

    CODE_SECOND = "code_second"
    """Of whoever was let in or refused by a virtual card's code: the Unix second of the code."""


class Event(Message):
    """One thing that happened. Delivered at least once: `id` tells copies apart."""

    id: UUID
    """UUIDv7, made when it happened."""
    gate: Name
    at: Moment
    """When it happened by the gate's own clock, however late it arrives."""
    kind: Code
    source: Code = "controller"
    """`controller` or `edge`."""
    person_id: UUID | None = None
    method: Method | None = None
    granted: bool | None = None
    reason: Code | None = None
    latency_ms: float | None = None
    """From the first sign (tap, frame, command) to the relay."""
    historical: bool = False
    """Sent late: it is part of the past and must not overwrite what is shown as live."""
    command_id: UUID | None = None
    tap_id: UUID | None = None
    details: Annotated[dict[Code, float | str | bool | None], Field(default_factory=dict, max_length=32)]


def mark_historical(payload: bytes) -> bytes:
    """Return the bytes of an event marked as one of the past.

    Raises:
        MalformedMessageError: the bytes are no event.
    """
    return Event.decode(payload).model_copy(update={"historical": True}).encode()


class Tap(Message):
    """A card was presented. The number itself never travels: only its digest under the site's credential key."""

    id: UUID
    gate: Name
    at: Moment
    boot_id: UUID
    credential_kind: Code = "card"
    """`card`, `code` (a visitor's) or `virtual` (a virtual card, whose signed code the controller has verified)."""
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """HMAC-SHA256 in lower-case hexadecimal."""
    authenticated: bool = False
    """The card proved its key to the reader; otherwise it only told its UID."""


class DirectoryHint(Message):
    """The server has a newer directory for this gate; the gate fetches it over HTTP."""

    gate: Name
    revision: Annotated[int, Field(ge=0)]


class PresenceHint(Message):
    """Somebody passed a gate of the same zone; a gate whose rules look back asks the server over HTTP."""

    gate: Name
    revision: Annotated[int, Field(ge=0)]


class UsedCode(Message):
    """A virtual card's code opened another gate: this gate must not take it any more."""

    gate: Name
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the card, as in a tap."""
    second: Annotated[int, Field(ge=0)]
    """The Unix second of the code; those of earlier seconds are used up with it."""


MOST_RECEIPTS = 300
"""Ids in one message; so many fit within the size of a payload."""


class Receipt(Message):
    """The server has these events on disk, or knows that it can never read them: the gate may forget them."""

    gate: Name
    ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_RECEIPTS)]
