"""Whether a session may begin while the server does not answer, and how far it may go. Pure."""

from datetime import time, timedelta
from math import ceil

from messages.metering import HeartbeatAnswer, OpeningPeriod, SessionLimit, SessionReport, ShownCard
from metering.shower.counting import Prices, cost
from metering.shower.signals import Instant
from metering.shower.state import MOST_UNSETTLED, State


def offline_limit(state: State, card: ShownCard | None, now: Instant) -> SessionLimit | None:
    """Return the limits of a session of `card`, or None where none may begin.

    A one-time code cannot be judged here, so only cards may; all that a card has open at this controller counts
    against its limit until the server has acknowledged it.
    """
    terms = state.terms
    if terms is None or terms.offline is None or card is None or len(state.unsettled) >= MOST_UNSETTLED:
        return None
    if not terms.is_enabled or not _is_open(terms, now):
        return None
    left = terms.offline_fen_per_card - sum(
        _cost_of(report, terms)
        for report in state.unsettled
        if report.card is not None and report.card.digest == card.digest
    )
    if left <= 0:
        return None
    most = terms.offline.fen
    return terms.offline.model_copy(update={"fen": left if most is None else min(left, most)})


def _cost_of(report: SessionReport, terms: HeartbeatAnswer) -> int:
    return ceil(cost(report.counts, Prices(terms.prices, terms.is_pause_charged)))


def _is_open(terms: HeartbeatAnswer, now: Instant) -> bool:
    if not terms.opening:
        return True
    if not now.clock_sure:
        return False
    local = (now.at + timedelta(seconds=terms.utc_offset_s)).time()
    return any(_covers(period, local) for period in terms.opening)


def _covers(period: OpeningPeriod, local: time) -> bool:
    begins, ends = time.fromisoformat(period.begins), time.fromisoformat(period.ends)
    if begins <= ends:
        return begins <= local < ends
    return local >= begins or local < ends
