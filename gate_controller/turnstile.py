"""The turnstile as a pure state machine beside the door: it counts passages, one for each grant.

One gate is one direction of a lane: *forward* needs a grant. Its sensors tell each passage and its direction, so what
a door can only guess at is known here: a second passage on one grant, a passage against the direction, a grant that
nobody took. Such an alarm is over in the moment it is told; the lane is never *forced* for longer.
"""

from dataclasses import dataclass, field, replace

from gate_controller.barrier import STATUS_OF_MODE, Barrier, forget, order, show, tamper, wire
from gate_controller.signals import (
    ContactChanged,
    ExitRequested,
    FireChanged,
    Grant,
    Happening,
    InterlockChanged,
    Mode,
    ModeOrdered,
    PassageSensed,
    Signal,
    TamperChanged,
    TimePassed,
    WireChanged,
)
from messages import DoorStatus, EventKind, Refusal


@dataclass(frozen=True, slots=True)
class TurnstileSettings:
    """Times in seconds, and what this lane allows."""

    pass_s: float = 8.0
    """How long a grant waits for its passage."""
    extended_pass_s: float = 20.0
    tailgate_s: float = 2.0
    """A passage so soon after the last granted one is somebody who slipped through behind it."""
    most_waiting: int = 3
    """How many may have shown themselves and not have passed yet."""
    reverse_free: bool = False
    """The other direction needs no grant here."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A grant that waits for its passage until `until`."""

    grant: Grant
    until: float


@dataclass(frozen=True, slots=True)
class Turnstile(Barrier):
    """A lane at one moment."""

    settings: TurnstileSettings = field(default_factory=TurnstileSettings)
    waiting: tuple[Waiting, ...] = ()
    """In the order in which they were granted: the first passage is the first one's."""
    last: Grant | None = None
    last_at: float | None = None
    """Whose grant was taken last, and when."""

    @property
    def is_free(self) -> bool:
        """Whether everybody may pass, by fire or by order."""
        return self.fire or self.mode is Mode.HELD_OPEN

    @property
    def unlocked(self) -> bool:
        """Whether the lane is to be released."""
        return self.is_free or bool(self.waiting)

    @property
    def waiting_grants(self) -> tuple[Grant, ...]:
        """The grants that wait for their passages."""
        return tuple(one.grant for one in self.waiting)

    @property
    def status(self) -> DoorStatus:
        """The state as staff see it: fire, then the mode, then the passage."""
        if self.fire:
            return DoorStatus.FIRE_OPEN
        return DoorStatus.GRANTED if self.waiting else STATUS_OF_MODE[self.mode]

    @property
    def has_contact(self) -> bool:
        """A turnstile is never open; its sensors tell passages."""
        return False

    @property
    def next_at(self) -> float | None:
        """When the next grant is over."""
        return min((one.until for one in self.waiting), default=None)

    def step(self, signal: Signal, now: float) -> "tuple[Turnstile, Happening | None]":  # noqa: PLR0911 -- one for each signal
        """Return the lane after `signal` and what happened, None when nothing did."""
        match signal:
            case TimePassed():
                return _time_passed(self, now)
            case Grant():
                return _granted(self, signal, now)
            case PassageSensed():
                return _passed(self, now) if signal.forward else _reversed(self)
            case ModeOrdered():
                lane, happening = order(self, signal)
                changed = happening is not None and happening.granted is not False
                return replace(
                    lane, waiting=(), shown=()
                ) if changed and lane.mode is not Mode.NORMAL else lane, happening
            case FireChanged():
                if signal.active == self.fire:
                    return self, None
                kind = EventKind.FIRE_OPENED if signal.active else EventKind.FIRE_RESTORED
                return replace(self, fire=signal.active, waiting=(), shown=(), last=None, last_at=None), Happening(kind)
            case TamperChanged():
                return tamper(self, signal)
            case WireChanged():
                return wire(self, signal)
            case ContactChanged() | ExitRequested() | InterlockChanged():
                return self, None


_Step = tuple[Turnstile, Happening | None]


def _time_passed(lane: Turnstile, now: float) -> _Step:
    over = next((one for one in lane.waiting if now >= one.until), None)
    if over is None:
        return lane, None
    left = tuple(one for one in lane.waiting if one is not over)
    return forget(replace(lane, waiting=left), over.grant), Happening(EventKind.NOT_TAKEN, over.grant)


def _granted(lane: Turnstile, grant: Grant, now: float) -> _Step:
    refusal = None
    if lane.mode in {Mode.ALWAYS_CLOSED, Mode.LOCKDOWN} and not lane.fire:
        refusal = Refusal.DOOR_CLOSED
    elif lane.holds(grant, now):
        return _renewed(lane, grant, now), Happening(EventKind.GRANT_RENEWED, grant)
    elif len(lane.waiting) >= lane.settings.most_waiting:
        refusal = Refusal.TURNSTILE_BUSY
    if refusal is not None:
        return lane, Happening(EventKind.ACCESS_DENIED, grant, granted=False, reason=refusal)
    happening = Happening(EventKind.ACCESS_GRANTED, grant, granted=True, reason=grant.reason)
    lane = show(lane, [grant], now)
    if lane.is_free:
        return lane, happening
    return replace(lane, waiting=(*lane.waiting, Waiting(grant, now + _lasting(lane, grant)))), happening


def _renewed(lane: Turnstile, grant: Grant, now: float) -> Turnstile:
    """Let the grant that this person has wait anew; one that was passed on just now stays over."""
    until = now + _lasting(lane, grant)
    waiting = tuple(
        replace(one, until=max(one.until, until)) if one.grant.person_id == grant.person_id else one
        for one in lane.waiting
    )
    return replace(lane, waiting=waiting)


def _lasting(lane: Turnstile, grant: Grant) -> float:
    return lane.settings.extended_pass_s if grant.extended else lane.settings.pass_s


def _passed(lane: Turnstile, now: float) -> _Step:
    if lane.is_free:
        return lane, None
    if lane.waiting:
        first, *others = lane.waiting
        passed = replace(lane, waiting=tuple(others), last=first.grant, last_at=now)
        return show(passed, [first.grant], now), Happening(EventKind.PASSED, first.grant)
    if lane.last_at is not None and now < lane.last_at + lane.settings.tailgate_s:
        return lane, Happening(EventKind.TAILGATED, lane.last)
    return lane, Happening(EventKind.PASSAGE_FORCED)


def _reversed(lane: Turnstile) -> _Step:
    if lane.is_free:
        return lane, None
    if lane.settings.reverse_free:
        return lane, Happening(EventKind.PASSED, details={"exit": True})
    # Whoever comes out while somebody waits to go in was let out by that grant; it still waits for its own passage.
    return lane, Happening(EventKind.REVERSE_PASSAGE, lane.waiting[0].grant if lane.waiting else None)
