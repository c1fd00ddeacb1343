"""What a room has left at this moment: its ledger balance less what it used since its last charge.

Money counts the moment the ledger has it, and use the moment it was read, so that a page never shows yesterday.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from accounts.ledger import AccountError, account
from metering.billing import charges, plans, run
from metering.billing.day_charge import pieces
from metering.billing.tables import RoomBilling
from metering.readings.course import NotReadYetError
from metering.rooms import registry
from metering.rooms.consumption import find_known_until
from metering.rooms.courses import load_courses
from metering.tariffs.electricity import NO_MONEY, Fen, WattHours, midnight, plan_on
from metering.tariffs.electricity_charge import BillState, Charge, RoomTerms, charge
from metering.tariffs.electricity_credit import MOST_DAYS, days_left, energy_left
from metering.tariffs.electricity_quota import DAY, Grant, heads_on

MOST_ENERGY = WattHours(10_000_000)
"""More than a room's free energy and money are worth; beyond it nobody needs the figure."""

DAYS_OF_AVERAGE = 7
"""A week, so that weekends count as often as they come."""


@dataclass(frozen=True)
class RoomCredit:
    """A room's money at one moment."""

    room_id: UUID
    at: datetime
    balance: Fen
    """What the ledger says, after the last charge."""
    used: Charge
    """What was used since then, at its price; not charged yet."""
    read_until: datetime | None
    """Until when the use is known; None before the first reading."""
    state: BillState
    """What the next energy is priced by, with `terms`."""
    terms: RoomTerms
    is_vacant: bool
    """Nobody lives there, so nothing is charged."""

    @property
    def available(self) -> Fen:
        """What can still be spent, below zero where more was used."""
        return Fen(self.balance - self.used.fen)

    @property
    def free_left(self) -> tuple[tuple[Grant, WattHours], ...]:
        """The grants of now with what is left of each, in the order in which they are used."""
        used = dict(self.state.used)
        live = (grant for grant in self.terms.grants if grant.is_live(self.at))
        return tuple((grant, WattHours(max(0, grant.wh - used.get(grant.key, 0)))) for grant in live)

    @property
    def has_quota(self) -> bool:
        """Whether there is free energy left."""
        return any(left > 0 for _, left in self.free_left)

    def energy_left(self) -> WattHours:
        """Return what can be used at the price of now before money and quota are gone."""
        return energy_left(self.available, self.state, self.at, self.terms, MOST_ENERGY)


def find_credit(session: Session, room_id: UUID, now: datetime, zone: ZoneInfo, *, ahead: int = 1) -> RoomCredit:
    """Return what a room has left; prices and quotas are known for `ahead` days."""
    room = registry.get_room(session, room_id)
    terms = RoomTerms.until(
        now + ahead * DAY, plans.of_building(session, room.building_id), run.stays_of(session, room_id), zone
    )
    billing = session.get(RoomBilling, room_id)
    state, read_until = BillState(), None
    used = Charge(NO_MONEY, WattHours(0), (), state)
    if billing is not None:
        begins = midnight(billing.billed_until, zone)
        state, read_until = charges.state_before(session, room_id, billing.billed_until), begins
        used = Charge(NO_MONEY, WattHours(0), (), state)
        courses = load_courses(session, room_id, begins, now)
        known = find_known_until(courses)
        if known is not None and known > begins:
            read_until = min(known, now)
            try:
                used = charge(state, pieces(courses, begins, read_until, terms), terms)
            except NotReadYetError:
                read_until = begins
    is_vacant = heads_on(terms.stays, now.astimezone(zone).date()) == 0
    return RoomCredit(room_id, now, _balance(session, room_id), used, read_until, used.state, terms, is_vacant)


def find_days_left(session: Session, found: RoomCredit, zone: ZoneInfo) -> int | None:
    """Return for how many days the credit lasts at the last week's use; `found` must look `MOST_DAYS` ahead."""
    today = found.at.astimezone(zone).date()
    days = [
        one.wh
        for one in charges.standing(session, found.room_id, today - DAYS_OF_AVERAGE * DAY)
        if not one.is_vacant and one.day < today
    ]
    if not days or found.is_vacant or plan_on(found.terms.plans, today) is None:
        return None
    return days_left(found.available, found.state, found.at, WattHours(sum(days) // len(days)), found.terms)


AHEAD = MOST_DAYS + 1
"""How far prices and quotas must be known for a forecast."""


def _balance(session: Session, room_id: UUID) -> Fen:
    try:
        return Fen(account(session, room_id).balance)
    except AccountError:
        return NO_MONEY
