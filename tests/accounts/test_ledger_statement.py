"""Which lines of a statement are wanted, what a period came to, and orders page by page, on both databases."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from accounts.ledger import AccountKind, Transfer, open_account, open_named, record
from accounts.ledger.statement import About, PeriodTotals, Selection, statement, sum_period
from accounts.topup import orders
from accounts.topup.tables import TopUpOrder
from database import Database, new_id

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PAYMENTS = Selection(NOW + DAY, NOW + 3 * DAY, purposes=frozenset({"payment"}))


class Wallet:
    """A wallet with one line a day: 100 yuan in, 3 yuan to the shop, 1 yuan of it back, 5 yuan to another shop."""

    def __init__(self, database: Database) -> None:
        self.database, self.id = database, new_id()
        self.shop, self.other_shop = new_id(), new_id()
        with database.begin() as session:
            open_account(session, self.id, AccountKind.WALLET, NOW)
            for merchant in (self.shop, self.other_shop):
                open_account(session, merchant, AccountKind.MERCHANT, NOW, name=str(merchant))
            cash = open_named(session, AccountKind.CASH, "counter", NOW)
            paid = new_id()
            for day, transfer in enumerate((
                Transfer(new_id(), "cash_in", cash, self.id, 10_000),
                Transfer(paid, "payment", self.id, self.shop, 300),
                Transfer(new_id(), "refund", self.shop, self.id, 100, corrects=paid),
                Transfer(new_id(), "payment", self.id, self.other_shop, 500),
            )):  # fmt: skip
                record(session, [transfer], NOW + day * DAY)[0].require()

    def amounts(self, selection: Selection) -> list[int]:
        with self.database.read() as session:
            return [line.amount for line in statement(session, self.id, selection=selection)]

    def sum(self, selection: Selection) -> PeriodTotals:
        with self.database.read() as session:
            return sum_period(session, self.id, selection)


@pytest.fixture
def wallet(database: Database) -> Wallet:
    return Wallet(database)


def test_lines_are_chosen_by_time_purpose_direction_and_what_they_are_about(wallet: Wallet) -> None:
    assert wallet.amounts(Selection()) == [-500, 100, -300, 10_000]
    assert wallet.amounts(Selection(since=NOW + DAY, until=NOW + 3 * DAY)) == [100, -300]
    assert wallet.amounts(Selection(incoming=True)) == [100, 10_000]
    assert wallet.amounts(Selection(incoming=False)) == [-500, -300]
    assert wallet.amounts(PAYMENTS) == [-300]
    about = About(purposes=frozenset({"cash_in"}), others=frozenset({wallet.other_shop}))
    assert wallet.amounts(Selection(about=about)) == [-500, 10_000]
    assert wallet.amounts(Selection(about=About())) == []


def test_a_period_adds_up_whatever_is_chosen_of_it(wallet: Wallet) -> None:
    whole = wallet.sum(Selection())
    assert (whole.opening, whole.paid_in, whole.paid_out, whole.closing) == (0, 10_100, 800, 9_300)
    part = wallet.sum(PAYMENTS)
    assert (part.opening, part.paid_in, part.paid_out, part.closing) == (10_000, 100, 300, 9_800)
    assert (part.chosen_in, part.chosen_out) == (0, 300)
    assert wallet.sum(Selection(since=NOW + 9 * DAY)).closing == 9_300
    assert wallet.sum(Selection(until=NOW - DAY)).closing == 0


def test_of_nobodys_wallet_there_is_nothing(database: Database) -> None:
    with database.read() as session:
        assert sum_period(session, new_id(), Selection()) == PeriodTotals(0, 0, 0, 0, 0, 0)


def test_top_ups_come_page_by_page_the_newest_first(database: Database) -> None:
    mine, others = new_id(), new_id()

    def order(person: UUID, minutes: int) -> TopUpOrder:
        at = NOW + timedelta(minutes=minutes)
        return TopUpOrder(
            id=new_id(), digest=b"", person_id=person, channel="wechat", amount=1, state="pending", created_at=at
        )

    with database.begin() as session:
        session.add_all([order(mine, 1), order(mine, 1), order(mine, 2), order(others, 3)])
    with database.read() as session:
        first = orders.find_of_person(session, mine, limit=2)
        second = orders.find_of_person(session, mine, after=(first[-1].created_at, first[-1].id), limit=2)
    assert [one.created_at for one in (*first, *second)] == [NOW + timedelta(minutes=at) for at in (2, 1, 1)]
    assert len({one.id for one in (*first, *second)}) == 3
