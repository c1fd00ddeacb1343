"""A person's own photos: hand in, look at, withdraw, ask for a reviewer."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from accounts import looks, people
from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from accounts.principals import Principal
from accounts.vocabulary import Role
from enrollment import consent, photos, upload
from enrollment.api.dependencies import EnrollmentDep, assessing
from enrollment.api.files import FILE_ERRORS, PhotoUnreadableError, form, read
from enrollment.api.shapes import PhotoOut
from enrollment.assessment import Assessment, assess, embed_all
from enrollment.lifecycle import StepError
from enrollment.photo import decode
from enrollment.services import EnrollmentServices
from enrollment.tables import PhotoRecord, PhotoState
from web.problems import NotFoundError, ProblemError, responses
from web.rate_limits import TooManyTriesError

router = APIRouter(prefix="/photos", tags=["photos"])


class TooManyPhotosError(ProblemError):
    """The person handed in as many photos as a day allows; `retry_after_s` says when to come back."""

    code = "too_many_photos"
    status = 429
    title = "Too many photos within a day; follow the advice of the last one, and come back tomorrow"


class PhotoList(BaseModel):
    """A person's photos."""

    items: list[PhotoOut]


@router.post(
    "",
    status_code=201,
    openapi_extra=form(),
    responses=responses(
        *PERSON_ERRORS,
        NotFoundError,
        consent.ConsentMissingError,
        people.AccountNotUsableError,
        TooManyPhotosError,
        *FILE_ERRORS,
    ),
)
async def hand_in(request: Request, services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> PhotoOut:
    """Hand in a photo of oneself. The answer holds the verdict, and the advice of each rule that failed."""
    _count(services, principal, now)
    content, _ = await read(request)
    return await assessing(services, _take, services, principal, content, now)


@router.get("", responses=responses(*PERSON_ERRORS))
def own_photos(services: EnrollmentDep, principal: PrincipalDep) -> PhotoList:
    """Return one's own photos, newest first."""
    with services.database.read() as session:
        found = photos.of_person(session, principal.person_id)
        return PhotoList(items=[PhotoOut.of(photo) for photo in found])


@router.get("/{photo_id}", responses=responses(*PERSON_ERRORS, NotFoundError))
def one_photo(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep) -> PhotoOut:
    """Return a photo of one's own, or, for reviewers, anyone's."""
    with services.database.read() as session:
        photo = _visible(photos.get(session, photo_id), principal)
    _note_look(services, photo, principal)
    return PhotoOut.of(photo)


@router.get(
    "/{photo_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **responses(*PERSON_ERRORS, NotFoundError)},
)
def picture(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep) -> Response:
    """Return the picture, while it is kept: until its approval, unless the campus keeps it longer."""
    with services.database.read() as session:
        photo = _visible(photos.get(session, photo_id), principal)
        content = photos.picture(session, services.sealer, photo_id)
    _note_look(services, photo, principal)
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/{photo_id}/review", responses=responses(*PERSON_ERRORS, NotFoundError, StepError))
async def ask_for_review(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> PhotoOut:
    """Bring a photo that the rules rejected before a reviewer."""
    return await assessing(services, _ask, services, principal, photo_id, now)


@router.delete("/{photo_id}", responses=responses(*PERSON_ERRORS, NotFoundError, StepError))
def withdraw(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> PhotoOut:
    """Withdraw a photo of one's own: its picture and its template are erased, and gates forget it."""
    with services.database.begin() as session:
        photo = _own(photos.get(session, photo_id, lock=True), principal)
        photos.withdraw(session, photo, by=principal.actor, now=now, why="withdrawn by the person")
        return PhotoOut.of(photo)


def _count(services: EnrollmentServices, principal: Principal, now: datetime) -> None:
    try:
        services.handed_in.take(str(principal.person_id), now)
    except TooManyTriesError as error:
        raise TooManyPhotosError(headers=error.headers, **error.members) from error


def _take(services: EnrollmentServices, principal: Principal, content: bytes, now: datetime) -> PhotoOut:
    with services.database.read() as session:
        consent.require(session, principal.person_id, services.consent_version)
        people.require_usable(people.get(session, principal.person_id), now)
    assessment: Assessment = assess(content, services.engine, services.checker, services.further_engines)
    if assessment.photo is None:
        raise PhotoUnreadableError(rules=assessment.report.to_json()["rules"])
    with services.database.begin() as session:
        # One of a person's photos at a time: the same file twice is one photo, and a withdrawal waits or is heeded.
        people.get(session, principal.person_id, lock=True)
        consent.require(session, principal.person_id, services.consent_version)
        identity = upload.identify(
            session,
            services.sealer,
            principal.person_id,
            assessment.templates,
            engine=services.engine,
            gallery=services.gallery,
        )
        photo = upload.take(
            session,
            services.sealer,
            principal.person_id,
            assessment,
            identity,
            by=principal.actor,
            now=now,
            uploaded_by=principal.person_id,
            with_thumbnail=services.with_thumbnails,
        )
        return PhotoOut.of(photo)


def _ask(services: EnrollmentServices, principal: Principal, photo_id: UUID, now: datetime) -> PhotoOut:
    with services.database.read() as session:
        upload.require_refused_by_rules(_own(photos.get(session, photo_id), principal))
        content = photos.picture(session, services.sealer, photo_id)
    photo = decode(content)
    faces = services.engine.detect(photo.image)
    made = embed_all(photo, faces, (services.engine, *services.further_engines))
    with services.database.begin() as session:
        record = _own(photos.get(session, photo_id, lock=True), principal)
        upload.ask_for_review(
            session,
            services.sealer,
            record,
            made,
            engine=services.engine,
            gallery=services.gallery,
            by=principal.actor,
            now=now,
        )
        return PhotoOut.of(record)


def _own(photo: PhotoRecord, principal: Principal) -> PhotoRecord:
    if photo.person_id != principal.person_id:
        raise NotFoundError("there is no photo with this id")
    return photo


def _note_look(services: EnrollmentServices, photo: PhotoRecord, principal: Principal) -> None:
    if photo.person_id != principal.person_id:
        subject, now = f"photo:{photo.id}", services.clock()
        looks.record(services.database, by=principal.person_id, action="photo.read", subject=subject, now=now)


def _visible(photo: PhotoRecord, principal: Principal) -> PhotoRecord:
    if principal.roles & {Role.REVIEWER, Role.ADMIN} and photo.state != PhotoState.WITHDRAWN:
        return photo
    return _own(photo, principal)
