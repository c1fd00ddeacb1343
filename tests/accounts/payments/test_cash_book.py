"""A cashier's day: what moved at the counter, what was counted against it, and what a day still waits for."""

from datetime import timedelta
from uuid import UUID

import pytest

from accounts.ledger import totals
from accounts.payments import day_end
from accounts.payments.problems import PaymentIdReusedError
from accounts.topup import cash, cash_book, cash_requests, day_overview
from accounts.topup.cash import Cash
from accounts.topup.cash_book import Counted
from accounts.topup.day_overview import DayState, Missing
from accounts.topup.tables import CashRequest, TopUpOrder
from database import new_id


def move(shop, cashier: UUID, holder, fen: int, *, out: bool = False):
    wanted = Cash(new_id(), cash.counter_of(cashier), holder.id, fen)
    do = cash.pay_out if out else cash.pay_in
    return do(shop.money, wanted, by=f"person:{cashier}", now=shop.now)


def days(shop, count: int = 3):
    zone = shop.money.accounts.zone
    with shop.database.read() as session:
        return day_overview.overview(session, shop.now.astimezone(zone).date(), count, zone, shop.now)


def test_a_box_knows_what_must_be_in_it(shop) -> None:
    holder, cashier, other = shop.holder(), new_id(), new_id()
    move(shop, cashier, holder, 5000)
    move(shop, cashier, holder, 1200, out=True)
    move(shop, other, holder, 700)
    begins, ends = day_overview.bounds(shop.now.date(), shop.money.accounts.zone)
    with shop.database.read() as session:
        lines = cash_book.lines_of(session, cash.counter_of(cashier), begins, ends)
        assert cash_book.lines_of(session, cash.counter_of(cashier), ends, ends + timedelta(days=1)) == []
    assert [(one.purpose, one.person_id, one.amount) for one in lines] == [
        ("cash_in", holder.id, 5000),
        ("cash_out", holder.id, 1200),
    ]
    assert cash_book.expected_in(lines, opening=20_000) == 23_800


def test_a_count_is_kept_once_beside_what_was_expected(shop) -> None:
    box, day = cash.counter_of(new_id()), shop.now.date()
    counted = Counted(new_id(), box, day, 20_000, 23_750, "one coin short")
    for _ in range(2):
        with shop.database.begin() as session:
            made = cash_book.count(session, counted, 23_800, by="person:x", now=shop.now)
            assert (made.counted - made.expected, made.note) == (-50, "one coin short")
    with shop.database.read() as session:
        assert len(cash_book.counts_of(session, box, day)) == 1
        assert cash_book.counts_of(session, box, day - timedelta(days=1)) == []
    with pytest.raises(PaymentIdReusedError), shop.database.begin() as session:
        changed = Counted(counted.id, box, day, 20_000, 1, "")
        cash_book.count(session, changed, 23_800, by="person:x", now=shop.now)


def test_a_day_says_what_it_waits_for(shop) -> None:
    assert days(shop) == []
    holder, cashier, day = shop.holder(), new_id(), shop.now.date()
    move(shop, cashier, holder, 5000)
    waiting = move(shop, cashier, holder, 100_000)
    assert isinstance(waiting, CashRequest)
    with shop.database.begin() as session:
        session.add(
            TopUpOrder(
                id=new_id(), digest=bytes(32), person_id=holder.id, channel="wechat", amount=100, refunding=0,
                state="pending", created_at=shop.now,
            )
        )  # fmt: skip
    (today,) = days(shop)
    assert (today.day, today.state, today.is_complete) == (day, DayState.RUNNING, False)
    assert today.missing == {Missing.CASH_REQUESTS: 1, Missing.TOP_UPS: 1}
    assert today.uncounted == (cashier,)

    counted = Counted(new_id(), cash.counter_of(cashier), day, 0, 5000, "")
    with shop.database.begin() as session:
        cash_book.count(session, counted, 5000, by="person:x", now=shop.now)
    cash.decide(shop.money, waiting.id, accept=False, by=f"person:{new_id()}", now=shop.now)
    assert days(shop)[0].missing == {Missing.TOP_UPS: 1}
    assert days(shop)[0].uncounted == ()


def test_a_closed_day_is_told_from_one_that_only_is_over(shop) -> None:
    move(shop, new_id(), shop.holder(), 5000)
    first = shop.now.date()
    shop.campus.clock.forward(days=2)
    assert [one.state for one in days(shop)] == [DayState.RUNNING, DayState.OPEN, DayState.OPEN]
    day_end.close(shop.money, first + timedelta(days=1), shop.now)
    assert [one.state for one in days(shop)] == [DayState.RUNNING, DayState.CLOSED, DayState.MERGED]
    with shop.database.read() as session:
        assert totals.day_totals(session, first) == []


def test_requests_are_found_whatever_became_of_them(shop) -> None:

    holder, cashier = shop.holder(), new_id()
    first = move(shop, cashier, holder, 200_000)
    cash.decide(shop.money, first.id, accept=True, by=f"person:{new_id()}", now=shop.now)
    shop.campus.clock.forward(minutes=1)
    second = move(shop, cashier, holder, 300_000, out=True)
    with shop.database.read() as session:
        found = cash_requests.find_recent(session, person_id=holder.id, limit=5)
        assert [one.id for one in found] == [second.id, first.id]
        assert cash_requests.find_recent(session, box=cash.counter_of(new_id()), limit=5) == []


def test_one_that_waits_is_found_behind_many_that_were_decided_later(shop) -> None:
    holder, cashier = shop.holder(), new_id()
    waiting = move(shop, cashier, holder, 200_000)
    decided = []
    for _ in range(3):
        shop.campus.clock.forward(minutes=1)
        decided.append(move(shop, cashier, holder, 200_000))
        cash.decide(shop.money, decided[-1].id, accept=False, by=f"person:{new_id()}", now=shop.now)
    with shop.database.read() as session:
        [found] = cash_requests.find_recent(session, person_id=holder.id, is_waiting=True, limit=2)
        over = cash_requests.find_recent(session, is_waiting=False, limit=2)
    assert found.id == waiting.id
    assert [one.id for one in over] == [decided[2].id, decided[1].id]
