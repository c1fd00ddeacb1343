"""How a door or a turnstile is built and set: the tables `[door]` and `[turnstile]` of the door's file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Times in seconds, and how this door is built."""

    grant_s: float = 5.0
    """How long a grant waits for the door to be opened."""
    extended_grant_s: float = 15.0
    held_after_s: float = 30.0
    """How long the door may stand open after a passage."""
    extended_held_after_s: float = 60.0
    exit_s: float = 5.0
    """How long after the exit button the door may be opened without being forced."""
    exit_ignored_s: float = 0.0
    """How long after a passage on a grant the exit input is ignored: a motion sensor sees who just came in.

    Counted from the opening, and again from the closing. Leave it at 0 for a button.
    """
    has_contact: bool = True
    """A sensor tells whether the door is open. Without one there is no held, forced or not taken."""
    exit_unlocks: bool = True
    """The exit button releases the lock; otherwise a handle does, and the button only explains the opening."""
    relock_on_open: bool = True
    """Lock again as soon as the door is open; otherwise when it is closed (bolts that would bar an open door)."""
    lockdown_closes_exit: bool = False
    """A lockdown closes the way out too. Only where the fire authority agrees."""


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
