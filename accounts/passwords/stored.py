"""The stored hashes: setting them, sealing old ones, and which a person lacks."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from accounts import audit
from accounts.passwords import tries
from accounts.passwords.hashing import SEALED, Hasher
from accounts.tables import Password
from accounts.vocabulary import PasswordPurpose
from database import Database

_SEALED_TOGETHER = 500
"""Hashes sealed in one transaction."""


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
        password = get(session, person_id, purpose, lock=True) or Password(person_id=person_id, purpose=purpose)
        password.hash = hashed
        password.must_change = must_change
        password.changed_at = now
        session.add(password)
        tries.lift(session, person_id, purpose)
    audit.record(
        session,
        actor=by,
        action="password.set" if not must_change else "password.set_first",
        subject=f"person:{person_id}",
        now=now,
        details={"purposes": sorted(purpose.value for purpose in hashes)},
    )


def seal_stored(database: Database, hasher: Hasher) -> int:
    """Seal every hash that was stored before there was a pepper, or under an earlier one, and return how many.

    A little at a time: it may be stopped, and begun again.

    Raises:
        PepperError: what is sealed already lies under a pepper that the hasher does not know.
    """
    with database.read() as session:
        one = session.scalar(select(Password.hash).where(Password.hash.startswith(SEALED)).limit(1))
    if one is not None:
        hasher.require_opens(one)
    done, last = 0, None
    while True:
        with database.begin() as session:
            found = session.scalars(_find_to_seal(hasher, last)).all()
            for password in found:
                sealed = hasher.seal(password.hash)
                done += sealed != password.hash
                password.hash = sealed
            if not found:
                break
            last = (found[-1].person_id, found[-1].purpose)
    if done and not database.is_sqlite:
        # PostgreSQL keeps what was changed in the table's file until it writes the file anew.
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM FULL passwords")
    return done


def _find_to_seal(hasher: Hasher, last: tuple[UUID, PasswordPurpose] | None) -> Select[Password]:
    query = select(Password).order_by(Password.person_id, Password.purpose).limit(_SEALED_TOGETHER).with_for_update()
    if not hasher.knows_earlier_peppers:
        query = query.where(Password.hash.not_like(f"{SEALED}%"))
    if last is not None:
        query = query.where(tuple_(Password.person_id, Password.purpose) > last)
    return query


def find_missing(session: Session, person_id: UUID) -> frozenset[PasswordPurpose]:
    """Return the purposes the person has no password for."""
    there = session.scalars(select(Password.purpose).where(Password.person_id == person_id))
    return frozenset(PasswordPurpose) - frozenset(there)


def find_all(session: Session, person_id: UUID) -> Mapping[PasswordPurpose, bool]:
    """Return the purposes the person has a password for, each with whether it must be changed before it is used."""
    query = select(Password.purpose, Password.must_change).where(Password.person_id == person_id)
    return {row.purpose: row.must_change for row in session.execute(query)}


def withdraw_first(session: Session, person_id: UUID, *, set_at: datetime, by: str, now: datetime) -> None:
    """Take away the first passwords that were set at a time and never changed."""
    query = select(Password).where(
        Password.person_id == person_id, Password.must_change.is_(True), Password.changed_at == set_at
    )
    found = session.scalars(query).all()
    for password in found:
        session.delete(password)
    if found:
        audit.record(
            session,
            actor=by,
            action="password.withdraw_first",
            subject=f"person:{person_id}",
            now=now,
            details={"purposes": sorted(password.purpose.value for password in found)},
        )


def get(session: Session, person_id: UUID, purpose: PasswordPurpose, *, lock: bool) -> Password | None:
    """Return one of a person's passwords as it is stored now, locked against other writers if `lock`."""
    query = select(Password).filter_by(person_id=person_id, purpose=purpose).execution_options(populate_existing=True)
    return session.scalar(query.with_for_update() if lock else query)
