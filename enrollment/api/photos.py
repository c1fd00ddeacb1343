"""A person's own photos: hand in, look at, withdraw, ask for a reviewer."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from accounts import people
from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from enrollment import consent, personal_photos, photos
from enrollment.api.dependencies import EnrollmentDep
from enrollment.lifecycle import StepError
from enrollment.personal_photos import TooManyPhotosError
from enrollment.photo_form import FILE_ERRORS, describe_form, read_form
from enrollment.schemas import PhotoOut
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/photos", tags=["photos"])


class PhotoList(BaseModel):
    """A person's photos."""

    items: list[PhotoOut]


@router.post(
    "",
    status_code=201,
    openapi_extra=describe_form(),
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
    personal_photos.count_upload(services, principal, now=now)
    content, _ = await read_form(request)
    return PhotoOut.of(await services.run_assessment(personal_photos.hand_in, services, principal, content, now))


@router.get("", responses=responses(*PERSON_ERRORS))
def own_photos(services: EnrollmentDep, principal: PrincipalDep) -> PhotoList:
    """Return one's own photos, newest first."""
    with services.database.read() as session:
        found = photos.find_of_person(session, principal.person_id)
        return PhotoList(items=[PhotoOut.of(photo) for photo in found])


@router.get("/{photo_id}", responses=responses(*PERSON_ERRORS, NotFoundError))
def one_photo(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep) -> PhotoOut:
    """Return a photo of one's own, or, for reviewers, anyone's."""
    return PhotoOut.of(personal_photos.read(services, principal, photo_id))


@router.get(
    "/{photo_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **responses(*PERSON_ERRORS, NotFoundError)},
)
def picture(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep) -> Response:
    """Return the picture, while it is kept: until its approval, unless the campus keeps it longer."""
    content = personal_photos.read_picture(services, principal, photo_id)
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/{photo_id}/review", responses=responses(*PERSON_ERRORS, NotFoundError, StepError))
async def ask_for_review(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> PhotoOut:
    """Bring a photo that the rules rejected before a reviewer."""
    return PhotoOut.of(
        await services.run_assessment(personal_photos.ask_for_review, services, principal, photo_id, now)
    )


@router.delete("/{photo_id}", responses=responses(*PERSON_ERRORS, NotFoundError, StepError))
def withdraw(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> PhotoOut:
    """Withdraw a photo of one's own: its picture and its template are erased, and gates forget it."""
    return PhotoOut.of(personal_photos.withdraw(services, principal, photo_id, now))
