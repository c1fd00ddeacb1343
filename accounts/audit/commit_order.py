"""One order for what must be written in order: the change feed and the audit trail.

Lock order of the whole server: rows of people, then cards, then wallets (sorted by id), then this. It is taken last,
because it is held until the commit.
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session, SessionTransaction

from database.advisory_locks import AdvisoryLock

_KEPT = "campusgate_order_kept"


def keep_order(session: Session) -> None:
    """Wait until no other transaction that keeps order is open; released by the commit or rollback."""
    session.flush()
    # SQLite has one writer at a time, so its transactions are in order already.
    if session.get_bind().dialect.name == "postgresql" and recall(session, _KEPT) is None:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": AdvisoryLock.AUDIT_ORDER})
        keep(session, _KEPT, True)


def keep(session: Session, key: str, value: Any) -> None:
    """Keep `value` for as long as the open transaction, or the open savepoint in it."""
    session.info[key] = (_open(session), value)


def recall(session: Session, key: str) -> Any:
    """Return what was noted under `key` in this transaction; None once that, or its savepoint, has ended."""
    noted_in, value = session.info.get(key, (None, None))
    inside = _open(session)
    while inside is not None:
        if inside is noted_in:
            return value
        inside = inside.parent
    return None


def _open(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()
