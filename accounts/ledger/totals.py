"""Day-end: what each merchant, channel and campus account turned over, closed once and balancing to zero.

A line belongs to the first day that is closed after it was sealed and that ends after it was recorded. So each line
belongs to exactly one day, also one that a slow transaction brought in after midnight's close.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, not_, select
from sqlalchemy.orm import Session

from accounts.ledger import seal_chain
from accounts.ledger.invariants import check_ledger, seal_differences
from accounts.ledger.replay import Difference
from accounts.ledger.tables import (
    IN_ONE_LINE,
    DayClose,
    DayTotal,
    JournalTransfer,
    LedgerAccount,
    Seal,
)
from accounts.ledger.transfer import MOVING, AccountKind
from database import Database, table_of

COUNTERS_KEPT = timedelta(days=31)
"""How long a counter of a limit is kept after its last payment; long enough for every refund."""

_LINES = table_of(JournalTransfer)


class DayEndError(Exception):
    """A day cannot be closed: it is not over, not the next one, or it does not balance."""


class LedgerDiffersError(DayEndError):
    """What is stored does not follow from the journal; nothing is closed until somebody has looked."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        """Name the first difference, and how many there are."""
        super().__init__(f"the books differ from the journal {len(differences)} times, first: {differences[0]}")
        self.differences = tuple(differences)


@dataclass(frozen=True, slots=True)
class Total:
    """One account's day in fen; `closing` is `opening` plus `credits` less `debits`."""

    account: UUID
    kind: AccountKind
    opening: int
    debits: int
    credits: int

    @property
    def closing(self) -> int:
        """The balance at the end of the day."""
        return self.opening + self.credits - self.debits


def close_day(database: Database, day: date, ends_at: datetime, now: datetime) -> list[Total]:
    """Close `day`, which ends at `ends_at` (the campus's midnight), and return its totals; again gives the same ones.

    Raises:
        DayEndError: the day is not over, a later one is closed already, or the books do not balance.
        LedgerDiffersError: something stored does not follow from the journal.
    """
    if now < ends_at:
        raise DayEndError(f"{day} is not over yet")
    require_right_books(database, now)
    return _close(database, day, ends_at, now)


def require_right_books(database: Database, now: datetime) -> None:
    """Check the journal's chain, and everything kept beside the journal against it.

    Raises:
        LedgerDiffersError: with what differs.
    """
    with database.snapshot() as session:
        differences = seal_differences(seal_chain.verify(session))
        differences += check_ledger(session, counted_since=now - COUNTERS_KEPT)
    if differences:
        raise LedgerDiffersError(differences)


def _close(database: Database, day: date, ends_at: datetime, now: datetime) -> list[Total]:
    seal_chain.seal(database, now)
    with database.begin() as session:
        last = session.scalars(select(DayClose).order_by(DayClose.day.desc()).limit(1)).first()
        if last is not None and last.day >= day:
            if session.get(DayClose, day) is None:
                raise DayEndError(f"{last.day} is closed already; its lines took in what belonged to {day}")
            return day_totals(session, day)
        upto = session.scalar(select(func.max(Seal.last_serial))) or 0
        lines = _own_lines(last, upto, ends_at)
        totals = _sum(session, last, lines)
        _require_balanced(totals)
        session.add(
            DayClose(
                day=day,
                ends_at=ends_at,
                last_serial=upto,
                transfers=session.scalar(select(func.count()).select_from(_LINES).where(lines)) or 0,
                closed_at=now,
            )
        )
        for total in totals:
            session.add(
                DayTotal(
                    day=day,
                    account=total.account,
                    kind=total.kind.value,
                    opening=total.opening,
                    debits=total.debits,
                    credits=total.credits,
                    closing=total.closing,
                )
            )
    return totals


def close_days_before(
    database: Database,
    today: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    require: Callable[[Database, datetime], None] = require_right_books,
) -> list[date]:
    """Close every day of the campus's calendar before `today` that is not closed, oldest first; return those.

    After days without a server each of them still gets its own lines. A journal without lines has no days to close.
    What `require` raises keeps every day open.

    Raises:
        DayEndError, LedgerDiffersError: as `close_day`.
    """
    with database.read() as session:
        last = session.scalar(select(func.max(DayClose.day)))
        began = session.scalar(select(func.min(_LINES.c.recorded_at)))
    if last is None and began is None:
        return []
    day = last + timedelta(days=1) if last is not None else began.astimezone(zone).date()
    closed: list[date] = []
    if day < today:
        require(database, now)
    while day < today:
        _close(database, day, datetime.combine(day + timedelta(days=1), time(), zone), now)
        closed.append(day)
        day += timedelta(days=1)
    return closed


def day_totals(session: Session, day: date) -> list[Total]:
    """Return a closed day's totals, by kind and account; empty when it is not closed."""
    rows = session.scalars(select(DayTotal).where(DayTotal.day == day).order_by(DayTotal.kind, DayTotal.account))
    return [Total(row.account, AccountKind(row.kind), row.opening, row.debits, row.credits) for row in rows]


def _own_lines(last: DayClose | None, upto: int, ends_at: datetime) -> ColumnElement[bool]:
    own = and_(_LINES.c.serial <= upto, _LINES.c.recorded_at < ends_at)
    if last is None:
        return own
    taken = and_(_LINES.c.serial <= last.last_serial, _LINES.c.recorded_at < last.ends_at)
    return and_(own, not_(taken))


def _sum(session: Session, last: DayClose | None, lines: ColumnElement[bool]) -> list[Total]:
    """Every account that ever had a line keeps a line on each day, so that the newest day tells its balance."""
    kinds: dict[UUID, AccountKind] = {line: kind for kind, line in IN_ONE_LINE.items()}
    query = select(LedgerAccount.id, LedgerAccount.kind).where(LedgerAccount.kind != AccountKind.WALLET)
    kinds.update({row.id: AccountKind(row.kind) for row in session.execute(query)})
    opening: dict[UUID, int] = {}
    if last is not None:
        opening = {total.account: total.closing for total in day_totals(session, last.day)}
    debits = _turnover(session, _LINES.c.debit, lines, kinds)
    credits_ = _turnover(session, _LINES.c.credit, lines, kinds)
    found = sorted({*opening, *debits, *credits_}, key=lambda account: (kinds[account], account))
    return [Total(one, kinds[one], opening.get(one, 0), debits[one], credits_[one]) for one in found]


def _turnover(
    session: Session, side: ColumnElement[UUID], lines: ColumnElement[bool], kinds: Mapping[UUID, AccountKind]
) -> defaultdict[UUID, int]:
    """Sum one side by account; what is not among `kinds` is a wallet."""
    query = select(side, func.sum(_LINES.c.amount)).where(lines, _LINES.c.action.in_(MOVING)).group_by(side)
    sums: defaultdict[UUID, int] = defaultdict(int)
    for account, amount in session.execute(query):
        sums[IN_ONE_LINE.get(kinds.get(account, AccountKind.WALLET), account)] += int(amount)
    return sums


def _require_balanced(totals: list[Total]) -> None:
    debits, credits_ = sum(total.debits for total in totals), sum(total.credits for total in totals)
    if debits != credits_:
        raise DayEndError(f"debits are {debits} fen and credits {credits_}: the journal was tampered with")
    if (rest := sum(total.closing for total in totals)) != 0:
        raise DayEndError(f"all balances together are {rest} fen instead of nothing: the journal was tampered with")
