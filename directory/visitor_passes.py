"""Visitor passes: one person, some gates, some hours, by face or by a code that is shown once."""

import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.credentials import code_digest
from accounts import audit
from accounts.people import changes
from accounts.tables import Person
from database import new_id
from directory.tables import GateRecord, VisitorPass
from web.problems import NotFoundError, ProblemError

LONGEST = timedelta(days=31)
CODE_LENGTH = 10
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0, O, 1, I and L: codes are read aloud and typed. Ten of them are 49 random bits."""


class PassState(StrEnum):
    """How a pass stands at a moment."""

    COMING = "coming"
    VALID = "valid"
    OVER = "over"
    ENDED = "ended"
    """Before its time, by whoever may end it."""


def state_of(row: VisitorPass, now: datetime) -> PassState:
    """Return how a pass stands at a moment."""
    if row.ended_at is not None:
        return PassState.ENDED
    if now >= row.valid_until:
        return PassState.OVER
    return PassState.COMING if now < row.valid_from else PassState.VALID


def make_code(*, digits_only: bool = False) -> str:
    """Return a fresh code: ten letters and digits, one of them past F, so that no reader takes it for a card's number.

    `digits_only` is for keypads without letters: ten digits are 33 random bits, which live for a month at most.
    """
    while True:
        code = "".join(secrets.choice(string.digits if digits_only else _ALPHABET) for _ in range(CODE_LENGTH))
        if digits_only or any(letter > "F" for letter in code):
            return code


class PassPeriodError(ProblemError):
    """The period of a pass is empty, over, or longer than a month."""

    code = "pass_period"
    status = 422
    title = "A pass ends after it begins, in the future, and lasts at most 31 days"


def issue(
    session: Session,
    *,
    person_id: UUID,
    gates: Sequence[str],
    valid_from: datetime,
    valid_until: datetime,
    with_code: bool,
    digits_only: bool = False,
    credential_key: bytes,
    by: str,
    now: datetime,
    pass_id: UUID | None = None,
) -> tuple[VisitorPass, str | None]:
    """Issue a pass; returns it and its code (`make_code`), of which only a digest is kept here.

    Raises:
        PassPeriodError: see there.
        NotFoundError: no such person, or no such gate.
    """
    if not now < valid_until or not valid_from < valid_until <= valid_from + LONGEST:
        raise PassPeriodError
    if session.get(Person, person_id) is None:
        raise NotFoundError("there is no such person")
    for gate in gates:
        if session.get(GateRecord, gate) is None:
            raise NotFoundError(f"there is no gate {gate!r}")
    code = make_code(digits_only=digits_only) if with_code else None
    one = VisitorPass(
        id=pass_id or new_id(),
        person_id=person_id,
        gates=sorted(set(gates)),
        valid_from=valid_from,
        valid_until=valid_until,
        code_digest=code_digest(credential_key, code) if code else None,
        issued_by=by,
        issued_at=now,
    )
    session.add(one)
    session.flush()
    changes.record(session, person_id)
    audit.record(
        session, actor=by, action="pass.issue", subject=f"pass:{one.id}", now=now, details={"gates": one.gates}
    )
    return one, code


def get(session: Session, pass_id: UUID) -> VisitorPass:
    """Return a pass.

    Raises:
        NotFoundError: no such pass.
    """
    one = session.get(VisitorPass, pass_id)
    if one is None:
        raise NotFoundError("there is no such pass")
    return one


def end(session: Session, pass_id: UUID, *, by: str, now: datetime) -> VisitorPass:
    """End a pass early; ending it twice is harmless.

    Raises:
        NotFoundError: no such pass.
    """
    one = get(session, pass_id)
    if one.ended_at is None:
        one.ended_at = now
        one.sealed_code = None
        session.flush()
        changes.record(session, one.person_id)
        audit.record(session, actor=by, action="pass.end", subject=f"pass:{one.id}", now=now)
    return one


def find(
    session: Session, *, person_id: UUID | None = None, after: UUID | None = None, limit: int = 50
) -> Sequence[VisitorPass]:
    """Return passes, the oldest first."""
    statement = select(VisitorPass).order_by(VisitorPass.id).limit(limit)
    if person_id is not None:
        statement = statement.where(VisitorPass.person_id == person_id)
    if after is not None:
        statement = statement.where(VisitorPass.id > after)
    return session.scalars(statement).all()


def find_latest(
    session: Session, *, valid_at: datetime | None = None, before: UUID | None = None, limit: int = 50
) -> Sequence[VisitorPass]:
    """Return passes, the newest first, from before the one with id `before`; `valid_at` leaves out what is over."""
    statement = select(VisitorPass).order_by(VisitorPass.id.desc()).limit(limit)
    if valid_at is not None:
        statement = statement.where(VisitorPass.ended_at.is_(None), VisitorPass.valid_until > valid_at)
    if before is not None:
        statement = statement.where(VisitorPass.id < before)
    return session.scalars(statement).all()
