"""What can happen to a door or a turnstile (signals), and what came of it (events): values only."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from messages import EventKind, Method, Refusal


class BarrierMode(StrEnum):
    """What holds until further notice."""

    NORMAL = "normal"
    HELD_OPEN = "held_open"
    ALWAYS_CLOSED = "always_closed"
    LOCKDOWN = "lockdown"


class Authority(StrEnum):
    """Who orders a mode. Staff stand above the schedule."""

    STAFF = "staff"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Grant:
    """Somebody may pass once."""

    person_id: UUID | None = None
    method: Method | None = None
    reason: str = "granted"
    command_id: UUID | None = None
    tap_id: UUID | None = None
    extended: bool = False


@dataclass(frozen=True, slots=True)
class ModeOrdered:
    """Staff or schedule order a mode; NORMAL ends what the same authority ordered."""

    mode: BarrierMode
    by: Authority = Authority.STAFF
    command_id: UUID | None = None
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """The sensor says the door was opened or closed."""

    is_open: bool


@dataclass(frozen=True, slots=True)
class ExitRequested:
    """The exit button was pressed."""


@dataclass(frozen=True, slots=True)
class FireChanged:
    """The fire alarm's input went on or off."""

    active: bool


@dataclass(frozen=True, slots=True)
class TamperChanged:
    """The housing was opened, or a wire was cut; or all is well again."""

    active: bool


@dataclass(frozen=True, slots=True)
class InterlockChanged:
    """The other door of the pair is no longer closed and locked, or it is again."""

    blocked: bool


@dataclass(frozen=True, slots=True)
class PassageSensed:
    """A turnstile let somebody through: `forward` is the direction that needs a grant."""

    forward: bool = True


@dataclass(frozen=True, slots=True)
class WireChanged:
    """A supervised wire, or a device on one, is broken (`fault` says how) or well again (None)."""

    wire: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing but time."""


Signal = (
    Grant
    | ModeOrdered
    | ContactChanged
    | ExitRequested
    | FireChanged
    | TamperChanged
    | InterlockChanged
    | PassageSensed
    | WireChanged
    | TimePassed
)


@dataclass(frozen=True, slots=True)
class BarrierEvent:
    """The one thing that a signal made happen."""

    kind: EventKind
    grant: Grant | None = None
    granted: bool | None = None
    reason: str | None = None
    details: dict[str, float | str | bool | None] = field(default_factory=dict)

    @property
    def refusal(self) -> Refusal | None:
        """Why the door itself said no; None when it did not."""
        return Refusal(self.reason) if self.granted is False and self.reason is not None else None
