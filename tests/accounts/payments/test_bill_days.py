"""Days whose bill differs from the books: what is kept of them, what is looked at again, and who is told."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from accounts.payment_channels.channel import BillKind, BillLine
from accounts.topup import channel_days, reconciliation, unsettled
from accounts.topup.reconciliation import DifferenceKind, compare
from campusgate.processes.jobs.server_jobs import make_channel_jobs
from database import new_id
from operations.tables import Alarm
from tests.accounts.payments.steps import credited

DAY = date(2026, 9, 1)
"""The clock begins at noon of it."""
CAMPUS = ZoneInfo("Asia/Shanghai")


def reconcile(shop: Any, day: date = DAY) -> list[DifferenceKind]:
    return [one.kind for one in reconciliation.reconcile(shop.money, "wechat", day, shop.now).differences]


def reason(shop: Any) -> str | None:
    with shop.database.read() as session:
        return unsettled.find(session, shop.now)


def to_compare(shop: Any, yesterday: date) -> list[date]:
    with shop.database.read() as session:
        return channel_days.list_to_compare(session, "wechat", yesterday)


def paid_by_a_stranger(shop: Any, amount: int = 12) -> UUID:
    """The channel took money for a number that we never gave it."""
    provider, stranger = shop.providers["wechat"], new_id()
    provider._create(stranger.hex, amount)
    provider.pay(stranger)
    return stranger


def test_a_bill_that_differs_is_an_alarm_until_it_agrees(shop: Any) -> None:
    credited(shop, shop.holder(), 5_000)
    stranger = paid_by_a_stranger(shop)
    assert reconcile(shop) == [DifferenceKind.NOT_IN_OUR_BOOKS]
    assert reason(shop) is None, "the day is not over"
    shop.campus.clock.forward(days=1)
    assert reconcile(shop) == [DifferenceKind.NOT_IN_OUR_BOOKS]
    assert reason(shop) == "bill_differs"
    assert to_compare(shop, DAY) == [DAY]
    del shop.providers["wechat"]._orders[stranger.hex]
    assert reconcile(shop) == []
    assert reason(shop) is None
    assert to_compare(shop, DAY) == []


def test_the_server_compares_by_itself_and_raises_the_alarm(shop: Any) -> None:
    paid_by_a_stranger(shop)
    shop.campus.clock.forward(days=1)
    jobs = {job.name: job for job in make_channel_jobs(shop.money, CAMPUS)}
    for name in ("reconcile bills", "watch money at channels"):
        jobs[name].do(shop.now)
    with shop.database.read() as session:
        (alarm,) = session.scalars(select(Alarm).where(Alarm.closed_at.is_(None)))
    assert (alarm.kind, alarm.reason) == ("channel_money", "bill_differs")


def test_a_day_that_differs_is_spoken_of_for_a_month(shop: Any) -> None:
    paid_by_a_stranger(shop)
    shop.campus.clock.forward(days=1)
    reconcile(shop)
    shop.campus.clock.forward(days=29)
    assert reason(shop) == "bill_differs"
    shop.campus.clock.forward(days=1)
    assert reason(shop) is None


@pytest.mark.parametrize("is_reversed", [True, False])
def test_a_payment_before_midnight_waits_for_the_bill_of_the_next_day(shop: Any, is_reversed: bool) -> None:
    shop.campus.clock.now = (
        shop.now.astimezone(CAMPUS).replace(hour=23, minute=59, second=30).astimezone(shop.now.tzinfo)
    )
    stranger = paid_by_a_stranger(shop)
    shop.campus.clock.forward(minutes=1)
    if is_reversed:
        shop.providers["wechat"]._reverse(stranger.hex)
    shop.campus.clock.forward(hours=6)
    assert reconcile(shop) == [DifferenceKind.NOT_IN_OUR_BOOKS]
    assert reason(shop) is None, "the bill of the next day may give it back"
    shop.campus.clock.forward(days=1)
    assert to_compare(shop, DAY + timedelta(days=1)) == [DAY, DAY + timedelta(days=1)]
    if is_reversed:
        assert reconcile(shop) == reconcile(shop, DAY + timedelta(days=1)) == []
        assert reason(shop) is None
    else:
        assert reconcile(shop) == [DifferenceKind.NOT_IN_OUR_BOOKS]
        assert reason(shop) == "bill_differs"


def test_only_what_is_given_back_whole_is_no_difference(shop: Any) -> None:
    order, other = new_id(), new_id()

    def line(kind: BillKind, amount: int, of: UUID = order) -> BillLine:
        return BillLine(of, kind, amount, "r", shop.now, of)

    payment = line(BillKind.PAYMENT, 100)
    assert compare([], [payment], [line(BillKind.REFUND, 100)]) == []
    for beside in ([], [line(BillKind.REFUND, 99)], [line(BillKind.REFUND, 100, other)], [line(BillKind.PAYMENT, 100)]):
        assert [one.kind for one in compare([], [payment], beside)] == [DifferenceKind.NOT_IN_OUR_BOOKS]


def test_days_that_were_left_out_are_made_up_for_within_a_week(shop: Any) -> None:
    assert to_compare(shop, DAY) == [DAY], "nothing was ever compared: what was before is nobody's"
    with shop.database.begin() as session:
        for day, differences in ((DAY - timedelta(days=5), 0), (DAY - timedelta(days=3), 2)):
            channel_days.record(session, "wechat", day, differences=differences, waiting=0, now=shop.now)
        channel_days.record(session, "alipay", DAY, differences=0, waiting=0, now=shop.now)
    assert to_compare(shop, DAY) == [DAY - timedelta(days=days) for days in (3, 2, 1, 0)]
    assert len(to_compare(shop, DAY + timedelta(days=90))) == 7


def test_a_day_is_kept_as_it_was_found_last(shop: Any) -> None:
    with shop.database.begin() as session:
        for differences in (3, 1):
            channel_days.record(session, "wechat", DAY, differences=differences, waiting=1, now=shop.now)
    with shop.database.read() as session:
        assert channel_days.find_differing(session, DAY) == [], "all of them wait for the next day's bill"
        session.rollback()
