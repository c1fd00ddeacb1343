"""Random lives of a room: use, quota, tiers, moves, replacements, top-ups; on pure values, and on both databases."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import uuid5

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.ledger.decision import KnownAccount, LedgerState, decide
from accounts.ledger.transfer import AccountKind, AccountState, Transfer
from database import new_id
from metering.billing import top_up
from metering.billing.charges import charge_id
from metering.billing.day_charge import charge_day
from metering.billing.reconciliation import Finding, reconcile
from metering.billing.top_up import RoomPayment
from metering.readings.course import Course
from metering.readings.values import Reading, Register
from metering.rooms.consumption import RoomCourse
from metering.tariffs.electricity_charge import BillState, RoomTerms
from metering.tariffs.electricity_quota import Stay
from metering.vocabulary import ReadingSource
from tests.metering.billing.room_life import cost, half_up, plan_of_life
from tests.metering.electricity_cases import FIRST, ZONE, at, some_id
from tests.metering.hall import Hall

ROOM, WALLET, TAKER = some_id("room"), some_id("wallet"), some_id("taker")
DAY = timedelta(days=1)
DIGITS = st.integers(0, 4_000)
FUNDS = 10**6


class PureRoom(RuleBasedStateMachine):
    """A room of values: courses, stays, and the ledger's own rules for its money."""

    @initialize()
    def begin(self) -> None:
        active = AccountState.ACTIVE
        self.ledger = LedgerState(
            {
                ROOM: KnownAccount(AccountKind.ROOM, active, 0),
                WALLET: KnownAccount(AccountKind.WALLET, active, FUNDS),
                TAKER: KnownAccount(AccountKind.FEE, active),
            }
        )
        self.plan = plan_of_life(by_days=False)
        self.today, self.billed_until = FIRST, FIRST
        self.state = BillState()
        self.uses: dict[date, int] = {}
        self.stays = [Stay(some_id("first"), FIRST)]
        self.courses = [self.course(at(FIRST), 500, ratio=1)]
        self.charged, self.paid, self.steps = 0, 0, 0

    @staticmethod
    def course(begins: datetime, shows: int, *, ratio: int) -> RoomCourse:
        register = Register(digits=6, ratio=ratio)
        first = Reading(begins, begins, shows, ReadingSource.PERSON)
        return RoomCourse(Course(some_id(begins), f"M{begins}", register, (first,)), None)

    def read(self, when: datetime, digits: int) -> int:
        """The meter is read after `digits` more; returns the energy."""
        one = self.courses[-1]
        last, size = one.course.readings[-1], one.course.register.size
        reading = Reading(when, when, (last.digits + digits) % size)
        self.courses[-1] = replace(one, course=replace(one.course, readings=(*one.course.readings, reading)))
        return one.course.register.to_wh(digits)

    @rule(morning=DIGITS, evening=DIGITS)
    def a_day_passes(self, morning: int, evening: int) -> None:
        used = self.read(at(self.today, 9), morning)
        self.today += DAY
        self.uses[self.today - DAY] = used + self.read(at(self.today), evening)

    @rule(before=DIGITS, after=DIGITS, shows=st.integers(0, 999_999), ratio=st.sampled_from([1, 15]))
    def the_meter_is_replaced_at_noon(self, before: int, after: int, shows: int, ratio: int) -> None:
        noon = at(self.today, 12)
        used = self.read(noon, before)
        self.courses[-1] = replace(self.courses[-1], ends_at=noon)
        self.courses.append(self.course(noon, shows, ratio=ratio))
        self.today += DAY
        self.uses[self.today - DAY] = used + self.read(at(self.today), min(after, 9_999 // ratio))

    @rule()
    def somebody_moves_in(self) -> None:
        self.stays.append(Stay(some_id(f"resident {len(self.stays)}"), self.today))

    @precondition(lambda self: any(one.ends_on is None and one.begins_on < self.today for one in self.stays))
    @rule(place=st.integers(0, 50))
    def somebody_moves_out(self, place: int) -> None:
        here = [i for i, one in enumerate(self.stays) if one.ends_on is None and one.begins_on < self.today]
        self.stays[here[place % len(here)]] = replace(self.stays[here[place % len(here)]], ends_on=self.today)

    @rule(fen=st.integers(1, 20_000))
    def somebody_pays(self, fen: int) -> None:
        self.steps += 1
        self.move(Transfer(uuid5(ROOM, f"paid {self.steps}"), "room_top_up", WALLET, ROOM, fen))
        self.paid += fen

    @rule(days=st.integers(1, 5))
    def the_run_bills(self, days: int) -> None:
        while days and self.billed_until < self.today:
            terms = RoomTerms.until(at(self.billed_until), (self.plan,), self.stays, ZONE)
            found = charge_day(self.courses, self.billed_until, self.state, terms, ZONE)
            assert found.charge.wh == self.uses[self.billed_until]
            assert not found.is_estimated
            if found.charge.fen:
                taken = Transfer(charge_id(ROOM, found.day, 1), "electricity", ROOM, TAKER, found.charge.fen)
                self.move(taken)
                self.move(taken)
            self.charged += found.charge.fen
            self.state, self.billed_until, days = found.charge.state, self.billed_until + DAY, days - 1

    def move(self, transfer: Transfer) -> None:
        outcome = decide(self.ledger, transfer, at(self.today))
        entry = outcome.require()
        if not outcome.replayed:
            self.ledger.fold(entry)

    @invariant()
    def the_balance_is_what_was_paid_less_what_was_used(self) -> None:
        assert self.ledger.accounts[ROOM].balance == self.paid - self.charged
        assert self.ledger.accounts[WALLET].balance == FUNDS - self.paid

    @invariant()
    def what_was_charged_is_what_it_costs_on_paper(self) -> None:
        billed = {day: wh for day, wh in self.uses.items() if day < self.billed_until}
        assert self.charged == half_up(cost(billed, self.stays, by_days=False))


def test_a_rooms_life_on_pure_values() -> None:
    run_state_machine_as_test(PureRoom, settings=settings(max_examples=120, stateful_step_count=30))


class StoredRoom(RuleBasedStateMachine):
    """A room in the database, where moves are also entered late and frozen readings come late."""

    hall: Hall

    @initialize()
    def begin(self) -> None:
        self.tag = new_id().hex[-12:]
        self.hall.clock.now = at(FIRST)
        self.room = self.hall.room(f"a {self.tag}", number=self.tag, beds=40, shows=500)
        self.here: dict[str, date] = {f"a {self.tag}": FIRST}
        self.stays: dict[str, Stay] = {}
        self.note(f"a {self.tag}", FIRST)
        self.today, self.shows, self.paid, self.billed_until = FIRST, 500, 0, FIRST
        self.uses: dict[date, int] = {}
        self.late: list[tuple[date, int]] = []
        self.replaced_on: date | None = None

    def note(self, name: str, begins_on: date, ends_on: date | None = None) -> None:
        self.stays[name] = Stay(self.hall.people[name], begins_on, ends_on)

    @rule(digits=DIGITS, is_late=st.booleans())
    def a_day_passes(self, digits: int, is_late: bool) -> None:
        self.uses[self.today] = digits * 10
        self.shows += digits
        self.today += DAY
        if is_late:
            self.late.append((self.today, self.shows))
        else:
            self.hall.read(self.room, at(self.today), self.shows)

    @precondition(lambda self: self.late)
    @rule()
    def a_late_reading_comes(self) -> None:
        day, shows = self.late.pop()
        self.hall.read(self.room, at(day), shows)

    @precondition(lambda self: not self.late and self.replaced_on != self.today)
    @rule(first=st.integers(0, 10**6))
    def the_meter_is_replaced(self, first: int) -> None:
        self.replaced_on = self.today
        self.hall.clock.now = at(self.today, 1)
        self.hall.install(self.room, at(self.today, 1), first, final=self.shows)
        self.shows = first

    @rule()
    def somebody_moves_in(self) -> None:
        name = f"{len(self.stays)} {self.tag}"
        self.hall.clock.now = at(self.today)
        self.hall.move_in(self.room, name, self.today)
        self.here[name] = self.today
        self.note(name, self.today)

    @precondition(lambda self: any(since < self.today for since in self.here.values()))
    @rule(place=st.integers(0, 50), days_ago=st.integers(0, 4))
    def somebody_has_moved_out(self, place: int, days_ago: int) -> None:
        leaving = sorted(name for name, since in self.here.items() if since < self.today)
        name = leaving[place % len(leaving)]
        since = self.here.pop(name)
        on = max(since + DAY, self.today - days_ago * DAY)
        self.hall.move_out(name, on)
        self.note(name, since, on)

    @rule(fen=st.integers(100, 20_000))
    def somebody_pays(self, fen: int) -> None:
        payer = self.hall.person(f"a {self.tag}", fen)
        with self.hall.database.begin() as session:
            wanted = RoomPayment(self.room, payer, fen, unlocked=True)
            top_up.pay(session, self.hall.money, wanted, self.hall.clock.now)
        self.paid += fen

    @rule()
    def the_run_bills(self) -> None:
        self.hall.clock.now = at(self.today, 4)
        billed = self.hall.bill(self.room, days=0)
        self.billed_until = billed.billed_until or FIRST
        assert self.hall.bill(self.room, days=0) == replace(billed, days=0, corrected=0)
        charges = self.hall.charges(self.room)
        assert [one.day for one in charges] == [FIRST + n * DAY for n in range((self.billed_until - FIRST).days)]
        assert self.hall.balance(self.room) == self.paid - sum(one.fen for one in charges)
        with self.hall.database.read() as session:
            for charge in charges:
                day = reconcile(session, charge.day, self.hall.clock.now, ZONE)
                [found] = [one.finding for one in day if one.room_id == self.room]
                assert found in {Finding.AGREES, Finding.VACANT}
        if not self.late:
            billed_uses = {day: wh for day, wh in self.uses.items() if day < self.billed_until}
            exact = cost(billed_uses, self.stays.values(), by_days=True)
            assert abs(sum(one.fen for one in charges) - exact) <= 1


def test_a_rooms_life_in_the_database(hall: Hall) -> None:
    hall.add_plan(plan_of_life(by_days=True))
    machine = type("StoredRoomHere", (StoredRoom,), {"hall": hall})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=8 if hall.database.is_sqlite else 3, stateful_step_count=14)
    )
