"""Transfers into the journal: lock, load the state, decide each in turn, write what was decided, all set by set.

The statements are the same for one transfer and for five hundred, which is what makes a batch cheap. Wallets and
rooms are locked in the order of their ids, so that two batches never wait for each other in a circle; no other account
is locked at all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.ledger.decision import KnownAccount, LedgerState, decide
from accounts.ledger.sql import LINE_COLUMNS, POSTGRESQL, SQLITE, LedgerSql
from accounts.ledger.transfer import (
    RESOLVING,
    AccountKind,
    AccountState,
    Action,
    Entry,
    PostingResult,
    Transfer,
)

_WIDTH = len(LINE_COLUMNS)


class TransferRaceError(Exception):
    """Another process recorded the same transfer or correction at this moment. Nothing was written; try again."""


def record(session: Session, transfers: Sequence[Transfer], now: datetime) -> list[PostingResult]:
    """Record `transfers` in their order, inside the caller's writing transaction; one outcome for each.

    A refused transfer leaves nothing behind and does not stop the ones after it.

    Raises:
        TransferRaceError: an id was taken by another process meanwhile; roll back and try again.
    """
    connection = session.connection()
    state = _load_state(connection, transfers)
    outcomes: list[PostingResult] = []
    fresh: list[Entry] = []
    for transfer in transfers:
        outcome = decide(state, transfer, now)
        if outcome.entry is not None and not outcome.replayed:
            state.fold(outcome.entry)
            fresh.append(outcome.entry)
        outcomes.append(outcome)
    if fresh:
        try:
            _write(connection, state, fresh, now)
        except IntegrityError as error:
            raise TransferRaceError("another process recorded the same transfer meanwhile; try again") from error
    return outcomes


def sql_for(connection: Connection) -> LedgerSql:
    """Return the statements of the database behind `connection`."""
    return POSTGRESQL if connection.dialect.name == "postgresql" else SQLITE


def find(session: Session, transfer_id: UUID) -> Entry | None:
    """Return the journal's line with this id."""
    return _lines(session.connection(), [transfer_id]).get(transfer_id)


def entry_of(row: Sequence[Any]) -> Entry:
    """Make the value from a row that begins with `LINE_COLUMNS`."""
    # By place: to ask a row for each name takes as long as to make the value.
    line_id, digest, action, purpose, debit, credit, amount, debit_balance, credit_balance, *others = row[:_WIDTH]
    resolves, corrects, expires_at, windows, details, occurred_at, recorded_at = others
    return Entry(
        line_id,
        bytes(digest),
        Action(action),
        purpose,
        debit,
        credit,
        amount,
        debit_balance,
        credit_balance,
        resolves,
        corrects,
        expires_at,
        tuple(windows.split(" ")) if windows else (),
        details,
        occurred_at,
        recorded_at,
    )


def _load_state(connection: Connection, transfers: Sequence[Transfer]) -> LedgerState:
    state = LedgerState()
    # Lines never change. Read before the locks, holds and corrected transfers say what to lock; should another
    # process record one of these ids between here and there, the index refuses ours, and all of it is tried again.
    named = {
        line
        for transfer in transfers
        for line in (transfer.id, transfer.resolves, transfer.corrects)
        if line is not None
    }
    state.lines = _lines(connection, named)
    accounts = {account for transfer in transfers for account in (transfer.debit, transfer.credit) if account}
    for line in state.lines.values():
        accounts.update((line.debit, line.credit))
    _lock_accounts(connection, state, accounts)
    # From here on nobody else moves these accounts, so what is read now still holds when it is written.
    resolved = {transfer.resolves for transfer in transfers if transfer.resolves and transfer.action in RESOLVING}
    if resolved:
        state.open_holds = {row.id for row in _among(connection, sql_for(connection).open_holds, resolved)}
    corrected = sorted({transfer.corrects for transfer in transfers if transfer.corrects in state.lines})
    if corrected:
        rows = [{"id": one, "amount": 0} for one in corrected]
        connection.execute(sql_for(connection).new_corrected, rows)
        state.corrected = {
            row.id: row.amount for row in _among(connection, sql_for(connection).lock_corrected, corrected)
        }
    _read_counters(connection, state, transfers)
    return state


def _lines(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Entry]:
    return {row.id: entry_of(row) for row in _among(connection, sql_for(connection).lines_by_id, ids)}


def _among(connection: Connection, query: Executable, ids: Iterable[UUID]) -> CursorResult[Any]:
    return connection.execute(query, {"ids": sql_for(connection).ids(ids)})


def _lock_accounts(connection: Connection, state: LedgerState, ids: set[UUID]) -> None:
    for row in _among(connection, sql_for(connection).lock_accounts, ids):
        state.accounts[row.id] = KnownAccount(AccountKind(row.kind), AccountState(row.state), row.balance, row.held)


def _read_counters(connection: Connection, state: LedgerState, transfers: Sequence[Transfer]) -> None:
    """Load the counters of every window named by a cap, and by a hold or a correction's original."""
    wanted = {(transfer.debit, cap.window) for transfer in transfers for cap in transfer.caps if transfer.debit}
    wanted |= {(line.debit, window) for line in state.lines.values() for window in line.windows}
    if wanted:
        ids = sql_for(connection).ids({one for one, _ in wanted})
        values = {"ids": ids, "windows": list({window for _, window in wanted})}
        state.counters = {
            (row.account, row.window): row.spent
            for row in connection.execute(sql_for(connection).read_counters, values)
        }


def _write(connection: Connection, state: LedgerState, fresh: list[Entry], now: datetime) -> None:
    sql = sql_for(connection)
    balances = [
        {"account": account, "new_balance": known.balance, "new_held": known.held}
        for account in sorted({account for entry in fresh for account in (entry.debit, entry.credit)})
        if (known := state.accounts[account]).balance is not None
    ]
    if sql.take_a_number is not None and not balances:
        connection.execute(sql.take_a_number)  # a locked account gives one too
    sql.write(connection, [_row(entry) for entry in fresh], balances, _counters(state, fresh, now))
    _write_holds(connection, fresh)
    corrected = sorted({entry.corrects for entry in fresh if entry.corrects})
    if corrected:
        connection.execute(
            sql_for(connection).change_corrected,
            [{"old": one, "new_amount": state.corrected[one]} for one in corrected],
        )


def _write_holds(connection: Connection, fresh: list[Entry]) -> None:
    opened = [
        {"id": e.id, "debit": e.debit, "credit": e.credit, "amount": e.amount, "expires_at": e.expires_at}
        for e in fresh
        if e.action is Action.HOLD
    ]
    if opened:
        connection.execute(sql_for(connection).new_holds, opened)
    resolved = [entry.resolves for entry in fresh if entry.resolves]
    if resolved:
        _among(connection, sql_for(connection).end_holds, resolved)


def _counters(state: LedgerState, fresh: list[Entry], now: datetime) -> list[dict[str, Any]]:
    keys: set[tuple[UUID, str]] = set()
    for entry in fresh:
        sources = [entry] + [state.lines[other] for other in (entry.resolves, entry.corrects) if other]
        keys.update((source.debit, window) for source in sources for window in source.windows)
    return [
        {"account": account, "window": window, "spent": state.counters[account, window], "touched_at": now}
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
