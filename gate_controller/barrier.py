"""What a door and a turnstile share: orders of staff and schedule, tamper and wires, and how time counts first."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self, TypeVar
from uuid import UUID

from gate_controller.signals import (
    Authority,
    BarrierEvent,
    BarrierMode,
    Grant,
    ModeOrdered,
    Signal,
    TamperChanged,
    TimePassed,
    WireChanged,
)
from messages import DoorStatus, EventKind, Method, Refusal

REPEAT_S = 2.0
"""So soon after a grant, or after the passage on it, the same person is still in that passage: a card lies on the
reader for longer than one reading, a face is in view for longer than one frame. It is a turnstile's `tailgate_s`.
"""


@dataclass(frozen=True, slots=True)
class RecentGrant:
    """Somebody who has a grant: until `until` they get no further one."""

    person_id: UUID
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier(ABC):
    """A way through a gate at one moment, whatever is built there."""

    staff_mode: BarrierMode = BarrierMode.NORMAL
    schedule_mode: BarrierMode = BarrierMode.NORMAL
    is_open: bool = False
    fire: bool = False
    tamper: bool = False
    wire_faults: tuple[tuple[str, str], ...] = ()
    """Broken wires and how each is broken, by name."""
    recent: tuple[RecentGrant, ...] = ()
    """Who was granted, or passed, a moment ago."""

    def has_grant(self, grant: Grant, now: float) -> bool:
        """Tell whether the person of `grant` has one already: a person has one passage waiting, however they ask.

        Staff open for others and may do so twice; who is not known by name cannot be told from the next one.
        """
        if grant.person_id is None or grant.method is Method.STAFF:
            return False
        is_recent = any(one.person_id == grant.person_id and now < one.until for one in self.recent)
        return is_recent or any(_same_person(one, grant) for one in self.waiting_grants)

    @property
    @abstractmethod
    def waiting_grants(self) -> tuple[Grant, ...]:
        """The grants that wait for their passages."""

    @property
    def mode(self) -> BarrierMode:
        """What holds: staff's order, or else the schedule's."""
        return self.staff_mode if self.staff_mode is not BarrierMode.NORMAL else self.schedule_mode

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
    def step(self, signal: Signal, now: float) -> tuple[Self, BarrierEvent | None]:
        """Return what is after `signal` and what happened, None when nothing did.

        It does not look whether time has run out before: `advance` does.
        """


AnyBarrier = TypeVar("AnyBarrier", bound=Barrier)


def advance(barrier: AnyBarrier, signal: Signal, now: float) -> tuple[AnyBarrier, list[BarrierEvent]]:
    """Let the time that has run out count first, then `signal`; return what is then and what happened, in order."""
    events = []
    while True:
        barrier, event = barrier.step(TimePassed(), now)
        if event is None:
            break
        events.append(event)
    barrier, event = barrier.step(signal, now)
    return barrier, [*events, event] if event is not None else events


def _same_person(one: Grant, other: Grant) -> bool:
    return one.person_id == other.person_id and one.method is not Method.STAFF


def remember_recent(barrier: AnyBarrier, grants: Iterable[Grant], now: float) -> AnyBarrier:
    """Return the barrier with these people as granted, or passed, at `now`."""
    people = {one.person_id for one in grants if one.person_id is not None and one.method is not Method.STAFF}
    if not people:
        return barrier
    others = tuple(one for one in barrier.recent if one.person_id not in people and now < one.until)
    return replace(barrier, recent=(*others, *(RecentGrant(person, now + REPEAT_S) for person in people)))


def forget_recent(barrier: AnyBarrier, grant: Grant | None) -> AnyBarrier:
    """Return the barrier after a grant that ended without a passage: its person may ask anew at once."""
    if grant is None or not barrier.recent:
        return barrier
    return replace(barrier, recent=tuple(one for one in barrier.recent if one.person_id != grant.person_id))


def order_mode(barrier: AnyBarrier, ordered: ModeOrdered) -> tuple[AnyBarrier, BarrierEvent | None]:
    """Let staff or the schedule order a mode; the passage under way is the caller's. None: nothing has changed."""
    before = barrier.mode
    if ordered.by is Authority.SCHEDULE:
        barrier = replace(barrier, schedule_mode=ordered.mode)
    elif barrier.staff_mode is BarrierMode.LOCKDOWN and ordered.mode not in {BarrierMode.LOCKDOWN, BarrierMode.NORMAL}:
        return barrier, BarrierEvent(EventKind.ACCESS_DENIED, granted=False, reason=Refusal.DOOR_CLOSED)
    else:
        barrier = replace(barrier, staff_mode=ordered.mode)
    if barrier.mode is before:
        return barrier, None
    method = Method.STAFF if ordered.by is Authority.STAFF else None
    who = Grant(ordered.person_id, method, command_id=ordered.command_id)
    return barrier, BarrierEvent(_EVENT_OF_MODE[barrier.mode], who, details={"by": ordered.by.value})


def change_tamper(barrier: AnyBarrier, signal: TamperChanged) -> tuple[AnyBarrier, BarrierEvent | None]:
    """The housing was opened or closed."""
    if signal.active == barrier.tamper:
        return barrier, None
    kind = EventKind.TAMPER if signal.active else EventKind.TAMPER_ENDED
    return replace(barrier, tamper=signal.active), BarrierEvent(kind)


def change_wire(barrier: AnyBarrier, signal: WireChanged) -> tuple[AnyBarrier, BarrierEvent | None]:
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
        BarrierEvent(kind, reason=signal.fault or before, details=details),
    )


STATUS_OF_MODE = {
    BarrierMode.NORMAL: DoorStatus.LOCKED,
    BarrierMode.HELD_OPEN: DoorStatus.HELD_OPEN,
    BarrierMode.ALWAYS_CLOSED: DoorStatus.ALWAYS_CLOSED,
    BarrierMode.LOCKDOWN: DoorStatus.LOCKDOWN,
}
_EVENT_OF_MODE = {
    BarrierMode.NORMAL: EventKind.RELEASED,
    BarrierMode.HELD_OPEN: EventKind.HELD_OPEN,
    BarrierMode.ALWAYS_CLOSED: EventKind.ALWAYS_CLOSED,
    BarrierMode.LOCKDOWN: EventKind.LOCKDOWN,
}
