"""One order for what must be written in order: the change feed and the audit trail.

Lock order of the whole server: rows of people, then cards, then wallets (sorted by id), then this. It is taken last,
because it is held until the commit.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

_ORDER_LOCK = 7263018


def keep_order(session: Session) -> None:
    """Wait until no other transaction that keeps order is open; released by the commit or rollback."""
    session.flush()
    # SQLite has one writer at a time, so its transactions are in order already.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ORDER_LOCK})
