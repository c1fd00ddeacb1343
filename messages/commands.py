"""What a controller can be asked, and what it answers."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from messages.wire import Code, Message, Moment, Name, Sender

MAX_TTL_MS = 10_000
"""No command lives longer: what has not reached the door by then has lost its reason."""

MAX_NONCE = 2**53 - 1
"""Nonces stay exact in every JSON reader."""


class Action(StrEnum):
    """What the door is asked to do."""

    OPEN = "open"
    """Let one person pass, once."""
    DENY = "deny"
    """Answer a card tap with no, so that the controller does not decide it alone."""
    HOLD = "hold"
    """Hold the door open until released."""
    LOCK = "lock"
    """Keep the door closed to everyone until released; the way out stays free."""
    LOCKDOWN = "lockdown"
    """Keep the door closed to everyone until released; hold and lock cannot end it. Fire still opens the door."""
    RELEASE = "release"
    """End hold, lock or lockdown; go by the rules again."""


class Method(StrEnum):
    """How the person was known."""

    FACE = "face"
    CARD = "card"
    CODE = "code"
    STAFF = "staff"


class Refusal(StrEnum):
    """Why a controller did not carry out a command. The first group is about trust, the second about the door.

    On the wire a refusal is open: readers pass unknown ones on.
    """

    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    UNKNOWN_SENDER = "unknown_sender"
    BAD_SIGNATURE = "bad_signature"
    RETAINED = "retained"
    WRONG_GATE = "wrong_gate"
    WRONG_BOOT = "wrong_boot"
    STALE = "stale"
    REPLAYED = "replayed"
    CLOCK_UNSURE = "clock_unsure"
    NOT_PERMITTED = "not_permitted"

    TOO_LATE = "too_late"
    """The tap this command answers has had its one outcome already, or recording it took so long that nobody waits."""
    DOOR_CLOSED = "door_closed"
    """Staff or the schedule keep the door closed, or it is in lockdown."""
    INTERLOCKED = "interlocked"
    """The other door of the pair (a sluice, a vestibule) is not closed and locked."""
    TURNSTILE_BUSY = "turnstile_busy"
    """Too many people have a grant for this turnstile already and have not passed."""
    DOOR_FAULT = "door_fault"
    """The relay does not work."""


class NotSent(StrEnum):
    """Why a command was not even sent. Nothing is kept for later."""

    NO_BROKER = "no_broker"
    CONTROLLER_UNKNOWN = "controller_unknown"
    """Its boot is not known, so no command can be made for it."""
    CONTROLLER_OFFLINE = "controller_offline"
    TOO_LATE = "too_late"
    """What the command follows from happened too long ago, or is not wanted any more."""


class CommandEffect(StrEnum):
    """What became of a command at one gate."""

    DONE = "done"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    """It may have been carried out or not, and will not be any more; look at the gate's state."""
    UNREACHABLE = "unreachable"
    """Nothing was sent: the gate or the broker is not there. Nothing is kept for later."""
    EXPIRED = "expired"
    """Nothing was sent: it was asked for too long ago, or was cancelled meanwhile."""


class Command(Message):
    """One command to one gate. It counts only inside a signature (`Signer.issue`)."""

    id: UUID
    sender: Sender
    gate: Name
    action: Action
    method: Method
    reason: Code
    """Why: a reason code of the decision (`granted`), or `staff`."""
    nonce: Annotated[int, Field(ge=0, le=MAX_NONCE)]
    """Larger than every earlier one of this sender."""
    issued_at: Moment
    ttl_ms: Annotated[int, Field(ge=1, le=MAX_TTL_MS)]
    boot_id: UUID
    """The boot id in the controller's retained state: a command made before a restart is void after it."""
    person_id: UUID | None = None
    tap_id: UUID | None = None
    """The tap this command answers."""
    extended: bool = False
    """The person needs the longer opening time."""
    notices: Annotated[tuple[Code, ...], Field(max_length=8)] = ()
    """What somebody must hear about this grant, such as `late_return`; the event of the grant carries it on."""

    @model_validator(mode="after")
    def _a_denial_answers_a_tap(self) -> Self:
        if self.action is Action.DENY and self.tap_id is None:
            raise ValueError("a denial names the tap it answers")
        return self


class Ack(Message):
    """The controller's answer to one command, also to one it refused. Signed by the controller."""

    command_id: UUID | None
    """None when the bytes held no command that could be read."""
    gate: Name
    accepted: bool
    refusal: Annotated[Refusal | Code, Field(union_mode="left_to_right")] | None = None
    """Why not; a code of a later version stays a plain string."""
    boot_id: UUID
    at: Moment
    received_ns: int | None = None
    """The controller's monotonic clock when the command arrived (Linux: CLOCK_MONOTONIC, shared on one machine)."""
    energised_ns: int | None = None
    """The same clock when the relay had been energised; None when this command did not energise it."""

    @model_validator(mode="after")
    def _a_refusal_has_its_code(self) -> Self:
        if self.accepted != (self.refusal is None):
            raise ValueError("an acknowledgement is either accepted or carries a refusal")
        return self
