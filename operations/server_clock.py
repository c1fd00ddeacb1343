"""Whether the server's own clock can be believed: nothing is erased or closed by a time that nobody vouches for. Pure.

A wall clock that is set wrong for a minute would erase pictures for good. So the time is held against two others: the
one on record from before, and a clock that only counts (`web.times.steady_s`). A clock
that comes back to where it should be is believed at once. One that stays away is believed when it has run evenly for
`STEADY` and gates that were up all the while tell the same time, or when an administrator says that it is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_PAUSE = timedelta(hours=1)
"""A server that was away for so long at most needs nobody's word."""
DRIFT = timedelta(minutes=5)
"""How far the clock may move against the counting one within an hour: a time server corrects by less."""
BEHIND = timedelta(minutes=2)
STEADY = timedelta(minutes=10)
AGREES = timedelta(minutes=2)
"""Figures of a gate are at most half a minute old when the next ones come."""
_ANCHORED_FOR_S = 3600.0


class ClockDoubt(StrEnum):
    """Why the clock is not believed."""

    AHEAD = "ahead"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Witness:
    """What a gate says of the time: its clock, and for how many seconds that has run evenly."""

    at: datetime
    steady_s: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """A clock that is not where it should be, since `since_s` of the counting clock."""

    why: ClockDoubt
    at: datetime
    since_s: float


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The clock as it was last believed. `resumed`: that was before this start."""

    believed_at: datetime
    believed_s: float
    resumed: bool = True
    doubt: Doubt | None = None

    def expected(self, elapsed_s: float) -> datetime:
        """Return what the clock should show by what was believed last."""
        return self.believed_at + timedelta(seconds=elapsed_s - self.believed_s)

    def advance(
        self,
        now: datetime,
        elapsed_s: float,
        *,
        witnesses: Sequence[Witness] = (),
        confirmed_at: datetime | None = None,
    ) -> "ServerClock":
        """Return the clock after a look at `now`.

        `witnesses`: the gates that are online; `confirmed_at`: the time at which an administrator last confirmed it.
        """
        off = now - self.expected(elapsed_s)
        if -BEHIND <= off <= (LONGEST_PAUSE if self.resumed else DRIFT):
            anchored = not self.resumed and elapsed_s - self.believed_s < _ANCHORED_FOR_S
            return replace(self, doubt=None) if anchored else ServerClock(now, elapsed_s, resumed=False)
        doubt = self._doubt(now, elapsed_s, ClockDoubt.AHEAD if off > timedelta() else ClockDoubt.BEHIND)
        if _is_confirmed(doubt, now, confirmed_at) or self._is_witnessed(doubt, now, elapsed_s, witnesses):
            return ServerClock(now, elapsed_s, resumed=False)
        return replace(self, doubt=doubt)

    def _doubt(self, now: datetime, elapsed_s: float, why: ClockDoubt) -> Doubt:
        before = self.doubt
        if before is not None and before.why is why:
            runs_evenly = abs(now - before.at - timedelta(seconds=elapsed_s - before.since_s)) <= DRIFT
            if runs_evenly:
                return before
        return Doubt(why, now, elapsed_s)

    def _is_witnessed(self, doubt: Doubt, now: datetime, elapsed_s: float, witnesses: Sequence[Witness]) -> bool:
        if elapsed_s - doubt.since_s < STEADY.total_seconds():
            return False
        # A gate that started with the same wrong time a while ago is no witness: it was up through the whole gap.
        gap_s = max((now - self.believed_at).total_seconds(), LONGEST_PAUSE.total_seconds())
        agree = sum(abs(one.at - now) <= AGREES and one.steady_s >= gap_s for one in witnesses)
        differ = sum(abs(one.at - now) > AGREES for one in witnesses)
        return agree > differ


def _is_confirmed(doubt: Doubt, now: datetime, confirmed_at: datetime | None) -> bool:
    return confirmed_at is not None and doubt.at - DRIFT <= confirmed_at <= now + DRIFT
