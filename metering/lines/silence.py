"""Who does not answer: meters that rest, and the line of which none answers. Pure: times come from the caller."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

REPORTED_AFTER_CYCLES = 3
"""A meter that is silent for so long is reported; before that it was a disturbance."""
SILENT_IN_A_ROW = 5
"""So many meters that are silent one after another may be the gateway or the cable: others are asked before one of
them is blamed."""
_RESTS = (1, 4)
"""Cycles a meter rests after its first and second silence. Each silence costs the line some 2.6 s at 2400 bps."""
_HOUR_S = 3600


def cycles_until_asked(silences: int, cycle_s: float) -> int:
    """Return after how many cycles a meter is asked again that was silent `silences` (≥ 0) times in a row."""
    if silences == 0:
        return 1
    if silences <= len(_RESTS):
        return 1 + _RESTS[silences - 1]
    return max(1, round(_HOUR_S / cycle_s))


@dataclass(frozen=True, slots=True)
class MeterHealth:
    """Whether one meter answers, and the number of the cycle in which it is asked next."""

    silences: int = 0
    silent_since: datetime | None = None
    first_cycle: int = 0
    """The cycle of the first silence in a row."""
    next_cycle: int = 0

    def after_answer(self) -> "MeterHealth":
        """Return what follows from an answer, whatever it says."""
        return self if self.silences == 0 else MeterHealth()

    def after_silence(self, now: datetime, cycle: int, cycle_s: float) -> "MeterHealth":
        """Return what follows from a silence in the cycle `cycle`."""
        silences = self.silences + 1
        return MeterHealth(
            silences=silences,
            silent_since=self.silent_since or now,
            first_cycle=self.first_cycle if self.silences else cycle,
            next_cycle=max(self.next_cycle, cycle + cycles_until_asked(silences, cycle_s)),
        )

    def is_due(self, cycle: int) -> bool:
        """Return whether it is asked in this cycle."""
        return cycle >= self.next_cycle

    def is_silent(self, cycle: int) -> bool:
        """Return whether its silence is to be reported in this cycle."""
        return self.silences > 0 and cycle - self.first_cycle >= REPORTED_AFTER_CYCLES


@dataclass(frozen=True, slots=True)
class LineHealth:
    """Whether a line answers at all. `before` has the meters that were silent in a row, as they were before."""

    is_up: bool = True
    since: datetime | None = None
    before: dict[UUID, MeterHealth] = field(default_factory=dict)
    silences: int = 0

    def is_doubtful(self, meters: int) -> bool:
        """Return whether the line, which has so many meters, may be what is silent."""
        is_long = self.silences >= SILENT_IN_A_ROW
        return self.is_up and is_long and len(self.before) >= min(SILENT_IN_A_ROW, meters)

    def after_answer(self, now: datetime) -> "LineHealth":
        """Return what follows from any meter's answer."""
        if self.is_up and self.since is not None:
            return LineHealth(since=self.since) if self.before else self
        return LineHealth(since=now)

    def after_silence(self, meter: UUID, health: MeterHealth) -> "LineHealth":
        """Return what follows when `meter`, whose health was `health`, does not answer."""
        before = {**self.before, meter: self.before.get(meter, health)}
        return replace(self, before=before, silences=self.silences + 1)

    def after_loss(self, now: datetime) -> "LineHealth":
        """Return what follows when the gateway cannot be reached, or no meter answers."""
        return replace(self, is_up=False, since=now) if self.is_up else self
