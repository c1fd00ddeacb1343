"""The turnstile as a pure state machine beside the door: it counts passages, one for each grant.

One gate is one direction of a lane: *forward* needs a grant. Its sensors tell each passage and its direction, so what
a door can only guess at is known here: a second passage on one grant, a passage against the direction, a grant that
nobody took. Such an alarm is over in the moment it is recorded; the lane is never *forced* for longer.
"""

from dataclasses import dataclass, field, replace

from gate_controller.barrier import (
    STATUS_OF_MODE,
    Barrier,
    change_tamper,
    change_wire,
    forget_recent,
    order_mode,
    remember_recent,
)
from gate_controller.barrier_settings import TurnstileSettings
from gate_controller.signals import (
    BarrierEvent,
    BarrierMode,
    ContactChanged,
    ExitRequested,
    FireChanged,
    Grant,
    InterlockChanged,
    ModeOrdered,
    PassageSensed,
    Signal,
    TamperChanged,
    TimePassed,
    WireChanged,
)
from messages import DoorStatus, EventKind, Refusal


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
        return self.fire or self.mode is BarrierMode.HELD_OPEN

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

    def step(self, signal: Signal, now: float) -> "tuple[Turnstile, BarrierEvent | None]":  # noqa: PLR0911 -- one for each signal
        """Return the lane after `signal` and what happened, None when nothing did."""
        match signal:
            case TimePassed():
                return _on_time(self, now)
            case Grant():
                return _on_grant(self, signal, now)
            case PassageSensed():
                return _on_passage(self, now) if signal.forward else _on_reverse_passage(self)
            case ModeOrdered():
                lane, event = order_mode(self, signal)
                has_changed = event is not None and event.granted is not False
                if has_changed and lane.mode is not BarrierMode.NORMAL:
                    lane = replace(lane, waiting=(), recent=())
                return lane, event
            case FireChanged():
                if signal.active == self.fire:
                    return self, None
                lane = replace(self, fire=signal.active, waiting=(), recent=(), last=None, last_at=None)
                return lane, BarrierEvent(EventKind.FIRE_OPENED if signal.active else EventKind.FIRE_RESTORED)
            case TamperChanged():
                return change_tamper(self, signal)
            case WireChanged():
                return change_wire(self, signal)
            case ContactChanged() | ExitRequested() | InterlockChanged():
                return self, None


_Step = tuple[Turnstile, BarrierEvent | None]


def _on_time(lane: Turnstile, now: float) -> _Step:
    over = next((one for one in lane.waiting if now >= one.until), None)
    if over is None:
        return lane, None
    left = tuple(one for one in lane.waiting if one is not over)
    return forget_recent(replace(lane, waiting=left), over.grant), BarrierEvent(EventKind.NOT_TAKEN, over.grant)


def _on_grant(lane: Turnstile, grant: Grant, now: float) -> _Step:
    refusal = None
    if lane.mode in {BarrierMode.ALWAYS_CLOSED, BarrierMode.LOCKDOWN} and not lane.fire:
        refusal = Refusal.DOOR_CLOSED
    elif lane.has_grant(grant, now):
        return _renew(lane, grant, now), BarrierEvent(EventKind.GRANT_RENEWED, grant)
    elif len(lane.waiting) >= lane.settings.most_waiting:
        refusal = Refusal.TURNSTILE_BUSY
    if refusal is not None:
        return lane, BarrierEvent(EventKind.ACCESS_DENIED, grant, granted=False, reason=refusal)
    event = BarrierEvent(EventKind.ACCESS_GRANTED, grant, granted=True, reason=grant.reason)
    lane = remember_recent(lane, [grant], now)
    if lane.is_free:
        return lane, event
    return replace(lane, waiting=(*lane.waiting, Waiting(grant, now + _grant_duration_s(lane, grant)))), event


def _renew(lane: Turnstile, grant: Grant, now: float) -> Turnstile:
    """Let the grant that this person has wait anew; one that was passed on just now stays over."""
    until = now + _grant_duration_s(lane, grant)
    waiting = []
    for one in lane.waiting:
        is_same = one.grant.person_id == grant.person_id
        waiting.append(replace(one, until=max(one.until, until)) if is_same else one)
    return replace(lane, waiting=tuple(waiting))


def _grant_duration_s(lane: Turnstile, grant: Grant) -> float:
    return lane.settings.extended_pass_s if grant.extended else lane.settings.pass_s


def _on_passage(lane: Turnstile, now: float) -> _Step:
    if lane.is_free:
        return lane, None
    if lane.waiting:
        first, *others = lane.waiting
        passed = replace(lane, waiting=tuple(others), last=first.grant, last_at=now)
        return remember_recent(passed, [first.grant], now), BarrierEvent(EventKind.PASSED, first.grant)
    if lane.last_at is not None and now < lane.last_at + lane.settings.tailgate_s:
        return lane, BarrierEvent(EventKind.TAILGATED, lane.last)
    return lane, BarrierEvent(EventKind.PASSAGE_FORCED)


def _on_reverse_passage(lane: Turnstile) -> _Step:
    if lane.is_free:
        return lane, None
    if lane.settings.reverse_free:
        return lane, BarrierEvent(EventKind.PASSED, details={"exit": True})
    # Whoever comes out while somebody waits to go in was let out by that grant; it still waits for its own passage.
    return lane, BarrierEvent(EventKind.REVERSE_PASSAGE, lane.waiting[0].grant if lane.waiting else None)
