"""Consent to face recognition: separate from everything else, to one version of the notice, and withdrawable.

Without it no photo is taken; refusing or withdrawing it changes nothing else: cards and codes open the same gates.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from accounts import audit, people
from database import new_id
from enrollment import photos
from enrollment.tables import Consent, ConsentPurpose, ConsentRefusal
from web.problems import ProblemError


class ConsentMissingError(ProblemError):
    """The person has not consented to the present version of the notice."""

    code = "consent_missing"
    status = 403
    title = "Consent to face recognition is needed first"


class ConsentVersionError(ProblemError):
    """Consent was given to another version of the notice than the present one."""

    code = "consent_version"
    status = 409
    title = "The notice has changed; read the present version"


class ConsentStandsError(ProblemError):
    """The person consents to this version of the notice: that is withdrawn, not refused."""

    code = "consent_stands"
    status = 409
    title = "You have consented; withdraw your consent instead"


def find_current(
    session: Session, person_id: UUID, purpose: ConsentPurpose = ConsentPurpose.FACE_RECOGNITION
) -> Consent | None:
    """Return the person's consent to a purpose that was not withdrawn, the newest one."""
    return session.scalars(
        select(Consent)
        .where(Consent.person_id == person_id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
        .order_by(Consent.id.desc())
        .limit(1)
    ).first()


def find_all(session: Session, person_id: UUID) -> Sequence[Consent]:
    """Return every consent a person ever gave, to any purpose, oldest first."""
    return session.scalars(select(Consent).where(Consent.person_id == person_id).order_by(Consent.id)).all()


def has_refused(session: Session, person_id: UUID, version: str) -> bool:
    """Return whether a person said no to `version`, or took back their consent to it, and has not consented since."""
    standing = find_current(session, person_id)
    if standing is not None and standing.version == version:
        return False
    no = (
        exists().where(ConsentRefusal.person_id == person_id, ConsentRefusal.version == version),
        exists().where(
            Consent.person_id == person_id,
            Consent.purpose == ConsentPurpose.FACE_RECOGNITION,
            Consent.version == version,
            Consent.withdrawn_at.is_not(None),
        ),
    )
    return bool(session.scalar(select(or_(*no))))


def find_refusals(session: Session, person_id: UUID) -> Sequence[ConsentRefusal]:
    """Return every version that a person ever refused, oldest first."""
    query = select(ConsentRefusal).where(ConsentRefusal.person_id == person_id)
    return session.scalars(query.order_by(ConsentRefusal.id)).all()


def refuse(
    session: Session, person_id: UUID, version: str, evidence: dict[str, Any], *, present: str, by: str, now: datetime
) -> None:
    """Remember that a person says no to `version`; saying so again changes nothing.

    Raises:
        ConsentVersionError: `version` is not the `present` one.
        ConsentStandsError: they consent to it.
    """
    if version != present:
        raise ConsentVersionError(version=present)
    people.get(session, person_id, lock=True)
    standing = find_current(session, person_id)
    if standing is not None and standing.version == version:
        raise ConsentStandsError
    if session.scalar(select(ConsentRefusal.id).filter_by(person_id=person_id, version=version)) is not None:
        return
    session.add(ConsentRefusal(id=new_id(), person_id=person_id, version=version, refused_at=now, evidence=evidence))
    session.flush()
    subject, details = f"person:{person_id}", {"version": version}
    audit.record(session, actor=by, action="consent.refuse", subject=subject, now=now, details=details)


def require(session: Session, person_id: UUID, version: str) -> Consent:
    """Return the person's consent to the present `version`.

    Raises:
        ConsentMissingError: there is none, or only one to an older version.
    """
    consent = find_current(session, person_id)
    if consent is None or consent.version != version:
        raise ConsentMissingError(version=version)
    return consent


def give(
    session: Session, person_id: UUID, version: str, evidence: dict[str, Any], *, present: str, by: str, now: datetime
) -> Consent:
    """Record consent to `version`; consent to it that stands already is returned.

    Raises:
        ConsentVersionError: `version` is not the `present` one.
    """
    if version != present:
        raise ConsentVersionError(version=present)
    standing = find_current(session, person_id)
    if standing is not None and standing.version == version:
        return standing
    consent = Consent(id=new_id(), person_id=person_id, version=version, given_at=now, evidence=evidence)
    session.add(consent)
    session.flush()
    subject, details = f"person:{person_id}", {"consent": str(consent.id), "version": version}
    audit.record(session, actor=by, action="consent.give", subject=subject, now=now, details=details)
    return consent


def withdraw(session: Session, person_id: UUID, *, by: str, now: datetime) -> int:
    """Withdraw all consent: photos and templates are erased here and leave every gate; return the number of photos."""
    people.get(session, person_id, lock=True)
    standing = [consent for consent in find_all(session, person_id) if consent.withdrawn_at is None]
    for consent in standing:
        consent.withdrawn_at = now
        details = {"consent": str(consent.id)}
        subject = f"person:{person_id}"
        audit.record(session, actor=by, action="consent.withdraw", subject=subject, now=now, details=details)
    return photos.withdraw_all(session, person_id, by=by, now=now, why="consent withdrawn")
