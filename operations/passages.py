"""Events that belong to one passage, put together: the answer to a face or card, the door's movement, its end.

What belongs together carries the same command, or the same tap where the controller decided alone. People see one row
for it, with its events folded away.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from messages import EventKind
from operations.tables import GateEvent

_OUTCOMES = (EventKind.PASSED, EventKind.NOT_TAKEN, EventKind.RELOCKED)
"""What became of a grant, the most certain first."""
FOLLOWING = frozenset({*_OUTCOMES, EventKind.CLOSED, EventKind.GRANT_RENEWED})
"""What only follows from what was told before."""
_HEADLINES = (
    EventKind.TAILGATED,
    EventKind.REVERSE_PASSAGE,
    EventKind.ACCESS_GRANTED,
    EventKind.ACCESS_DENIED,
    EventKind.FACE_GRANTED,
    EventKind.FACE_REFUSED,
    EventKind.COMMAND_REFUSED,
)
"""Which event says what a passage was, the most telling first; of others the earliest does."""


def key_of(event: GateEvent) -> str:
    """Return what the events of one passage have in common; an event that belongs to none has a key of its own."""
    return str(event.command_id or event.tap_id or event.id)


@dataclass(frozen=True, slots=True)
class Passage:
    """What belongs together at one gate, oldest first."""

    key: str
    events: tuple[GateEvent, ...]

    @property
    def headline(self) -> GateEvent:
        """The event that says what it was."""
        return min(self.events, key=lambda one: rank_of(one.kind))

    @property
    def outcome(self) -> str | None:
        """The kind of the event that says whether a grant was taken; None while, or where, nobody can say."""
        kinds = {one.kind for one in self.events}
        return next((kind.value for kind in _OUTCOMES if kind in kinds), None)


def rank_of(kind: str) -> int:
    """Return how telling an event of a passage is, 0 the most."""
    return _HEADLINES.index(EventKind(kind)) if kind in _HEADLINES else len(_HEADLINES)


def group(events: Iterable[GateEvent]) -> list[Passage]:
    """Put `events` together, in any order, and return the passages, the one that began last first."""
    found: dict[tuple[str, str], list[GateEvent]] = {}
    for event in events:
        found.setdefault((event.gate, key_of(event)), []).append(event)
    passages = [
        Passage(key, tuple(sorted(those, key=lambda one: (one.at, one.sequence)))) for (_, key), those in found.items()
    ]
    return sorted(passages, key=lambda one: (one.events[0].at, one.events[0].sequence), reverse=True)
