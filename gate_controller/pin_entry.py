"""PINs: typed after a card that asks for one, checked here and nowhere else, and not guessed for long.

What was typed the reader says, never the characters: a card of digits alone is a card.

A PIN never leaves the controller, so at a gate that asks for card and PIN the controller decides alone.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from access.credentials import pin_digest
from gate_controller.memory import DoorMemory, DoorMemoryError
from gate_controller.readers import Kind, Reading

log = structlog.get_logger()

PIN_WAIT_S = 15.0
"""How long after the card the PIN may be typed: eight digits, typed slowly."""
MOST_WRONG = 5
LOCKED_FOR = timedelta(minutes=15)
"""After `MOST_WRONG` wrong PINs in a row, counted at this door and kept over a power cut."""

_PIN = re.compile(r"[0-9]{4,8}")


@dataclass(frozen=True, slots=True)
class AwaitedPin:
    """The card that was shown just before."""

    digest: str
    person_id: UUID
    kind: Kind
    """`card` or `virtual`."""
    authenticated: bool
    code_second: int | None
    """Of a virtual card: the Unix second of its code."""
    until: float


class PinEntry:
    """Which card waits for its PIN, and how often a wrong one was typed."""

    def __init__(self, memory: DoorMemory, credential_key: bytes) -> None:
        self._memory = memory
        self._credential_key = credential_key
        self._awaited: AwaitedPin | None = None

    def await_pin(self, card: Reading, digest: str, person_id: UUID, *, now: float) -> None:
        """Wait for the PIN of a card; a card that waited before waits no more."""
        self._awaited = AwaitedPin(digest, person_id, card.kind, card.authenticated, card.code_second, now + PIN_WAIT_S)

    def pop_awaited(self, reading: Reading, now: float) -> AwaitedPin | None:
        """Return whose PIN was just typed, None when a card was shown, or something was typed that is no PIN.

        Any other card takes the place of the one that waits.
        """
        awaited, self._awaited = self._awaited, None
        typed = reading.kind == "code" and _PIN.fullmatch(reading.value) is not None
        return awaited if awaited is not None and typed and now < awaited.until else None

    def digest(self, awaited: AwaitedPin, pin: str) -> str:
        """Return what the directory holds in place of this PIN."""
        return pin_digest(self._credential_key, awaited.person_id, pin)

    def is_locked(self, person_id: UUID, at: datetime) -> bool:
        """Return whether too many wrong PINs were typed with this person's card a short while ago."""
        wrong, last = self._memory.wrong_pins(person_id)
        # A clock that was set back makes nobody free.
        return wrong >= MOST_WRONG and last is not None and at < last + LOCKED_FOR

    def record_attempt(self, person_id: UUID, at: datetime, *, right: bool) -> None:
        """Count a wrong PIN; a right one ends the count, and so does a lock that is over."""
        wrong, last = self._memory.wrong_pins(person_id)
        over = last is not None and at >= last + LOCKED_FOR
        if right:
            number = 0
        elif over:
            number = 1
        else:
            number = wrong + 1
        try:
            self._memory.keep_wrong_pins(person_id, number, at)
        except DoorMemoryError as error:
            log.error("wrong_pin_not_remembered", error=str(error))
