"""The demonstration's dormitory: its money is such that the night uses it up, and its history is charged at once."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts import devices, people
from accounts.ledger import LedgerWriter
from accounts.payments.services import MoneyServices
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.vocabulary import PersonKind
from campusgate.demo.dormitory import (
    NIGHT_WH,
    Lines,
    day_around,
    furnish,
    make_meter,
    night_around,
    pay_first,
)
from metering.billing import run
from metering.billing.credit import find_credit
from metering.billing.usage import find_usage
from metering.reader_contract import ReadingIn, ReadingsIn
from metering.rooms import reader
from metering.supply.rules import Hours, SupplyRules
from metering.tariffs.electricity_quota import DAY

CAMPUS = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)


def test_ten_days_are_charged_and_the_night_uses_up_what_is_left_and_lent(database) -> None:
    with database.begin() as session:
        given = [
            Particulars(number=number, name="王小明", kind=PersonKind.STUDENT, valid_from=NOW)
            for number in ("1", "2", "3")
        ]
        wang, zhao, cashier = (people.create(session, one, by="system", now=NOW).id for one in given)
        dormitory = furnish(session, Lines("tcp://127.0.0.1:1", CAMPUS), (wang, zhao), NOW)
    with LedgerWriter(database, clock=lambda: NOW) as writer:
        accounts = AccountsServices(database=database, secret=bytes(32), clock=lambda: NOW)
        money = MoneyServices(accounts, writer)
        pay_first(money, dormitory.room_id, wang, zhao, cashier_id=cashier, now=NOW)
        assert [one.days for one in run.bill_all(money, NOW).done] == [10]
    meter = make_meter(CAMPUS, NOW)
    rules = SupplyRules(zone=CAMPUS)
    with database.begin() as session:
        device = devices.authenticate(session, dormitory.reader_token)
        assert device is not None
        today = NOW.astimezone(CAMPUS).date()
        assert sum(one.wh for one in find_usage(session, wang, today - 20 * DAY, today + DAY)) == 20_000
        plan = reader.make_plan(session, device.id)
        (planned,) = plan.lines[0].meters
        assert planned.address == meter.address
        before = find_credit(session, dormitory.room_id, NOW, CAMPUS).available
        assert before > 0
        read = ReadingIn(
            meter=planned.id, serial=planned.serial, at=NOW, digits=meter.digits + NIGHT_WH // 10, quality="good"
        )
        taken = reader.take_readings(session, device.id, ReadingsIn(readings=(read,)), NOW)
        assert (taken.stored, taken.in_review) == (1, 0)
        assert find_credit(session, dormitory.room_id, NOW, CAMPUS).available < -rules.emergency_fen


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_it_is_night_when_the_server_is_to_think_so(hour: int) -> None:
    now = NOW + timedelta(hours=hour, minutes=7)
    clock: time = now.astimezone(CAMPUS).time()
    assert Hours(*night_around(now, CAMPUS)).contains(clock)
    assert not Hours(*day_around(now, CAMPUS)).contains(clock)
