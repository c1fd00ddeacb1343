"""The billing run: readings become charges on the rooms' accounts, once for each campus day of a room.

A day is charged when every meter that counts was read at or after its end, exactly at it where that can be waited for.
Every id follows from room, day and revision, so the run may be repeated, broken off or run twice at once. Where what a
charge followed from has changed since (a person decided on a reading, a move was entered late, a late reading came),
the days are worked out anew; a charge that differs is withdrawn whole, and another one follows.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from accounts.ledger import AccountKind, open_account
from accounts.ledger.transfer import TransferRefusedError
from accounts.payments.services import MoneyServices
from metering.billing import charges, plans
from metering.billing.day_charge import DayCharge, Quote, charge_again, charge_day, is_same, keep_money
from metering.billing.stored import QUOTES, STATE, dump, load
from metering.billing.tables import RoomBilling, RoomCharge
from metering.readings.course import NotReadYetError
from metering.readings.tables import ReadingReview
from metering.rooms import registry, residents
from metering.rooms.consumption import RoomCourse, find_consumption
from metering.rooms.courses import load_courses
from metering.rooms.tables import Meter, MeterPeriod
from metering.tariffs.electricity import PricePlan, midnight
from metering.tariffs.electricity_charge import BillState, RoomTerms
from metering.tariffs.electricity_quota import DAY, Stay, quota_rules
from metering.vocabulary import Utility

log = structlog.get_logger()

WAITS_FOR_FREEZE = timedelta(hours=3)
"""After midnight: meters are asked for what they froze at midnight until 02:00, and answer late at times."""

LATEST_CHANGE = timedelta(days=60)
"""How far back changes are followed: as far as readings may come late. The days of that year before it too, for the
tiers and quotas that they bear on."""

_WAITS = "waits"
"""In place of a digest: charges that are to be worked out anew when their days are read."""


@dataclass(frozen=True, slots=True)
class Billed:
    """What a run did for one room: days charged for the first time, and days charged anew.

    `unread` is the first day that was charged and is no longer read to its end; its charge stands until it is again.
    """

    room_id: UUID
    days: int
    corrected: int
    billed_until: date | None
    unread: date | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """What a run did for all rooms that it looked at, and the rooms that it could not charge."""

    done: list[Billed]
    failed: list[UUID]

    @property
    def is_whole(self) -> bool:
        """Whether nothing waits for a person."""
        return not self.failed and not any(one.unread for one in self.done)


def bill_room(session: Session, room_id: UUID, now: datetime, zone: ZoneInfo, *, up_to: date | None = None) -> Billed:
    """Charge every day of a room that can be charged, in a writing transaction.

    `up_to` is the first day not to be charged; with it, days before it are charged from what was read, without waiting
    for a frozen reading.

    Raises:
        NotFoundError: there is no such room.
    """
    room = registry.get_room(session, room_id)
    price_plans = plans.of_building(session, room.building_id)
    account = session.get(RoomBilling, room_id, with_for_update=True) or _begin(
        session, room_id, price_plans, now, zone
    )
    if account is None:
        return Billed(room_id, 0, 0, None)
    run = _Run(session, account, price_plans, now, zone)
    corrected = run.correct() if account.inputs else 0
    days = run.go_on(up_to)
    run.conclude()
    return Billed(room_id, days, corrected, account.billed_until, run.unread)


def bill_all(money: MoneyServices, now: datetime, *, also_billed: bool = False) -> Billing:
    """Charge every room that has a past day to be charged, each in a transaction of its own.

    With `also_billed` every other room is looked at too, for what became known later. A room that fails is logged and
    tried at the next run.
    """
    today = now.astimezone(money.accounts.zone).date()
    # Also rooms that have no meter any more: its installation may have been taken back.
    metered = select(MeterPeriod.room_id).union(select(RoomBilling.room_id)).subquery()
    query = select(metered.c.room_id).order_by(metered.c.room_id)
    if not also_billed:
        query = query.outerjoin(RoomBilling, RoomBilling.room_id == metered.c.room_id)
        query = query.where(or_(RoomBilling.room_id.is_(None), RoomBilling.billed_until < today))
    with money.database.read() as session:
        rooms = session.scalars(query).all()
    billing = Billing([], [])
    for room_id in rooms:
        try:
            billing.done.append(money.writer.run(_work(room_id, now, money.accounts.zone)))
        except (TransferRefusedError, NotReadYetError) as error:
            log.warning("room_not_billed", room=str(room_id), error=type(error).__name__)
            billing.failed.append(room_id)
    return billing


def _work(room_id: UUID, now: datetime, zone: ZoneInfo) -> Callable[[Session, datetime], Billed]:
    return lambda session, _: bill_room(session, room_id, now, zone)


def stays_of(session: Session, room_id: UUID) -> tuple[Stay, ...]:
    """Return who lived and lives in a room, each with what they are now."""
    history = residents.find_history(session, room_id)
    kinds = residents.find_kinds(session, {row.person_id for row in history})
    return tuple(Stay(row.person_id, row.moved_in, row.moved_out, kinds[row.person_id]) for row in history)


def _begin(
    session: Session, room_id: UUID, price_plans: Sequence[PricePlan], now: datetime, zone: ZoneInfo
) -> RoomBilling | None:
    """Open a room's account once it has a meter and a price; billing begins on the first day that has both."""
    query = (
        select(func.min(MeterPeriod.begins_at))
        .join(Meter, Meter.id == MeterPeriod.meter_id)
        .where(MeterPeriod.room_id == room_id, Meter.utility == Utility.ELECTRICITY)
    )
    metered_since = session.scalar(query)
    if metered_since is None or not price_plans:
        return None
    begins_on = max(metered_since.astimezone(zone).date(), min(plan.starts_on for plan in price_plans))
    # Whoever else opens it at this moment waits here, and then finds it.
    registry.get_room(session, room_id, lock=True)
    if (begun := session.get(RoomBilling, room_id, populate_existing=True)) is not None:
        return begun
    open_account(session, room_id, AccountKind.ROOM, now)
    account = RoomBilling(room_id=room_id, begins_on=begins_on, billed_until=begins_on, inputs="")
    session.add(account)
    session.flush()
    return account


class _Run:
    """One run for one room."""

    def __init__(
        self, session: Session, account: RoomBilling, price_plans: Sequence[PricePlan], now: datetime, zone: ZoneInfo
    ) -> None:
        self._session = session
        self._account = account
        self._room = account.room_id
        self._plans = price_plans
        self._stays = stays_of(session, account.room_id)
        self._now = now
        self._zone = zone
        self.unread: date | None = None

    def go_on(self, up_to: date | None) -> int:
        """Charge the days after the last one; returns how many."""
        day, today = self._account.billed_until, self._now.astimezone(self._zone).date()
        last = today if up_to is None else min(today, up_to)
        if day >= last:
            return 0
        courses = self._courses(day, last)
        state, charged = charges.state_before(self._session, self._room, day), 0
        while day < last and (found := self._due(courses, day, state, waits=up_to is None)) is not None:
            charges.store(self._session, self._room, found, self._now)
            state, charged, day = found.charge.state, charged + 1, day + DAY
        self._account.billed_until = day
        return charged

    def correct(self) -> int:
        """Work out anew what no longer follows from what is known; returns how many days were charged anew.

        Days that readings can still change are read again; earlier ones keep what was counted, under the terms of now,
        and so do those that are no longer read to their end, such as after a second meter was entered late.
        """
        today = self._now.astimezone(self._zone).date()
        since = max(self._account.begins_on, today - LATEST_CHANGE)
        if self._account.inputs == self._inputs() and not self._has_late_readings(since):
            return 0
        first = max(self._account.begins_on, since.replace(month=1, day=1))
        standing = {row.day: row for row in charges.standing(self._session, self._room, first)}
        courses = self._courses(since, self._account.billed_until)
        state, corrected, day = charges.state_before(self._session, self._room, first), 0, first
        while day < self._account.billed_until:
            row = standing.get(day)
            known = None if row is None else charges.to_value(row)
            found = self._work_out(known, courses if day >= since else None, day, state)
            if row is not None and known is not None and found is not None and is_same(known, found):
                state = keep_money(known, found)
                row.state = dump(STATE, state)
            elif found is not None:
                corrected += self._replace(row, found)
                state = found.charge.state
            day += DAY
        return corrected

    def conclude(self) -> None:
        """Note what the charges followed from; where a day waits to be read again, the next run looks again too."""
        self._account.inputs = self._inputs() if self.unread is None else _WAITS
        self._session.flush()

    def _work_out(
        self, known: DayCharge | None, courses: Sequence[RoomCourse] | None, day: date, state: BillState
    ) -> DayCharge | None:
        """Return what a day comes to by its readings, else by what was counted; None where neither is known."""
        if courses is not None:
            try:
                return charge_day(courses, day, state, self._terms(day), self._zone)
            except NotReadYetError:
                self.unread = self.unread or day
        return None if known is None else charge_again(known, state, self._terms(day))

    def _courses(self, first: date, last: date) -> list[RoomCourse]:
        return load_courses(self._session, self._room, midnight(first, self._zone), midnight(last, self._zone))

    def _due(self, courses: Sequence[RoomCourse], day: date, state: BillState, *, waits: bool) -> DayCharge | None:
        try:
            found = charge_day(courses, day, state, self._terms(day), self._zone)
        except NotReadYetError:
            return None
        may_come = waits and self._now < midnight(day + DAY, self._zone) + WAITS_FOR_FREEZE
        return None if may_come and any(quote.is_estimated for quote in found.quotes) else found

    def _has_late_readings(self, since: date) -> bool:
        """Whether a reading that was worked out for a charge has been read since."""
        for row in charges.standing(self._session, self._room, since):
            if row.is_estimated:
                start, end = midnight(row.day, self._zone), midnight(row.day + DAY, self._zone)
                try:
                    used = find_consumption(self._courses(row.day, row.day + DAY), start, end)
                except NotReadYetError:
                    return True
                if tuple(Quote.of(part) for part in used.parts) != load(QUOTES, row.quotes):
                    return True
        return False

    def _terms(self, day: date) -> RoomTerms:
        return RoomTerms.until(midnight(day, self._zone), self._plans, self._stays, self._zone)

    def _inputs(self) -> str:
        """Digest what bears on days that are billed: stays, meters, quotas, and what people decided on readings."""
        until = self._account.billed_until
        ends = midnight(until, self._zone)
        periods = self._session.scalars(
            select(MeterPeriod).where(MeterPeriod.room_id == self._room).order_by(MeterPeriod.id)
        ).all()
        meters = select(Meter.number).where(Meter.id.in_([row.meter_id for row in periods]))
        decided = select(ReadingReview.id, ReadingReview.state).where(
            ReadingReview.meter.in_(meters), ReadingReview.decided_at.is_not(None)
        )
        what = (
            [self._stay(stay) for stay in self._stays if stay.begins_on < until],
            [_period(row, ends) for row in periods if row.begins_at < ends],
            [(str(quota), *dates) for quota, *dates in quota_rules(self._plans)],
            [tuple(row) for row in self._session.execute(decided.order_by(ReadingReview.id))],
        )
        return hashlib.sha256(repr(what).encode()).hexdigest()

    def _stay(self, stay: Stay) -> tuple[object, ...]:
        told_apart = {kind for quota, *_ in quota_rules(self._plans) for kind, _ in quota.by_kind}
        return stay.person, stay.begins_on, stay.ends_on, *sorted(told_apart.intersection(stay.kinds))

    def _replace(self, row: RoomCharge | None, found: DayCharge) -> int:
        if row is not None:
            charges.withdraw(self._session, row, self._now)
        charges.store(self._session, self._room, found, self._now)
        return int(row is not None or bool(found.quotes))


def _period(row: MeterPeriod, until: datetime) -> tuple[object, ...]:
    """What of a meter's period bears on the time before `until`."""
    ended = row.ends_at is not None and row.ends_at < until
    register = row.digits, row.decimals, row.ratio, row.first_digits
    return row.id, row.begins_at, *register, (row.ends_at, row.final_digits) if ended else None
