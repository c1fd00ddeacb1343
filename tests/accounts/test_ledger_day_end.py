"""Day-end totals: every line in exactly one day, every day balancing to zero."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from accounts.ledger import AccountKind, Transfer, account, open_account, open_named, record
from accounts.ledger.statement import statement
from accounts.ledger.tables import ALL_ROOMS, ALL_WALLETS
from accounts.ledger.totals import DayEndError, Total, close_day, close_days_before, day_totals
from database import Database, new_id

DAY = date(2026, 11, 23)
MIDNIGHT = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
NOON = MIDNIGHT - timedelta(hours=12)


class Campus:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.wallet, self.merchant, self.quiet = new_id(), new_id(), new_id()
        with database.begin() as session:
            self.cash = open_named(session, AccountKind.CASH, "counter", NOON)
            open_account(session, self.wallet, AccountKind.WALLET, NOON)
            open_account(session, self.merchant, AccountKind.MERCHANT, NOON)
            open_account(session, self.quiet, AccountKind.MERCHANT, NOON)

    def move(self, debit: UUID, credit: UUID, amount: int, at: datetime) -> None:
        with self.database.begin() as session:
            record(session, [Transfer(new_id(), "test", debit, credit, amount)], at)[0].require()

    def balance(self, account_id: UUID) -> int:
        with self.database.read() as session:
            return account(session, account_id).balance


@pytest.fixture
def campus(database: Database) -> Campus:
    campus = Campus(database)
    campus.move(campus.cash, campus.wallet, 5_000, NOON)
    campus.move(campus.wallet, campus.merchant, 1_200, NOON)
    campus.move(campus.wallet, campus.merchant, 800, NOON)
    campus.move(campus.merchant, campus.wallet, 300, NOON)
    return campus


def by_account(totals: list[Total]) -> dict[UUID, tuple[int, int, int, int]]:
    return {total.account: (total.opening, total.debits, total.credits, total.closing) for total in totals}


def test_a_day_shows_each_merchant_and_channel_and_balances(campus: Campus) -> None:
    totals = close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT)
    assert by_account(totals) == {
        ALL_WALLETS: (0, 2_000, 5_300, 3_300),
        campus.merchant: (0, 300, 2_000, 1_700),
        campus.cash: (0, 5_000, 0, -5_000),
    }
    assert sum(total.closing for total in totals) == 0


def test_rooms_are_a_line_of_their_own_beside_the_wallets(campus: Campus) -> None:
    rooms = [new_id(), new_id()]
    with campus.database.begin() as session:
        for room in rooms:
            open_account(session, room, AccountKind.ROOM, NOON)
    campus.move(campus.wallet, rooms[0], 1_000, NOON)
    campus.move(rooms[0], campus.quiet, 400, NOON)
    campus.move(rooms[1], campus.quiet, 70, NOON)
    totals = close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT)
    found = by_account(totals)
    assert found[ALL_ROOMS] == (0, 470, 1_000, 530)
    assert found[ALL_WALLETS] == (0, 3_000, 5_300, 2_300)
    assert [total.kind for total in totals].count(AccountKind.ROOM) == 1
    tomorrow = MIDNIGHT + timedelta(days=1)
    next_day = by_account(close_day(campus.database, DAY + timedelta(days=1), tomorrow, tomorrow))
    assert next_day[ALL_ROOMS] == (530, 0, 0, 530)


def test_the_next_day_opens_where_this_one_closed(campus: Campus) -> None:
    close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT)
    morning = MIDNIGHT + timedelta(hours=8)
    campus.move(campus.wallet, campus.quiet, 100, morning)
    tomorrow = MIDNIGHT + timedelta(days=1)
    totals = by_account(close_day(campus.database, DAY + timedelta(days=1), tomorrow, tomorrow))
    assert totals[campus.merchant] == (1_700, 0, 0, 1_700)
    assert totals[campus.quiet] == (0, 0, 100, 100)
    assert totals[ALL_WALLETS] == (3_300, 100, 0, 3_200)


def test_a_line_after_midnight_belongs_to_the_next_day_also_when_sealed_before_the_close(campus: Campus) -> None:
    campus.move(campus.wallet, campus.merchant, 50, MIDNIGHT + timedelta(minutes=1))
    totals = by_account(close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT + timedelta(minutes=5)))
    assert totals[campus.merchant] == (0, 300, 2_000, 1_700)
    assert campus.balance(campus.merchant) == 1_750
    tomorrow = MIDNIGHT + timedelta(days=1)
    totals = by_account(close_day(campus.database, DAY + timedelta(days=1), tomorrow, tomorrow))
    assert totals[campus.merchant] == (1_700, 0, 50, 1_750)


def test_a_line_that_comes_late_is_in_the_next_day_and_never_lost(campus: Campus) -> None:
    close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT + timedelta(minutes=5))
    campus.move(campus.wallet, campus.merchant, 70, MIDNIGHT - timedelta(seconds=1))
    assert campus.balance(campus.merchant) == 1_770
    tomorrow = MIDNIGHT + timedelta(days=1)
    totals = by_account(close_day(campus.database, DAY + timedelta(days=1), tomorrow, tomorrow))
    assert totals[campus.merchant] == (1_700, 0, 70, 1_770)
    assert campus.balance(campus.merchant) == 1_770


def test_closing_a_day_again_gives_the_same_totals(campus: Campus) -> None:
    first = close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT)
    campus.move(campus.wallet, campus.merchant, 70, MIDNIGHT + timedelta(seconds=1))
    assert by_account(close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT + timedelta(hours=1))) == by_account(first)
    with campus.database.read() as session:
        assert by_account(day_totals(session, DAY)) == by_account(first)


def test_a_day_that_is_not_over_and_one_before_a_closed_one_cannot_be_closed(campus: Campus) -> None:
    with pytest.raises(DayEndError, match="not over"):
        close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT - timedelta(seconds=1))
    close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT)
    with pytest.raises(DayEndError, match="closed already"):
        close_day(campus.database, DAY - timedelta(days=1), MIDNIGHT - timedelta(days=1), MIDNIGHT)


def test_closed_days_cannot_be_changed(campus: Campus) -> None:
    close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT)
    for statement_ in ("DELETE FROM ledger_days", "UPDATE ledger_day_totals SET closing = 0"):
        with pytest.raises(Exception, match="inserts only"), campus.database.begin() as session:
            session.execute(text(statement_))


def test_a_statement_runs_backwards_page_by_page_with_the_balance_after_each_line(campus: Campus) -> None:
    close_day(campus.database, DAY, MIDNIGHT, MIDNIGHT)
    campus.move(campus.wallet, campus.merchant, 10, MIDNIGHT + timedelta(hours=8))
    expected = {
        campus.wallet: [(-10, 3_290), (300, 3_300), (-800, 3_000), (-1_200, 3_800), (5_000, 5_000)],
        campus.merchant: [(10, 1_710), (-300, 1_700), (800, 2_000), (1_200, 1_200)],
    }
    for owner, lines in expected.items():
        found: list[tuple[int, int]] = []
        before = None
        with campus.database.read() as session:
            while page := statement(session, owner, before=before, limit=2):
                found += [(line.amount, line.balance) for line in page]
                before = page[-1].serial
        assert found == lines


def test_days_without_a_server_are_closed_one_by_one_with_their_own_lines(campus: Campus) -> None:
    zone, days = ZoneInfo("Asia/Shanghai"), [DAY + timedelta(days=n) for n in range(3)]
    campus.move(campus.wallet, campus.merchant, 90, NOON + timedelta(days=2))
    now = MIDNIGHT + timedelta(days=2, hours=1)
    assert close_days_before(campus.database, days[-1] + timedelta(days=1), zone, now) == days
    assert close_days_before(campus.database, days[-1] + timedelta(days=1), zone, now) == []
    with campus.database.read() as session:
        turnover = [by_account(day_totals(session, day))[campus.merchant][2] for day in days]
    assert turnover == [2_000, 0, 90]


def test_a_campus_that_never_moved_money_has_no_days_to_close(database: Database) -> None:
    assert close_days_before(database, DAY, ZoneInfo("Asia/Shanghai"), MIDNIGHT) == []
