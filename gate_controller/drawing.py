"""Draws the state machines by running them: every signal is sent to every state that can be reached."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from gate_controller.barrier import Barrier
from gate_controller.barrier_settings import DoorSettings, TurnstileSettings
from gate_controller.door import Door
from gate_controller.signals import (
    BarrierMode,
    ContactChanged,
    ExitRequested,
    FireChanged,
    Grant,
    ModeOrdered,
    PassageSensed,
    Signal,
    TimePassed,
)
from gate_controller.turnstile import Turnstile

Machine = TypeVar("Machine", bound=Barrier)

PASSAGE: Mapping[str, Signal] = {
    "grant": Grant(),
    "door opens": ContactChanged(is_open=True),
    "door closes": ContactChanged(is_open=False),
    "exit button": ExitRequested(),
    "time": TimePassed(),
}
ORDERS: Mapping[str, Signal] = {
    "hold": ModeOrdered(BarrierMode.HELD_OPEN),
    "lock": ModeOrdered(BarrierMode.ALWAYS_CLOSED),
    "lockdown": ModeOrdered(BarrierMode.LOCKDOWN),
    "release": ModeOrdered(BarrierMode.NORMAL),
    "fire": FireChanged(active=True),
    "fire over": FireChanged(active=False),
}
LANE: Mapping[str, Signal] = {
    "grant": Grant(),
    "passage": PassageSensed(forward=True),
    "passage backwards": PassageSensed(forward=False),
    "time": TimePassed(),
}
_SOON, _LATER, _MUCH_LATER = 0.5, 2.5, 1000.0
"""Seconds until the next signal: within every limit, after the shortest ones, after all."""

Edge = tuple[str, str, str]
"""From, to, and `signal / event`."""


def edges(start: Machine, signals: Mapping[str, Signal], key: Callable[[Machine], object]) -> list[Edge]:
    """Return every transition that an event tells, in the order in which it is found.

    `key` says which machines count as one: everything but the times.
    """
    found: dict[Edge, None] = {}
    seen, waiting = {key(start)}, deque([(start, 0.0)])
    while waiting:
        machine, now = waiting.popleft()
        for name, signal, pause in _attempts(signals):
            after, event = machine.step(signal, now + pause)
            if event is not None:
                found[machine.status.value, after.status.value, f"{name} / {event.kind.value}"] = None
            if key(after) not in seen:
                seen.add(key(after))
                waiting.append((after, now + pause))
    return sorted(found)


def mermaid(transitions: Iterable[Edge], start: str = "locked") -> str:
    """Return a Mermaid state diagram; transitions between the same two states share one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for before, after, label in transitions:
        arrows.setdefault((before, after), []).append(label)
    lines = ["stateDiagram-v2", f"    [*] --> {start}"]
    lines += [f"    {before} --> {after}: {'<br/>'.join(labels)}" for (before, after), labels in arrows.items()]
    return "\n".join(lines)


def door_passage() -> str:
    """Draw a passage through a door under normal orders."""
    return mermaid(edges(Door(DoorSettings()), PASSAGE, _door_key))


def door_orders() -> str:
    """Draw what staff, schedule and fire make of a door that is closed."""
    return mermaid(edges(Door(DoorSettings()), ORDERS, _door_key))


def lane() -> str:
    """Draw a turnstile under normal orders."""
    return mermaid(edges(Turnstile(TurnstileSettings(most_waiting=2)), LANE, _lane_key))


def _attempts(signals: Mapping[str, Signal]) -> Iterable[tuple[str, Signal, float]]:
    for name, signal in signals.items():
        if isinstance(signal, TimePassed):
            yield name, signal, _MUCH_LATER
        else:
            yield name, signal, _SOON
            # Only a machine whose time has been counted gets a later signal; `advance` sees to that.
            if isinstance(signal, PassageSensed):
                yield name, signal, _LATER


def _door_key(door: Door) -> object:
    return replace(
        door, since=0.0, deadline=None, exit_until=None, exit_ignored_until=None
    ), door.exit_until is not None


def _lane_key(turnstile: Turnstile) -> object:
    return len(turnstile.waiting), turnstile.mode, turnstile.fire, turnstile.last_at is not None
