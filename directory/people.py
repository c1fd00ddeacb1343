"""What gates must heed about a person beyond the account: a look-alike, more time at the door, a PIN."""

import itertools
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.credentials import CredentialError, pin_digest
from accounts import audit
from accounts.people import changes
from accounts.tables import Person
from directory.tables import GatePerson
from web.problems import NotFoundError, ProblemError


class InvalidPinError(ProblemError):
    """The PIN has the wrong form, or is one that everybody tries first."""

    code = "invalid_pin"
    status = 422
    title = "A PIN is 4 to 8 digits, not all alike and not in a row"


def set_needs(
    session: Session,
    person_id: UUID,
    *,
    needs_card_and_face: bool | None = None,
    extended_time: bool | None = None,
    by: str,
    now: datetime,
) -> GatePerson:
    """Set what is given; None leaves it.

    Raises:
        NotFoundError: no such person.
    """
    extra = get_for_change(session, person_id)
    if needs_card_and_face is not None:
        extra.needs_card_and_face = needs_card_and_face
    if extended_time is not None:
        extra.extended_time = extended_time
    _record_change(session, person_id, "gate_person.change", by, now)
    return extra


def set_pin(
    session: Session, person_id: UUID, pin: str | None, *, credential_key: bytes, by: str, now: datetime
) -> None:
    """Set or, with None, take away the PIN for gates that ask for card and PIN.

    Raises:
        InvalidPinError: it has the wrong form or is too easy.
        NotFoundError: no such person.
    """
    if pin is not None and _is_easy(pin):
        raise InvalidPinError
    try:
        digest = None if pin is None else pin_digest(credential_key, person_id, pin)
    except CredentialError as error:
        raise InvalidPinError(str(error)) from error
    get_for_change(session, person_id).pin_digest = digest
    _record_change(session, person_id, "gate_person.pin", by, now)


def has_pin(session: Session, person_id: UUID) -> bool:
    """Whether a person has a PIN for gates."""
    return session.scalar(select(GatePerson.pin_digest).where(GatePerson.person_id == person_id)) is not None


def withdraw_pin(session: Session, person_id: UUID, *, by: str, now: datetime) -> None:
    """Take the PIN away.

    Raises:
        NotFoundError: no such person.
    """
    get_for_change(session, person_id).pin_digest = None
    _record_change(session, person_id, "gate_person.pin", by, now)


def get_for_change(session: Session, person_id: UUID) -> GatePerson:
    """Return what is heeded about a person, to be changed.

    Raises:
        NotFoundError: no such person.
    """
    if session.get(Person, person_id) is None:
        raise NotFoundError("there is no such person")
    extra = session.get(GatePerson, person_id)
    if extra is None:
        extra = GatePerson(person_id=person_id, needs_card_and_face=False, extended_time=False)
        session.add(extra)
    return extra


def _record_change(session: Session, person_id: UUID, action: str, by: str, now: datetime) -> None:
    session.flush()
    changes.record(session, person_id)
    audit.record(session, actor=by, action=action, subject=f"person:{person_id}", now=now)


def _is_easy(pin: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(pin)}
    return steps in ({0}, {1}, {-1})
