"""Reference photos: of an identity document, or of the admission. A person's photos are compared with them.

Only the sealed template is kept, never the picture, and it opens no gate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.people.authority import Acting
from database import Sealer
from enrollment import consent, templates
from enrollment.assessment import Engine, PhotoUnreadableError, embed_all
from enrollment.identity import IdentityFindings, max_similarity
from enrollment.photo import UnreadablePhotoError, decode
from enrollment.quality import report_unreadable
from enrollment.services import EnrollmentServices
from enrollment.tables import PhotoRecord, PhotoState, TemplateRecord, TemplateState
from models.template import Template
from web.problems import ProblemError


class ReferenceSource(StrEnum):
    """Where a reference photo comes from; a person has one of each at most."""

    ID_DOCUMENT = "id_document"
    ADMISSION = "admission"


class NoFaceError(ProblemError):
    """There is no face in the reference photo."""

    code = "reference_without_face"
    status = 422
    title = "No face was found in this photo: scan it again, larger"


class OwnReferenceError(ProblemError):
    """Staff do not hand in their own reference."""

    code = "own_reference"
    status = 403
    title = "A colleague must hand in your own reference"


class UnknownSourceError(ProblemError):
    """The form names no known source."""

    code = "reference_source_unknown"
    status = 422
    title = "Name the source in the form field `source`: id_document or admission"


@dataclass(frozen=True, slots=True)
class Compared:
    """How the person's approved photo compares with a new reference; both None without an approved photo."""

    similarity: float | None
    same_person: bool | None


def read_source(text: str | None) -> ReferenceSource:
    """Return the source that a form names.

    Raises:
        UnknownSourceError: it names none.
    """
    if text not in set(ReferenceSource):
        raise UnknownSourceError
    return ReferenceSource(text)


def hand_in(
    services: EnrollmentServices,
    person_id: UUID,
    content: bytes,
    source: ReferenceSource,
    *,
    acting: Acting,
    now: datetime,
) -> Compared:
    """Take a reference photo that somebody else hands in for a person, as API and pages both do it.

    Raises:
        OwnReferenceError, NoFaceError: see there.
        NotFoundError, enrollment.consent.ConsentMissingError: there is no such person, or without consent.
        enrollment.assessment.PhotoUnreadableError: the file cannot be opened.
    """
    if person_id == acting.person_id:
        raise OwnReferenceError
    with services.database.read() as session:
        # Nothing is measured of a face without consent.
        people.get(session, person_id)
        consent.require(session, person_id, services.consent_version)
    try:
        made = read_templates(content, services.engine, services.find_further_engines())
    except UnreadablePhotoError as error:
        raise PhotoUnreadableError(rules=report_unreadable(error).to_json()["rules"]) from error
    with services.database.begin() as session:
        people.get(session, person_id, lock=True)
        return put(
            session,
            services.sealer,
            person_id,
            made,
            source,
            engine=services.engine,
            further_engines=services.further_engines,
            consent_version=services.consent_version,
            by=audit.person_actor(acting.person_id),
            now=now,
        )


def count_people(session: Session) -> dict[str, int]:
    """Return how many people have a reference of each source."""
    rows = session.execute(
        select(TemplateRecord.source, func.count(TemplateRecord.person_id.distinct()))
        .where(TemplateRecord.state == TemplateState.REFERENCE)
        .group_by(TemplateRecord.source)
    ).all()
    found = dict(rows)
    return {source.value: found.get(source.value, 0) for source in ReferenceSource}


def read_templates(content: bytes, engine: Engine, further: Sequence[Engine] = ()) -> tuple[Template, ...]:
    """Return the templates of the largest face of a reference photo; a document's small second print is passed over.

    Raises:
        enrollment.photo.UnreadablePhotoError: the file cannot be opened.
        NoFaceError: there is no face in it.
    """
    photo = decode(content)
    made = embed_all(photo, engine.detect(photo.image), (engine, *further))
    if not made:
        raise NoFaceError
    return made


def put(
    session: Session,
    sealer: Sealer,
    person_id: UUID,
    made: Sequence[Template],
    source: ReferenceSource,
    *,
    engine: Engine,
    further_engines: Sequence[Engine] = (),
    consent_version: str,
    by: str,
    now: datetime,
) -> Compared:
    """Keep a person's reference in the place of an earlier one from the same source, and compare what is there.

    Photos that wait for a reviewer get the new finding; an approved photo stays as it is, and the answer says whether
    it shows the same person.

    Raises:
        enrollment.consent.ConsentMissingError: the person has not consented to the present notice.
    """
    consent.require(session, person_id, consent_version)
    withdraw(session, person_id, source=source, by=by, now=now)
    for template in made:
        templates.store(
            session, sealer, person_id, template, at=now, state=TemplateState.REFERENCE, source=source.value
        )
    audit.record(
        session,
        actor=by,
        action="reference.put",
        subject=f"person:{person_id}",
        now=now,
        details={"source": source.value},
    )
    session.flush()
    _compare_waiting(session, sealer, person_id, engine)
    for one in (engine, *further_engines):
        present = templates.load_active(session, sealer, one.model_id, [person_id]).get(person_id, ())
        references = [template for template in made if template.model_id == one.model_id]
        similarities = [max_similarity(mine, references) for mine in present]
        similarity = max((found for found in similarities if found is not None), default=None)
        if similarity is not None:
            return Compared(similarity, similarity >= one.threshold("verification"))
    return Compared(None, None)


def has_match(session: Session, sealer: Sealer, person_id: UUID, made: Sequence[Template], *, least: float) -> bool:
    """Say whether a person has a reference at least as like `made` as `least`, for each of its models."""
    for one in made:
        similarity = max_similarity(one, templates.load_references(session, sealer, one.model_id, person_id))
        if similarity is None or similarity < least:
            return False
    return True


def find_of_person(session: Session, person_id: UUID) -> Sequence[TemplateRecord]:
    """Return a person's references, the oldest first; one for each source and model."""
    return session.scalars(_select_standing(person_id).order_by(TemplateRecord.id)).all()


def withdraw(
    session: Session, person_id: UUID, *, by: str, now: datetime, source: ReferenceSource | None = None
) -> int:
    """Erase a person's references, all or those of one source, and return how many."""
    statement = _select_standing(person_id)
    if source is not None:
        statement = statement.where(TemplateRecord.source == source.value)
    records = session.scalars(statement).all()
    for record in records:
        record.state, record.sealed, record.withdrawn_at = TemplateState.WITHDRAWN, None, now
    if records:
        details = {"source": source.value if source else None}
        subject = f"person:{person_id}"
        audit.record(session, actor=by, action="reference.withdraw", subject=subject, now=now, details=details)
    return len(records)


def _select_standing(person_id: UUID) -> Select[TemplateRecord]:
    return select(TemplateRecord).where(
        TemplateRecord.person_id == person_id, TemplateRecord.state == TemplateState.REFERENCE
    )


def _compare_waiting(session: Session, sealer: Sealer, person_id: UUID, engine: Engine) -> None:
    references = templates.load_references(session, sealer, engine.model_id, person_id)
    waiting = session.execute(
        select(PhotoRecord, TemplateRecord.id)
        .join(TemplateRecord, TemplateRecord.photo_id == PhotoRecord.id)
        .where(
            PhotoRecord.person_id == person_id,
            PhotoRecord.state == PhotoState.IN_REVIEW,
            TemplateRecord.model_id == engine.model_id,
            TemplateRecord.state == TemplateState.CANDIDATE,
        )
    ).all()
    opened = templates.load_by_id(session, sealer, [template_id for _, template_id in waiting])
    for photo, template_id in waiting:
        if photo.identity is not None:
            findings = IdentityFindings.from_json(photo.identity)
            similarity = max_similarity(opened[template_id], references)
            photo.identity = findings.with_reference(similarity, threshold=engine.threshold("verification")).to_json()
