"""What is deleted because nobody needs it any more. Run it once a day; it may be run again at any time."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger import seal_chain
from accounts.ledger.chart import close_or_suspend
from accounts.ledger.tables import LedgerAccount
from accounts.ledger.transfer import AccountState
from accounts.passwords import tries
from accounts.people import changes
from accounts.people_import import records
from accounts.tables import Person, PhoneCode, ProviderAttempt, SignIn
from accounts.vocabulary import PersonState
from database import Database
from web import idempotency

JOURNAL_HEAD = "journal.head"
"""The trail's line that notes the journal's head: the trail's own head so covers the journal too."""
ANSWERS_KEPT = timedelta(days=7)
"""Longer than any client goes on repeating a request."""
SIGN_INS_KEPT = timedelta(days=30)
"""After their end; a copy of a token that comes back later is refused all the same."""
CHANGES_KEPT = timedelta(days=180)
"""Longer than any follower of the feed is switched off without starting from the beginning."""


def tidy(database: Database, now: datetime) -> None:
    """Delete old answers, ended sign-ins, unused codes and old changes. The audit trail and card histories stay.

    Wallets of closed accounts whose last hold ended since are closed.
    """
    with database.begin() as session:
        idempotency.forget(session, now - ANSWERS_KEPT)
    with database.begin() as session:
        over = now - SIGN_INS_KEPT
        session.execute(delete(SignIn).where(or_(SignIn.ends_at < over, SignIn.revoked_at < over)))
        session.execute(delete(PhoneCode).where(PhoneCode.expires_at < now))
        session.execute(delete(ProviderAttempt).where(ProviderAttempt.expires_at < now))
        tries.forget(session, now)
    with database.begin() as session:
        changes.forget(session, now - CHANGES_KEPT)
        records.forget(session, now)
    with database.begin() as session:
        _close_emptied(session)


def record_journal_head(session: Session, now: datetime) -> None:
    """Write the journal's head into the trail, where it moved since the last time."""
    head = seal_chain.head(session)
    noted = audit.find(session, limit=1, action=JOURNAL_HEAD)
    if head is None or (noted and noted[0].subject == f"seal:{head.number}"):
        return
    details: dict[str, audit.Scalar | list[str]] = {"seal": head.number, "digest": head.digest.hex()}
    audit.record(
        session, actor=audit.SYSTEM, action=JOURNAL_HEAD, subject=f"seal:{head.number}", now=now, details=details
    )


def _close_emptied(session: Session) -> None:
    emptied = (
        select(LedgerAccount.id)
        .join(Person, Person.id == LedgerAccount.id)
        .where(
            Person.state == PersonState.CLOSED,
            LedgerAccount.state == AccountState.SUSPENDED,
            LedgerAccount.balance == 0,
            LedgerAccount.held == 0,
        )
    )
    for wallet in session.scalars(emptied).all():
        close_or_suspend(session, wallet)
