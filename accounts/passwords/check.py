"""A person's passwords: portal, query, consumption. Argon2id; five wrong tries lock that one where they come from.

Checking takes tens of milliseconds of hashing, which must not happen inside a writing transaction. So a try is counted
first (in a short transaction of its own, which also makes parallel guesses count), then hashed, then settled.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import audit
from accounts.passwords import stored, tries
from accounts.passwords.hashing import Hasher
from accounts.passwords.tries import CountedTry, TryKey
from accounts.tables import Person
from accounts.vocabulary import PasswordPurpose
from database import Database
from web.problems import ProblemError


class PasswordWrongError(ProblemError):
    """The password is wrong; `tries_left` says how many are left before it locks."""

    code = "password_wrong"
    status = 403
    title = "The password is wrong"


class PasswordLockedError(ProblemError):
    """Too many wrong tries; the password opens nothing until `locked_until`, not even when right."""

    code = "password_locked"
    status = 403
    title = "Too many wrong tries: the password is locked for a while"


class PasswordNotSetError(ProblemError):
    """The person has no such password yet."""

    code = "password_not_set"
    status = 409
    title = "This password is not set; the card centre sets it"


class PasswordChangeRequiredError(ProblemError):
    """A first password, or one set at the counter, opens nothing but the way to a new one; `purpose` says which."""

    code = "password_change_required"
    status = 403
    title = "Change the first password before using it"


@dataclass(frozen=True, slots=True)
class Checked:
    """A password that was right."""

    must_change: bool


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who somebody says they are. Tries are counted by `whom`, whether or not there is such a person."""

    whom: str
    person_id: UUID | None
    """None: no password can be right."""

    @classmethod
    def named(cls, number: str, person: Person | None, *, fits: bool = True) -> "Claimant":
        """Somebody who gave a number, in its one spelling; `fits` is false when what they gave beside it is another's.

        With a count for each way to type it, a number of nobody would be told by how late it locks.
        """
        if person is None:
            return cls(f"number:{number}", None)
        return cls(f"person:{person.id}", person.id if fits else None)

    @classmethod
    def known(cls, person_id: UUID) -> "Claimant":
        """Somebody who has shown who they are in another way."""
        return cls(f"person:{person_id}", person_id)


class PasswordCheck:
    """Checks passwords, and counts and locks the wrong ones."""

    def __init__(self, database: Database, hasher: Hasher) -> None:
        """Take the database, for transactions of its own, and the hasher."""
        self._database = database
        self._hasher = hasher

    def require(
        self,
        who: Claimant,
        purpose: PasswordPurpose,
        attempt: str,
        *,
        source: str,
        now: datetime,
        is_known: bool = False,
    ) -> Checked:
        """Check `attempt`; a person who does not exist takes as long and is answered and locked alike.

        `source` says where the try comes from, and `is_known` that its person was there before, see `tries`.
        Call it outside of any transaction.

        Raises:
            PasswordWrongError, PasswordLockedError, PasswordNotSetError: see there.
        """
        key = TryKey.of(who.whom, purpose, source, is_known=is_known)
        stored_hash, counted = self._count(who, purpose, key, now)
        same = self._hasher.verify(attempt, stored_hash)
        if who.person_id is None or stored_hash is None or not same:
            if counted.locked_until is not None:
                raise PasswordLockedError(locked_until=counted.locked_until)
            if who.person_id is not None and stored_hash is None:
                raise PasswordNotSetError(purpose=purpose.value)
            raise PasswordWrongError(tries_left=counted.tries_left)
        with self._database.begin() as session:
            password = stored.get(session, who.person_id, purpose, lock=True)
            if password is None or password.hash != stored_hash:
                # It was changed while we were hashing; what was right a moment ago is not any more.
                raise PasswordWrongError
            tries.record_success(session, key, now=now)
            return Checked(password.must_change)

    def _count(
        self, who: Claimant, purpose: PasswordPurpose, key: TryKey, now: datetime
    ) -> tuple[str | None, CountedTry]:
        """Count a try before its outcome is known; returns the stored hash, if any, and what is left."""
        with self._database.begin() as session:
            try:
                counted = tries.count(session, key, now=now)
            except tries.LockedError as error:
                raise PasswordLockedError(locked_until=error.until) from error
            if who.person_id is None:
                return None, counted
            if counted.locked_until is not None:
                audit.record(
                    session,
                    actor=audit.SYSTEM,
                    action="password.lock",
                    subject=f"person:{who.person_id}",
                    now=now,
                    details={"purpose": purpose.value},
                )
            password = stored.get(session, who.person_id, purpose, lock=False)
            return password.hash if password is not None else None, counted
