"""Statements: the lines that moved an account's money, newest first, each with the balance after it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, union_all
from sqlalchemy.orm import Session

from accounts.ledger.chart import summed_balance
from accounts.ledger.posting import entry_of
from accounts.ledger.sql import LINE_COLUMNS
from accounts.ledger.tables import JournalTransfer, LedgerAccount, OpenHold, table_of
from accounts.ledger.transfer import MOVING, Entry

_LINES = table_of(JournalTransfer)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line: `amount` fen in (positive) or out (negative), `balance` fen after it; `serial` is its place."""

    serial: int
    amount: int
    balance: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Hold:
    """Money that is reserved and not yet taken."""

    id: UUID
    amount: int
    expires_at: datetime


def statement(session: Session, account_id: UUID, *, before: int | None = None, limit: int = 50) -> list[StatementLine]:
    """Return up to `limit` lines, newest first; `before` is the serial of the last line of the page before.

    The line of a wallet or a room carries its balance. Any other account's is summed from the journal, so it
    costs more on old pages.
    """
    rows = session.execute(_page(account_id, before, limit)).all()
    if not rows:
        return []
    stored = session.scalar(select(LedgerAccount.balance).where(LedgerAccount.id == account_id)) is not None
    running = 0 if stored else _balance_before(session, account_id, before)
    lines = []
    for row in rows:
        entry = entry_of(row)
        signed = entry.amount if entry.credit == account_id else -entry.amount
        own = entry.credit_balance if entry.credit == account_id else entry.debit_balance
        balance = running if own is None else own
        lines.append(StatementLine(row.serial, signed, balance, entry))
        running -= signed
    return lines


def open_holds(session: Session, account_id: UUID) -> list[Hold]:
    """Return an account's open holds, the one that expires first in front."""
    columns = (OpenHold.id, OpenHold.amount, OpenHold.expires_at)
    query = select(*columns).where(OpenHold.debit == account_id).order_by(OpenHold.expires_at, OpenHold.id)
    return [Hold(row.id, row.amount, row.expires_at) for row in session.execute(query)]


def _page(account_id: UUID, before: int | None, limit: int) -> Select[tuple[int, UUID]]:
    # One index serves each side of the transfer; `OR` would make a hot merchant's page read its whole history.
    sides = union_all(*(_newest(side == account_id, before, limit) for side in (_LINES.c.debit, _LINES.c.credit)))
    serials = select(sides.subquery().c.serial)
    page = select(_LINES.c.serial, *LINE_COLUMNS).where(_LINES.c.serial.in_(serials))
    return page.order_by(_LINES.c.serial.desc()).limit(limit)


def _newest(side: ColumnElement[bool], before: int | None, limit: int) -> Select[tuple[int]]:
    query = select(_LINES.c.serial).where(side, _LINES.c.action.in_(MOVING))
    if before is not None:
        query = query.where(_LINES.c.serial < before)
    newest = query.order_by(_LINES.c.serial.desc()).limit(limit).subquery()
    return select(newest.c.serial)


def _balance_before(session: Session, account_id: UUID, before: int | None) -> int:
    """The balance that the page's first line ended with."""
    balance = summed_balance(session, account_id)
    if before is None:
        return balance
    signed = case((_LINES.c.credit == account_id, _LINES.c.amount), else_=-_LINES.c.amount)
    newer = select(func.coalesce(func.sum(signed), 0)).where(
        and_(
            or_(_LINES.c.debit == account_id, _LINES.c.credit == account_id),
            _LINES.c.action.in_(MOVING),
            _LINES.c.serial >= before,
        )
    )
    return balance - int(session.scalar(newer) or 0)
