"""Transfers into the journal: lock, load the book, decide each in turn, write what was decided, all set by set.

The statements are the same for one transfer and for five hundred, which is what makes a batch cheap. Wallets are locked
in the order of their ids, so that two batches never wait for each other in a circle; no other account is locked at all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Executable, Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.ledger.decision import Book, BookAccount, decide
from accounts.ledger.sql import POSTGRESQL, SQLITE, Statements
from accounts.ledger.transfer import (
    RESOLVING,
    AccountKind,
    AccountState,
    Action,
    Entry,
    Outcome,
    Transfer,
)


class TransferRaceError(Exception):
    """Another process recorded the same transfer or correction at this moment. Nothing was written; try again."""


def record(session: Session, transfers: Sequence[Transfer], now: datetime) -> list[Outcome]:
    """Record `transfers` in their order, inside the caller's writing transaction; one outcome for each.

    A refused transfer leaves nothing behind and does not stop the ones after it.

    Raises:
        TransferRaceError: an id was taken by another process meanwhile; roll back and try again.
    """
    connection = session.connection()
    book = _open_book(connection, transfers)
    outcomes: list[Outcome] = []
    fresh: list[Entry] = []
    for transfer in transfers:
        outcome = decide(book, transfer, now)
        if outcome.entry is not None and not outcome.replayed:
            book.fold(outcome.entry)
            fresh.append(outcome.entry)
        outcomes.append(outcome)
    if fresh:
        try:
            _write(connection, book, fresh, now)
        except IntegrityError as error:
            raise TransferRaceError("another process recorded the same transfer meanwhile; try again") from error
    return outcomes


def statements_for(connection: Connection) -> Statements:
    """Return the statements of the database behind `connection`."""
    return POSTGRESQL if connection.dialect.name == "postgresql" else SQLITE


def find(session: Session, transfer_id: UUID) -> Entry | None:
    """Return the journal's line with this id."""
    return _lines(session.connection(), [transfer_id]).get(transfer_id)


def entry_of(row: Row[Any]) -> Entry:
    """Make the value from a row of `LINE_COLUMNS`."""
    return Entry(
        id=row.id,
        digest=bytes(row.digest),
        action=Action(row.action),
        purpose=row.purpose,
        debit=row.debit,
        credit=row.credit,
        amount=row.amount,
        debit_balance=row.debit_balance,
        credit_balance=row.credit_balance,
        resolves=row.resolves,
        corrects=row.corrects,
        expires_at=row.expires_at,
        windows=tuple(row.windows.split(" ")) if row.windows else (),
        details=row.details,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
    )


def _open_book(connection: Connection, transfers: Sequence[Transfer]) -> Book:
    book = Book()
    # Lines never change. Read before the locks, holds and corrected transfers say which wallets to lock; should another
    # process record one of these ids between here and there, the index refuses ours, and all of it is tried again.
    named = {
        line
        for transfer in transfers
        for line in (transfer.id, transfer.resolves, transfer.corrects)
        if line is not None
    }
    book.lines = _lines(connection, named)
    accounts = {account for transfer in transfers for account in (transfer.debit, transfer.credit) if account}
    for line in book.lines.values():
        accounts.update((line.debit, line.credit))
    _lock_accounts(connection, book, accounts)
    # From here on nobody else moves these wallets, so what is read now still holds when it is written.
    resolved = {transfer.resolves for transfer in transfers if transfer.resolves and transfer.action in RESOLVING}
    if resolved:
        book.open_holds = {row.id for row in _among(connection, statements_for(connection).open_holds, resolved)}
    corrected = sorted({transfer.corrects for transfer in transfers if transfer.corrects in book.lines})
    if corrected:
        rows = [{"id": one, "amount": 0} for one in corrected]
        connection.execute(statements_for(connection).new_corrected, rows)
        book.corrected = {
            row.id: row.amount for row in _among(connection, statements_for(connection).lock_corrected, corrected)
        }
    _read_counters(connection, book, transfers)
    return book


def _lines(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Entry]:
    return {row.id: entry_of(row) for row in _among(connection, statements_for(connection).lines_by_id, ids)}


def _among(connection: Connection, query: Executable, ids: Iterable[UUID]) -> CursorResult[Any]:
    return connection.execute(query, {"ids": statements_for(connection).ids(ids)})


def _lock_accounts(connection: Connection, book: Book, ids: set[UUID]) -> None:
    for row in _among(connection, statements_for(connection).lock_accounts, ids):
        book.accounts[row.id] = BookAccount(AccountKind(row.kind), AccountState(row.state), row.balance, row.held)


def _read_counters(connection: Connection, book: Book, transfers: Sequence[Transfer]) -> None:
    """Load the counters of every window named by a cap, and by a hold or a correction's original."""
    wanted = {(transfer.debit, cap.window) for transfer in transfers for cap in transfer.caps if transfer.debit}
    wanted |= {(line.debit, window) for line in book.lines.values() for window in line.windows}
    if wanted:
        ids = statements_for(connection).ids({one for one, _ in wanted})
        values = {"ids": ids, "windows": list({window for _, window in wanted})}
        book.counters = {
            (row.account, row.window): row.spent
            for row in connection.execute(statements_for(connection).read_counters, values)
        }


def _write(connection: Connection, book: Book, fresh: list[Entry], now: datetime) -> None:
    statements = statements_for(connection)
    wallets = [
        {"wallet": account, "new_balance": state.balance, "new_held": state.held}
        for account in sorted({account for entry in fresh for account in (entry.debit, entry.credit)})
        if (state := book.accounts[account]).balance is not None
    ]
    if statements.take_a_number is not None and not wallets:
        connection.execute(statements.take_a_number)  # a locked wallet gives one too
    statements.write(connection, [_row(entry) for entry in fresh], wallets, _counters(book, fresh, now))
    _write_holds(connection, fresh)
    corrected = sorted({entry.corrects for entry in fresh if entry.corrects})
    if corrected:
        connection.execute(
            statements_for(connection).change_corrected,
            [{"old": one, "new_amount": book.corrected[one]} for one in corrected],
        )


def _write_holds(connection: Connection, fresh: list[Entry]) -> None:
    opened = [
        {"id": e.id, "debit": e.debit, "credit": e.credit, "amount": e.amount, "expires_at": e.expires_at}
        for e in fresh
        if e.action is Action.HOLD
    ]
    if opened:
        connection.execute(statements_for(connection).new_holds, opened)
    resolved = [entry.resolves for entry in fresh if entry.resolves]
    if resolved:
        _among(connection, statements_for(connection).end_holds, resolved)


def _counters(book: Book, fresh: list[Entry], now: datetime) -> list[dict[str, Any]]:
    keys: set[tuple[UUID, str]] = set()
    for entry in fresh:
        sources = [entry] + [book.lines[other] for other in (entry.resolves, entry.corrects) if other]
        keys.update((source.debit, window) for source in sources for window in source.windows)
    return [
        {"account": account, "window": window, "spent": book.counters[account, window], "touched_at": now}
        for account, window in sorted(keys)
    ]


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "digest": entry.digest,
        "action": entry.action.value,
        "purpose": entry.purpose,
        "debit": entry.debit,
        "credit": entry.credit,
        "amount": entry.amount,
        "debit_balance": entry.debit_balance,
        "credit_balance": entry.credit_balance,
        "resolves": entry.resolves,
        "corrects": entry.corrects,
        "expires_at": entry.expires_at,
        "windows": " ".join(entry.windows) or None,
        "details": entry.details,
        "occurred_at": entry.occurred_at,
        "recorded_at": entry.recorded_at,
    }
