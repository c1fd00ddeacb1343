"""What a session has used by the controller's own count, what that costs, and which limit it has reached. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from messages.metering import MeterTotal, SessionLimit, WaterCount, WaterPrice
from metering.vocabulary import StopReason

_ML_PER_M3 = 1_000_000
_S_PER_HOUR = 3_600
MOST_ML_PER_S = 1_000
"""No shower gives more: a pipe of DN 20 at 3 bar gives about that much with nothing at its end."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a session costs: fixed at its beginning, whatever the server says of prices meanwhile."""

    of: tuple[WaterPrice, ...] = ()
    is_pause_charged: bool = False


def begin(totals: Iterable[MeterTotal]) -> tuple[WaterCount, ...]:
    """Return counts of nothing yet, from where the meters stand."""
    return tuple(
        WaterCount(
            utility=total.utility,
            pulses_per_m3=total.pulses_per_m3,
            begin=total.now,
            now=total.now,
            begin_total=total.total,
            total=total.total,
        )
        for total in totals
    )


def count(
    counts: Iterable[WaterCount], totals: Iterable[MeterTotal], *, open_s: float, paused_s: float
) -> tuple[WaterCount, ...]:
    """Return the counts as the meters stand now; what a meter does not say stays as it said it before."""
    by_utility = {total.utility: total for total in totals}
    times = {"open_s": int(open_s), "paused_s": int(paused_s)}

    def read(one: WaterCount) -> WaterCount:
        total = by_utility.get(one.utility)
        read = {} if total is None else _read(one, total)
        return one.model_copy(update={**times, **read})

    return tuple(map(read, counts))


def _read(one: WaterCount, total: MeterTotal) -> dict[str, int | bool | None]:
    return {
        "now": one.now if total.now is None else total.now,
        "total": one.total if total.total is None else total.total,
        "went_back": one.went_back or _is_lower(one.now, total.now) or _is_lower(one.total, total.total),
    }


def _is_lower(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after < before


def pulses(one: WaterCount) -> int | None:
    """Return the pulses of a session on one meter; None where neither counter tells."""
    if one.begin is not None and one.now is not None:
        return one.now - one.begin
    if one.begin_total is not None and one.total is not None:
        return one.total - one.begin_total
    return None


def volume_ml(counts: Iterable[WaterCount]) -> int:
    """Return the water of all meters in millilitres, rounded down; what no counter tells counts nothing."""
    return int(sum(Fraction((pulses(one) or 0) * _ML_PER_M3, one.pulses_per_m3) for one in counts))


def cost(counts: Iterable[WaterCount], prices: Prices) -> Fraction:
    """Return the exact cost in fen, unrounded. The server decides what is billed; this closes the valve in time."""
    of = {price.utility: price for price in prices.of}
    total = Fraction(0)
    for one in counts:
        if (price := of.get(one.utility)) is None:
            continue
        seconds = one.open_s + (one.paused_s if prices.is_pause_charged else 0)
        total += Fraction(max(0, pulses(one) or 0) * price.fen_per_m3, one.pulses_per_m3)
        total += Fraction(seconds * price.fen_per_hour, _S_PER_HOUR)
    return total


def reached(counts: Sequence[WaterCount], prices: Prices, limit: SessionLimit) -> StopReason | None:
    """Return the limit that the session has come to."""
    if limit.fen is not None and cost(counts, prices) >= limit.fen:
        return StopReason.MONEY_LIMIT
    if limit.ml is not None and volume_ml(counts) >= limit.ml:
        return StopReason.VOLUME_LIMIT
    if limit.open_s is not None and max((one.open_s for one in counts), default=0) >= limit.open_s:
        return StopReason.TIME_LIMIT
    return None


def has_flown(before: Iterable[WaterCount], after: Iterable[WaterCount]) -> bool:
    """Tell whether a meter counted between two readings."""
    return any((pulses(old), old.total) != (pulses(new), new.total) for old, new in zip(before, after, strict=True))


def is_faulty(before: Iterable[WaterCount], totals: Iterable[MeterTotal]) -> bool:
    """Tell whether a counter stands lower than before, or stopped telling: no session can go on by it."""
    by_utility = {total.utility: total for total in totals}
    return any(
        old is not None and (new is None or new < old)
        for one in before
        if (total := by_utility.get(one.utility)) is not None
        for old, new in ((one.now, total.now), (one.total, total.total))
    )


def correct(counts: Iterable[WaterCount], totals: Iterable[MeterTotal], unrecorded_s: float) -> tuple[WaterCount, ...]:
    """Return the counts of a session that a power cut ended, from its last record and where the meters stand now.

    `unrecorded_s` is the longest for which water can have flowed since the record. A meter that stands lower, or higher
    than can have flowed (it was exchanged, or a valve leaks), adds nothing: nobody pays for what may not be theirs. The
    counters since the start are left out, for they began again.
    """
    by_utility = {total.utility: total for total in totals}

    def corrected(one: WaterCount) -> WaterCount:
        standing = by_utility.get(one.utility)
        total = one.total
        if standing is not None and standing.total is not None and total is not None:
            most = int(unrecorded_s * MOST_ML_PER_S * one.pulses_per_m3 / _ML_PER_M3)
            total = standing.total if 0 <= standing.total - total <= most else total
        if total is None or one.begin_total is None:
            # Without a counter that outlives the cut, the record's own count is all there is.
            return one
        return one.model_copy(update={"begin": None, "now": None, "total": total})

    return tuple(map(corrected, counts))
