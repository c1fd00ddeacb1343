"""The totals of closed days, added up again from the journal's lines."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.replay import Difference
from accounts.ledger.tables import IN_ONE_LINE, DayClose, DayTotal
from accounts.ledger.transfer import MOVING, AccountKind, Entry

_COLUMNS = ("opening", "debits", "credits", "closing")


class DayReplay:
    """Takes the journal's lines and gives each to its day: the first closed after it was sealed that ends after it."""

    def __init__(self, session: Session, kinds: Mapping[UUID, str]) -> None:
        """Read which days are closed; `kinds` are those of the accounts."""
        self._kinds = kinds
        self._days = session.scalars(select(DayClose).order_by(DayClose.day)).all()
        self._last_serials = [day.last_serial for day in self._days]
        self._ends = [day.ends_at for day in self._days]
        self._lines = [0] * len(self._days)
        self._turnover: list[defaultdict[UUID, list[int]]] = [defaultdict(lambda: [0, 0]) for _ in self._days]

    def add(self, serial: int, entry: Entry) -> None:
        """Add a line to its day, if that is closed."""
        day = max(bisect_left(self._last_serials, serial), bisect_right(self._ends, entry.recorded_at))
        if day >= len(self._days):
            return
        self._lines[day] += 1
        if entry.action in MOVING:
            turnover = self._turnover[day]
            turnover[self._line_of(entry.debit)][0] += entry.amount
            turnover[self._line_of(entry.credit)][1] += entry.amount

    def differences(self, session: Session) -> Iterable[Difference]:
        """Return where the stored days differ from their lines, the oldest first."""
        opening: dict[UUID, int] = {}
        for day, lines, turnover in zip(self._days, self._lines, self._turnover, strict=True):
            if day.transfers != lines:
                yield Difference("transfers", f"day {day.day}", lines, day.transfers)
            stored = {
                row.account: (row.opening, row.debits, row.credits, row.closing)
                for row in session.scalars(select(DayTotal).where(DayTotal.day == day.day))
            }
            right: dict[UUID, tuple[int, int, int, int]] = {}
            for account in {*opening, *turnover}:
                begun, (debits, credits_) = opening.get(account, 0), turnover.get(account, (0, 0))
                right[account] = begun, debits, credits_, begun + credits_ - debits
            for account in sorted({*stored, *right}):
                yield from _compare(f"{account} on {day.day}", stored.get(account), right.get(account))
            opening = {account: total[3] for account, total in right.items()}

    def _line_of(self, account: UUID) -> UUID:
        """What is no other account is a wallet."""
        return IN_ONE_LINE.get(AccountKind(self._kinds.get(account, AccountKind.WALLET)), account)


def _compare(
    where: str, stored: tuple[int, int, int, int] | None, right: tuple[int, int, int, int] | None
) -> Iterable[Difference]:
    if stored is None or right is None:
        if stored != right:
            yield Difference(
                "line of totals", where, None if right is None else str(right), None if stored is None else str(stored)
            )
        return
    for column, found, expected in zip(_COLUMNS, stored, right, strict=True):
        if found != expected:
            yield Difference(column, where, expected, found)
