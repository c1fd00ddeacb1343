"""What a session comes to, and the money for it: subsidy first, then the hold, then what the hold does not cover.

Settling is the same however often and in whatever order reports come: each time the whole is computed from all of them,
and only what is more than before is taken. What cannot be read is never billed; a person decides.
"""

from datetime import datetime

from sqlalchemy import select

from accounts.ledger import chart
from accounts.payments import late_charges
from accounts.payments.late_charges import Use
from accounts.tables import Card
from messages.metering import SessionReport, SessionStep
from metering.sessions import places, subsidies
from metering.sessions.case import Case
from metering.sessions.reading import Doubt, SessionReading, read
from metering.sessions.tables import WaterSessionReport
from metering.tariffs.water import PriceList
from metering.vocabulary import SessionState, Utility


def reading_of(case: Case) -> SessionReading:
    """Put all reports of the session together."""
    query = select(WaterSessionReport.body).where(
        WaterSessionReport.session_id == case.row.id, WaterSessionReport.step != SessionStep.AUTHORISE
    )
    return read(SessionReport.model_validate_json(body) for body in case.session.scalars(query))


def note(case: Case, reading: SessionReading, shown: PriceList | None = None) -> set[Doubt]:
    """Write what the reports say into the session's row, with its cost; return what is doubtful."""
    row = case.row
    if shown is None:
        shown = places.by_id(case.session, row.price_list_id)
    if shown is None and row.place_id is not None:
        shown = places.price_list(case.session, row.place_id, row.began_at)
    row.price_list_id = None if shown is None else shown.id
    row.hot_ml = sum(use.ml for use in reading.uses if use.utility == Utility.HOT_WATER)
    row.cold_ml = reading.ml - row.hot_ml
    row.open_s, row.loss_ml = reading.open_s, reading.loss_ml
    row.stop_reason = reading.stop_reason
    row.cost = 0 if shown is None else shown.cost(reading.uses)
    doubts = set(reading.doubts)
    used = [use for use in reading.uses if use.ml or use.open_s]
    if any(shown is None or shown.price_of(use.utility) is None for use in used):
        doubts.add(Doubt.NO_PRICE)
    uncounted = [None if shown is None else shown.price_of(utility) for utility in reading.uncounted]
    is_free = shown is not None and not any(one.fen_per_m3 or one.fen_per_hour for one in shown.prices)
    if (reading.tells_nothing and not is_free) or any(price is not None and price.fen_per_m3 for price in uncounted):
        doubts.add(Doubt.NOT_COUNTED)
    if row.person_id is None and used:
        doubts.add(Doubt.HOLDER_UNKNOWN)
    row.doubts = " ".join(sorted(doubts))
    return doubts


def settle(case: Case, reading: SessionReading, *, at: datetime) -> None:
    """Take what the session has come to and was not taken before."""
    prices = places.by_id(case.session, case.row.price_list_id)
    hot = 0 if prices is None else prices.hot_cost(reading.uses)
    take(case, case.row.cost, hot, at=at)


def take(case: Case, cost: int, hot_cost: int, *, at: datetime) -> None:
    """Take `cost` fen in all for the session, of which subsidies may pay `hot_cost`."""
    row = case.row
    if row.person_id is None:
        return
    chart.lock(case.session, row.person_id)
    row.subsidy = subsidies.draw(case, min(hot_cost, cost))
    rest = max(0, cost - row.subsidy)
    if row.hold_id is None:
        row.billed = row.subsidy + _without(case, rest, at)
        return
    # What was charged before there was a hold is not taken out of it again.
    before = late_charges.charged(case.session, row.id)
    row.billed = row.subsidy + before + _from_hold(case, max(0, rest - before), at)


def let_go(case: Case) -> None:
    """Release what is held for a session that bills nothing for now."""
    if case.row.hold_id is not None and case.row.person_id is not None:
        _from_hold(case, 0, case.now)


def end_state(case: Case, doubts: set[Doubt], *, heard: bool) -> SessionState:
    """Return the state of a session that is over; `heard` is whether its end was reported."""
    if doubts and case.row.decided_at is None:
        return SessionState.IN_REVIEW
    return SessionState.SETTLED if heard or case.row.decided_at is not None else SessionState.EXPIRED


def _from_hold(case: Case, amount: int, at: datetime) -> int:
    assert case.row.hold_id is not None  # noqa: S101 - the callers asked
    taken = late_charges.settle_in(
        case.session, case.services, case.terminal, case.row.hold_id, amount, at=at, now=case.now
    )
    return taken.posted + taken.late


def _without(case: Case, amount: int, at: datetime) -> int:
    """A session begun offline, or one that a subsidy was to pay."""
    card = None if case.row.card_id is None else case.session.get(Card, case.row.card_id)
    if card is None:
        return 0
    use = Use(case.row.id, card.person_id, card, case.row.proved_key, at)
    return late_charges.charge_in(case.session, case.services, case.terminal, use, amount, now=case.now)
