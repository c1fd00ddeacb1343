"""What a holder asks of their statement, and the selection of the journal's lines that it comes to."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from accounts.ledger.statement import About, Selection
from accounts.ledger.tables import LedgerAccount
from accounts.payments.tables import Merchant
from console.texts import Translate
from metering.rooms.tables import Building, Room
from metering.sessions.tables import WaterPlace, WaterSession

KINDS = {
    "payment": frozenset({"payment"}),
    "shower": frozenset({"metered"}),
    "room": frozenset({"room_top_up", "room_refund"}),
    "top_up": frozenset({"top_up", "cash_in", "subsidy"}),
    "back": frozenset({"refund", "reversal"}),
    "paid_out": frozenset({"cash_out", "top_up_refund"}),
    "fee": frozenset({"reissue", "reissue_reversed", "library_fine"}),
}
"""What a reader chooses from, and the purposes in the journal that it stands for."""

PURPOSES = frozenset().union(*KINDS.values())

_MOST_ALIKE = 500


@dataclass(frozen=True, slots=True)
class StatementWish:
    """The days (both included), the kind, the direction and the words that a reader asks for."""

    first: date
    last: date
    kind: str | None = None
    incoming: bool | None = None
    words: str = ""


def select_lines(session: Session, wish: StatementWish, person_id: UUID, t: Translate, zone: ZoneInfo) -> Selection:
    """Return the lines that a wish asks for; its words are looked for in what the lines are called."""
    return Selection(
        since=_begin(wish.first, zone),
        until=_begin(wish.last + timedelta(days=1), zone),
        purposes=KINDS.get(wish.kind) if wish.kind else None,
        incoming=wish.incoming,
        about=_find_named(session, wish.words, person_id, t) if wish.words else None,
    )


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _find_named(session: Session, words: str, person_id: UUID, t: Translate) -> About:
    wanted = words.casefold()
    purposes = frozenset(one for one in PURPOSES if wanted in t(f"own_money.purpose_{one}").casefold())
    rooms = (
        select(Room.id)
        .join(Building, Building.id == Room.building_id)
        .where(_contains(Building.name + " " + Room.number, wanted))
    )
    showers = (
        select(WaterSession.hold_id)
        .join(WaterPlace, WaterPlace.id == WaterSession.place_id)
        .where(WaterSession.person_id == person_id, _contains(WaterPlace.title, wanted))
    )
    return About(
        purposes=purposes,
        others=frozenset(
            one
            for query in (
                select(Merchant.id).where(_contains(Merchant.name, wanted)),
                select(LedgerAccount.id).where(LedgerAccount.kind == "subsidy", _contains(LedgerAccount.name, wanted)),
                rooms,
            )
            for one in session.scalars(query.limit(_MOST_ALIKE))
        ),
        holds=frozenset(one for one in session.scalars(showers.limit(_MOST_ALIKE)) if one is not None),
    )


def _contains(column: InstrumentedAttribute[str] | ColumnElement[str], wanted: str) -> ColumnElement[bool]:
    return func.lower(column).contains(wanted, autoescape=True)
