"""A person's passwords: portal, query, consumption. Argon2id; five wrong tries lock that one where they come from.

Checking takes tens of milliseconds of hashing, which must not happen inside a writing transaction. So a try is booked
first (in a short transaction of its own, which also makes parallel guesses count), then hashed, then settled.
"""

import base64
import itertools
import os
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit, password_tries
from accounts.password_tries import Booked, Counted
from accounts.tables import Password, Person
from accounts.vocabulary import PasswordPurpose
from database import Database, Sealer, SealingError
from web.problems import ProblemError

_TOGETHER = 500
"""Hashes sealed in one transaction."""
_LEGIBLE = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


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


class WeakPasswordError(ProblemError):
    """The new password is too easy to guess, or is the old one."""

    code = "weak_password"
    status = 422
    title = "Choose another password"


SEALED = "sealed:"
_CONTEXT = b"password"


class PepperError(Exception):
    """A stored password is sealed under another key than the configured one: nobody could sign in."""

    def __init__(self) -> None:
        """Say which setting is meant."""
        super().__init__(
            "the stored passwords are sealed under another key: set CAMPUSGATE_PASSWORD_KEY (or "
            "CAMPUSGATE_TOKEN_SECRET, where the other was never set) to the one before"
        )


class Hasher:
    """Argon2id with bounded memory: no more hashes run at once than there are cores.

    With a `pepper` (32 bytes, from the settings) the hash is sealed under it: whoever has the database alone cannot try
    the million passwords of six digits.
    """

    def __init__(
        self, *, time_cost: int = 2, memory_kib: int = 19_456, parallelism: int = 1, pepper: bytes | None = None
    ) -> None:
        """Take the cost; the default is the smallest that OWASP's password storage cheat sheet names for Argon2id."""
        self._sealer = None if pepper is None else Sealer(pepper)
        argon2 = Argon2Hasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        self._hash = PasswordHash((argon2,))
        self._room = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
        self._nobody = self.hash("the password of nobody")

    def hash(self, password: str) -> str:
        """Return the hash to store."""
        with self._room:
            return self.sealed(self._hash.hash(password))

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether `password` is the one stored; takes as long when nothing is stored."""
        plain = self._opened(stored or self._nobody)
        with self._room:
            same = self._hash.verify(password, plain)
        return same and stored is not None

    def sealed(self, stored: str) -> str:
        """Return a stored hash sealed under the pepper, if it is not sealed already."""
        if self._sealer is None or stored.startswith(SEALED):
            return stored
        return SEALED + base64.b64encode(self._sealer.seal(stored.encode(), _CONTEXT)).decode()

    def require_opens(self, stored: str) -> None:
        """Check that a stored hash lies under this pepper, or under none.

        Raises:
            PepperError: it does not.
        """
        self._opened(stored)

    def _opened(self, stored: str) -> str:
        """Return the hash as Argon2 knows it.

        Raises:
            PepperError: it is sealed under another pepper, or there is none.
        """
        if not stored.startswith(SEALED):
            return stored
        try:
            if self._sealer is None:
                raise PepperError
            return self._sealer.open(base64.b64decode(stored.removeprefix(SEALED)), _CONTEXT).decode()
        except (SealingError, ValueError) as error:
            raise PepperError from error


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
        """Somebody who gave a number; `fits` is false when what they gave beside it is another person's."""
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

        `source` says where the try comes from, and `is_known` that its person was there before, see `password_tries`.
        Call it outside of any transaction.

        Raises:
            PasswordWrongError, PasswordLockedError, PasswordNotSetError: see there.
        """
        counted = Counted.of(who.whom, purpose, source, is_known=is_known)
        stored, booked = self._book(who, purpose, counted, now)
        same = self._hasher.verify(attempt, stored)
        if who.person_id is None or stored is None or not same:
            if booked.locked_until is not None:
                raise PasswordLockedError(locked_until=booked.locked_until)
            if who.person_id is not None and stored is None:
                raise PasswordNotSetError(purpose=purpose.value)
            raise PasswordWrongError(tries_left=booked.tries_left)
        with self._database.begin() as session:
            password = _get(session, who.person_id, purpose, lock=True)
            if password is None or password.hash != stored:
                # It was changed while we were hashing; what was right a moment ago is not any more.
                raise PasswordWrongError
            password_tries.was_right(session, counted, now=now)
            return Checked(password.must_change)

    def _book(
        self, who: Claimant, purpose: PasswordPurpose, counted: Counted, now: datetime
    ) -> tuple[str | None, Booked]:
        """Count a try before its outcome is known; returns the stored hash, if any, and what is left."""
        with self._database.begin() as session:
            try:
                booked = password_tries.book(session, counted, now=now)
            except password_tries.LockedError as error:
                raise PasswordLockedError(locked_until=error.until) from error
            if who.person_id is None:
                return None, booked
            if booked.locked_until is not None:
                audit.record(
                    session,
                    actor=audit.SYSTEM,
                    action="password.lock",
                    subject=f"person:{who.person_id}",
                    now=now,
                    details={"purpose": purpose.value},
                )
            password = _get(session, who.person_id, purpose, lock=False)
            return password.hash if password is not None else None, booked


def store(
    session: Session,
    person_id: UUID,
    hashes: Mapping[PasswordPurpose, str],
    *,
    must_change: bool,
    by: str,
    now: datetime,
) -> None:
    """Store hashed passwords, replacing what was there, and lift their locks."""
    for purpose, hashed in hashes.items():
        password = _get(session, person_id, purpose, lock=True) or Password(person_id=person_id, purpose=purpose)
        password.hash = hashed
        password.must_change = must_change
        password.changed_at = now
        session.add(password)
        password_tries.lift(session, person_id, purpose)
    audit.record(
        session,
        actor=by,
        action="password.set" if not must_change else "password.set_first",
        subject=f"person:{person_id}",
        now=now,
        details={"purposes": sorted(purpose.value for purpose in hashes)},
    )


def seal_stored(database: Database, hasher: Hasher) -> int:
    """Seal every hash that was stored before there was a pepper, and return how many; a little at a time.

    Raises:
        PepperError: what is sealed already lies under another pepper.
    """
    with database.read() as session:
        one = session.scalar(select(Password.hash).where(Password.hash.startswith(SEALED)).limit(1))
    if one is not None:
        hasher.require_opens(one)
    done = 0
    while True:
        with database.begin() as session:
            plain = select(Password).where(Password.hash.not_like(f"{SEALED}%")).limit(_TOGETHER).with_for_update()
            changed = 0
            for password in session.scalars(plain):
                sealed = hasher.sealed(password.hash)
                changed += sealed != password.hash
                password.hash = sealed
        if not changed:
            break
        done += changed
    if done and not database.is_sqlite:
        # PostgreSQL keeps what was changed in the table's file until it writes the file anew.
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM FULL passwords")
    return done


def missing(session: Session, person_id: UUID) -> frozenset[PasswordPurpose]:
    """Return the purposes the person has no password for."""
    there = session.scalars(select(Password.purpose).where(Password.person_id == person_id))
    return frozenset(PasswordPurpose) - frozenset(there)


def temporary(purpose: PasswordPurpose) -> str:
    """Return a random password for the counter to hand out: twelve letters and digits, or six digits for a keypad."""
    if purpose is PasswordPurpose.PORTAL:
        return "".join(secrets.choice(_LEGIBLE) for _ in range(12))
    return f"{secrets.randbelow(10**6):06}"


def require_strong(purpose: PasswordPurpose, new: str, *, current: str, number: str) -> None:
    """Check a new password: six digits for keypads, a sentence of eight characters or more for the portal.

    Raises:
        WeakPasswordError: with the reason.
    """
    if new == current:
        raise WeakPasswordError("the new password is the old one")
    if purpose is PasswordPurpose.PORTAL:
        if not 8 <= len(new) <= 128:
            raise WeakPasswordError("the portal's password has 8 to 128 characters")
        if len(set(new)) < 4 or number.casefold() in new.casefold():
            raise WeakPasswordError("the password repeats one character, or holds the account's number")
        return
    if not re.fullmatch(r"[0-9]{6}", new):
        raise WeakPasswordError("this password is six digits, for keypads")
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(new)}
    if (len(steps) == 1 and steps <= {0, 1, 9}) or new in number:
        raise WeakPasswordError("the digits are a row, all the same, or part of the account's number")


def _get(session: Session, person_id: UUID, purpose: PasswordPurpose, *, lock: bool) -> Password | None:
    query = select(Password).filter_by(person_id=person_id, purpose=purpose).execution_options(populate_existing=True)
    return session.scalar(query.with_for_update() if lock else query)
