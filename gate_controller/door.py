"""The door as a pure state machine: what is, a signal, the time → what is then, and the one thing that happened.

No clock and no wires here: `now` is seconds of any clock that never runs backwards, and the lock follows `unlocked`.

Two things are kept apart. The *phase* is the passage under way (locked → granted → open → locked, and the alarms held
and forced). The *mode* is what staff or the schedule ordered until further notice. Fire stands above both.
"""

from dataclasses import dataclass, replace

from gate_controller.barrier import (
    change_tamper,
    change_wire,
    forget_recent,
    order_mode,
    remember_recent,
)
from gate_controller.barrier_settings import DoorSettings
from gate_controller.door_phase import Phase, PhasedDoor, enter, settle
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
from messages import EventKind, Refusal


@dataclass(frozen=True, slots=True)
class Door(PhasedDoor):
    """A door at one moment, and what each signal makes of it."""

    def step(self, signal: Signal, now: float) -> "tuple[Door, BarrierEvent | None]":  # noqa: PLR0911 -- one for each signal
        """Return the door after `signal` and what happened, None when nothing did."""
        match signal:
            case TimePassed():
                return _on_time(self, now)
            case Grant():
                return _on_grant(self, signal, now)
            case ContactChanged():
                return _on_opened(self, now) if signal.is_open else _on_closed(self, now)
            case ExitRequested():
                return _on_exit_requested(self, now)
            case ModeOrdered():
                return _on_mode_ordered(self, signal, now)
            case FireChanged():
                return _on_fire_changed(self, signal.active, now)
            case TamperChanged():
                return change_tamper(self, signal)
            case WireChanged():
                return change_wire(self, signal)
            case InterlockChanged():
                # No event: it is the other door's passage, which that door tells.
                return replace(self, interlocked=signal.blocked), None
            case PassageSensed():
                return self, None


def at_start(settings: DoorSettings, *, is_open: bool, staff_mode: BarrierMode, now: float) -> Door:
    """Return the door of a controller that starts: one that stands open may have been opened rightly before."""
    return settle(Door(settings, staff_mode=staff_mode, is_open=is_open and settings.has_contact), now)


_Step = tuple[Door, BarrierEvent | None]


def _on_time(door: Door, now: float) -> _Step:
    if door.deadline is None or now < door.deadline:
        return door, None
    if door.phase is Phase.GRANTED:
        if door.by_exit or door.given_while_open or not door.settings.has_contact:
            kind = EventKind.RELOCKED
        else:
            kind = EventKind.NOT_TAKEN
        if door.others:
            first, *others = door.others
            return forget_recent(replace(door, others=tuple(others)), first), BarrierEvent(kind, first)
        return forget_recent(enter(door, Phase.LOCKED, now), door.grant), BarrierEvent(kind, door.grant)
    if door.phase is Phase.OPEN:
        return enter(door, Phase.HELD, now), BarrierEvent(EventKind.DOOR_HELD, door.grant)
    return replace(door, deadline=None), None


def _on_grant(door: Door, grant: Grant, now: float) -> _Step:
    if door.mode in {BarrierMode.ALWAYS_CLOSED, BarrierMode.LOCKDOWN} and not door.fire:
        return door, BarrierEvent(EventKind.ACCESS_DENIED, grant, granted=False, reason=Refusal.DOOR_CLOSED)
    if door.interlocked and not door.fire:
        return door, BarrierEvent(EventKind.ACCESS_DENIED, grant, granted=False, reason=Refusal.INTERLOCKED)
    if door.has_grant(grant, now):
        return _renew(door, grant, now), BarrierEvent(EventKind.GRANT_RENEWED, grant)
    door = remember_recent(door, [grant], now)
    settings = door.settings
    event = BarrierEvent(EventKind.ACCESS_GRANTED, grant, granted=True, reason=grant.reason)
    if door.fire or door.mode is BarrierMode.HELD_OPEN or door.phase in {Phase.HELD, Phase.FORCED}:
        # The way is open already; an alarm goes on until the door is closed.
        return door, event
    if door.phase is Phase.OPEN:
        held_after_s = settings.extended_held_after_s if grant.extended else settings.held_after_s
        # Should the door fall shut before they are through, what is left of the grant opens it again.
        others = _waiting_before(door)
        door = replace(door, grant=grant, others=others, given_while_open=True, since=now, deadline=now + held_after_s)
        return door, event
    others = _waiting_before(door)
    left_s = door.deadline - now if others and door.deadline is not None else 0.0
    return enter(
        door, Phase.GRANTED, now, max(left_s, _grant_duration_s(door, grant)), grant=grant, others=others
    ), event


def _waiting_before(door: Door) -> tuple[Grant, ...]:
    """Return the grants of known people that go on waiting beside a new one."""
    return tuple(one for one in door.waiting_grants if one.person_id is not None)


def _grant_duration_s(door: Door, grant: Grant) -> float:
    return door.settings.extended_grant_s if grant.extended else door.settings.grant_s


def _renew(door: Door, grant: Grant, now: float) -> Door:
    """Let the grant that this person has wait anew; a passage that began already stays as it is."""
    if not any(one.person_id == grant.person_id for one in door.waiting_grants):
        return door
    if door.phase is Phase.OPEN:
        return replace(door, since=now)
    return replace(door, deadline=max(door.deadline or now, now + _grant_duration_s(door, grant)))


def _on_opened(door: Door, now: float) -> _Step:
    if door.is_open:
        return door, None
    door = replace(door, is_open=True)
    if door.fire or door.mode is BarrierMode.HELD_OPEN:
        return door, None
    settings = door.settings
    if door.phase is Phase.GRANTED:
        extended = door.grant is not None and door.grant.extended
        held_after_s = settings.extended_held_after_s if extended else settings.held_after_s
        event = BarrierEvent(EventKind.PASSED, door.grant, details={"exit": True} if door.by_exit else {})
        if not door.by_exit:
            door = remember_recent(door, door.waiting_grants, now)
            door = replace(door, exit_ignored_until=now + settings.exit_ignored_s)
        return enter(door, Phase.OPEN, now, held_after_s, grant=door.grant), event
    if door.exit_until is not None and now < door.exit_until:
        return enter(door, Phase.OPEN, now, settings.held_after_s), BarrierEvent(
            EventKind.PASSED, details={"exit": True}
        )
    return enter(door, Phase.FORCED, now), BarrierEvent(EventKind.DOOR_FORCED)


def _on_closed(door: Door, now: float) -> _Step:
    if not door.is_open:
        return door, None
    door = replace(door, is_open=False, recent=())
    stood_s: dict[str, float | str | bool | None] = {"seconds": round(now - door.since, 1)}
    if door.phase is Phase.OPEN:
        if door.grant is not None:
            door = replace(door, exit_ignored_until=now + door.settings.exit_ignored_s)
        left_s = door.since + door.settings.grant_s - now
        if door.given_while_open and left_s > 0:
            others = door.others
            waiting = enter(door, Phase.GRANTED, now, left_s, grant=door.grant, others=others, given_while_open=True)
            return waiting, BarrierEvent(EventKind.CLOSED, details=stood_s)
        return enter(door, Phase.LOCKED, now), BarrierEvent(EventKind.CLOSED, details=stood_s)
    if door.phase is Phase.HELD:
        return enter(door, Phase.LOCKED, now), BarrierEvent(EventKind.DOOR_HELD_ENDED, details=stood_s)
    if door.phase is Phase.FORCED:
        return enter(door, Phase.LOCKED, now), BarrierEvent(EventKind.DOOR_FORCED_ENDED, details=stood_s)
    return door, None


def _on_exit_requested(door: Door, now: float) -> _Step:
    ignored = door.exit_ignored_until is not None and now < door.exit_ignored_until
    if door.fire or door.mode is BarrierMode.HELD_OPEN or ignored:
        return door, None
    if refusal := _exit_refusal(door):
        return door, BarrierEvent(EventKind.EXIT_REFUSED, reason=refusal)
    event = BarrierEvent(EventKind.EXIT_REQUESTED)
    if door.phase is Phase.LOCKED:
        if door.settings.exit_unlocks:
            return enter(door, Phase.GRANTED, now, door.settings.exit_s, by_exit=True), event
        # A button held down, or pressed again and again, is one request.
        is_new = door.exit_until is None or now >= door.exit_until
        return replace(door, exit_until=now + door.settings.exit_s), event if is_new else None
    if door.phase is Phase.GRANTED and door.by_exit:
        return replace(door, deadline=now + door.settings.exit_s), None
    return door, None


def _exit_refusal(door: Door) -> Refusal | None:
    if door.mode is BarrierMode.LOCKDOWN and door.settings.lockdown_closes_exit:
        return Refusal.DOOR_CLOSED
    return Refusal.INTERLOCKED if door.interlocked and door.settings.exit_unlocks else None


def _on_mode_ordered(door: Door, ordered: ModeOrdered, now: float) -> _Step:
    before = door.mode
    door, event = order_mode(door, ordered)
    if event is None or event.granted is False or door.fire:
        return door, event
    return replace(_under_new_mode(door, before, now), recent=()), event


def _under_new_mode(door: Door, before: BarrierMode, now: float) -> Door:
    """Return the door with the passage under way fitted to its new mode."""
    if door.mode is BarrierMode.HELD_OPEN:
        return enter(door, Phase.LOCKED, now)
    if before is BarrierMode.HELD_OPEN:
        return settle(door, now)
    if door.mode is BarrierMode.NORMAL:
        return door
    if door.phase is not Phase.GRANTED:
        return replace(door, grant=None, others=(), given_while_open=False)
    keeps_exit = door.by_exit and not (door.mode is BarrierMode.LOCKDOWN and door.settings.lockdown_closes_exit)
    return door if keeps_exit else enter(door, Phase.LOCKED, now)


def _on_fire_changed(door: Door, active: bool, now: float) -> _Step:
    if active == door.fire:
        return door, None
    door = replace(door, fire=active, recent=())
    if active:
        return enter(door, Phase.LOCKED, now), BarrierEvent(EventKind.FIRE_OPENED)
    settled = door if door.mode is BarrierMode.HELD_OPEN else settle(door, now)
    return settled, BarrierEvent(EventKind.FIRE_RESTORED)
