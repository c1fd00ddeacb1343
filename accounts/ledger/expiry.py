"""Holds that nobody resolved in time give the money back."""

from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.posting import record
from accounts.ledger.tables import OpenHold
from accounts.ledger.transfer import Action, Entry, Transfer


def expire_holds(session: Session, now: datetime, *, limit: int = 500) -> list[Entry]:
    """Release up to `limit` holds whose time is over, and return the journal's lines. Running it twice does no harm."""
    due = select(OpenHold.id).where(OpenHold.expires_at <= now).order_by(OpenHold.expires_at).limit(limit)
    transfers = [
        Transfer(id=expiry_id(hold), purpose="expiry", action=Action.EXPIRE, resolves=hold)
        for hold in session.scalars(due)
    ]
    if not transfers:
        return []
    return [outcome.entry for outcome in record(session, transfers, now) if outcome.entry is not None]


def expiry_id(hold: UUID) -> UUID:
    """Return the id of the line that expires a hold; always the same, so it is written once."""
    return uuid5(hold, "expire")
