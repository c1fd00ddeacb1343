"""Drives the door: steps the state machine, records what happens, moves the relay, publishes the state, in this order.

So nobody is let in without a record, wherever the power fails; and nobody long after they asked, however slow the disk.
Whoever has to get out, by fire or by the exit button, waits for no disk. All of it runs on the controller's one thread.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from gate_controller.barrier import Barrier, advance
from gate_controller.barrier_settings import DoorSettings, TurnstileSettings
from gate_controller.clock import ClockWatch
from gate_controller.door import at_start
from gate_controller.memory import DoorMemory, DoorMemoryError
from gate_controller.passage_recorder import PassageRecorder
from gate_controller.readers.freshness import STALE_S
from gate_controller.relays import Relay, RelayError
from gate_controller.reporter import Reporter
from gate_controller.signals import (
    Authority,
    BarrierEvent,
    BarrierMode,
    ExitRequested,
    FireChanged,
    Grant,
    ModeOrdered,
    Signal,
)
from gate_controller.turnstile import Turnstile
from messages import EventKind, Refusal

log = structlog.get_logger()

RETRY_S = 1.0
"""How soon a relay that did not obey is driven again: a board on the network is back within a second or so."""


@dataclass(frozen=True, slots=True)
class SignalResult:
    """What became of a signal."""

    refusal: Refusal | None = None
    """Why the signal did nothing; None when it did."""
    energised_ns: int | None = None
    """When the relay was found energised, on the monotonic clock."""


class DoorDriver:
    """One door or turnstile with its relay; `secured` drives the other door of an interlock, if there is one."""

    def __init__(
        self,
        settings: DoorSettings | TurnstileSettings,
        relay: Relay,
        memory: DoorMemory,
        reporter: Reporter,
        clock: ClockWatch,
        *,
        is_open: bool,
        passage_recorder: PassageRecorder,
        secured: Relay | None = None,
    ) -> None:
        """Take the door as it stands; an order to keep it closed from before a power cut holds on."""
        self._relay = relay
        self._secured = secured
        self._memory = memory
        self._reporter = reporter
        self._clock = clock
        self._passage_recorder = passage_recorder
        self._faulty_since: float | None = None
        self.door: Barrier
        if isinstance(settings, TurnstileSettings):
            self.door = Turnstile(settings, staff_mode=memory.staff_mode)
        else:
            self.door = at_start(settings, is_open=is_open, staff_mode=memory.staff_mode, now=clock.monotonic())

    def apply(
        self, signal: Signal, *, since_ns: int | None = None, details: Mapping[str, str | float | bool] | None = None
    ) -> SignalResult:
        """Let `signal` happen; `since_ns` is when its first sign came, for the latency in the record."""
        at, sure = self._clock.read()
        now_ns = self._clock.monotonic_ns()
        before = self.door
        door, events = advance(before, signal, now_ns / 1e9)
        latency_ms = None if since_ns is None else (now_ns - since_ns) / 1e6
        noted_details = {**(details or {}), **({} if sure else {"clock_sure": False})}
        opens = door.unlocked and not before.unlocked
        if opens and isinstance(signal, FireChanged | ExitRequested):
            self._drive(door)
        for event in events:
            self._reporter.record_barrier_event(event, at, latency_ms=latency_ms, details=noted_details)
        if opens and _is_request(signal) and self._is_late(now_ns if since_ns is None else since_ns):
            self._record_too_late(events)
            return SignalResult(refusal=Refusal.TOO_LATE)
        if door.staff_mode is not before.staff_mode:
            self._store_staff_mode(door.staff_mode)
        obeyed = self._drive(door)
        # A grant that the relay did not carry out is over: it must not open the door later.
        failed = not obeyed and isinstance(signal, Grant)
        self.door = before if failed else door
        for event in events if not failed else ():
            self._passage_recorder.record(event, at)
        energised_ns = self._clock.monotonic_ns() if obeyed and door.unlocked else None
        self._reporter.publish_state(self.door, at, clock_sure=sure)
        return SignalResult(_refusal(events, obeyed=obeyed), energised_ns)

    def has_grant(self, grant: Grant) -> bool:
        """Return whether the person of `grant` has one that waits for its passage, or passed on it just now."""
        return self.door.has_grant(grant, self._clock.monotonic())

    @property
    def has_recent_grants(self) -> bool:
        """Whether anybody was granted that may show themselves again."""
        return bool(self.door.recent or self.door.waiting_grants)

    @property
    def next_at(self) -> float | None:
        """When `apply(TimePassed())` is due (monotonic seconds)."""
        if self._faulty_since is not None:
            return min(self._faulty_since + RETRY_S, self.door.next_at or math.inf)
        return self.door.next_at

    def publish_state(self) -> None:
        """Publish how the door is, if that was not published yet."""
        at, sure = self._clock.read()
        self._reporter.publish_state(self.door, at, clock_sure=sure)

    def _is_late(self, since_ns: int) -> bool:
        return self._clock.monotonic_ns() - since_ns > STALE_S * 1e9

    def _record_too_late(self, events: list[BarrierEvent]) -> None:
        """Record that nothing came of what was recorded: whoever waits that long has left, or asks again."""
        at, _ = self._clock.read()
        who = next((one.grant for one in reversed(events) if one.grant is not None), None)
        reason = Refusal.TOO_LATE.value
        self._reporter.record_barrier_event(
            BarrierEvent(EventKind.ACCESS_DENIED, who, granted=False, reason=reason), at
        )

    def _drive(self, door: Barrier) -> bool:
        try:
            # The other door of an interlock loses its leave before this one opens, and gets it after this one locked.
            if not door.secured:
                _set_relay(self._secured, energised=False)
            _set_relay(self._relay, energised=door.unlocked)
            if door.secured:
                _set_relay(self._secured, energised=True)
        except RelayError as error:
            if self._faulty_since is None:
                log.error("relay_failed", error=str(error))
                at, _ = self._clock.read()
                self._reporter.record(EventKind.DOOR_FAULT, at, details={"unlocked_wanted": door.unlocked})
            self._faulty_since = self._clock.monotonic()
            return False
        if self._faulty_since is not None:
            at, _ = self._clock.read()
            self._reporter.record(EventKind.DOOR_FAULT_ENDED, at)
        self._faulty_since = None
        return True

    def _store_staff_mode(self, mode: BarrierMode) -> None:
        try:
            self._memory.staff_mode = mode
        except DoorMemoryError as error:
            log.error("mode_not_remembered", error=str(error))


def _refusal(events: Iterable[BarrierEvent], *, obeyed: bool) -> Refusal | None:
    """Return what the door said no with, or `door_fault` where the relay did not follow."""
    for event in events:
        if event.refusal is not None:
            return event.refusal
    return None if obeyed else Refusal.DOOR_FAULT


def _is_request(signal: Signal) -> bool:
    """Return whether somebody waits for this now, at the door or before a screen."""
    return isinstance(signal, Grant) or (isinstance(signal, ModeOrdered) and signal.by is Authority.STAFF)


def _set_relay(relay: Relay | None, *, energised: bool) -> None:
    if relay is None or relay.energised == energised:
        return
    if energised:
        relay.energise()
    else:
        relay.release()
