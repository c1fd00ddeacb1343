"""The phase of a door: the passage under way, and what follows from it for lock and status."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from gate_controller.barrier import STATUS_OF_MODE, Barrier
from gate_controller.barrier_settings import DoorSettings
from gate_controller.signals import BarrierMode, Grant
from messages import DoorStatus


class Phase(StrEnum):
    """The passage under way."""

    LOCKED = "locked"
    GRANTED = "granted"
    OPEN = "open"
    HELD = "held"
    FORCED = "forced"


@dataclass(frozen=True, slots=True)
class PhasedDoor(Barrier):
    """A door at one moment: its phase, and whom that is for."""

    settings: DoorSettings = field(default_factory=DoorSettings)
    phase: Phase = Phase.LOCKED
    interlocked: bool = False
    """The other door of the pair is not closed and locked: this one stays locked, unless there is fire."""
    grant: Grant | None = None
    """Whom the phase GRANTED or OPEN is for; an exit is a grant without a person."""
    others: tuple[Grant, ...] = ()
    """Who else was granted before somebody opened the door: all of them wait for this one opening."""
    given_while_open: bool = False
    by_exit: bool = False
    since: float = 0.0
    """When the phase began."""
    deadline: float | None = None
    """When time alone ends the phase."""
    exit_until: float | None = None
    """Until then an opening is explained by the exit button."""
    exit_ignored_until: float | None = None
    """Until then the exit input says nothing."""

    @property
    def unlocked(self) -> bool:
        """Whether the lock is to be released."""
        if self.fire or self.interlocked:
            return self.fire
        if self.mode is BarrierMode.HELD_OPEN:
            return True
        if self.phase is Phase.GRANTED:
            return True
        return self.phase is Phase.OPEN and self.grant is not None and not self.settings.relock_on_open

    @property
    def waiting_grants(self) -> tuple[Grant, ...]:
        """The grants that wait for their passages."""
        waits = (self.phase is Phase.GRANTED and not self.by_exit) or self.given_while_open
        return (*self.others, self.grant) if waits and self.grant is not None else ()

    @property
    def status(self) -> DoorStatus:
        """The state as staff see it: fire, then an alarm, then the mode, then the passage."""
        if self.fire:
            return DoorStatus.FIRE_OPEN
        if self.phase is Phase.FORCED:
            return DoorStatus.FORCED
        if self.mode is BarrierMode.HELD_OPEN:
            return DoorStatus.HELD_OPEN
        if self.phase is not Phase.LOCKED:
            return DoorStatus(self.phase.value)
        return STATUS_OF_MODE[self.mode]

    @property
    def has_contact(self) -> bool:
        """Whether a sensor tells that the door is open."""
        return self.settings.has_contact

    @property
    def next_at(self) -> float | None:
        """When time alone ends the phase."""
        return self.deadline


AnyDoor = TypeVar("AnyDoor", bound=PhasedDoor)


def enter(door: AnyDoor, phase: Phase, now: float, lasting_s: float | None = None, **changes: object) -> AnyDoor:
    """Begin a phase; what belonged to the one before ends."""
    fresh: dict[str, object] = {
        "grant": None,
        "others": (),
        "given_while_open": False,
        "by_exit": False,
        "exit_until": None,
    }
    deadline = None if lasting_s is None else now + lasting_s
    return replace(door, phase=phase, since=now, deadline=deadline, **(fresh | changes))  # type: ignore[arg-type]


def settle(door: AnyDoor, now: float) -> AnyDoor:
    """Begin anew after a time in which the door was free: an open one may now stand only as long as any."""
    if door.is_open:
        return enter(door, Phase.OPEN, now, door.settings.held_after_s)
    return enter(door, Phase.LOCKED, now)
