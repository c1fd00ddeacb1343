"""What merchants took within a time, less what went back."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.ledger.tables import JournalTransfer
from accounts.ledger.transfer import MOVING


def turnover_of(session: Session, accounts: Collection[UUID], begins: datetime, ends: datetime) -> dict[UUID, int]:
    """Return the fen that each account took in between two times less what it gave, where it is not nothing."""
    found: dict[UUID, int] = {}
    for side, sign in ((JournalTransfer.credit, 1), (JournalTransfer.debit, -1)):
        query = select(side, func.sum(JournalTransfer.amount)).where(
            side.in_(accounts),
            JournalTransfer.action.in_(MOVING),
            JournalTransfer.recorded_at >= begins,
            JournalTransfer.recorded_at < ends,
        )
        for account, fen in session.execute(query.group_by(side)):
            found[account] = found.get(account, 0) + sign * int(fen)
    return found
