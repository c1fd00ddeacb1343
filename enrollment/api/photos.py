"""A person's own photos: hand in, look at, withdraw, ask for a reviewer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from accounts import people
from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from enrollment import consent, personal_photos, photo_pairs, photos, second_photo_invitation
from enrollment.api.dependencies import EnrollmentDep
from enrollment.lifecycle import StepError
from enrollment.personal_photos import TooManyPhotosError
from enrollment.photo_form import FILE_ERRORS, describe_form, read_form
from enrollment.schemas import PhotoOut
from enrollment.tables import PhotoSlot
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/photos", tags=["photos"])

SECOND_ERRORS = (photo_pairs.FirstPhotoMissingError, photo_pairs.SamePhotoError, photo_pairs.PhotosDisagreeError)
"""Of routes that take a second photo."""


class PhotoList(BaseModel):
    """A person's photos, and whether they are asked for a second one: never once they have said no."""

    items: list[PhotoOut]
    second_wanted: bool


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
        *SECOND_ERRORS,
        *FILE_ERRORS,
    ),
)
async def hand_in(
    request: Request,
    services: EnrollmentDep,
    principal: PrincipalDep,
    now: NowDep,
    *,
    slot: Annotated[PhotoSlot, Query(description="second: beside the approved one, for a steadier template")] = (
        PhotoSlot.FIRST
    ),
) -> PhotoOut:
    """Hand in a photo of oneself. The answer holds the verdict, and the advice of each rule that failed.

    A second photo must show the same person as the first; otherwise it is refused, and nothing of it is kept.
    """
    personal_photos.count_upload(services, principal, now=now)
    content, _ = await read_form(request)
    return PhotoOut.of(await services.run_assessment(personal_photos.hand_in, services, principal, content, now, slot))


@router.get("", responses=responses(*PERSON_ERRORS))
def own_photos(services: EnrollmentDep, principal: PrincipalDep) -> PhotoList:
    """Return one's own photos, newest first."""
    with services.database.read() as session:
        found = photos.find_of_person(session, principal.person_id)
        wanted = second_photo_invitation.is_wanted(session, principal.person_id)
        return PhotoList(items=[PhotoOut.of(photo) for photo in found], second_wanted=wanted)


@router.post("/second/declined", status_code=204, responses=responses(*PERSON_ERRORS, NotFoundError))
def decline_second(services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> None:
    """Say that one does not want to be asked for a second photo; it may be handed in all the same."""
    personal_photos.decline_second(services, principal, now)


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


@router.post("/{photo_id}/review", responses=responses(*PERSON_ERRORS, NotFoundError, StepError, *SECOND_ERRORS))
async def ask_for_review(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> PhotoOut:
    """Bring a photo that the rules rejected before a reviewer."""
    return PhotoOut.of(
        await services.run_assessment(personal_photos.ask_for_review, services, principal, photo_id, now)
    )


@router.delete("/{photo_id}", responses=responses(*PERSON_ERRORS, NotFoundError, StepError))
def withdraw(photo_id: UUID, services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> PhotoOut:
    """Withdraw a photo of one's own: its picture and its template are erased, and gates forget it."""
    return PhotoOut.of(personal_photos.withdraw(services, principal, photo_id, now))
