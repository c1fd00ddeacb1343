"""Statements: the lines that moved an account's money, newest first, each with the balance after it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true, union_all
from sqlalchemy.orm import Session

from accounts.ledger.chart import summed_balance
from accounts.ledger.posting import entry_of
from accounts.ledger.sql import LINE_COLUMNS
from accounts.ledger.tables import JournalTransfer, LedgerAccount, OpenHold
from accounts.ledger.transfer import MOVING, Entry
from database import table_of

_LINES = table_of(JournalTransfer)


@dataclass(frozen=True, slots=True)
class About:
    """What a line must be about: one of these is enough. `holds` are those that it resolves."""

    purposes: frozenset[str] = frozenset()
    others: frozenset[UUID] = frozenset()
    """The accounts on the other side."""
    holds: frozenset[UUID] = frozenset()

    def condition(self, other: ColumnElement[UUID]) -> ColumnElement[bool]:
        """Return it as a condition on lines whose other side is `other`."""
        return or_(_LINES.c.purpose.in_(self.purposes), other.in_(self.others), _LINES.c.resolves.in_(self.holds))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines of an account are wanted; None leaves the choice open. Times are those of the booking."""

    since: datetime | None = None
    until: datetime | None = None
    purposes: frozenset[str] | None = None
    incoming: bool | None = None
    about: About | None = None

    @property
    def has_conditions(self) -> bool:
        """Whether it leaves lines of its period out."""
        return any(one is not None for one in (self.purposes, self.incoming, self.about))

    def of_side(self, *, incoming: bool) -> ColumnElement[bool]:
        """Return the condition on lines that bring money in (the account is their credit) or take it out."""
        other = _LINES.c.debit if incoming else _LINES.c.credit
        conditions: list[ColumnElement[bool]] = []
        if self.since is not None:
            conditions.append(_LINES.c.recorded_at >= self.since)
        if self.until is not None:
            conditions.append(_LINES.c.recorded_at < self.until)
        return and_(true(), *conditions, self._chosen(other, incoming=incoming))

    def _chosen(self, other: ColumnElement[UUID], *, incoming: bool) -> ColumnElement[bool]:
        conditions: list[ColumnElement[bool]] = []
        if self.purposes is not None:
            conditions.append(_LINES.c.purpose.in_(self.purposes))
        if self.incoming is not None and self.incoming is not incoming:
            conditions.append(~true())
        if self.about is not None:
            conditions.append(self.about.condition(other))
        return and_(true(), *conditions)


EVERYTHING = Selection()


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


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """What a period came to, in fen: `opening + paid_in - paid_out == closing`.

    `chosen_in` and `chosen_out` are the parts of the selection's lines. `last` is the newest line that is counted.
    """

    opening: int
    paid_in: int
    paid_out: int
    chosen_in: int
    chosen_out: int
    last: int

    @property
    def closing(self) -> int:
        """The balance at the end of the period."""
        return self.opening + self.paid_in - self.paid_out


def statement(
    session: Session,
    account_id: UUID,
    *,
    before: int | None = None,
    limit: int = 50,
    selection: Selection = EVERYTHING,
) -> list[StatementLine]:
    """Return up to `limit` lines, newest first; `before` is the serial of the last line of the page before.

    Of an account that carries no balance there is no `selection`: its lines are added up.

    The line of a wallet or a room carries its balance. Any other account's is summed from the journal, so it
    costs more on old pages.
    """
    rows = session.execute(_page(account_id, before, limit, selection)).all()
    if not rows:
        return []
    stored = session.scalar(select(LedgerAccount.balance).where(LedgerAccount.id == account_id)) is not None
    running = 0 if stored else _balance_before(session, account_id, before)
    lines = []
    for row in rows:
        entry = entry_of(row[1:])
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


def sum_period(session: Session, account_id: UUID, selection: Selection) -> PeriodTotals:
    """Return what the selection's period came to for a wallet or a room, from one look at the journal."""
    chosen = Selection(None, None, selection.purposes, selection.incoming, selection.about)
    sides = union_all(*(_moved(account_id, chosen, selection.since, incoming) for incoming in (True, False))).subquery()
    within = true() if selection.until is None else sides.c.recorded_at < selection.until
    is_in = sides.c.amount > 0

    def add(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((and_(*conditions), sides.c.amount), else_=0)), 0)

    balance = select(LedgerAccount.balance).where(LedgerAccount.id == account_id).scalar_subquery()
    row = session.execute(
        select(
            func.coalesce(balance, 0) - add(true()),
            add(within, is_in),
            -add(within, ~is_in),
            add(within, is_in, sides.c.is_chosen == 1),
            -add(within, ~is_in, sides.c.is_chosen == 1),
            func.coalesce(func.max(sides.c.serial), 0),
        )
    ).one()
    return PeriodTotals(*(int(value) for value in row))


def _moved(account_id: UUID, chosen: Selection, since: datetime | None, incoming: bool) -> Select[Any]:
    side = _LINES.c.credit if incoming else _LINES.c.debit
    query = select(
        _LINES.c.serial,
        _LINES.c.recorded_at,
        (_LINES.c.amount if incoming else -_LINES.c.amount).label("amount"),
        case((chosen.of_side(incoming=incoming), 1), else_=0).label("is_chosen"),
    ).where(side == account_id, _LINES.c.action.in_(MOVING))
    return query if since is None else query.where(_LINES.c.recorded_at >= since)


def _page(account_id: UUID, before: int | None, limit: int, selection: Selection) -> Select[tuple[int, UUID]]:
    # One index serves each side of the transfer; `OR` would make a hot merchant's page read its whole history.
    sides = union_all(
        _newest((_LINES.c.debit == account_id) & selection.of_side(incoming=False), before, limit),
        _newest((_LINES.c.credit == account_id) & selection.of_side(incoming=True), before, limit),
    )
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
