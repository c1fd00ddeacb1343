"""What is true now: the door, who is there, how they are."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from messages.wire import Code, Message, Moment, Name


class DoorStatus(StrEnum):
    """The state of a door, as the field names it."""

    LOCKED = "locked"
    GRANTED = "granted"
    """Unlocked for one passage; the door has not been opened yet."""
    OPEN = "open"
    HELD = "held"
    """Open for longer than allowed."""
    FORCED = "forced"
    """Opened without a grant."""
    HELD_OPEN = "held_open"
    """Unlocked until released: by staff or by schedule."""
    ALWAYS_CLOSED = "always_closed"
    LOCKDOWN = "lockdown"
    FIRE_OPEN = "fire_open"
    """Unlocked by the fire input, whatever else holds."""


class DoorState(Message):
    """The door as it is. Retained; published on every change and on every connection."""

    gate: Name
    boot_id: UUID
    """Made at each start of the controller; commands must carry it."""
    sequence: Annotated[int, Field(ge=0)]
    """Counts the changes since the start: of two states of one boot the larger is newer."""
    at: Moment
    state: DoorStatus
    unlocked: bool
    """The lock is released at this moment (relay energised on a fail-secure lock)."""
    door_open: bool | None = None
    """What the sensor says; None without a sensor."""
    tamper: bool = False
    fire: bool = False
    mode: Code = "normal"
    """`normal`, `held_open`, `always_closed` or `lockdown`: what holds apart from the passage under way."""
    clock_sure: bool = True
    wire_faults: tuple[str, ...] = ()
    """Broken wires as `wire:fault`; the fault is `cut`, `short` or `lost`."""


class ProcessStatus(StrEnum):
    """Whether a process is there."""

    ONLINE = "online"
    STOPPED = "stopped"
    """Ended on purpose."""
    OFFLINE = "offline"
    """Lost: said by the broker in its place (last will)."""


class Availability(Message):
    """Whether the controller (or the edge) of a gate is there. Retained."""

    gate: Name
    status: ProcessStatus
    boot_id: UUID
    at: Moment | None = None
    """None in a last will, which is written before anybody knows when it will be said."""
    connection: Annotated[int, Field(ge=0)] | None = None
    """The connection that this is about: of two words of one boot the one with the larger number is newer. None from
    senders that do not count.
    """


class ShowerAvailability(Message):
    """Whether the controller of a shower is there. Retained."""

    device: UUID
    status: ProcessStatus
    boot_id: UUID
    at: Moment | None = None
    """None in a last will, which is written before anybody knows when it will be said."""
    connection: Annotated[int, Field(ge=0)] | None = None
    """The connection that this is about: of two words of one boot the one with the larger number is newer. None from
    senders that do not count.
    """


class Health(Message):
    """Figures of one process at a gate."""

    gate: Name
    source: Code
    """`controller` or `edge`."""
    at: Moment
    figures: Annotated[dict[Code, float | str | bool | None], Field(max_length=64)]


class Advice(StrEnum):
    """What a screen at the gate tells the person in front."""

    NOBODY = "nobody"
    """Nobody is there: show the usual picture."""
    WAIT = "wait"
    COME_CLOSER = "come_closer"
    LOOK_HERE = "look_here"
    STAND_STILL = "stand_still"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    TAKE_OFF_MASK = "take_off_mask"
    TAKE_OFF_GLASSES = "take_off_glasses"
    USE_CARD = "use_card"
    """The face will not do: the card or the code always does."""
    RECOGNISED = "recognised"
    """The face is known; whether the door opens, the door's state says."""


class Feedback(Message):
    """Published by the edge when it changes. It names nobody, and nothing follows from it."""

    gate: Name
    at: Moment
    advice: Advice
