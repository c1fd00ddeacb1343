"""What the reports of one session say, put together: pure, and the same in whatever order and how often they came.

A session may begin with its end. A report after the end tells what flowed without being the session's: a loss, never
billed. What cannot be (a counter that went back, more water than a pipe gives) is a doubt: a person decides then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from messages.metering import SessionReport, SessionStep, WaterCount
from metering.tariffs.water import ML_PER_M3, WaterUse

MOST_ML_PER_S = 1_000
"""No shower gives more: a pipe of DN 20 at 3 bar gives about that much with nothing at its end."""
SPARE_S = 30
"""Beyond the seconds that a controller counted: a valve takes seconds to close, a power cut hides some more."""
MOST_OPEN_S = 86_400
"""Above what any place lets a session run; also what keeps every product of a reading small enough to be stored."""
MOST_ML = (MOST_OPEN_S + SPARE_S) * MOST_ML_PER_S
MOST_DISAGREEMENT_ML = 1_000
"""Between the two counters of one meter; the one that outlives a power cut is written every few pulses only."""


class Doubt(StrEnum):
    """Why a person must look at a session before anything is billed."""

    COUNTER_WENT_BACK = "counter_went_back"
    COUNTERS_DISAGREE = "counters_disagree"
    IMPLAUSIBLE_FLOW = "implausible_flow"
    IMPLAUSIBLE_TIME = "implausible_time"
    BEGINS_DISAGREE = "begins_disagree"
    NOT_COUNTED = "not_counted"
    NO_PRICE = "no_price"
    HOLDER_UNKNOWN = "holder_unknown"


@dataclass(frozen=True, slots=True)
class SessionReading:
    """What is known of a session's water. `uses` is what may be billed, `loss_ml` what flowed after the end."""

    uses: tuple[WaterUse, ...] = ()
    doubts: frozenset[Doubt] = frozenset()
    has_started: bool = False
    has_ended: bool = False
    stop_reason: str | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    loss_ml: int = 0
    uncounted: frozenset[str] = frozenset()
    """The waters whose valve was open while no counter ever told."""
    tells_nothing: bool = False
    """It ran, and no report says of any water what was counted, or that none was."""

    @property
    def ml(self) -> int:
        """All water together."""
        return sum(use.ml for use in self.uses)

    @property
    def open_s(self) -> int:
        """The longest for which a valve was open."""
        return max((use.open_s for use in self.uses), default=0)


def read(reports: Iterable[SessionReport]) -> SessionReading:
    """Put a session's reports together; the order in which they are given says nothing."""
    told = sorted((one for one in reports if one.step is not SessionStep.AUTHORISE), key=_place)
    if not told:
        return SessionReading()
    ends = [one for one in told if one.step is SessionStep.ENDED]
    last = ends[-1] if ends else told[-1]
    billed = [one for one in told if _place(one) <= _place(last)]
    tail = [one for one in told if _place(one) > _place(last)]
    utilities = sorted({count.utility for one in told for count in one.counts})
    doubts: set[Doubt] = set()
    uses = []
    uncounted = set()
    loss_ml = 0
    for utility in utilities:
        counts = [count for one in billed for count in one.counts if count.utility == utility]
        doubts |= _doubts_of(counts)
        use = _use(utility, counts)
        uses.append(use)
        if use.open_s and all(_ml(count) is None for count in counts):
            uncounted.add(utility)
        later = [count for one in tail for count in one.counts if count.utility == utility]
        loss_ml += max((_ml(count) or 0 for count in later), default=use.ml) - use.ml
    return SessionReading(
        uses=tuple(uses),
        doubts=frozenset(doubts),
        has_started=True,
        has_ended=bool(ends),
        stop_reason=last.stop_reason if ends else None,
        began_at=_began_at(told),
        ended_at=last.at if ends else None,
        loss_ml=max(0, loss_ml),
        uncounted=frozenset(uncounted),
        tells_nothing=not utilities and _has_run(told),
    )


def pulses_of(count: WaterCount) -> int | None:
    """Return the pulses of a session on one meter, or None where neither counter tells. May be negative."""
    since_start = _difference(count.begin, count.now)
    return _difference(count.begin_total, count.total) if since_start is None else since_start


def _has_run(told: Sequence[SessionReport]) -> bool:
    """Whether water may have flowed. Only an end next to the question ends a session that never began."""
    return any(one.step is not SessionStep.ENDED or one.seq > 1 for one in told)


def _place(report: SessionReport) -> tuple[int, int]:
    """The reports' own order: by number, and of two with one number the end is the later."""
    return report.seq, report.step is SessionStep.ENDED


def _difference(begin: int | None, now: int | None) -> int | None:
    """None where one of the two is not known: left out, or negative."""
    if begin is None or now is None or begin < 0 or now < 0:
        return None
    return now - begin


def _ml(count: WaterCount) -> int | None:
    pulses = pulses_of(count)
    return None if pulses is None else min(pulses * ML_PER_M3 // count.pulses_per_m3, MOST_ML + 1)


def _use(utility: str, counts: Sequence[WaterCount]) -> WaterUse:
    """What the last count that tells says; without any, no water, and the time of the last."""
    known = [ml for count in counts if (ml := _ml(count)) is not None]
    return WaterUse(
        utility,
        max(0, known[-1]) if known else 0,
        min(max((count.open_s for count in counts), default=0), MOST_OPEN_S),
        min(max((count.paused_s for count in counts), default=0), MOST_OPEN_S),
    )


def _doubts_of(counts: Sequence[WaterCount]) -> set[Doubt]:
    found: set[Doubt] = set()
    highest = 0
    for count in counts:
        if max(count.open_s, count.paused_s) > MOST_OPEN_S:
            found.add(Doubt.IMPLAUSIBLE_TIME)
        if count.went_back:
            found.add(Doubt.COUNTER_WENT_BACK)
        since_start, in_all = _difference(count.begin, count.now), _difference(count.begin_total, count.total)
        ml = _ml(count)
        if ml is None:
            continue
        if ml < highest or (in_all is not None and in_all < 0):
            found.add(Doubt.COUNTER_WENT_BACK)
        highest = max(highest, ml)
        if since_start is not None and in_all is not None:
            apart = abs(since_start - in_all) * ML_PER_M3 // count.pulses_per_m3
            found |= {Doubt.COUNTERS_DISAGREE} if apart > MOST_DISAGREEMENT_ML else set()
        if ml > min((count.open_s + SPARE_S) * MOST_ML_PER_S, MOST_ML):
            found.add(Doubt.IMPLAUSIBLE_FLOW)
    for one in ("begin", "begin_total", "pulses_per_m3"):
        if len({value for count in counts if (value := getattr(count, one)) is not None and value >= 0}) > 1:
            found.add(Doubt.BEGINS_DISAGREE)
    return found


def _began_at(told: Sequence[SessionReport]) -> datetime:
    """When it began by the controller's clock: as it says, or the first report's time less what it lasted."""
    stated = [one.began_at for one in told if one.began_at is not None]
    if stated:
        return min(stated)
    first = told[0]
    lasted_s = max((count.open_s + count.paused_s for count in first.counts), default=0)
    return first.at - timedelta(seconds=lasted_s)
