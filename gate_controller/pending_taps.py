"""Taps about which the edge was asked and has not answered: each gets one result, whoever is first."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from gate_controller.readers import Reading, ReadingResult
from gate_controller.readers.freshness import STALE_S
from messages import Tap
from messages.events import Detail

_MOST_WAITING = 256
"""Far more than are presented at one door within the time that the edge has to answer."""


@dataclass(frozen=True, slots=True)
class PendingTap:
    """A tap about which the edge was asked; at `deadline` (monotonic seconds) the controller decides alone."""

    tap: Tap
    reading: Reading
    deadline: float

    def is_old(self, now: float) -> bool:
        """Return whether its result comes so late that it must not open (monotonic seconds)."""
        return now > self.deadline + STALE_S


def form_details(reading: Reading) -> dict[str, str | float]:
    """Return how a reading came, for the details of its event."""
    details: dict[str, str | float] = {"form": reading.form} if reading.form else {}
    return details if reading.code_second is None else details | {Detail.CODE_SECOND.value: reading.code_second}


class PendingTaps:
    """The taps that wait. `pop` gives each out once."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[UUID, PendingTap] = OrderedDict()

    def add(self, waiting: PendingTap) -> None:
        """Let a tap wait. Should far too many wait, the oldest is forgotten: its reader has given up."""
        self._waiting[waiting.tap.id] = waiting
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popitem(last=False)

    def join(self, digest: str, reading: Reading) -> bool:
        """Let `reading` share the result of this card's tap that waits, if one does: cards bounce on a reader."""
        for tap_id, waiting in self._waiting.items():
            if waiting.tap.digest == digest:
                both = _answer_both(waiting.reading, reading)
                self._waiting[tap_id] = replace(waiting, reading=replace(waiting.reading, answer=both))
                return True
        return False

    def waits(self, digest: str) -> bool:
        """Return whether a tap of this card waits."""
        return any(waiting.tap.digest == digest for waiting in self._waiting.values())

    def pop(self, tap_id: UUID, now: float) -> PendingTap | None:
        """Return the tap if it still waits; from now on it is decided.

        One that should have been decided long ago is left to `pop_due`: this process was stopped meanwhile.
        """
        waiting = self._waiting.get(tap_id)
        return None if waiting is None or waiting.is_old(now) else self._waiting.pop(tap_id)

    def pop_due(self, now: float) -> list[PendingTap]:
        """Remove and return those whose time is over."""
        late = [waiting for waiting in self._waiting.values() if now >= waiting.deadline]
        return [self._waiting.pop(waiting.tap.id) for waiting in late]

    def pop_all(self) -> list[PendingTap]:
        """Remove and return all: there is no edge to wait for."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        return waiting

    @property
    def next_deadline(self) -> float | None:
        """When the next one is due."""
        return min((waiting.deadline for waiting in self._waiting.values()), default=None)


def _answer_both(first: Reading, second: Reading) -> Callable[[ReadingResult], None]:
    def answer(result: ReadingResult) -> None:
        first.answer(result)
        second.answer(result)

    return answer
