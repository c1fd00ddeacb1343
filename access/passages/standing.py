"""What the server says of a zone's passages without being asked, and whether it stands for an answer. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

OLDEST = timedelta(seconds=10)
"""The next one is there by then."""
AHEAD = timedelta(seconds=2)
"""How far ahead of the gate's clock the server's may be, as with commands."""


@dataclass(frozen=True, slots=True)
class ZoneStanding:
    """As of `at`, by the server's clock, everything that passed in `zone` is in `revision`."""

    zone: str
    revision: int
    inside: int
    forgiven_before: datetime | None
    at: datetime


class Verdict(StrEnum):
    """What a gate makes of a standing."""

    CONFIRMS = "confirms"
    """Everything is known here as of its time."""
    NEWS = "news"
    """Somebody passed of whom nothing is known here: ask."""
    ANOTHER_ZONE = "another_zone"
    CHANGED = "changed"
    """The zone, or who must come first, is another since the last question: ask."""
    NOT_ASKED = "not_asked"
    """Since the start, or since that change, no answer came that told the server's time."""
    REPEATED = "repeated"
    """Not after what the server said last: delayed, or played again."""
    OLD = "old"
    AHEAD_OF_CLOCK = "ahead_of_clock"
    EARLIER = "earlier"
    """Of an earlier revision than the one held: another database answers, or another server spoke before: ask."""

    @property
    def asks(self) -> bool:
        """Whether the gate must ask at once."""
        return self in {Verdict.NEWS, Verdict.CHANGED, Verdict.EARLIER}

    @property
    def is_odd(self) -> bool:
        """Whether somebody should look at a clock."""
        return self in {Verdict.OLD, Verdict.AHEAD_OF_CLOCK}


def judge(standing: ZoneStanding, *, held: int, server_at: datetime | None, now: datetime) -> Verdict:
    """Return what a gate that holds revision `held` makes of a standing of its zone.

    `server_at` is when the server last spoke, by its own clock: whatever becomes of the gate's, no word from before it
    counts again.
    """
    if server_at is None:
        return Verdict.NOT_ASKED
    if standing.at <= server_at:
        return Verdict.REPEATED
    if now - standing.at > OLDEST:
        return Verdict.OLD
    if standing.at - now > AHEAD:
        return Verdict.AHEAD_OF_CLOCK
    if standing.revision == held:
        return Verdict.CONFIRMS
    return Verdict.NEWS if standing.revision > held else Verdict.EARLIER
