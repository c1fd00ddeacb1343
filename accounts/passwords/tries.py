"""Wrong tries at a password, counted by where they come from, so that a stranger's do not lock its owner out.

A password is locked for one *source*: an address, a known device, a kiosk, a card. Five wrong tries lock it there, for
15 minutes; of the portal's password, twice as long each time. Beside that, all sources from which this password has
never been right, the strangers, have a number of wrong tries a day together: whoever guesses from a thousand addresses
is stopped by it, and whoever was there before is not. What is counted for a number that nobody has looks the same.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from accounts.tables import PasswordTries
from accounts.vocabulary import PasswordPurpose

TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=12)
STRANGERS_TRIES = 100
"""A day's guesses at six digits are then one in ten thousand, and ten strangers may still err ten times each."""
COUNTED_FOR = timedelta(days=1)
KNOWN_FOR = timedelta(days=180)
"""As long as a holiday and a term: whoever was away comes back as known."""

_STRANGERS = "strangers"


class LockedError(Exception):
    """This source may not try before `until`."""

    def __init__(self, until: datetime) -> None:
        """Take the end of the lock."""
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True)
class CountedTry:
    """A try that was counted before its outcome is known; with none left, a wrong one locks until `locked_until`."""

    tries_left: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class TryKey:
    """What tries are counted by: whose password, and from where."""

    subject: bytes
    source: bytes
    strangers: bytes
    doubles: bool
    """Each lock is twice as long as the one before."""
    is_known: bool
    """The source has proved in another way that the password was right there before."""

    @classmethod
    def of(cls, whom: str, purpose: PasswordPurpose, source: str, *, is_known: bool = False) -> "TryKey":
        """Return it for a password of `whom` (`person:ID`, or `number:…` of nobody)."""
        subject = subject_of(whom, purpose)
        return cls(
            subject,
            hashlib.sha256(subject + source.encode()).digest(),
            hashlib.sha256(subject + _STRANGERS.encode()).digest(),
            # The guide's rule for the two passwords of the card: five wrong tries, a quarter of an hour.
            doubles=purpose is PasswordPurpose.PORTAL,
            is_known=is_known,
        )


def subject_of(whom: str, purpose: PasswordPurpose) -> bytes:
    """Return the digest under which the tries at one password are kept."""
    return hashlib.sha256(f"{purpose.value} {whom}".encode()).digest()


def count(session: Session, key: TryKey, *, now: datetime) -> CountedTry:
    """Count a try before it is checked, so that tries in parallel count like tries in a row.

    Raises:
        LockedError: this source, or every stranger, must wait.
    """
    here = _row(session, key.subject, key.source, now)
    if here.locked_until is not None and now < here.locked_until:
        raise LockedError(here.locked_until)
    if _is_stranger(key, here, now):
        strangers = _row(session, key.subject, key.strangers, now)
        if strangers.failed >= STRANGERS_TRIES:
            raise LockedError(strangers.since + COUNTED_FOR)
        strangers.failed += 1
    if here.locked_until is not None:
        here.failed, here.locked_until = 0, None
    here.failed += 1
    if here.failed >= TRIES:
        here.locked_until = now + (min(LOCKED_FOR * 2**here.locks, LONGEST_LOCK) if key.doubles else LOCKED_FOR)
        here.locks += 1
    return CountedTry(max(0, TRIES - here.failed), here.locked_until)


def record_success(session: Session, key: TryKey, *, now: datetime) -> None:
    """Forgive what was counted from here; the source is known from now on."""
    here = _row(session, key.subject, key.source, now)
    if _is_stranger(key, here, now):
        strangers = _row(session, key.subject, key.strangers, now)
        strangers.failed = max(0, strangers.failed - 1)
    here.failed, here.locks, here.locked_until = 0, 0, None
    here.known_until = now + KNOWN_FOR


def lift(session: Session, person_id: UUID, purpose: PasswordPurpose) -> None:
    """Lift every lock of a person's password; sources that are known stay so."""
    session.execute(
        update(PasswordTries)
        .where(PasswordTries.subject == subject_of(f"person:{person_id}", purpose))
        .values(failed=0, locks=0, locked_until=None)
    )


def forget(session: Session, now: datetime) -> None:
    """Delete what counts no more."""
    session.execute(
        delete(PasswordTries).where(
            PasswordTries.since < now - COUNTED_FOR,
            or_(PasswordTries.known_until.is_(None), PasswordTries.known_until <= now),
            or_(PasswordTries.locked_until.is_(None), PasswordTries.locked_until <= now),
        )
    )


def _is_stranger(key: TryKey, here: PasswordTries, now: datetime) -> bool:
    return not key.is_known and (here.known_until is None or here.known_until <= now)


def _row(session: Session, subject: bytes, source: bytes, now: datetime) -> PasswordTries:
    """Return the count, locked against other writers; it begins anew a day after it began, unless a lock runs."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    new = {"subject": subject, "source": source, "failed": 0, "locks": 0, "since": now}
    session.execute(insert(PasswordTries).values(new).on_conflict_do_nothing())
    query = select(PasswordTries).filter_by(subject=subject, source=source).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one()
    lock_runs = row.locked_until is not None and now < row.locked_until
    if now >= row.since + COUNTED_FOR and not lock_runs:
        row.failed, row.locks, row.locked_until, row.since = 0, 0, None, now
    return row
