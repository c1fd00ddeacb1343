"""The billing run: each day once, from readings that are believed, corrected where something becomes known later."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

from sqlalchemy import select

from accounts.ledger import AccountKind, Transfer, open_named, record
from accounts.ledger.tables import LedgerAccount
from accounts.ledger.transfer import AccountState
from accounts.tables import PersonGroup
from database import new_id
from metering.billing.charges import charge_id
from metering.billing.reconciliation import Finding, reconcile
from metering.billing.run import bill_all
from metering.billing.stored import LINES, QUOTES, load
from metering.billing.tables import RoomCharge
from metering.reader_contract import ReadingIn
from metering.readings.store import KnownMeter, store
from metering.readings.tables import ReadingReview
from metering.readings.values import Register
from metering.rooms import meters, reviews
from metering.tariffs.electricity import Quota, WattHours
from metering.vocabulary import ReadingQuality, ReadingSource
from tests.databases import ON_BOTH, ON_SQLITE
from tests.metering.electricity_cases import FIRST, ZONE, at, day_and_night_plan
from tests.metering.hall import Hall

pytestmark = ON_SQLITE


SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)


def test_a_day_is_charged_once_and_quotes_both_readings(hall: Hall) -> None:
    hall.plan(5000)
    room = hall.room("Anna", shows=2000)
    hall.use(room, [3], shows=2000)
    assert hall.bill(room).days == 1
    assert hall.bill(room).days == 0
    [charge] = hall.charges(room)
    assert (charge.wh, charge.fen, charge.is_estimated, charge.is_vacant) == (3000, 150, False, False)
    [quote] = load(QUOTES, charge.quotes)
    assert (quote.start.digits, quote.end.digits, quote.digits, quote.ratio, quote.wh) == (2000, 2300, 300, 1, 3000)
    assert (quote.start.source, quote.end.source) == (ReadingSource.PERSON, ReadingSource.FROZEN)
    assert {quote.start.quality, quote.end.quality} == {ReadingQuality.GOOD}
    [line] = load(LINES, charge.lines)
    assert (line.wh, line.fen, line.price) == (3000, 150, 5000)
    assert hall.balance(room) == -150


def test_runs_at_any_times_come_to_the_same(hall: Hall) -> None:
    hall.plan(5283)
    rooms = [hall.room(name, number=name) for name in ("Anna", "Bo")]
    for room in rooms:
        hall.use(room, [1, 2, 3, 0, 1])
    for day in range(1, 6):
        hall.bill(rooms[0], days=day)
    hall.bill(rooms[1], days=5)
    assert hall.balance(rooms[0]) == hall.balance(rooms[1]) == -370  # 7 kWh, 369.81 fen
    assert [one.fen for one in hall.charges(rooms[0])] == [one.fen for one in hall.charges(rooms[1])]


def test_a_day_waits_for_the_frozen_reading_and_then_takes_what_there_is(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.read(room, at(SECOND, 0, 10), 300, source=ReadingSource.CYCLE)
    hall.clock.now = at(SECOND, 1)
    assert hall.bill(room, days=0).days == 0
    hall.clock.now = at(SECOND, 3)
    assert hall.bill(room, days=0).days == 1
    assert hall.charges(room)[0].is_estimated


@ON_BOTH
def test_a_frozen_reading_that_comes_late_corrects_what_was_estimated(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.read(room, at(SECOND, 12), 600, source=ReadingSource.CYCLE)
    hall.bill(room)
    assert hall.balance(room) == -200  # 4 of 6 kWh, by time
    hall.read(room, at(SECOND), 100)
    assert hall.bill(room).corrected == 1
    assert hall.balance(room) == -50
    [before], [after] = hall.charges(room, withdrawn=True), hall.charges(room)
    assert (before.fen, before.revision, after.fen, after.revision) == (200, 1, 50, 2)
    assert hall.bill(room).corrected == 0


def test_a_silent_meter_is_not_billed(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [2])
    assert hall.bill(room, days=9).days == 1
    assert hall.balance(room) == -100


def test_days_of_silence_are_parted_by_time_and_marked(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.read(room, at(FIRST + timedelta(days=4)), 800)
    assert hall.bill(room, days=4).days == 4
    assert [(one.wh, one.is_estimated) for one in hall.charges(room)] == [(2000, True)] * 4


def test_replacement_mid_day_loses_nothing_and_keeps_the_quota(hall: Hall) -> None:
    hall.plan(quota=Quota(WattHours(7000)))
    room = hall.room("Anna", shows=99_998_00)
    hall.read(room, at(FIRST, 12), 99_999_00)
    hall.install(room, at(FIRST, 15), 500, ratio=10, final=99_999_50)
    hall.read(room, at(SECOND), 560)
    hall.bill(room)
    [charge] = hall.charges(room)
    assert (charge.wh, charge.fen) == (1500 + 6000, 25)  # 7 kWh are free
    quotes = load(QUOTES, charge.quotes)
    assert [(one.start.digits, one.end.digits, one.ratio) for one in quotes] == [
        (99_998_00, 99_999_50, 1),
        (500, 560, 10),
    ]
    assert quotes[0].end.at == quotes[1].start.at == at(FIRST, 15)


def test_hours_are_priced_by_the_days_own_readings(hall: Hall) -> None:
    hall.add_plan(day_and_night_plan())
    room = hall.room("Anna")
    for hour, shows in ((8, 100), (22, 300), (24, 400)):
        hall.read(room, at(FIRST) + timedelta(hours=hour), shows, source=ReadingSource.CYCLE)
    hall.bill(room)
    [charge] = hall.charges(room)
    assert [(one.rate, one.wh, one.is_estimated) for one in load(LINES, charge.lines)] == [
        ("valley", 2000, False),
        ("peak", 2000, False),
    ]
    assert charge.fen == 2 * 6170 // 100 + 2 * 3070 // 100 + 1  # 184.8


def test_a_move_in_mid_month_parts_quota_by_days(hall: Hall) -> None:
    hall.plan(quota=Quota(WattHours(30_000)))
    room = hall.room("Anna")
    hall.use(room, [5] * 20)
    hall.bill(room, days=10)
    assert hall.balance(room) == -20 * 50
    hall.move_out("Anna", FIRST + timedelta(days=10))
    hall.move_in(room, "Bo", FIRST + timedelta(days=15))
    hall.bill(room, days=20)
    charges = hall.charges(room)
    free = [sum(line.wh for line in load(LINES, one.lines) if line.grant) for one in charges]
    assert sum(free[:10]) == 10_000  # Anna's ten days
    assert sum(free[15:]) == 15_000  # Bo's fifteen: another ten are theirs until the month ends
    assert [one.is_vacant for one in charges] == [False] * 10 + [True] * 5 + [False] * 5
    assert hall.balance(room) == -(40 + 10) * 50
    assert len(hall.charges(room, withdrawn=True)) == 4  # days that 30 kWh covered and 10 do not


def test_a_late_move_out_of_an_old_month_is_left_to_people(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [1] * 100)
    hall.bill(room, days=100)
    hall.move_out("Anna", FIRST + timedelta(days=90))
    assert hall.bill(room, days=100).corrected == 10
    assert hall.balance(room) == -90 * 50


def test_corrections_do_not_move_the_rounding_of_days_that_stay(hall: Hall) -> None:
    hall.plan(5283)
    room = hall.room("Anna")
    hall.read(room, at(FIRST) + timedelta(hours=36), 150, source=ReadingSource.CYCLE)
    for day in range(2, 9):
        hall.read(room, at(FIRST + timedelta(days=day)), 100 * day)
    hall.bill(room, days=8)
    hall.read(room, at(SECOND), 90)
    assert hall.bill(room, days=8).corrected == 2
    assert hall.balance(room) in (-422, -423)  # 8 kWh, 422.64 fen
    hall.read(room, at(date(2026, 9, 10)), 900)
    hall.bill(room, days=9)
    assert hall.balance(room) == -475  # 9 kWh, 475.47 fen


def test_nothing_is_billed_before_the_first_price(hall: Hall) -> None:
    room = hall.room("Anna")
    hall.use(room, [5, 5, 5])
    assert hall.bill(room, days=2).billed_until is None
    hall.plan(starts_on=THIRD)
    hall.bill(room, days=3)
    assert [one.day for one in hall.charges(room)] == [THIRD]
    assert hall.balance(room) == -250


@ON_BOTH
def test_runs_at_the_same_moment_charge_each_day_once(hall: Hall) -> None:
    hall.plan()
    rooms = [hall.room(name, number=name) for name in ("Anna", "Bo", "Cy")]
    for room in rooms:
        hall.use(room, [1, 2, 3])
    hall.clock.now = at(FIRST + timedelta(days=3), 4)
    with ThreadPoolExecutor(4) as pool:
        done = [run.result() for run in [pool.submit(bill_all, hall.money, hall.clock.now) for _ in range(4)]]
    assert sum(one.days for billing in done for one in billing.done) == 9
    assert [hall.balance(room) for room in rooms] == [-300] * 3


def test_what_waits_for_a_person_is_not_billed_until_they_decided(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [1])
    hall.clock.now = at(THIRD, 4)
    with hall.database.begin() as session:
        [meter] = meters.find_meters_of(session, room)
        said = ReadingIn(meter=meter.id, serial=meter.serial, at=at(THIRD), digits=1_000_000)
        known = {meter.id: KnownMeter(meter.number, meter.serial, ((at(FIRST), Register()),))}
        assert store(session, [said], known, hall.clock.now).in_review == 1
    assert hall.bill(room, days=2).days == 1
    with hall.database.begin() as session:
        review = session.scalars(select(ReadingReview)).one()
        reviews.accept(session, review.id, note="a heater of the workshop", by="system", now=hall.clock.now)
    assert hall.bill(room, days=2).days == 1
    assert hall.balance(room) == -50 - (1_000_000 - 100) // 2


def test_a_meter_entered_late_and_not_yet_read_stops_no_billing(hall: Hall) -> None:
    hall.plan(5283)
    room = hall.room("Anna")
    shows = hall.use(room, [1, 2, 3])
    hall.bill(room, days=3)
    before = hall.balance(room)
    with hall.database.read() as session:
        [first] = meters.find_meters_of(session, room)
    second = hall.install(room, at(SECOND), 0)
    billed = hall.bill(room, days=3)
    assert (billed.unread, billed.corrected, hall.balance(room)) == (SECOND, 0, before)
    with hall.database.read() as session:
        findings = [reconcile(session, day, hall.clock.now, ZONE)[0].finding for day in (FIRST, SECOND, THIRD)]
    assert findings == [Finding.AGREES, Finding.NO_LONGER_READ, Finding.NO_LONGER_READ]
    assert not bill_all(hall.money, hall.clock.now, also_billed=True).is_whole
    assert hall.bill(room, days=4).days == 0  # neither meter is read to the fourth day's end
    fifth = FIRST + timedelta(days=4)
    hall.read_meter(first.id, at(fifth), shows + 100)
    hall.read_meter(second, at(fifth), 300)
    billed = hall.bill(room, days=4)
    assert (billed.unread, billed.days, billed.corrected) == (None, 1, 2)
    assert hall.balance(room) == -528  # 7 kWh by the first, 3 by the second: 528.3 fen
    assert bill_all(hall.money, hall.clock.now, also_billed=True).is_whole


def test_a_room_whose_account_is_suspended_is_told_and_stops_no_other(hall: Hall) -> None:
    hall.plan()
    rooms = [hall.room(name, number=name) for name in ("Anna", "Bo")]
    for room in rooms:
        hall.use(room, [1, 1])
        hall.bill(room)
    with hall.database.begin() as session:
        session.get_one(LedgerAccount, rooms[0]).state = AccountState.SUSPENDED
    billing = bill_all(hall.money, at(THIRD, 4))
    assert (billing.failed, billing.is_whole, [one.room_id for one in billing.done]) == ([rooms[0]], False, [rooms[1]])
    with hall.database.begin() as session:
        session.get_one(LedgerAccount, rooms[0]).state = AccountState.ACTIVE
    assert bill_all(hall.money, at(THIRD, 4)).is_whole
    assert [hall.balance(room) for room in rooms] == [-100, -100]


@ON_BOTH
def test_the_reconciliation_shows_money_that_no_charge_took_and_charges_that_are_gone(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [1, 1])
    hall.bill(room, days=2)

    def findings() -> list[tuple[Finding, int]]:
        hall.clock.now = at(FIRST + timedelta(days=5))
        with hall.database.read() as session:
            days = [FIRST + timedelta(days=number) for number in range(3)]
            found = [reconcile(session, day, hall.clock.now, ZONE)[0] for day in days]
        return [(one.finding, one.ledger_fen) for one in found]

    assert findings()[:2] == [(Finding.AGREES, 50), (Finding.AGREES, 50)]
    with hall.database.begin() as session:
        taker = open_named(session, AccountKind.FEE, "electricity", at(SECOND, 5))
        record(session, [Transfer(new_id(), "electricity", room, taker, 7)], at(SECOND, 5))[0].require()
    assert findings()[:2] == [(Finding.AGREES, 50), (Finding.LEDGER_DIFFERS, 57)]
    with hall.database.begin() as session:
        session.delete(session.get_one(RoomCharge, charge_id(room, FIRST, 1)))
    gone = findings()
    assert gone[0] == (Finding.NOT_BILLED, 0)
    assert gone[2] == (Finding.LEDGER_DIFFERS, 50)  # the line was written in that night


def test_a_quota_by_kind_goes_by_the_account_and_by_groups(hall: Hall) -> None:
    by_kind = (("master", WattHours(3000)), ("student", WattHours(1000)))
    hall.plan(quota=Quota(WattHours(0), by_kind=by_kind, head_count_day=1))
    anna, bo = hall.room("Anna", number="1"), hall.room("Bo", number="2")
    with hall.database.begin() as session:
        session.add(PersonGroup(person_id=hall.people["Bo"], name="master"))
    for room in (anna, bo):
        hall.use(room, [5])
        hall.bill(room)
    assert (hall.balance(anna), hall.balance(bo)) == (-200, -100)
    with hall.database.begin() as session:
        session.add(PersonGroup(person_id=hall.people["Anna"], name="master"))
    assert hall.bill(anna).corrected == 1
    assert hall.balance(anna) == -100


def test_what_a_day_costs_does_not_depend_on_how_often_it_was_read(hall: Hall) -> None:
    hall.add_plan(day_and_night_plan())
    rooms = [hall.room(name, number=name) for name in ("Anna", "Bo")]
    for room, quarters in zip(rooms, (range(1, 97), (31, 33, 87, 89, 96)), strict=True):
        for quarter in quarters:
            when = at(FIRST) + timedelta(minutes=15 * quarter)
            hall.read(room, when, quarter * 7, source=ReadingSource.CYCLE)
        hall.bill(room)
    often, seldom = (load(LINES, hall.charges(room)[0].lines) for room in rooms)
    assert [(one.rate, one.wh) for one in often] == [("valley", 10 * 4 * 70), ("peak", 14 * 4 * 70)]
    assert [(one.rate, one.wh) for one in seldom] == [(one.rate, one.wh) for one in often]
    assert not any(one.is_estimated for one in often)
    assert all(one.is_estimated for one in seldom)
