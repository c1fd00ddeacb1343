"""What a door and a turnstile share: orders of staff and schedule, tamper and wires, and how time counts first."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from gate_controller.messages import DoorStatus, EventKind, Method
from gate_controller.signals import (
    DOOR_CLOSED,
    Authority,
    Grant,
    Happening,
    Mode,
    ModeOrdered,
    Signal,
    TamperChanged,
    TimePassed,
    WireChanged,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier(ABC):
    """A way through a gate at one moment, whatever is built there."""

    staff_mode: Mode = Mode.NORMAL
    schedule_mode: Mode = Mode.NORMAL
    is_open: bool = False
    fire: bool = False
    tamper: bool = False
    wire_faults: tuple[tuple[str, str], ...] = ()
    """Broken wires and how each is broken, by name."""

    @property
    def mode(self) -> Mode:
        """What holds: staff's order, or else the schedule's."""
        return self.staff_mode if self.staff_mode is not Mode.NORMAL else self.schedule_mode

    @property
    def secured(self) -> bool:
        """Closed and locked: the other door of an interlock may open."""
        return not self.unlocked and not self.is_open

    @property
    @abstractmethod
    def unlocked(self) -> bool:
        """Whether the lock is to be released."""

    @property
    @abstractmethod
    def status(self) -> DoorStatus:
        """The state as staff see it."""

    @property
    @abstractmethod
    def has_contact(self) -> bool:
        """Whether `is_open` says anything."""

    @property
    @abstractmethod
    def next_at(self) -> float | None:
        """When time alone makes something happen."""

    @abstractmethod
    def step(self, signal: Signal, now: float) -> tuple[Self, Happening | None]:
        """Return what is after `signal` and what happened, None when nothing did.

        It does not look whether time has run out before: `advance` does.
        """


AnyBarrier = TypeVar("AnyBarrier", bound=Barrier)


def advance(barrier: AnyBarrier, signal: Signal, now: float) -> tuple[AnyBarrier, list[Happening]]:
    """Let the time that has run out count first, then `signal`; return what is then and what happened, in order."""
    happenings = []
    while True:
        barrier, happening = barrier.step(TimePassed(), now)
        if happening is None:
            break
        happenings.append(happening)
    barrier, happening = barrier.step(signal, now)
    return barrier, [*happenings, happening] if happening is not None else happenings


def order(barrier: AnyBarrier, ordered: ModeOrdered) -> tuple[AnyBarrier, Happening | None]:
    """Let staff or the schedule order a mode; the passage under way is the caller's. None: nothing has changed."""
    before = barrier.mode
    if ordered.by is Authority.SCHEDULE:
        barrier = replace(barrier, schedule_mode=ordered.mode)
    elif barrier.staff_mode is Mode.LOCKDOWN and ordered.mode not in {Mode.LOCKDOWN, Mode.NORMAL}:
        return barrier, Happening(EventKind.ACCESS_DENIED, granted=False, reason=DOOR_CLOSED)
    else:
        barrier = replace(barrier, staff_mode=ordered.mode)
    if barrier.mode is before:
        return barrier, None
    method = Method.STAFF if ordered.by is Authority.STAFF else None
    who = Grant(ordered.person_id, method, command_id=ordered.command_id)
    return barrier, Happening(_EVENT_OF_MODE[barrier.mode], who, details={"by": ordered.by.value})


def tamper(barrier: AnyBarrier, signal: TamperChanged) -> tuple[AnyBarrier, Happening | None]:
    """The housing was opened or closed."""
    if signal.active == barrier.tamper:
        return barrier, None
    kind = EventKind.TAMPER if signal.active else EventKind.TAMPER_ENDED
    return replace(barrier, tamper=signal.active), Happening(kind)


def wire(barrier: AnyBarrier, signal: WireChanged) -> tuple[AnyBarrier, Happening | None]:
    """A supervised wire broke, broke differently, or is well again."""
    faults = dict(barrier.wire_faults)
    before = faults.pop(signal.wire, None)
    if before == signal.fault:
        return barrier, None
    if signal.fault is not None:
        faults[signal.wire] = signal.fault
    kind = EventKind.WIRE_RESTORED if signal.fault is None else EventKind.WIRE_FAULT
    details: dict[str, float | str | bool | None] = {"wire": signal.wire}
    return (
        replace(barrier, wire_faults=tuple(sorted(faults.items()))),
        Happening(kind, reason=signal.fault or before, details=details),
    )


STATUS_OF_MODE = {
    Mode.NORMAL: DoorStatus.LOCKED,
    Mode.HELD_OPEN: DoorStatus.HELD_OPEN,
    Mode.ALWAYS_CLOSED: DoorStatus.ALWAYS_CLOSED,
    Mode.LOCKDOWN: DoorStatus.LOCKDOWN,
}
_EVENT_OF_MODE = {
    Mode.NORMAL: EventKind.RELEASED,
    Mode.HELD_OPEN: EventKind.HELD_OPEN,
    Mode.ALWAYS_CLOSED: EventKind.ALWAYS_CLOSED,
    Mode.LOCKDOWN: EventKind.LOCKDOWN,
}
