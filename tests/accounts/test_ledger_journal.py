"""The sealed journal: whatever is done to sealed lines shows, and the database itself refuses to do it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from accounts.ledger import AccountKind, Transfer, open_account, open_named, record, seal_chain
from database import Database, new_id

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def wallet(database: Database) -> UUID:
    wallet = new_id()
    with database.begin() as session:
        open_account(session, wallet, AccountKind.WALLET, NOW)
        open_named(session, AccountKind.CASH, "counter", NOW)
    return wallet


def top_up(database: Database, wallet: UUID, *amounts: int) -> list[UUID]:
    with database.begin() as session:
        cash = open_named(session, AccountKind.CASH, "counter", NOW)
        wishes = [Transfer(new_id(), "top_up", cash, wallet, amount) for amount in amounts]
        return [outcome.require().id for outcome in record(session, wishes, NOW)]


def verified(database: Database, *anchors: seal_chain.Head) -> seal_chain.JournalReport:
    with database.read() as session:
        return seal_chain.verify(session, anchors=anchors)


def tamper(database: Database, *statements: str) -> None:
    """What someone with the rights of the database's owner could do."""
    with database.begin() as session:
        if database.is_sqlite:
            for table in ("ledger_transfers", "ledger_seals"):
                session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_update"))
                session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_delete"))
        else:
            session.execute(text("SET session_replication_role = replica"))
        for statement in statements:
            session.execute(text(statement))
        if not database.is_sqlite:
            session.execute(text("SET session_replication_role = DEFAULT"))


def three_seals(database: Database, wallet: UUID) -> None:
    for amounts in ((1, 2, 3), (4, 5, 6), (7, 8, 9)):
        top_up(database, wallet, *amounts)
        assert seal_chain.seal(database, NOW) == 3


def test_an_untouched_journal_is_whole(database: Database, wallet: UUID) -> None:
    three_seals(database, wallet)
    top_up(database, wallet, 10)
    report = verified(database)
    assert report.whole
    assert (report.seals, report.sealed, report.unsealed) == (3, 9, 1)


def test_an_empty_journal_is_whole(database: Database) -> None:
    assert seal_chain.seal(database, NOW) == 0
    report = verified(database)
    assert (report.whole, report.head, report.unsealed) == (True, None, 0)


COPY = (
    "INSERT INTO ledger_transfers"
    " (serial, id, digest, action, purpose, debit, credit, amount, occurred_at, recorded_at)"
    " SELECT {serial}, {id}, digest, action, purpose, debit, credit, amount, occurred_at, recorded_at"
    " FROM ledger_transfers WHERE serial = 5"
)


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE ledger_transfers SET amount = 500 WHERE serial = 5",),
        ("UPDATE ledger_transfers SET details = '{}' WHERE serial = 5",),
        ("UPDATE ledger_transfers SET recorded_at = '2026-11-24 04:00:00' WHERE serial = 5",),
        ("DELETE FROM ledger_transfers WHERE serial = 5",),
        ("DELETE FROM ledger_transfers WHERE serial = 6",),
        ("DELETE FROM ledger_transfers WHERE serial = 5", "UPDATE ledger_transfers SET serial = 5 WHERE serial = 6"),
        (
            "UPDATE ledger_transfers SET serial = 99 WHERE serial = 4",
            "UPDATE ledger_transfers SET serial = 4 WHERE serial = 5",
            "UPDATE ledger_transfers SET serial = 5 WHERE serial = 99",
        ),
        ("UPDATE ledger_seals SET transfers = 2 WHERE number = 2", "DELETE FROM ledger_transfers WHERE serial = 5"),
        ("UPDATE ledger_seals SET last_serial = 5 WHERE number = 2",),
        ("DELETE FROM ledger_seals WHERE number = 2",),
    ],
    ids=[
        "amount edited",
        "details edited",
        "time edited",
        "line deleted",
        "last line deleted",
        "line moved",
        "two lines exchanged",
        "line and count deleted",
        "seal shortened",
        "seal deleted",
    ],
)
def test_what_is_done_to_sealed_lines_shows(database: Database, wallet: UUID, statements: tuple[str, ...]) -> None:
    three_seals(database, wallet)
    tamper(database, *statements)
    faults = verified(database).faults
    assert faults
    assert faults[0].seal in {2, 3}, "the seal before the change still holds"


def test_a_line_slipped_in_among_sealed_ones_shows(database: Database, wallet: UUID) -> None:
    three_seals(database, wallet)
    fresh = f"'{new_id().hex}'"
    tamper(
        database,
        "DELETE FROM ledger_transfers WHERE serial = 6",
        COPY.format(serial=6, id=fresh),
    )
    assert [fault.seal for fault in verified(database).faults] == [2]


def test_a_cut_off_end_shows_against_a_head_kept_elsewhere(database: Database, wallet: UUID) -> None:
    three_seals(database, wallet)
    head = verified(database).head
    assert head is not None
    assert verified(database, head).whole
    tamper(database, "DELETE FROM ledger_seals WHERE number = 3", "DELETE FROM ledger_transfers WHERE serial > 6")
    assert verified(database).whole, "without the head this is a shorter journal like any other"
    assert [fault.seal for fault in verified(database, head).faults] == [3]


def test_a_rewritten_chain_shows_against_a_head_kept_elsewhere(database: Database, wallet: UUID) -> None:
    three_seals(database, wallet)
    head = verified(database).head
    assert head is not None
    tamper(database, "UPDATE ledger_transfers SET amount = 500 WHERE serial = 5", "DELETE FROM ledger_seals")
    seal_chain.seal(database, NOW)
    top_up(database, wallet, 1)
    seal_chain.seal(database, NOW)
    top_up(database, wallet, 1)
    seal_chain.seal(database, NOW)
    assert verified(database).whole
    assert [fault.seal for fault in verified(database, head).faults] == [3]


@pytest.mark.parametrize("table", ["ledger_transfers", "ledger_seals"])
@pytest.mark.parametrize("verb", ["DELETE FROM {}", "UPDATE {} SET digest = digest"])
def test_the_database_refuses_to_change_the_journal(database: Database, wallet: UUID, table: str, verb: str) -> None:
    three_seals(database, wallet)
    with pytest.raises(DatabaseError, match="inserts only"), database.begin() as session:
        session.execute(text(verb.format(table)))
    assert verified(database).sealed == 9


def test_a_transaction_that_runs_while_others_are_sealed_is_sealed_later(database: Database, wallet: UUID) -> None:
    """The trap of serial numbers: a lower one may appear after a higher one was seen."""
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    other = new_id()
    with database.begin() as session:
        open_account(session, other, AccountKind.WALLET, NOW)
        cash = open_named(session, AccountKind.CASH, "counter", NOW)

    def slow(then: Callable[[], None]) -> None:
        with database.begin() as session:
            _record_one(session, cash, other)
            then()

    def meanwhile() -> None:
        top_up(database, wallet, 5)
        assert seal_chain.seal(database, NOW, patience_s=0.05) == 0, "a lower serial is still to come"

    slow(meanwhile)
    assert seal_chain.seal(database, NOW) == 2
    assert verified(database).whole


def _record_one(session: Session, cash: UUID, wallet: UUID) -> None:
    record(session, [Transfer(new_id(), "top_up", cash, wallet, 1)], NOW)[0].require()


def test_sealing_twice_seals_once(database: Database, wallet: UUID) -> None:
    top_up(database, wallet, 1, 2)
    assert seal_chain.seal(database, NOW) == 2
    assert seal_chain.seal(database, NOW + timedelta(seconds=1)) == 0


def test_a_long_backlog_is_sealed_piece_by_piece(
    database: Database, wallet: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal_chain, "LARGEST_SEAL", 4)
    top_up(database, wallet, *range(1, 11))
    assert seal_chain.seal(database, NOW) == 10
    report = verified(database)
    assert (report.whole, report.seals, report.sealed) == (True, 3, 10)
