"""What people do with their own photos, at the API and on the pages: hand in, read, ask for a review, withdraw.

Each is a transaction of its own. What opens a photo takes a core for up to a second: run it by
`EnrollmentServices.run_assessment`.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.audit import disclosures
from accounts.principals import Principal
from accounts.vocabulary import Role
from enrollment import consent, gate_photos, photo_pairs, photos, second_photo_invitation, upload
from enrollment.assessment import Assessment, PhotoUnreadableError, assess, embed_all
from enrollment.photo import decode
from enrollment.photo_pairs import PhotosDisagreeError, SamePhotoError
from enrollment.services import EnrollmentServices
from enrollment.tables import PhotoRecord, PhotoSlot, PhotoSource, PhotoState
from web.problems import NotFoundError, ProblemError
from web.rate_limits import TooManyTriesError

_UNLIKE = "unlike the first photo"


class TooManyPhotosError(ProblemError):
    """The person handed in as many photos as a day allows; `retry_after_s` says when to come back."""

    code = "too_many_photos"
    status = 429
    title = "Too many photos within a day; follow the advice of the last one, and come back tomorrow"


def count_upload(services: EnrollmentServices, person: Principal, *, now: datetime) -> None:
    """Count a photo that a person is about to hand in, whatever becomes of it.

    Raises:
        TooManyPhotosError: it is one too many for a day.
    """
    try:
        services.handed_in.count_try(str(person.person_id), now)
    except TooManyTriesError as error:
        raise TooManyPhotosError(headers=error.headers, **error.members) from error


def hand_in(
    services: EnrollmentServices,
    person: Principal,
    content: bytes,
    now: datetime,
    slot: PhotoSlot = PhotoSlot.FIRST,
) -> PhotoRecord:
    """Assess the file `content` and store it as a photo of its person: for a reviewer, or rejected with advice.

    Raises:
        ConsentMissingError: the person has not consented to the notice in force.
        AccountNotUsableError: the account is suspended, closed or outside its validity.
        PhotoUnreadableError: the file cannot be opened.
        FirstPhotoMissingError, SamePhotoError, PhotosDisagreeError: of a second photo; nothing of it is kept.
    """
    with services.database.read() as session:
        _require_wanted(session, services, person.person_id, slot, now)
    assessment = assess(content, services.engine, services.checker, services.find_further_engines())
    if assessment.photo is None:
        raise PhotoUnreadableError(rules=assessment.report.to_json()["rules"])
    try:
        with services.database.begin() as session:
            return _store(session, services, person, assessment, slot=slot, now=now)
    except PhotosDisagreeError:
        with services.database.begin() as session:
            _audit_disagreement(session, person, now)
        raise


def _require_wanted(
    session: Session, services: EnrollmentServices, person_id: UUID, slot: PhotoSlot, now: datetime
) -> None:
    consent.require(session, person_id, services.consent_version)
    people.require_usable(people.get(session, person_id), now)
    if slot is PhotoSlot.SECOND:
        photo_pairs.require_first(session, person_id)


def _store(
    session: Session,
    services: EnrollmentServices,
    person: Principal,
    assessment: Assessment,
    *,
    slot: PhotoSlot,
    now: datetime,
) -> PhotoRecord:
    # One of a person's photos at a time: the same file twice is one photo, and a withdrawal waits or is heeded.
    people.get(session, person.person_id, lock=True)
    consent.require(session, person.person_id, services.consent_version)
    first = photo_pairs.require_first(session, person.person_id) if slot is PhotoSlot.SECOND else None
    if first is not None and first.digest == assessment.digest:
        raise SamePhotoError
    identity = upload.identify(
        session,
        services.sealer,
        person.person_id,
        assessment.templates,
        models=services.compared_models,
        slot=slot,
    )
    photo = upload.store(
        session,
        services.sealer,
        person.person_id,
        assessment,
        identity,
        by=person.actor,
        now=now,
        uploaded_by=person.person_id,
        with_thumbnail=services.with_thumbnails,
        slot=slot,
    )
    if first is not None and photo.state == PhotoState.IN_REVIEW:
        photo_pairs.require_agreement(photo, first)
    return photo


def read(services: EnrollmentServices, reader: Principal, photo_id: UUID) -> PhotoRecord:
    """Return a photo of the reader's own, or, for reviewers, anyone's that was not withdrawn; that is audited.

    Raises:
        NotFoundError: there is none that the reader may see.
    """
    with services.database.read() as session:
        photo = _require_visible(photos.get(session, photo_id), reader)
    _audit_read(services, photo, reader)
    return photo


def read_picture(services: EnrollmentServices, reader: Principal, photo_id: UUID) -> bytes:
    """Return the picture of a photo as a JPEG, to whom `read` returns the photo; audited like it.

    Raises:
        NotFoundError: there is none that the reader may see, or it is not kept any more.
    """
    with services.database.read() as session:
        photo = _require_visible(photos.get(session, photo_id), reader)
        content = photos.read_picture(session, services.sealer, photo_id)
    _audit_read(services, photo, reader)
    return content


def ask_for_review(services: EnrollmentServices, person: Principal, photo_id: UUID, now: datetime) -> PhotoRecord:
    """Bring a photo of the person's own that the rules rejected before a reviewer.

    Raises:
        NotFoundError: they have no such photo, or its picture is not kept any more.
        StepError: a reviewer has decided already, or the photo is not rejected.
        FirstPhotoMissingError, PhotosDisagreeError: of a second photo; one that disagrees is erased.
    """
    with services.database.read() as session:
        upload.require_refused_by_rules(_require_own(photos.get(session, photo_id), person))
        content = photos.read_picture(session, services.sealer, photo_id)
    photo = decode(content)
    faces = services.engine.detect(photo.image)
    made = embed_all(photo, faces, (services.engine, *services.find_further_engines()))
    try:
        with services.database.begin() as session:
            record = _require_own(photos.get(session, photo_id, lock=True), person)
            upload.ask_for_review(
                session,
                services.sealer,
                record,
                made,
                models=services.compared_models,
                by=person.actor,
                now=now,
            )
    except PhotosDisagreeError:
        # It may show somebody else: nothing of it stays.
        with services.database.begin() as session:
            photos.withdraw(session, photos.get(session, photo_id, lock=True), by=person.actor, now=now, why=_UNLIKE)
            _audit_disagreement(session, person, now)
        raise
    return record


def decline_second(services: EnrollmentServices, person: Principal, now: datetime) -> None:
    """Note that the person does not want to be asked for a second photo; they may still give one."""
    with services.database.begin() as session:
        second_photo_invitation.decline(session, person.person_id, now=now)


def withdraw(services: EnrollmentServices, person: Principal, photo_id: UUID, now: datetime) -> PhotoRecord:
    """Withdraw a photo of the person's own: its picture and its template are erased, and gates forget it.

    With one that a gate took, the consent to that is withdrawn too.

    Raises:
        NotFoundError: they have no such photo.
        StepError: it was withdrawn already.
    """
    with services.database.begin() as session:
        photo = _require_own(photos.get(session, photo_id, lock=True), person)
        if photo.source == PhotoSource.GATE:
            # Or the gate would take the next one tomorrow.
            gate_photos.withdraw_consent(session, person.person_id, by=person.actor, now=now)
        else:
            photos.withdraw(session, photo, by=person.actor, now=now, why="withdrawn by the person")
    return photo


def _audit_disagreement(session: Session, person: Principal, now: datetime) -> None:
    subject = f"person:{person.person_id}"
    audit.record(session, actor=person.actor, action="photo.second_refused", subject=subject, now=now)


def _require_own(photo: PhotoRecord, person: Principal) -> PhotoRecord:
    if photo.person_id != person.person_id:
        raise NotFoundError("there is no photo with this id")
    return photo


def _require_visible(photo: PhotoRecord, reader: Principal) -> PhotoRecord:
    if reader.roles & {Role.REVIEWER, Role.ADMIN} and photo.state != PhotoState.WITHDRAWN:
        return photo
    return _require_own(photo, reader)


def _audit_read(services: EnrollmentServices, photo: PhotoRecord, reader: Principal) -> None:
    if photo.person_id != reader.person_id:
        subject, now = f"photo:{photo.id}", services.clock()
        disclosures.record(services.database, by=reader.person_id, action="photo.read", subject=subject, now=now)
